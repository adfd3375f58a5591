"""What EKS' add-ons and this project's controllers ask for, which the estimate for the cluster's own pods must cover.

Sources: the manifests of each add-on at its default configuration (charts aws-vpc-cni, aws-ebs-csi-driver and
eks-pod-identity-agent; EKS' own of coredns, kube-proxy and metrics-server), and what this project gives the AWS Load
Balancer Controller and the cluster autoscaler, whose charts set nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from .quantity import MI


@dataclass(frozen=True, kw_only=True)
class Addon:
    """The pods of one add-on. CPU in thousandths of a core, memory in bytes, of one pod."""

    name: str
    cpu: int
    memory: int
    replicas: int | None
    """None: one on every node, tainted ones too; else pods that spread over the untainted nodes."""


EKS = (
    Addon(name="aws-node", cpu=50, memory=0, replicas=None),
    Addon(name="kube-proxy", cpu=100, memory=0, replicas=None),
    Addon(name="ebs-csi-node", cpu=30, memory=120 * MI, replicas=None),
    Addon(name="eks-pod-identity-agent", cpu=0, memory=0, replicas=None),
    Addon(name="coredns", cpu=100, memory=70 * MI, replicas=2),
    Addon(name="metrics-server", cpu=100, memory=200 * MI, replicas=2),
    Addon(name="ebs-csi-controller", cpu=60, memory=240 * MI, replicas=2),
    Addon(name="aws-load-balancer-controller", cpu=100, memory=200 * MI, replicas=2),
    Addon(name="cluster-autoscaler", cpu=100, memory=300 * MI, replicas=1),
)
"""Containers of one pod are added up: two of aws-node at 25m; three of ebs-csi-node and six of its controller at 10m and
40Mi."""


def daemons() -> tuple[int, int, int]:
    """CPU, memory and pods that every node gives to DaemonSets."""
    return _total([each for each in EKS if each.replicas is None])


def crowded() -> tuple[int, int, int]:
    """CPU, memory and pods of a node with the DaemonSets and one pod of everything else."""
    return _total(EKS)


def _total(addons: list[Addon] | tuple[Addon, ...]) -> tuple[int, int, int]:
    return sum(each.cpu for each in addons), sum(each.memory for each in addons), len(addons)
