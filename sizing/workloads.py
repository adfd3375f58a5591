"""Resources and replicas of W&B's components, of ClickHouse and of the in-cluster data stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from . import chart, quantity, reference, sources
from .kubelets import Room
from .model import ClickHouse, Component, Store
from .quantity import GI
from .request import Request, components
from .resources import ResourceOverride, Resources
from .sources import Reason, Source

STORES: Mapping[str, Store] = {
    "mysql": Store(
        resources=Resources(cpu_request="250m", memory_request="1Gi", cpu_limit="2", memory_limit="4Gi"),
        volume_gib=100,
    ),
    "redis": Store(
        resources=Resources(cpu_request="50m", memory_request="256Mi", cpu_limit="1", memory_limit="1Gi"),
        volume_gib=10,
    ),
    "object-store": Store(
        resources=Resources(cpu_request="100m", memory_request="512Mi", cpu_limit="2", memory_limit="2Gi"),
        volume_gib=100,
    ),
}
"""For a test: half of what the chart's bundled MySQL asks for (500m, 1Gi), and little for the rest. MySQL's volume is
that of the Reference Architecture's table."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """The part of what chart size `small` requests that a test installation requests, with one pod per component."""

    cpu: Fraction
    memory: Fraction


CPU_SHARES = tuple(Fraction(1, part) for part in (1, 2, 3, 4, 5, 6, 8, 10))
MEMORY_SHARES = tuple(Fraction(1, part) for part in (1, 2, 3, 4, 6, 8))
"""Largest first. The smallest leave each component at least what the chart's preset `testing` gives it: 100m, 128Mi."""


def planned_components(
    request: Request, chart_size: str, *, share: Share | None, node: Room
) -> tuple[dict[str, Component], dict[str, Reason]]:
    """The components at `chart_size`; with `share`, at that part of its requests and one pod each.

    Returns them with the reasons for their numbers, by dotted path.
    """
    if request.single_container:
        return _single_container(request)
    found, reasons = {}, {}
    for name in components(request.products, request.optional):
        preset = chart.workload(name, chart_size)
        component, why = _preset(preset, chart_size)
        if share:
            component, why = _reduced(component, preset, share, node)
        resources = request.overrides.components.get(name, ResourceOverride())
        replicas = request.overrides.replicas.get(name)
        path = f"components.{name}"
        reasons[path] = why
        if resources:
            component = replace(component, resources=resources.over(component.resources), explicit=True)
            reasons[f"{path}.resources"] = _explicit(why)
        if replicas:
            component = replace(component, replicas=replicas, explicit_replicas=True)
            reasons[f"{path}.replicas"] = _explicit(why)
        found[name] = component
    return found, reasons


SINGLE_CONTAINER = Resources(cpu_request="2", memory_request="4Gi", cpu_limit="4", memory_limit="8Gi")


def _single_container(request: Request) -> tuple[dict[str, Component], dict[str, Reason]]:
    """All of the server in one pod, the old one gone before the next comes: they share a volume."""
    why = Reason(text="2 CPU and 4 GB, at most 4 CPU and 8 GB", source=sources.ON_PREMISES)
    wanted = request.overrides.components.get("app", ResourceOverride())
    one = Component(
        resources=wanted.over(SINGLE_CONTAINER), explicit=True, replicas=(1, 1), explicit_replicas=True, surge=0
    )
    return {"app": one}, {"components.app": _explicit(why) if wanted else why}


def _preset(workload: chart.Workload, chart_size: str) -> tuple[Component, Reason]:
    own, *others = workload.containers
    component = Component(
        resources=Resources(
            cpu_request=own.requests["cpu"],
            memory_request=own.requests["memory"],
            cpu_limit=own.limits.get("cpu"),
            memory_limit=own.limits.get("memory"),
        ),
        explicit=False,
        replicas=(workload.replicas.min, workload.replicas.max),
        explicit_replicas=False,
        surge=workload.surge,
        sidecars=tuple((each.name, each.requests["cpu"], each.requests["memory"]) for each in others),
    )
    scaled = "by its autoscaler" if workload.replicas.source == "hpa" else "without an autoscaler"
    return component, Reason(text=f"chart size {chart_size}, {scaled}", source=sources.CHART)


