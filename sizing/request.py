"""What a plan is asked for: environment, products, where, for how many users, and what is set explicitly."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from . import chart, reference
from .machine_problems import machine_problems
from .resources import ResourceOverride

Target = Literal["aws", "gcp", "azure", "kubernetes"]
Store = Literal["mysql", "redis", "object-store"]

COMPONENTS = ("api", "app", "console", "executor", "frontend", "glue", "parquet", "weave", "weave-trace")
"""The workloads of W&B's chart that this project switches on, by the chart's names."""
OPTIONAL = (
    "anaconda2",
    "filemeta",
    "filestream",
    "flat-run-fields-updater",
    "history-updater",
    "mcp-server",
    "metric-observer",
    "parquet-metadata-cache",
    "weave-evaluate-model-worker",
    "weave-trace-agent-scoring-worker",
    "weave-trace-worker",
)
"""Those that run only where they are asked for."""
BUNDLED = ("bufstream", "prometheus", "otel-deployment", "otel-daemonset")
"""What else W&B's chart can bring along: a queue, and monitoring."""
STORES: tuple[Store, ...] = get_args(Store)
ENVIRONMENTS: tuple[str, ...] = get_args(reference.Environment)
PRODUCTS = ("models", "weave")
TARGETS: tuple[str, ...] = get_args(Target)
SCALES: tuple[str, ...] = get_args(reference.Scale)


