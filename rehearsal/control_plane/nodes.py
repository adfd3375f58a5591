"""The cluster that a rehearsal finds: nodes, a default StorageClass, an IngressClass.

On a real cluster these are there before the stack is; here they are made before `up` and are no part of it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Manifest = dict[str, Any]

MANAGED = {"app.kubernetes.io/managed-by": "rehearsal"}

PROVISIONER = "rehearsal-local"
DEFAULT_STORAGE_CLASS = "standard"
DEFAULT_INGRESS_CLASS = "nginx"

REGION = "rehearsal"

NODE_GROUP = "eks.amazonaws.com/nodegroup"
"""Label that EKS puts on the nodes of a managed node group, with the group's name."""


@dataclass(frozen=True, kw_only=True)
class NodeShape:
    """A pool of equal nodes. Quantities are Kubernetes' ("3920m", "14Gi")."""

    count: int
    cpu: str
    """Allocatable CPU of one node."""
    memory: str
    """Allocatable memory of one node."""
    pods: int = 110
    """Kubernetes' own default (kubelet `maxPods`)."""
    ephemeral_storage: str = "100Gi"
    capacity_cpu: str | None = None
    """CPU of the machine; None: all of it is allocatable."""
    capacity_memory: str | None = None
    """Memory of the machine; None: all of it is allocatable."""
    zones: tuple[str, ...] = (f"{REGION}-a",)
    """The nodes are dealt out over these zones in turn."""
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()
    """As in `spec.taints`."""
    name: str = "node"
    """Nodes are called `<name>-<number>`."""

    def nodes(self) -> list[Manifest]:
        """The nodes, each with its `status`, which the API server takes only through the status subresource."""
        return [self._node(number) for number in range(self.count)]

    def _node(self, number: int) -> Manifest:
        name = f"{self.name}-{number}"
        labels = {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "topology.kubernetes.io/region": REGION,
            "topology.kubernetes.io/zone": self.zones[number % len(self.zones)],
        }
        room = {
            "cpu": self.cpu,
            "memory": self.memory,
            "pods": str(self.pods),
            "ephemeral-storage": self.ephemeral_storage,
        }
        capacity = room | {"cpu": self.capacity_cpu or self.cpu, "memory": self.capacity_memory or self.memory}
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels | dict(self.labels) | MANAGED},
            "spec": {"providerID": f"kwok://{name}", "taints": [dict(taint) for taint in self.taints]},
            "status": {"capacity": capacity, "allocatable": room},
        }


def storage_class(name: str = DEFAULT_STORAGE_CLASS) -> Manifest:
    """The cluster's default class. Volumes exist as objects alone: nothing stores bytes behind them."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": name,
            "labels": MANAGED,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
        "reclaimPolicy": "Delete",
    }


def ingress_class(name: str = DEFAULT_INGRESS_CLASS) -> Manifest:
    """An IngressClass with no controller behind it: nothing routes traffic."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": name, "labels": MANAGED},
        "spec": {"controller": "rehearsal.local/none"},
    }


def ready_status(room: Mapping[str, Any], version: str) -> Manifest:
    """The status of a healthy node with the given capacity and allocatable, as its kubelet would report it."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    healthy = {
        "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
        "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    }
    times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    conditions = [
        {"type": kind, "status": status, "reason": reason, "message": message} | times
        for kind, (status, reason, message) in healthy.items()
    ]
    return {
        **room,
        "conditions": conditions,
        "phase": "Running",
        "nodeInfo": {
            "architecture": "amd64",
            "operatingSystem": "linux",
            "osImage": "simulated by kwok",
            "containerRuntimeVersion": "kwok://simulated",
            "kernelVersion": "simulated",
            "kubeletVersion": version,
            "kubeProxyVersion": version,
            "machineID": "",
            "systemUUID": "",
            "bootID": "",
        },
    }


def all_nodes(pools: Iterable[NodeShape]) -> list[Manifest]:
    """The nodes of all pools. Raises ValueError when two pools would make a node of the same name."""
    nodes = [node for pool in pools for node in pool.nodes()]
    names = [node["metadata"]["name"] for node in nodes]
    if len(set(names)) != len(names):
        raise ValueError(f"two pools make nodes of the same name: {sorted(names)}")
    return nodes


def stages() -> list[Manifest]:
    """kwok's stages for nodes: one that was found unready recovers, as when its machine has slept.

    A node of an EKS node group is left to the kubelet stand-in, since it is ready only while its network plugin is.
    """
    recover = {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": "node-recover"},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Node"},
            "selector": {
                "matchExpressions": [
                    {
                        "key": '.status.conditions.[] | select( .type == "Ready" ) | .status',
                        "operator": "NotIn",
                        "values": ["True"],
                    },
                    {"key": f'.metadata.labels["{NODE_GROUP}"]', "operator": "DoesNotExist"},
                ]
            },
            "next": {"statusTemplate": _RECOVERED},
        },
    }
    return [recover]


_RECOVERED = """\
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
  message: {{ .message | Quote }}
  reason: {{ .reason | Quote }}
  status: {{ .status | Quote }}
  type: {{ .type | Quote }}
{{ end }}
phase: Running
"""
