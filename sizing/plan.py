"""From a request to a plan: W&B's tables first, the scale on top, explicit settings above all, and a reason for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from . import autoscaling, chart, datastores, machines, packing, pods, quantity, reference, sources, workloads
from .machines import Shape
from .model import NodePool, Plan
from .packing import Failure
from .request import Request
from .sources import Reason, Source
from .workloads import Share

MARGIN = 0.05
"""Part of each node that stays free when this project chooses requests, so that a fit does not hang by a thread."""
_MORE_NODES = 12
"""Nodes beyond the least possible number that are tried before larger machines."""


@dataclass(frozen=True, kw_only=True)
class _Nodes:
    """The general pool, as far as it is decided, with the reasons."""

    shape: Shape
    count: int
    reasons: dict[str, Reason]


def plan(request: Request) -> Plan:
    """The plan for `request`.

    In `test` the documented nodes are kept, and where chart size `small` does not fit them, the components get smaller
    requests. A `scale` above small takes more or larger nodes than documented where its pods would not fit. A plan may
    still not fit, where settings are explicit: `fit` says so.
    """
    size, size_reason = _chart_size(request)
    nodes = _nodes(request, size)
    if _may_reduce(request):
        planned = _reduced(request, size, nodes)
    elif _may_grow(request):
        planned = _grown(request, size, nodes)
    else:
        planned = _assembled(request, size, nodes, None)
    planned = replace(planned, reasons={"chart_size": size_reason, **planned.reasons})
    return autoscaling.autoscaled(planned)


def failure(planned: Plan, *, margin: float = 0) -> Failure | None:
    """The first pod that finds no room at rest, or in an update of its Deployment alone where no node is added for it."""
    pools = [machines.schedulable(each, planned.request.cloud, margin=margin) for each in planned.pools]
    every = pods.of(planned)
    failed = packing.at_rest(pools, every)
    return failed or (None if planned.request.autoscales else packing.in_turns(pools, every))


def _chart_size(request: Request) -> tuple[str, Reason]:
    tier = reference.TIERS[request.scale] if request.scale else None
    size, reason = (
        "small",
        Reason(
            text="the largest that the documented nodes are meant for: from medium on one pod asks for 15 CPU and 64 GiB",
            source=sources.CHART,
        ),
    )
    if tier:
        size, reason = tier.chart_size, Reason(text=f"scale {request.scale}: {tier.users} users", source=tier.source)
    if request.overrides.chart_size:
        text = f"planned otherwise: {size}, {reason.text} ({reason.source})"
        return request.overrides.chart_size, Reason(text=text, source=sources.SETTINGS)
    return size, reason


def _nodes(request: Request, size: str) -> _Nodes:
    shape, why = machines.documented_shape(request, size)
    count, counted = reference.MINIMUM_WORKERS, Reason(text="3 worker nodes or more", source=sources.WORKERS)
    if request.scale and reference.TIERS[request.scale].nodes > count:
        tier = reference.TIERS[request.scale]
        count, counted = tier.nodes, Reason(text=f"{tier.nodes} nodes for {tier.users} users", source=tier.source)
    explicit, own_count = machines.explicit_shape(request, "node", shape), request.overrides.node_count
    if explicit:
        why = Reason(text=f"planned otherwise: {shape}, {why.text} ({why.source})", source=sources.SETTINGS)
    if own_count:
        counted = Reason(text=f"planned otherwise: {counted.text} ({counted.source})", source=sources.SETTINGS)
    reasons = {"nodes.machine": why, "nodes.count": counted, **machines.room_reasons("nodes", request.cloud)}
    return _Nodes(shape=explicit or shape, count=own_count or count, reasons=reasons)


def _may_reduce(request: Request) -> bool:
    small = request.scale in (None, "small") and request.overrides.chart_size is None
    return request.environment == "test" and small


def _may_grow(request: Request) -> bool:
    explicit = request.overrides
    shaped = explicit.node_type or explicit.node_cpu or explicit.node_memory_gib
    return request.scale not in (None, "small") and not (shaped and explicit.node_count)


def _reduced(request: Request, size: str, nodes: _Nodes) -> Plan:
    """The chart's own size where it fits with updates of everything at once, else the largest part of it that does."""
    whole = _assembled(request, size, nodes, None)
    if _comfortable(whole):
        return whole
    least = workloads.MEMORY_SHARES[-1]
    cpu = _largest(workloads.CPU_SHARES, lambda part: _assembled(request, size, nodes, Share(cpu=part, memory=least)))
    memory = _largest(
        workloads.MEMORY_SHARES, lambda part: _assembled(request, size, nodes, Share(cpu=cpu, memory=part))
    )
    return _assembled(request, size, nodes, Share(cpu=cpu, memory=memory))


