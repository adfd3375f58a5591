"""Which node group would take a pod that finds no room. Pure.

The real one asks the scheduler's own code; this one looks at what W&B's and ClickHouse's pods use: requests, node selector,
taints, and the zone of volumes that are bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from ...usage import requests

Object = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A node group, and what one more node of it would be."""

    name: str
    nodes: int
    most: int
    labels: Mapping[str, str]
    taints: tuple[Mapping[str, str], ...]
    """In Kubernetes' words."""
    cpu: int
    """Thousandths of a core that a node has for pods, without what its DaemonSets take."""
    memory: int
    """Bytes, likewise."""


def waiting(pods: Iterable[Object]) -> list[Object]:
    """The pods that the scheduler finds no node for, the largest first."""
    found = [pod for pod in pods if _unschedulable(pod)]
    return sorted(found, key=lambda pod: requests(pod, "cpu"), reverse=True)


def choose(pod: Object, candidates: Iterable[Candidate], zone: str | None) -> Candidate | None:
    """The group that takes the pod with the least waste, the smaller group where two are equal; None: none does."""
    fitting = [each for each in candidates if each.nodes < each.most and _fits(pod, each, zone)]
    return min(fitting, key=lambda each: (each.cpu, each.nodes), default=None)


def _unschedulable(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return not pod["spec"].get("nodeName") and any(
        each["type"] == "PodScheduled" and each["status"] == "False" and each.get("reason") == "Unschedulable"
        for each in conditions
    )


def _fits(pod: Object, group: Candidate, zone: str | None) -> bool:
    spec = pod["spec"]
    if requests(pod, "cpu") * 1000 > group.cpu or requests(pod, "memory") > group.memory:
        return False
    if zone and group.labels.get("topology.kubernetes.io/zone") != zone:
        return False
    if any(group.labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    return all(_tolerated(taint, spec.get("tolerations") or ()) for taint in group.taints)


def _tolerated(taint: Mapping[str, str], tolerations: Iterable[Mapping[str, Any]]) -> bool:
    if taint["effect"] == "PreferNoSchedule":
        return True
    for each in tolerations:
        effect = each.get("effect") in (None, "", taint["effect"])
        key = each.get("key") in (None, "", taint["key"])
        value = each.get("operator") == "Exists" or each.get("value", "") == taint.get("value", "")
        if effect and key and value:
            return True
    return False


def room(allocatable: Mapping[str, str], daemons: Iterable[Object]) -> tuple[int, int]:
    """CPU and memory of a node for ordinary pods, less the DaemonSets' pods that it will have."""
    cpu, memory = parse_quantity(allocatable["cpu"]) * 1000, parse_quantity(allocatable["memory"])
    for pod in daemons:
        cpu -= requests(pod, "cpu") * 1000
        memory -= requests(pod, "memory")
    return int(cpu), int(memory)
