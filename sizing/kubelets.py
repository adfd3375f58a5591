"""What a node leaves for pods: the machine, less what kubelet and kernel keep, less the cluster's own pods.

CPU in thousandths of a core, memory in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from .catalogue import InstanceType
from .quantity import GI, MI
from .sources import AKS, EKS, ESTIMATE, GKE, KARPENTER, PROJECT, Source

Flavour = Literal["eks", "gke", "aks", "any"]
"""Whose kubelet it is; `any`: a cluster of which only the nodes' size is known."""

SYSTEM_CPU = 700
SYSTEM_MEMORY = 3 * GI // 2
SYSTEM_PODS = 10
"""What the cluster's own pods take of each node: the upper end of the planning estimate for DaemonSets (network, proxy,
volumes, logs, telemetry). An ordinary cluster's DaemonSets take less, which leaves room for DNS, metrics-server and the
Ingress controller."""

MEMORY_OVERHEAD = 75
"""Thousandths of a machine's memory that firmware and kernel keep, so that no pod sees them."""

DEFAULT_MAX_PODS = 110
"""Kubernetes' own default. GKE has the same; on AKS it follows the network plugin, so the pool sets it."""
_EKS_CAP = {True: 110, False: 250}
"""Managed node groups, below 30 vCPU and from there on."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """CPU (thousandths of a core), memory (bytes) and pods of one node."""

    cpu: int
    memory: int
    pods: int


def allocatable(flavour: Flavour, *, cpu: int, memory_gib: int, instance: InstanceType | None = None) -> Room:
    """What the kubelet of a node with `cpu` vCPU and `memory_gib` GiB offers to pods, the cluster's own included.

    On EKS, `instance` gives the network interfaces that bound the pods. For `any` cluster it is the least that the three
    clouds' kubelets would offer.
    """
    if flavour == "any":
        rooms = [allocatable(each, cpu=cpu, memory_gib=memory_gib) for each in ("eks", "gke", "aks")]
        return Room(cpu=min(r.cpu for r in rooms), memory=min(r.memory for r in rooms), pods=DEFAULT_MAX_PODS)
    memory = memory_gib * GI - _lost(flavour, memory_gib)
    pods, addresses = _pods(flavour, cpu, instance)
    reserved_cpu, reserved_memory = _reserved(flavour, cpu, memory_gib, addresses)
    return Room(cpu=cpu * 1000 - reserved_cpu, memory=max(0, memory - reserved_memory), pods=pods)


def nominal_memory_mib(flavour: Flavour, *, cpu: int, memory_gib: int, instance: InstanceType | None = None) -> int:
    """Allocatable MiB if the whole nominal memory were the node's: what the vendors' own formulas give."""
    _, addresses = _pods(flavour, cpu, instance)
    return (memory_gib * GI - _reserved(flavour, cpu, memory_gib, addresses)[1]) // MI


def available(node: Room) -> Room:
    """What is left for W&B and ClickHouse when the cluster's own pods run."""
    return Room(
        cpu=max(0, node.cpu - SYSTEM_CPU),
        memory=max(0, node.memory - SYSTEM_MEMORY),
        pods=max(0, node.pods - SYSTEM_PODS),
    )


def source(flavour: Flavour) -> Source:
    """Who says what the kubelet keeps."""
    strictest = Source(PROJECT.document, "the least of what EKS, GKE and AKS would leave, for a cluster of any kind")
    return {"eks": EKS, "gke": GKE, "aks": AKS, "any": strictest}[flavour]


OVERHEAD_SOURCE = KARPENTER
SYSTEM_SOURCE = ESTIMATE


def _lost(flavour: Flavour, memory_gib: int) -> int:
    """Bytes of the nominal memory that no pod sees."""
    if flavour != "gke":
        return memory_gib * GI * MEMORY_OVERHEAD // 1000
    mib = memory_gib * 1024
    return int((mib / 64 + 16 + 64 + min(0.00175 * mib, 248)) * MI)


def _pods(flavour: Flavour, cpu: int, instance: InstanceType | None) -> tuple[int, int]:
    """How many pods a node takes, and how many the kubelet reserves memory for."""
    if flavour != "eks" or instance is None or instance.enis is None or instance.ips_per_eni is None:
        return DEFAULT_MAX_PODS, DEFAULT_MAX_PODS
    addresses = instance.enis * (instance.ips_per_eni - 1) + 2
    return min(addresses, _EKS_CAP[cpu < 30]), addresses


def _reserved(flavour: Flavour, cpu: int, memory_gib: int, pods: int) -> tuple[int, int]:
    """CPU and memory that the kubelet keeps for itself, the system, and eviction."""
    if flavour == "eks":
        return _tiered_cpu(cpu), (255 + 11 * pods + 100) * MI
    if flavour == "gke":
        return _tiered_cpu(cpu), _gke_memory(memory_gib) + 100 * MI
    return _aks_cpu(cpu), min((20 * pods + 50) * MI, memory_gib * GI // 4) + 100 * MI


def _tiered_cpu(cpu: int) -> int:
    """6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of every further one."""
    return 60 + 10 * min(cpu - 1, 1) + 5 * max(0, min(cpu, 4) - 2) + -(-5 * max(0, cpu - 4) // 2)


def _gke_memory(memory_gib: int) -> int:
    tiers, reserved, below = ((4, 25), (8, 20), (16, 10), (128, 6)), 0, 0
    for upto, percent in tiers:
        reserved += max(0, min(memory_gib, upto) - below) * GI * percent // 100
        below = upto
    return reserved + max(0, memory_gib - 128) * GI * 2 // 100


_AKS_CPU = ((1, 60), (2, 100), (4, 140), (8, 180), (16, 260), (32, 420), (64, 740))


def _aks_cpu(cpu: int) -> int:
    """From the table, straight lines between its rows and beyond the last two."""
    for (low, least), (high, most) in pairwise(_AKS_CPU):
        if cpu <= high or high == _AKS_CPU[-1][0]:
            return least + -(-(cpu - low) * (most - least) // (high - low))
    raise AssertionError("the last row ends the loop")
