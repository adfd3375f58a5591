"""The cluster autoscaler: adds nodes while pods wait for one, and removes those that are hardly used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.helm.v3 import Release

from .. import contracts
from . import policies, values
from .account import Account
from .identity import ControllerRole, ControllerRoleArgs
from .node_groups import ScalingGroup

NAMESPACE = "kube-system"
NAME = "cluster-autoscaler"
IMAGE_TAGS: Mapping[str, str] = {"1.34": "v1.34.5", "1.35": "v1.35.2", "1.36": "v1.36.1"}
"""Its newest release for each Kubernetes minor: it plays the scheduler, so it must be the same minor. Source: the images that
kubernetes/k8s.io promoted to registry.k8s.io on 2026-07-22 (pull request 9760)."""
RESOURCES = contracts.Resources(cpu_request="100m", memory_request="300Mi", memory_limit="600Mi")


@dataclass(frozen=True, kw_only=True)
class Autoscaler:
    """Which release of the cluster autoscaler, and where it comes from."""

    chart_version: str = "9.59.0"
    """Below 9.47.0 its ClusterRole lacks what newer releases of the program need, and nothing is ever scaled."""
    chart: str = "cluster-autoscaler"
    """A name in `repository`, or a whole `oci://` reference or path."""
    repository: str | None = "https://kubernetes.github.io/autoscaler"
    """None: `chart` says it all."""
    image: str = "registry.k8s.io/autoscaling/cluster-autoscaler"
    tag: str | None = None
    """None: the release for the cluster's Kubernetes minor, from `IMAGE_TAGS`."""

    def image_tag(self, version: str) -> str:
        """The tag of the image for a cluster of that Kubernetes minor. Raises `ValueError` if none is known."""
        if self.tag:
            return self.tag
        if version not in IMAGE_TAGS:
            known = ", ".join(IMAGE_TAGS)
            raise ValueError(f"autoscaler: no release is known for Kubernetes {version}, only for {known}; set its tag")
        return IMAGE_TAGS[version]


@dataclass(frozen=True, kw_only=True)
class ClusterAutoscalerArgs:
    """The autoscaler of one cluster."""

    account: Account
    provider: Provider
    """For the cluster."""
    eks: values.EKS
    cluster: str
    """The cluster's name, as text: what the autoscaler may change is told by it."""
    version: str
    """The Kubernetes minor."""
    groups: Sequence[ScalingGroup]
    release: Autoscaler = field(default_factory=Autoscaler)
    needs: Sequence[pulumi.Resource] = ()
    """What its pod needs: nodes, DNS, the Pod Identity agent where there is one."""


class ClusterAutoscaler(pulumi.ComponentResource):
    """The cluster autoscaler by its Helm chart, with a role that reaches this cluster's groups alone."""

    release: Release

    def __init__(self, name: str, args: ClusterAutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:ClusterAutoscaler", name, {}, opts)
        account = args.account
        policy = policies.autoscaler(
            partition=account.partition, region=account.region, account_id=account.id, cluster=args.cluster
        )
        role = ControllerRole(
            f"{name}-role",
            ControllerRoleArgs(
                account=account,
                eks=args.eks,
                namespace=NAMESPACE,
                service_account=NAME,
                policies={"autoscaler": policies.text(lambda: policy)},
            ),
            pulumi.ResourceOptions(parent=self),
        )
        chart = args.release
        self.release = Release(
            f"{name}-release",
            # a name of its own: under Pulumi's random one, an install that was cut off is not found again
            name=NAME,
            namespace=NAMESPACE,
            chart=chart.chart,
            version=chart.chart_version,
            repository_opts={"repo": chart.repository} if chart.repository else None,
            values=chart_values(args, role.annotations),
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=[*args.needs, *role.ready]),
        )
        self.register_outputs({"release": self.release.name})


def chart_values(args: ClusterAutoscalerArgs, annotations: Mapping[str, pulumi.Input[str]]) -> dict[str, Any]:
    """The values of the chart. Source: values.yaml of chart 9.59.0, and the autoscaler's FAQ for its arguments.

    Groups are named one by one, with their pools' limits. Found by their tags instead, they would have the limits of the
    EC2 groups, which this package leaves wide; see `nodes.sizes`. `annotations` are those of the ServiceAccount.
    """
    account: dict[str, Any] = {"create": True, "name": NAME}
    if annotations:
        account["annotations"] = dict(annotations)
    spot = [group.name for group in args.groups if group.spot]
    tree: dict[str, Any] = {
        "fullnameOverride": NAME,
        "cloudProvider": "aws",
        # its pod cannot ask the node's metadata
        "awsRegion": args.account.region,
        "autoscalingGroups": [
            {"name": group.name, "minSize": group.least, "maxSize": group.most} for group in args.groups
        ],
        "image": {"repository": args.release.image, "tag": args.release.image_tag(args.version)},
        "rbac": {"serviceAccount": account},
        "podDisruptionBudget": {"maxUnavailable": 1},
        "priorityClassName": "system-cluster-critical",
        "resources": RESOURCES.manifest(),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containerSecurityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "extraArgs": {
            # a raised count takes effect without a pod that waits
            "enforce-node-group-min-size": True,
            # zones alike, so that no zone's loss takes most of the nodes
            "balance-similar-node-groups": True,
            "expander": "priority,least-waste" if spot else "least-waste",
            # W&B's caches are emptyDirs: nodes would otherwise never be given back
            "skip-nodes-with-local-storage": False,
            "skip-nodes-with-system-pods": False,
        },
    }
    if spot:
        tree["expanderPriorities"] = _priorities(spot)
    return tree


def _priorities(spot: Sequence[pulumi.Input[str]]) -> dict[str, list[pulumi.Input[str]]]:
    """A pod that may run on spot nodes gets one of those, as long as AWS has any. Regular expressions, by priority."""
    return {"20": [pulumi.Output.concat("^", name, "$") for name in spot], "10": [".*"]}