def _largest(parts: Sequence[Fraction], assemble: Callable[[Fraction], Plan]) -> Fraction:
    return next((part for part in parts if _comfortable(assemble(part))), parts[-1])


def _comfortable(planned: Plan) -> bool:
    pools = [machines.schedulable(each, planned.request.cloud, margin=MARGIN) for each in planned.pools]
    every = pods.of(planned)
    if packing.too_small(pools, every):
        return False
    return not (packing.at_once(pools, every) or packing.in_turns(pools, every))


def _grown(request: Request, size: str, nodes: _Nodes) -> Plan:
    """The documented nodes, or the fewest cores above them on which the pods of this scale find room."""
    documented = _assembled(request, size, nodes, None)
    failed = failure(documented)
    if failed is None:
        return documented
    for shape, count in _larger(request, nodes, documented):
        grown = _assembled(request, size, replace(nodes, shape=shape, count=count), None)
        if failure(grown) is None:
            text = (
                f"{nodes.count} of {nodes.shape} by the tables; there {failed.pod.name} finds no room when the "
                f"scheduler spreads the pods of chart size {size}"
            )
            raised = Reason(
                text=text, source=Source(sources.PROJECT.document, "the fewest cores on which all pods fit")
            )
            kept = {
                each for each in ("machine", "count") if getattr(grown.nodes, each) == getattr(documented.nodes, each)
            }
            why = {f"nodes.{each}": raised for each in ("machine", "count") if each not in kept}
            return replace(grown, reasons=dict(grown.reasons) | why)
    return documented