class InvalidRequest(ValueError):
    """A request that no plan can be made for. `problems` has one sentence for each thing that is wrong."""

    def __init__(self, problems: Collection[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """What is set explicitly and wins over every table. None, or absent: as planned. Sizes are GiB."""

    node_count: int | None = None
    node_type: str | None = None
    """Instance type of the target's cloud."""
    node_cpu: int | None = None
    node_memory_gib: int | None = None
    node_disk_gib: int | None = None
    clickhouse_node_count: int | None = None
    clickhouse_node_type: str | None = None
    clickhouse_node_cpu: int | None = None
    clickhouse_node_memory_gib: int | None = None
    chart_size: str | None = None
    mysql_class: str | None = None
    """Name of a class of the target's cloud."""
    redis_class: str | None = None
    components: Mapping[str, ResourceOverride] = field(default_factory=dict)
    """By the chart's name of the component."""
    replicas: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Minimum and maximum pods, by the chart's name of the component."""
    stores: Mapping[str, ResourceOverride] = field(default_factory=dict)
    """Of in-cluster data stores: `mysql`, `redis`, `object-store`."""
    store_volume_gib: Mapping[str, int] = field(default_factory=dict)
    """Of in-cluster data stores."""
    clickhouse_shards: int | None = None
    clickhouse_replicas: int | None = None
    """Of each shard."""
    clickhouse_keepers: int | None = None
    clickhouse: ResourceOverride = field(default_factory=ResourceOverride)
    """Of one server."""
    keeper: ResourceOverride = field(default_factory=ResourceOverride)
    """Of one keeper."""
    clickhouse_volume_gib: int | None = None
    clickhouse_cache_gib: int | None = None
    keeper_volume_gib: int | None = None
    spot_node_count: int | None = None
    """The most spot nodes that may come for stateless pods, beyond the nodes that the plan counts on. None: no spot pool."""
    spot_node_types: Collection[str] = ()
    """Equal instance types of the spot pool; empty: those that are as large as the other nodes."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the plan is for. Raises `InvalidRequest` with every problem."""

    environment: reference.Environment
    products: Collection[str]
    optional: Collection[str] = ()
    """Optional components that run too, by the chart's names."""
    bundled: Collection[str] = ()
    """Of `BUNDLED`."""
    single_container: bool = False
    """Whether the server is one container, planned as component `app`, without W&B's operator. For Models alone."""
    cloud: Target = "kubernetes"
    scale: reference.Scale | None = None
    """By users; None: W&B's tables for the environment alone."""
    in_cluster_stores: bool | Collection[str] = False
    """Which of `mysql`, `redis` and `object-store` run in the cluster; True: all three. Only for `test`."""
    managed_clickhouse: bool = True
    """Whether Weave's ClickHouse runs in the cluster. Without Weave there is none either way."""
    clickhouse_pool: bool | None = None
    """Whether ClickHouse has nodes of its own; None: in production, where this project makes the nodes."""
    makes_nodes: bool | None = None
    """Whether this project makes the nodes; None: on a cloud. Nodes that are brought are only described."""
    autoscaled: bool | None = None
    """Whether nodes come when pods find no room; None: in production, where this project makes the nodes."""
    zones: int = 3
    """Zones that the nodes span."""
    overrides: Overrides = field(default_factory=Overrides)

    def __post_init__(self) -> None:
        _freeze(self)
        problems = [*_problems(self), *_override_problems(self)]
        if problems:
            raise InvalidRequest(problems)

    @property
    def mix(self) -> reference.Mix:
        """The products, as W&B's tables call them."""
        return reference.mix(frozenset(self.products))

    @property
    def runs_clickhouse(self) -> bool:
        """Whether ClickHouse is part of the plan."""
        return "weave" in self.products and self.managed_clickhouse

    @property
    def own_nodes(self) -> bool:
        """Whether this project makes the nodes, so that each is of a type of the cloud."""
        return self.cloud != "kubernetes" if self.makes_nodes is None else self.makes_nodes

    @property
    def autoscales(self) -> bool:
        """Whether nodes come when pods find no room."""
        return self.environment == "production" and self.own_nodes if self.autoscaled is None else self.autoscaled

    @property
    def stores(self) -> tuple[Store, ...]:
        """The data stores in the cluster."""
        chosen = self.in_cluster_stores
        return STORES if chosen is True else tuple(each for each in STORES if chosen and each in chosen)


def components(products: Collection[str], optional: Collection[str] = ()) -> tuple[str, ...]:
    """The components that serve `products`, by the chart's names, and after them those of `optional`.

    Models without Weave needs no trace server; Weave without Models needs no pipelines of run history and files
    (`executor`, `parquet`) and no engine of Models' panels, which the chart calls `weave`.
    """
    wanted = frozenset(products)
    usual = [each for each in COMPONENTS if chart.serves(chart.workload(each, chart.SIZES[0]), wanted)]
    return (*usual, *(each for each in OPTIONAL if each in optional))


def _freeze(request: Request) -> None:
    for name in ("products", "optional", "bundled"):
        object.__setattr__(request, name, frozenset(getattr(request, name)))
    if not isinstance(request.in_cluster_stores, bool):
        object.__setattr__(request, "in_cluster_stores", frozenset(request.in_cluster_stores))


def _one_of(name: str, value: Any, known: Collection[str]) -> list[str]:
    return [] if value in known else [f"{name}: {value!r} is not one of {', '.join(known)}"]


def _problems(request: Request) -> list[str]:
    found = [
        *_one_of("environment", request.environment, ENVIRONMENTS),
        *_one_of("cloud", request.cloud, TARGETS),
        *([] if request.scale is None else _one_of("scale", request.scale, SCALES)),
    ]
    for product in sorted(request.products):
        found += _one_of("products", product, PRODUCTS)
    if request.single_container and "weave" in request.products:
        found.append("single_container: is for Models alone; leave weave out of the products")
    for name, known in (("optional", OPTIONAL), ("bundled", BUNDLED)):
        for each in sorted(getattr(request, name)):
            found += _one_of(name, each, known)
    if not request.products:
        found.append(f"products: none given; one or both of {', '.join(PRODUCTS)} wanted")
    if not isinstance(request.in_cluster_stores, bool):
        for store in sorted(request.in_cluster_stores):
            found += _one_of("in_cluster_stores", store, STORES)
    if request.environment == "production" and request.in_cluster_stores:
        found.append("in_cluster_stores: only for a test; in production bring MySQL, Redis and object storage")
    if request.zones < 1:
        found.append(f"zones: {request.zones} is less than 1")
    if request.makes_nodes and request.cloud == "kubernetes":
        found.append("makes_nodes: nodes of a cluster that exists are its own; name the cloud instead")
    return found


def _override_problems(request: Request) -> list[str]:
    explicit, found = request.overrides, []
    for each in fields(explicit):
        value = getattr(explicit, each.name)
        if isinstance(value, int) and value < 1:
            found.append(f"{each.name}: {value} is less than 1")
    found += _names(explicit)
    if explicit.chart_size is not None:
        found += _one_of("chart_size", explicit.chart_size, chart.SIZES)
    keepers, replicas = explicit.clickhouse_keepers, explicit.clickhouse_replicas
    if keepers is not None and keepers % 2 == 0:
        found.append(f"clickhouse_keepers: {keepers} is even; keepers decide by majority, so use 1, 3 or 5")
    if replicas == 2:
        found.append("clickhouse_replicas: 2 survive no more than one does; use 1 for a test, else 3 or more")
    if replicas == 1 and request.environment == "production":
        found.append("clickhouse_replicas: 1 is for a test; in production use 3 or more")
    volume, cache = explicit.clickhouse_volume_gib, explicit.clickhouse_cache_gib
    if volume == 1:
        found.append("clickhouse_volume_gib: 1 is too small for a cache of at most half of it; use 2 or more")
    if cache is not None and volume is not None and cache * 2 > volume:
        found.append(
            f"clickhouse_cache_gib: {cache} is more than half of the volume ({volume}); a full volume stops inserts"
        )
    if request.cloud in TARGETS:
        found += machine_problems(request)
    return found


def _names(explicit: Overrides) -> list[str]:
    found = []
    for name, known in (("components", (*COMPONENTS, *OPTIONAL)), ("replicas", (*COMPONENTS, *OPTIONAL))):
        for each in getattr(explicit, name):
            found += _one_of(name, each, known)
    for name in ("stores", "store_volume_gib"):
        for each in getattr(explicit, name):
            found += _one_of(name, each, STORES)
    for each, (least, most) in explicit.replicas.items():
        if not 1 <= least <= most:
            found.append(f"replicas: {each} has {least} to {most}; 1 <= minimum <= maximum wanted")
    return found
