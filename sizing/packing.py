"""Whether pods find room, whatever the order in which they come: many orders are played through."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from . import scheduler
from .pods import Pod, Pods
from .scheduler import Cluster, Pool

ROUNDS = 64
"""Orders of arrival that are played: first that of the chart, then random ones, the same each time."""
_MOST_NODES = 1000


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A pod that found no room."""

    pod: Pod
    when: str
    """What was going on, such as "at rest"."""


def _orders() -> Iterator[random.Random | None]:
    yield None
    for seed in range(1, ROUNDS):
        yield random.Random(seed)


class _Rounds:
    """One installation in every order that is tried.

    A round is played when somebody first wants it and kept for the next question, because whether pods fit at rest, in
    turns and all at once is asked of the same installation.
    """

    def __init__(self, pools: Sequence[Pool], base: Sequence[Pod]) -> None:
        self._pools, self._base, self._orders = pools, base, _orders()
        self._played: list[tuple[Cluster, Pod | None]] = []

    def __iter__(self) -> Iterator[tuple[Cluster, Pod | None]]:
        """Each round: the cluster afterwards, and the first pod that found no room. Who changes the cluster copies it."""
        for index in range(ROUNDS):
            if index == len(self._played):
                order = next(self._orders)
                cluster = Cluster(self._pools, order)
                self._played.append((cluster, scheduler.install(cluster, self._base, order)))
            yield self._played[index]


@lru_cache(maxsize=4)
def _rounds(pools: tuple[Pool, ...], base: tuple[Pod, ...]) -> _Rounds:
    return _Rounds(pools, base)


def at_rest(pools: Sequence[Pool], pods: Pods) -> Failure | None:
    """The first pod of an installation that finds no room in some order; None: all of them always do."""
    failed = _hopeless(pools, pods.base)
    if failed is None:
        failed = next((failed for _, failed in _rounds(tuple(pools), pods.base) if failed), None)
    return Failure(pod=failed, when="at rest") if failed else None


def in_turns(pools: Sequence[Pool], pods: Pods) -> Failure | None:
    """The first pod that an update of one Deployment adds and that finds no room, in some order of what is there."""
    for cluster, failed in _rounds(tuple(pools), pods.base):
        for pod in () if failed else (*pods.surge, *pods.operators):
            if not cluster.candidates(pod):
                return Failure(pod=pod, when="in an update of it alone")
    return None


def at_once(pools: Sequence[Pool], pods: Pods) -> Failure | None:
    """The first pod that finds no room when all of W&B's Deployments are updated at the same time, in some order."""
    for cluster, base_failed in _rounds(tuple(pools), pods.base):
        updated = cluster.copy()
        failed = base_failed or scheduler.install(updated, pods.surge, updated.chance)
        if failed:
            return Failure(pod=failed, when="in an update of everything")
    return None


def too_small(pools: Sequence[Pool], pods: Pods) -> bool:
    """Whether the pods of an update of everything ask for more than all nodes have together: no order helps then."""
    for pool in pools:
        own = [pod for pod in (*pods.base, *pods.surge) if pod.pool == pool.name and not pod.job]
        if sum(pod.cpu for pod in own) > pool.room.cpu * pool.count:
            return True
        if sum(pod.memory for pod in own) > pool.room.memory * pool.count:
            return True
    return False


def nodes_at_most(pools: Sequence[Pool], pods: Pods) -> dict[str, int] | None:
    """Nodes by pool that an autoscaler ends up with when all other autoscalers are at their maximum, during an update.

    The most over several orders. None: some pod fits on no node at all.
    """
    most = {pool.name: pool.count for pool in pools}
    for order in [None, *(random.Random(seed) for seed in range(1, 5))]:
        cluster = Cluster(pools, order)
        waves = [list(pods.base), [*pods.growth], [*pods.surge]]
        for wave in waves:
            for pod in sorted(wave, key=lambda each: each.stage) if order is None else _shuffled(wave, order):
                if not _placed(cluster, pod):
                    return None
        most = {name: max(count, cluster.size(name)) for name, count in most.items()}
    return most


def without_one_node(pools: Sequence[Pool], pods: Pods) -> Failure | None:
    """The first pod that finds no room when one node of the first pool is gone, in some order.

    Of pods that are kept apart, as many as there are nodes must run; the last one waits for its node.
    """
    general, *others = pools
    fewer = [Pool(name=general.name, count=general.count - 1, room=general.room, zones=general.zones), *others]
    left = {pool.name: pool.count for pool in fewer}
    counts: dict[str, int] = {}
    kept = []
    for pod in pods.base:
        counts[pod.owner] = counts.get(pod.owner, 0) + 1
        if not pod.apart or counts[pod.owner] <= left[pod.pool]:
            kept.append(pod)
    return at_rest(fewer, Pods(base=tuple(kept), surge=(), operators=(), growth=()))


def example(pools: Sequence[Pool], pods: Pods) -> Cluster:
    """The cluster after an installation in the chart's order; pods without room are left out."""
    cluster = Cluster(pools)
    for pod in sorted(pods.base, key=lambda each: each.stage):
        if not pod.job:
            cluster.place(pod)
    return cluster


def _shuffled(wave: Sequence[Pod], order: random.Random) -> list[Pod]:
    pods = list(wave)
    order.shuffle(pods)
    return sorted(pods, key=lambda each: each.stage)


def _placed(cluster: Cluster, pod: Pod) -> bool:
    if pod.job:
        return True
    while cluster.place(pod) is None:
        node = cluster.grow(pod.pool)
        if not node.takes(pod) or cluster.size(pod.pool) > _MOST_NODES:
            return False
    return True


def _hopeless(pools: Sequence[Pool], pods: Sequence[Pod]) -> Pod | None:
    """A pod that no order can place: larger than an empty node, or in a pool whose pods are larger than all of it."""
    for pool in pools:
        own = [pod for pod in pods if pod.pool == pool.name]
        for pod in own:
            if pod.cpu > pool.room.cpu or pod.memory > pool.room.memory:
                return pod
        lasting = [pod for pod in own if not pod.job]
        short = sum(pod.cpu for pod in lasting) > pool.room.cpu * pool.count
        if short or sum(pod.memory for pod in lasting) > pool.room.memory * pool.count:
            failed = scheduler.install(Cluster(pools), pods, None)
            if failed:
                return failed
    return None