def _larger(request: Request, nodes: _Nodes, documented: Plan) -> Iterator[tuple[Shape, int]]:
    """Machines and counts with at least the documented cores, fewest cores first; what is explicit stays."""
    explicit = request.overrides
    shaped = explicit.node_type or explicit.node_cpu or explicit.node_memory_gib
    shapes = [nodes.shape] if shaped else list(machines.ladder(request.cloud, nodes.shape))
    wanted = [pod for pod in pods.of(documented).base if pod.pool == pods.GENERAL and not pod.job]
    cpu, memory = sum(pod.cpu for pod in wanted), sum(pod.memory for pod in wanted)
    found = []
    for shape in shapes:
        room = machines.room(request.cloud, shape)
        least = max(reference.MINIMUM_WORKERS, -(-nodes.count * nodes.shape.cpu // shape.cpu))
        least = max(least, -(-cpu // room.cpu), -(-memory // room.memory))
        counts = [explicit.node_count] if explicit.node_count else range(least, least + _MORE_NODES)
        found += [(shape, count) for count in counts]
    return iter(sorted(found, key=lambda each: (each[0].cpu * each[1], each[0].cpu)))


def _assembled(request: Request, size: str, nodes: _Nodes, share: Share | None) -> Plan:
    disk = request.overrides.node_disk_gib or reference.NODE_DISK_GIB[request.environment]
    general = machines.pool(
        request.cloud, nodes.shape, name=pods.GENERAL, count=nodes.count, disk_gib=disk, zones=request.zones
    )
    room = machines.room(request.cloud, nodes.shape)
    own_pool, pool_reasons = _clickhouse_pool(request)
    near = machines.shape_of(own_pool, request.cloud) if own_pool else nodes.shape
    clickhouse, clickhouse_reasons = workloads.planned_clickhouse(request, machines.room(request.cloud, near), near.cpu)
    components, component_reasons = workloads.planned_components(request, size, share=share, node=room)
    stores, store_reasons = workloads.planned_stores(request)
    mysql, mysql_reasons = datastores.planned_mysql(request, size)
    redis, redis_reasons = datastores.planned_redis(request, size)
    connections, connection_reason = datastores.mysql_connections(components, size)
    reasons = nodes.reasons | {"nodes.disk_gib": _disk_reason(request)} | pool_reasons
    reasons |= mysql_reasons | {"mysql_connections": connection_reason} | redis_reasons
    reasons |= component_reasons | store_reasons | clickhouse_reasons
    return Plan(
        request=request,
        chart_version=chart.VERSION,
        chart_size=size,
        nodes=general,
        clickhouse_nodes=own_pool,
        mysql=mysql,
        mysql_connections=connections,
        redis=redis,
        components=components,
        clickhouse=clickhouse,
        stores=stores,
        reasons=reasons,
    )


def _disk_reason(request: Request) -> Reason:
    if request.overrides.node_disk_gib:
        return Reason(text="explicit", source=sources.SETTINGS)
    if request.environment == "test":
        return Reason(text="100 GB per worker node", source=sources.NODES)
    return Reason(text="200 GB or more: images and the caches of pods share it", source=sources.WEAVE_NODES)


def _clickhouse_pool(request: Request) -> tuple[NodePool | None, dict[str, Reason]]:
    wanted = request.clickhouse_pool
    if wanted is None:
        wanted = request.environment == "production" and request.own_nodes
    if not (wanted and request.runs_clickhouse):
        return None, {}
    explicit, path = request.overrides, "clickhouse_nodes"
    replicas, keepers = (
        explicit.clickhouse_replicas or reference.REPLICAS,
        explicit.clickhouse_keepers or reference.KEEPERS,
    )
    servers = replicas * (explicit.clickhouse_shards or 1)
    count = explicit.clickhouse_node_count or max(servers, keepers)
    counted = Reason(text="one server and one keeper per node", source=sources.PROJECT)
    shape, why = _clickhouse_shape(request)
    own = machines.explicit_shape(request, "clickhouse_node", shape)
    if explicit.clickhouse_node_count:
        counted = Reason(text=f"planned otherwise: {counted.text}", source=sources.SETTINGS)
    if own:
        why = Reason(text=f"planned otherwise: {shape}, {why.text} ({why.source})", source=sources.SETTINGS)
    pool = machines.pool(
        request.cloud,
        own or shape,
        name=pods.CLICKHOUSE_POOL,
        count=count,
        disk_gib=reference.CLICKHOUSE_NODE.disk_gib,
        zones=request.zones,
    )
    reasons = {f"{path}.machine": why, f"{path}.count": counted, **machines.room_reasons(path, request.cloud)}
    disk = Reason(text="200 GB or more", source=sources.WEAVE_NODES)
    return pool, reasons | {f"{path}.disk_gib": disk}


def _clickhouse_shape(request: Request) -> tuple[Shape, Reason]:
    """The documented node for ClickHouse, or the next one on which a server and a keeper find room."""
    table = reference.CLICKHOUSE_NODE
    both = workloads.server_requests(request)
    cpu = sum(quantity.cpu(each.cpu_request) for each in both)
    memory = sum(quantity.memory(each.memory_request) for each in both)
    documented = machines.typed(request.cloud, table.cpu, table.memory_gib)
    text = f"{table.cpu} cores and {table.memory_gib} GB"
    for shape in machines.ladder(request.cloud, documented):
        room = machines.room(request.cloud, shape)
        if cpu <= room.cpu and memory <= room.memory:
            if shape != documented:
                text = f"a server and a keeper ask for {quantity.cpu_text(cpu)} CPU and {quantity.memory_text(memory)}; {text}"
            return shape, Reason(text=text, source=table.source)
    return documented, Reason(text=f"{text}; no machine is large enough for a server and a keeper", source=table.source)
