"""Whether the pods of a plan fit its nodes; if not, which pod, and the smallest change that would do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from . import catalogue, machines, packing, pods, quantity
from .machines import Shape
from .model import NodePool, Plan
from .packing import Failure
from .plan import failure
from .plan import plan as replanned
from .pods import Pod
from .request import Overrides, Request
from .scheduler import Pool

_MORE_NODES = 24
"""Nodes beyond the planned number that a change may add."""


@dataclass(frozen=True, kw_only=True)
class NodeUse:
    """One node after an installation in the chart's order; Jobs are gone."""

    name: str
    pool: str
    cpu: str
    """Cores that pods ask for, of what is available."""
    memory: str
    cpu_available: str
    memory_available: str
    pods: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something that makes the pods fit."""

    text: str
    """As in "1 more node (4 of 16 vCPU / 128 GiB)"."""
    request: Request
    """The request with the change made: its plan fits."""


@dataclass(frozen=True, kw_only=True)
class FitReport:
    """Whether a plan's pods find room, as kube-scheduler spreads them, in every order of arrival that was tried."""

    fits: bool
    """All pods run with every autoscaler at its minimum, and each Deployment can be updated on its own: in the nodes that
    are there, or where nodes are autoscaled, in those that come."""
    problem: str | None
    """What does not fit, in a sentence; None where all fits."""
    pod: str | None
    """The first pod without room."""
    changes: tuple[Change, ...]
    """What would do, smallest first; empty where all fits, or where no machine is large enough."""
    warnings: tuple[str, ...]
    """What fits only in turns, with more nodes, or not when a node is lost."""
    nodes: tuple[NodeUse, ...]
    rounds: int = packing.ROUNDS
    """Orders of arrival that were tried."""

    @property
    def change(self) -> Change | None:
        """The smallest change that would do."""
        return self.changes[0] if self.changes else None

    def refusal(self) -> str:
        """The problem and what would do, for a message; empty where all fits."""
        if self.fits:
            return ""
        advice = " or ".join(change.text for change in self.changes)
        return f"{self.problem} What would do: {advice or 'smaller requests; no machine is large enough'}."


def fit(plan: Plan) -> FitReport:
    """Plays kube-scheduler with the pods of `plan` in many orders; the same plan always gives the same report."""
    pools = [machines.schedulable(each, plan.request.cloud) for each in plan.pools]
    failed = failure(plan)
    return FitReport(
        fits=failed is None,
        problem=_problem(plan, pools, failed) if failed else None,
        pod=failed.pod.name if failed else None,
        changes=tuple(_changes(plan, failed)) if failed else (),
        warnings=() if failed else tuple(_warnings(plan, pools)),
        nodes=tuple(_uses(pools, pods.of(plan))),
    )


def _problem(plan: Plan, pools: Sequence[Pool], failed: Failure) -> str:
    pod, planned = failed.pod, _pool_of(plan, failed.pod)
    pool = next(each for each in pools if each.name == pod.pool)
    asks = f"{pod.name} asks for {quantity.cpu_text(pod.cpu)} CPU and {_gib(pod.memory)}"
    room = f"{quantity.cpu_text(pool.room.cpu)} CPU and {_gib(pool.room.memory)} available"
    nodes = f"{planned.count} {'node' if planned.count == 1 else 'nodes'} of {planned.machine}"
    if pod.cpu > pool.room.cpu or pod.memory > pool.room.memory:
        return f"{asks}: more than a whole node has ({nodes}, each with {room})."
    apart = _apart(plan, pod)
    if apart > planned.count:
        return f"{pod.name} finds no node without another pod of its kind: {apart} of them, and {nodes}."
    when = "" if failed.when == "at rest" else f" {failed.when}"
    return f"{asks}, and finds no node with as much left{when} ({nodes}, each with {room}; the scheduler spreads pods)."


def _apart(plan: Plan, pod: Pod) -> int:
    same = [each for each in pods.of(plan).base if each.owner == pod.owner]
    return len(same) if pod.apart else 0


def _pool_of(plan: Plan, pod: Pod) -> NodePool:
    return next(each for each in plan.pools if each.name == pod.pool)


def _changes(plan: Plan, failed: Failure) -> Iterator[Change]:
    """The change with the fewest more cores; and the smallest larger machine at the same count, if that is another."""
    found: list[tuple[Shape, int]] = []
    pool = _pool_of(plan, failed.pod)
    current = machines.shape_of(pool, plan.request.cloud)
    ladder = list(machines.ladder(plan.request.cloud, current))
    more = [(current, pool.count + extra) for extra in range(1, _MORE_NODES + 1)]
    larger = [(shape, pool.count) for shape in ladder[1:]]
    both = [(shape, pool.count + extra) for shape in ladder[1:] for extra in range(1, _MORE_NODES + 1)]
    for candidates in (more, larger):
        working = _first(plan, pool, candidates)
        if working:
            found.append(working)
    if not found:
        working = _first(plan, pool, sorted(both, key=lambda each: (each[0].cpu * each[1], each[0].cpu)))
        found = [working] if working else []
    for shape, count in sorted(found, key=lambda each: each[0].cpu * each[1]):
        yield Change(text=_text(pool, current, shape, count), request=_with(plan.request, pool, shape, count))


