"""The plan: what nodes, data stores and pods an installation has. Sizes are GiB; quantities are Kubernetes' own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .kubelets import Room
from .quantity import cpu_text, memory_text
from .request import Request
from .resources import Resources
from .sources import Reason


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """CPU, memory and pods of one node, as Kubernetes quantities."""

    cpu: str
    memory: str
    pods: int

    @classmethod
    def of(cls, room: Room) -> Capacity:
        """The same in Kubernetes quantities; memory is rounded down to whole MiB."""
        return cls(cpu=cpu_text(room.cpu), memory=memory_text(room.memory // 1024**2 * 1024**2), pods=room.pods)

    def __str__(self) -> str:
        return f"{self.cpu} / {self.memory} / {self.pods} pods"


@dataclass(frozen=True, kw_only=True)
class NodePool:
    """Equal nodes."""

    name: str
    count: int
    max_count: int
    """Nodes that an autoscaler may go up to; equal to `count` where none is planned."""
    instance_types: tuple[str, ...]
    """Equal types, the preferred one first; empty: any machine of this size."""
    cpu: int
    """vCPU of one node."""
    memory_gib: int
    disk_gib: int
    zones: int
    allocatable: Capacity
    """What one node's kubelet offers to pods."""
    available: Capacity
    """What of it is left when the cluster's own pods run."""
    taint: str | None = None
    """`key=value:NoSchedule` that keeps other pods away; its pods also select the label `key=value`."""
    spot: bool = False
    """Whether the cloud may take its nodes back at any time."""

    @property
    def instance_type(self) -> str | None:
        """The preferred type; None: any machine of this size."""
        return self.instance_types[0] if self.instance_types else None

    @property
    def autoscaled(self) -> bool:
        """Whether more nodes come when pods find no room."""
        return self.max_count > self.count

    @property
    def machine(self) -> str:
        """One node in words."""
        size = f"{self.cpu} vCPU / {self.memory_gib} GiB"
        return f"{size} ({', '.join(self.instance_types)})" if self.instance_types else size


@dataclass(frozen=True, kw_only=True)
class Database:
    """A managed MySQL, or what an external one needs."""

    class_name: str | None
    """None: any machine of this size."""
    edition: str | None
    cpu: int
    memory_gib: int
    disk_gib: int


@dataclass(frozen=True, kw_only=True)
class Cache:
    """A managed Redis, or what an external one needs."""

    class_name: str | None
    memory_gib: float


@dataclass(frozen=True, kw_only=True)
class Component:
    """One workload of W&B's chart."""

    resources: Resources
    """Of its own container. Where they are not `explicit`, the chart's size sets them."""
    explicit: bool
    """Whether they must be set because they are not what the chart's size sets."""
    replicas: tuple[int, int]
    """Least and most pods; equal where no autoscaler runs."""
    explicit_replicas: bool
    """Whether they must be set."""
    surge: int
    """Pods that a rolling update adds; 0: the old pod ends first."""
    sidecars: tuple[tuple[str, str, str], ...] = ()
    """Name and requests (CPU, memory) of further containers, which the chart's size sets."""


@dataclass(frozen=True, kw_only=True)
class ClickHouse:
    """Keeper and servers; volumes are per pod."""

    shards: int
    replicas: int
    """Of each shard."""
    keepers: int
    server: Resources
    keeper: Resources
    volume_gib: int
    cache_gib: int
    """At most half of `volume_gib`."""
    keeper_volume_gib: int


@dataclass(frozen=True, kw_only=True)
class Store:
    """An in-cluster data store: one pod with one volume."""

    resources: Resources
    volume_gib: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is planned for a request, and why."""

    request: Request
    chart_version: str
    chart_size: str
    nodes: NodePool
    """Where W&B runs, and all else that has no pool of its own."""
    clickhouse_nodes: NodePool | None
    spot_nodes: NodePool | None = None
    """Beyond what the pods need: empty at first, for stateless pods when others are full. None: there is none."""
    mysql: Database | None
    """None: MySQL is among `stores`."""
    mysql_connections: int
    """MySQL's `max_connections` must be above this: what the chart's pods may open at most, during a rolling update."""
    redis: Cache | None
    """None: Redis is among `stores`."""
    components: Mapping[str, Component]
    clickhouse: ClickHouse | None
    stores: Mapping[str, Store]
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    """By dotted path. A path without an entry of its own is explained by the nearest one above it."""

    @property
    def pools(self) -> tuple[NodePool, ...]:
        """The node pools that the pods count on."""
        return (self.nodes, *((self.clickhouse_nodes,) if self.clickhouse_nodes else ()))

    def reason(self, path: str) -> Reason:
        """Why the number at `path` is what it is. Raises KeyError when the plan does not say."""
        while path:
            if path in self.reasons:
                return self.reasons[path]
            path = path.rpartition(".")[0]
        raise KeyError(path)

    def numbers(self) -> Iterator[tuple[str, str]]:
        """Every number of the plan: its path, and the number as text."""
        yield "chart_size", self.chart_size
        pools = {"nodes": self.nodes, "clickhouse_nodes": self.clickhouse_nodes, "spot_nodes": self.spot_nodes}
        for path, pool in pools.items():
            if pool:
                yield from _pool_numbers(path, pool)
        if self.mysql:
            yield "mysql.class", _class(self.mysql.class_name, f"{self.mysql.cpu} vCPU / {self.mysql.memory_gib} GiB")
            yield "mysql.disk_gib", f"{self.mysql.disk_gib} GiB"
        yield "mysql_connections", str(self.mysql_connections)
        if self.redis:
            yield "redis.class", _class(self.redis.class_name, f"{self.redis.memory_gib:g} GiB")
        for name, component in self.components.items():
            least, most = component.replicas
            yield f"components.{name}.replicas", str(least) if least == most else f"{least} to {most}"
            yield f"components.{name}.resources", str(component.resources)
        for name, store in self.stores.items():
            yield f"stores.{name}.resources", str(store.resources)
            yield f"stores.{name}.volume_gib", f"{store.volume_gib} GiB"
        if self.clickhouse:
            yield from _clickhouse_numbers(self.clickhouse)


def _class(name: str | None, size: str) -> str:
    return f"{name} ({size})" if name else size


def _pool_numbers(path: str, pool: NodePool) -> Iterator[tuple[str, str]]:
    yield f"{path}.count", str(pool.count)
    if pool.autoscaled:
        yield f"{path}.max_count", str(pool.max_count)
    yield f"{path}.machine", pool.machine
    yield f"{path}.disk_gib", f"{pool.disk_gib} GiB"
    yield f"{path}.allocatable", str(pool.allocatable)
    yield f"{path}.available", str(pool.available)


def _clickhouse_numbers(clickhouse: ClickHouse) -> Iterator[tuple[str, str]]:
    if clickhouse.shards > 1:
        yield "clickhouse.shards", str(clickhouse.shards)
    yield "clickhouse.replicas", str(clickhouse.replicas)
    yield "clickhouse.keepers", str(clickhouse.keepers)
    yield "clickhouse.server", str(clickhouse.server)
    yield "clickhouse.keeper", str(clickhouse.keeper)
    yield "clickhouse.volume_gib", f"{clickhouse.volume_gib} GiB"
    yield "clickhouse.cache_gib", f"{clickhouse.cache_gib} GiB"
    yield "clickhouse.keeper_volume_gib", f"{clickhouse.keeper_volume_gib} GiB"
