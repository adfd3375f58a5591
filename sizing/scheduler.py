"""A model of kube-scheduler with its default settings: which node takes a pod, and when none does.

The scheduler spreads pods; it does not pack them. So whether pods fit depends on the order in which they come, and that
order is not fixed. `place` plays one order; whoever wants to claim that pods fit plays many.

What is modelled, after Kubernetes 1.35: requests against what nodes have available, pods of a node, required
anti-affinity by node, strict spreading over zones, node pools that others cannot use; and the scores of
NodeResourcesFit (LeastAllocated), NodeResourcesBalancedAllocation and PodTopologySpread (weight 2) with its default
constraints. What is not: images that are on a node already, preemption, volumes that are bound to a zone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from .kubelets import Room
from .pods import Pod

_HOST_SKEW = 3
_ZONE_SKEW = 5
_STRICT_ZONES = 3
"""From so many zones on, pods that are kept apart are spread over them strictly."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Equal nodes, with what each has available."""

    name: str
    count: int
    room: Room
    zones: int


@dataclass(slots=True, eq=False)
class Node:
    """A node and what is on it."""

    name: str
    pool: str
    zone: int
    room: Room
    cpu: int = 0
    memory: int = 0
    pods: list[Pod] = field(default_factory=list)
    owners: dict[str, int] = field(default_factory=dict)

    def takes(self, pod: Pod) -> bool:
        """Whether the pod's requests and its wish to be apart allow it here; zones are looked at elsewhere."""
        room = self.room
        return (
            self.pool == pod.pool
            and self.cpu + pod.cpu <= room.cpu
            and self.memory + pod.memory <= room.memory
            and len(self.pods) < room.pods
            and not (pod.apart and self.owners.get(pod.owner))
        )

    def add(self, pod: Pod) -> None:
        """Put the pod here."""
        self.cpu += pod.cpu
        self.memory += pod.memory
        self.pods.append(pod)
        self.owners[pod.owner] = self.owners.get(pod.owner, 0) + 1

    def copy(self) -> Node:
        """The same with lists of its own."""
        return Node(
            self.name, self.pool, self.zone, self.room, self.cpu, self.memory, self.pods.copy(), self.owners.copy()
        )

    def remove(self, pod: Pod) -> None:
        """Take the pod away."""
        self.cpu -= pod.cpu
        self.memory -= pod.memory
        self.pods.remove(pod)
        self.owners[pod.owner] -= 1


class Cluster:
    """Nodes that pods are placed on, one after the other."""

    def __init__(self, pools: Iterable[Pool], chance: random.Random | None = None) -> None:
        self._pools = {pool.name: pool for pool in pools}
        self.nodes: list[Node] = []
        self.chance = chance
        for pool in self._pools.values():
            for _ in range(pool.count):
                self.grow(pool.name)

    def grow(self, name: str) -> Node:
        """One more node in the pool, in the zone whose turn it is."""
        pool, number = self._pools[name], self.size(name)
        node = Node(f"{name}-{number}", name, number % pool.zones, pool.room)
        self.nodes.append(node)
        return node

    def size(self, name: str) -> int:
        """Nodes in the pool."""
        return sum(node.pool == name for node in self.nodes)

    def copy(self) -> Cluster:
        """The same nodes with the same pods, to try something on; its chances go on from here independently."""
        chance = None
        if self.chance:
            chance = random.Random(0)
            chance.setstate(self.chance.getstate())
        twin = Cluster((), chance)
        twin._pools = self._pools
        twin.nodes = [node.copy() for node in self.nodes]
        return twin

    def place(self, pod: Pod) -> Node | None:
        """Put the pod where the scheduler would, among equals by chance; None: nowhere, it stays Pending."""
        nodes = self.candidates(pod)
        if not nodes:
            return None
        equals = nodes if len(nodes) == 1 else self._best(pod, nodes)
        node = self.chance.choice(equals) if self.chance else equals[0]
        node.add(pod)
        return node

    def candidates(self, pod: Pod) -> list[Node]:
        """The nodes that may take the pod now."""
        nodes = [node for node in self.nodes if node.takes(pod)]
        if not pod.apart or not nodes or self._pools[pod.pool].zones < _STRICT_ZONES:
            return nodes
        counts = _by_zone(pod.owner, [node for node in self.nodes if node.pool == pod.pool])
        least = min(counts.values())
        return [node for node in nodes if counts[node.zone] <= least]

    def _best(self, pod: Pod, nodes: Sequence[Node]) -> list[Node]:
        """The nodes with the highest score."""
        spread = self._spread(pod, nodes)
        best, equals = -1, []
        for index, node in enumerate(nodes):
            score = _resource_score(pod, node)
            if spread:
                score += 2 * spread[index]
            if score > best:
                best, equals = score, [node]
            elif score == best:
                equals.append(node)
        return equals

    def _spread(self, pod: Pod, nodes: Sequence[Node]) -> list[int] | None:
        """The score for spreading; None where it is the same for all nodes."""
        owner = pod.owner
        if pod.job or (pod.apart and self._pools[pod.pool].zones >= _STRICT_ZONES):
            return None
        zones: dict[int, int] = {}
        for node in self.nodes:
            if owner in node.owners:
                zones[node.zone] = zones.get(node.zone, 0) + node.owners[owner]
        if not zones:
            return None
        zone_weight = _weight(len({node.zone for node in nodes}))
        raw = [zones.get(node.zone, 0) * zone_weight + _ZONE_SKEW - 1 for node in nodes]
        if not pod.apart:
            host_weight = _weight(len(nodes))
            raw = [
                score + node.owners.get(owner, 0) * host_weight + _HOST_SKEW - 1
                for node, score in zip(nodes, raw, strict=True)
            ]
        scores = [round(score) for score in raw]
        most, least = max(scores), min(scores)
        return [100 * (most + least - score) // most for score in scores]


@cache
def _weight(domains: int) -> float:
    return math.log(domains + 2)


def _by_zone(owner: str, nodes: Iterable[Node]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for node in nodes:
        counts[node.zone] = counts.get(node.zone, 0) + node.owners.get(owner, 0)
    return counts


def _resource_score(pod: Pod, node: Node) -> int:
    """LeastAllocated, and BalancedAllocation."""
    room, cpu, memory = node.room, node.cpu + pod.cpu, node.memory + pod.memory
    free = (room.cpu - cpu) * 100 // room.cpu + (room.memory - memory) * 100 // room.memory
    return free // 2 + int((1 - abs(cpu / room.cpu - memory / room.memory) / 2) * 100)


def install(cluster: Cluster, pods: Iterable[Pod], order: random.Random | None) -> Pod | None:
    """Place the pods of an installation stage by stage; the first that finds no room, or None.

    `order` shuffles the pods of a stage; None: as they are given. Jobs give their room back when their stage is over.
    """
    for stage in _by_stage(pods):
        if order:
            order.shuffle(stage)
        done: list[tuple[Node, Pod]] = []
        for pod in stage:
            node = cluster.place(pod)
            if node is None:
                return pod
            if pod.job:
                done.append((node, pod))
        for node, pod in done:
            node.remove(pod)
    return None


def _by_stage(pods: Iterable[Pod]) -> list[list[Pod]]:
    stages: dict[int, list[Pod]] = {}
    for pod in pods:
        stages.setdefault(pod.stage, []).append(pod)
    return [stages[stage] for stage in sorted(stages)]