def _first(plan: Plan, pool: NodePool, candidates: Sequence[tuple[Shape, int]]) -> tuple[Shape, int] | None:
    for shape, count in candidates:
        if _too_small(plan, pool, shape, count):
            continue
        if failure(replanned(_with(plan.request, pool, shape, count))) is None:
            return shape, count
    return None


def _too_small(plan: Plan, pool: NodePool, shape: Shape, count: int) -> bool:
    """Whether these nodes hold less than the pods ask for together, or a node less than the largest pod alone.

    On more or larger nodes no pod is ever planned with less than on those that do not fit.
    """
    room = machines.room(plan.request.cloud, shape)
    wanted = [pod for pod in pods.of(plan).base if pod.pool == pool.name and not pod.job]
    return (
        sum(pod.cpu for pod in wanted) > room.cpu * count
        or sum(pod.memory for pod in wanted) > room.memory * count
        or any(pod.cpu > room.cpu or pod.memory > room.memory for pod in wanted)
    )


def _with(request: Request, pool: NodePool, shape: Shape, count: int) -> Request:
    prefix = "clickhouse_node" if pool.name == pods.CLICKHOUSE_POOL else "node"
    explicit: dict[str, object] = {f"{prefix}_{each}": None for each in ("type", "cpu", "memory_gib")}
    if shape.instance:
        explicit[f"{prefix}_type"] = shape.instance.name
    else:
        explicit |= {f"{prefix}_cpu": shape.cpu, f"{prefix}_memory_gib": shape.memory_gib}
    explicit[f"{prefix}_count"] = count
    overrides: Overrides = replace(request.overrides, **explicit)
    return replace(request, overrides=overrides)


def _text(pool: NodePool, current: Shape, shape: Shape, count: int) -> str:
    more = count - pool.count
    kind = "ClickHouse node" if pool.name == pods.CLICKHOUSE_POOL else "node"
    plural = "" if more == 1 else "s"
    if shape == current:
        return f"{more} more {kind}{plural} ({count} of {shape})"
    if more:
        return f"{more} more {kind}{plural}, all of {shape}"
    return f"{kind}s of {shape}"


def _warnings(plan: Plan, pools: Sequence[Pool]) -> Iterator[str]:
    yield from _connection_warnings(plan)
    every = pods.of(plan)
    at_once = packing.at_once(pools, every)
    most = packing.nodes_at_most(pools, every)
    scaled = plan.request.autoscales
    if at_once and not scaled:
        yield (
            f"When all of W&B's Deployments are updated at the same time, {at_once.pod.name} may wait until others are "
            "through: there is room for each update, not for all of them at once."
        )
    if most and most[pods.GENERAL] > plan.nodes.count:
        needed = most[pods.GENERAL]
        yield (
            f"With every autoscaler of pods at its maximum, during an update, {needed} nodes are needed; planned "
            + (f"are {plan.nodes.count}, up to {plan.nodes.max_count}." if scaled else f"are {plan.nodes.count}.")
        )
    if plan.request.environment == "production" and plan.nodes.count > 1:
        lost = packing.without_one_node(pools, every)
        if lost:
            yield f"With one node lost, {lost.pod.name} may find no room until the node is replaced."


def _connection_warnings(plan: Plan) -> Iterator[str]:
    cloud, name = plan.request.cloud, plan.mysql.class_name if plan.mysql else None
    offered = catalogue.database_class(cloud, name) if name and cloud != "kubernetes" else None
    if offered and offered.max_connections and offered.max_connections <= plan.mysql_connections:
        yield (
            f"{offered.name} allows {offered.max_connections} connections by default, and W&B's pods may open "
            f"{plan.mysql_connections}: take a larger class."
        )


def _uses(pools: Sequence[Pool], every: pods.Pods) -> Iterator[NodeUse]:
    for node in packing.example(pools, every).nodes:
        yield NodeUse(
            name=node.name,
            pool=node.pool,
            cpu=f"{node.cpu / 1000:.2f}",
            memory=_gib(node.memory),
            cpu_available=f"{node.room.cpu / 1000:.2f}",
            memory_available=_gib(node.room.memory),
            pods=tuple(pod.name for pod in node.pods),
        )


def _gib(size: int) -> str:
    return f"{size / quantity.GI:.1f}".removesuffix(".0") + " GiB"
