"""What pods request of the nodes that they run on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

GIB = Decimal(1024**3)


@dataclass(frozen=True, kw_only=True)
class NodeUse:
    """One node, what it can allocate and what its pods request. CPU in cores, memory in GiB."""

    name: str
    zone: str
    cpu: Decimal
    memory: Decimal
    pods: tuple[str, ...]
    """namespace/name"""
    requested_cpu: Decimal
    requested_memory: Decimal


def requests(pod: Mapping[str, Any], resource: str) -> Decimal:
    """What the scheduler counts for a pod: the larger of all containers together and the largest start-up step.

    Source: Kubernetes' documentation, "Resource sharing within containers" of init and sidecar containers.
    """
    spec = pod["spec"]

    def of(container: Mapping[str, Any]) -> Decimal:
        return parse_quantity(((container.get("resources") or {}).get("requests") or {}).get(resource, 0))

    sidecars, peak = Decimal(0), Decimal(0)
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            sidecars += of(container)
            peak = max(peak, sidecars)
        else:
            peak = max(peak, sidecars + of(container))
    steady = sidecars + sum((of(container) for container in spec["containers"]), Decimal(0))
    return max(steady, peak) + parse_quantity((spec.get("overhead") or {}).get(resource, 0))


def node_uses(nodes: Iterable[Mapping[str, Any]], pods: Sequence[Mapping[str, Any]]) -> Iterator[NodeUse]:
    """What runs where, by node. Pods that have ended hold nothing and are left out."""
    running = [pod for pod in pods if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]
    for node in nodes:
        name = node["metadata"]["name"]
        here = [pod for pod in running if pod["spec"].get("nodeName") == name]
        allocatable = node["status"]["allocatable"]
        yield NodeUse(
            name=name,
            zone=node["metadata"].get("labels", {}).get("topology.kubernetes.io/zone", ""),
            cpu=parse_quantity(allocatable["cpu"]),
            memory=parse_quantity(allocatable["memory"]) / GIB,
            pods=tuple(sorted(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in here)),
            requested_cpu=sum((requests(pod, "cpu") for pod in here), Decimal(0)),
            requested_memory=sum((requests(pod, "memory") for pod in here), Decimal(0)) / GIB,
        )