def _reduced(component: Component, workload: chart.Workload, share: Share, node: Room) -> tuple[Component, Reason]:
    preset = component.resources
    cpu = _part(quantity.cpu(preset.cpu_request), share.cpu, 5)
    memory = _part(quantity.memory(preset.memory_request), share.memory, 32 * quantity.MI)
    limit = quantity.memory(preset.memory_limit or preset.memory_request)
    limit = max(memory, min(limit, node.memory // 2 // GI * GI))
    resources = Resources(
        cpu_request=quantity.cpu_text(cpu),
        memory_request=quantity.memory_text(memory),
        cpu_limit=preset.cpu_limit,
        memory_limit=quantity.memory_text(limit),
    )
    text = (
        f"set explicitly, because chart size small does not fit these nodes: {share.cpu} of its CPU request and "
        f"{share.memory} of its memory request, one pod; memory limit at most half a node"
    )
    planned = replace(component, resources=resources, explicit=True, replicas=(1, 1), explicit_replicas=True)
    return planned, Reason(
        text=text, source=Source(sources.PROJECT.document, "the largest part that fits, updates included")
    )


def _part(whole: int, share: Fraction, step: int) -> int:
    """`share` of `whole`, rounded up to a multiple of `step`."""
    return -(-whole * share.numerator // (share.denominator * step)) * step


def planned_stores(request: Request) -> tuple[dict[str, Store], dict[str, Reason]]:
    """The in-cluster data stores, with the reasons for their numbers."""
    found, reasons = {}, {}
    for name in request.stores:
        override, volume = request.overrides.stores.get(name), request.overrides.store_volume_gib.get(name)
        store, path = STORES[name], f"stores.{name}"
        reasons[path] = Reason(text="enough to try W&B out; no table has in-cluster stores", source=sources.PROJECT)
        if name == "mysql":
            reasons[f"{path}.volume_gib"] = Reason(text="the table's disk for test", source=sources.MYSQL)
        if override:
            store = replace(store, resources=override.over(store.resources))
            reasons[f"{path}.resources"] = _explicit(reasons[path])
        if volume:
            store = replace(store, volume_gib=volume)
            reasons[f"{path}.volume_gib"] = _explicit(reasons[path])
        found[name] = store
    return found, reasons


def server_requests(request: Request) -> tuple[Resources, Resources]:
    """What a server and a keeper ask for, before their limits are held against a node."""
    table, tier = reference.CLICKHOUSE[request.environment], reference.TIERS[request.scale or "small"]
    server = table.server
    if tier.clickhouse_cpu and tier.clickhouse_memory_gib:
        server = ResourceOverride(
            cpu_request=str(max(tier.clickhouse_cpu, int(server.cpu_request))),
            memory_request=f"{tier.clickhouse_memory_gib}Gi",
        ).over(server)
    return request.overrides.clickhouse.over(server), request.overrides.keeper.over(table.keeper)


def planned_clickhouse(request: Request, node: Room, cores: int) -> tuple[ClickHouse | None, dict[str, Reason]]:
    """ClickHouse on nodes of `cores` vCPU with `node` available, with the reasons for its numbers. None: there is none."""
    if not request.runs_clickhouse:
        return None, {}
    explicit, table = request.overrides, reference.CLICKHOUSE[request.environment]
    server, keeper = server_requests(request)
    server = _within(server, explicit.clickhouse, node, cores, beside=keeper)
    volume = explicit.clickhouse_volume_gib or max(table.volume_gib, 2 * (explicit.clickhouse_cache_gib or 0))
    clickhouse = ClickHouse(
        shards=explicit.clickhouse_shards or 1,
        replicas=explicit.clickhouse_replicas or reference.REPLICAS,
        keepers=explicit.clickhouse_keepers or reference.KEEPERS,
        server=server,
        keeper=keeper,
        volume_gib=volume,
        cache_gib=explicit.clickhouse_cache_gib or max(1, volume * 2 // 5),
        keeper_volume_gib=explicit.keeper_volume_gib or table.keeper_volume_gib,
    )
    return clickhouse, _clickhouse_reasons(request, table)


def _within(server: Resources, explicit: ResourceOverride, node: Room, cores: int, *, beside: Resources) -> Resources:
    """`server` with planned limits that a node can honour beside a keeper; explicit ones stay."""
    memory, cpu = server.memory_limit, server.cpu_limit
    if memory and explicit.memory_limit is None:
        free = (node.memory - quantity.memory(beside.memory_limit or beside.memory_request)) // GI * GI
        most = max(quantity.memory(server.memory_request), min(quantity.memory(memory), free))
        memory = quantity.memory_text(most)
    if cpu and explicit.cpu_limit is None:
        cpu = quantity.cpu_text(max(quantity.cpu(server.cpu_request), min(quantity.cpu(cpu), cores * 1000)))
    return replace(server, memory_limit=memory, cpu_limit=cpu)


def _clickhouse_reasons(request: Request, table: reference.ClickHouseTable) -> dict[str, Reason]:
    explicit, tier = request.overrides, reference.TIERS[request.scale or "small"]
    what = "minimum" if request.environment == "test" else "recommended"
    limits = "limits at most what a node has, less the keeper's"
    server = Reason(text=f"{what}; {limits}", source=table.source)
    if tier.clickhouse_cpu:
        size = f"{tier.clickhouse_cpu} vCPU and {tier.clickhouse_memory_gib} GB for {tier.users} users"
        server = Reason(text=f"requests: {size}; {limits}", source=tier.source)
    reasons = {
        "clickhouse.shards": Reason(text="1 holds what W&B's tables plan for", source=sources.PROJECT),
        "clickhouse.replicas": Reason(text="3 recommended, each with a full copy", source=sources.WEAVE_REPLICAS),
        "clickhouse.keepers": Reason(text="3, so that two are a majority", source=sources.WEAVE_REPLICAS),
        "clickhouse.server": server,
        "clickhouse.keeper": Reason(text=what, source=table.source),
        "clickhouse.volume_gib": Reason(text=f"{what}, per server", source=table.source),
        "clickhouse.cache_gib": Reason(
            text="two fifths of the volume: metadata, logs and the cache's own overshoot need the rest, and a full "
            "volume stops inserts",
            source=sources.WEAVE_CACHE,
        ),
        "clickhouse.keeper_volume_gib": Reason(text=f"{what}, per keeper", source=table.source),
    }
    set_explicitly = {
        "clickhouse.shards": explicit.clickhouse_shards,
        "clickhouse.replicas": explicit.clickhouse_replicas,
        "clickhouse.keepers": explicit.clickhouse_keepers,
        "clickhouse.server": explicit.clickhouse,
        "clickhouse.keeper": explicit.keeper,
        "clickhouse.volume_gib": explicit.clickhouse_volume_gib,
        "clickhouse.cache_gib": explicit.clickhouse_cache_gib,
        "clickhouse.keeper_volume_gib": explicit.keeper_volume_gib,
    }
    return reasons | {path: _explicit(reasons[path]) for path, value in set_explicitly.items() if value}


def _explicit(planned: Reason) -> Reason:
    return Reason(text=f"planned otherwise: {planned.text} ({planned.source})", source=sources.SETTINGS)
