"""W&B's own tables of sizes, as data. Each carries its source; where the documents disagree, the newer one is here.

What the older documents say and this project does not follow, with the reason, is in docs/sizing.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from . import sources
from .catalogue import Cloud
from .resources import Resources
from .sources import Source

Environment = Literal["test", "production"]
Mix = Literal["models", "weave", "models and weave"]
Scale = Literal["small", "medium", "large"]

MINIMUM_WORKERS = 3
"""Worker nodes, in both environments. Source: "W&B Reference Architecture", Sizing."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a table asks of one machine: cores and GiB."""

    cpu: int
    memory_gib: int
    disk_gib: int
    source: Source


NODES: dict[tuple[Environment, Mix], Machine] = {
    (environment, mix): Machine(cpu=cpu, memory_gib=gib, disk_gib=100, source=sources.NODES)
    for environment, mix, cpu, gib in (
        ("test", "models", 2, 16),
        ("test", "weave", 4, 32),
        ("test", "models and weave", 4, 32),
        ("production", "models", 8, 64),
        ("production", "weave", 12, 96),
        ("production", "models and weave", 16, 128),
    )
}
"""One Kubernetes worker node."""

INSTANCES: dict[Cloud, dict[tuple[Environment, Mix], str]] = {
    "aws": {
        ("test", "models"): "r6i.large",
        ("test", "weave"): "r6i.xlarge",
        ("test", "models and weave"): "r6i.xlarge",
        ("production", "models"): "r6i.2xlarge",
        ("production", "weave"): "r6i.4xlarge",
        ("production", "models and weave"): "r6i.4xlarge",
    },
    "gcp": {
        ("test", "models"): "n2-highmem-2",
        ("test", "weave"): "n2-highmem-4",
        ("test", "models and weave"): "n2-highmem-4",
        ("production", "models"): "n2-highmem-8",
        ("production", "weave"): "n2-highmem-16",
        ("production", "models and weave"): "n2-highmem-16",
    },
    "azure": {
        ("test", "models"): "Standard_E2_v5",
        ("test", "weave"): "Standard_E4_v5",
        ("test", "models and weave"): "Standard_E4_v5",
        ("production", "models"): "Standard_E8_v5",
        ("production", "weave"): "Standard_E16_v5",
        ("production", "models and weave"): "Standard_E16_v5",
    },
}
"""The recommended machine for a worker node, as the document has it."""

MYSQL: dict[Environment, Machine] = {
    "test": Machine(cpu=2, memory_gib=16, disk_gib=100, source=sources.MYSQL),
    "production": Machine(cpu=8, memory_gib=64, disk_gib=500, source=sources.MYSQL),
}
"""One MySQL node. The same for every mix of products."""

MYSQL_CLASSES: dict[Cloud, dict[Environment, str]] = {
    "aws": {"test": "db.r6g.large", "production": "db.r6g.2xlarge"},
    "gcp": {"test": "db-n1-highmem-2", "production": "db-n1-highmem-8"},
    "azure": {"test": "MO_Standard_E2ds_v4", "production": "MO_Standard_E8ds_v4"},
}
"""The recommended class for MySQL, as the document has it."""

MYSQL_CORES_BY_CHART_SIZE = {"small": 2, "medium": 4, "large": 8, "xlarge": 16, "xxlarge": 32}
"""Cores of MySQL in W&B's Terraform modules, the same on all clouds."""

REDIS_GIB_BY_CHART_SIZE = {"small": 6, "medium": 6, "large": 13, "xlarge": 13, "xxlarge": 26}
"""Nominal memory of Redis in W&B's Terraform modules (Memorystore's numbers; the other clouds' classes match them)."""
REDIS_MINIMUM_GIB = 4
REDIS_PRODUCTION_GIB = 8
""""4 GB or more, 8 GB better": W&B's newest documentation. The Reference Architecture gives no size."""


@dataclass(frozen=True, kw_only=True)
class Tier:
    """What a number of users asks for."""

    users: str
    nodes: int
    chart_size: Scale
    clickhouse_cpu: int | None
    """Cores and GiB of one ClickHouse machine; None: the table has none."""
    clickhouse_memory_gib: int | None
    source: Source = sources.USERS


TIERS: dict[Scale, Tier] = {
    "small": Tier(users="under 50", nodes=3, chart_size="small", clickhouse_cpu=None, clickhouse_memory_gib=None),
    "medium": Tier(users="50 to 200", nodes=5, chart_size="medium", clickhouse_cpu=4, clickhouse_memory_gib=16),
    "large": Tier(users="over 200", nodes=10, chart_size="large", clickhouse_cpu=8, clickhouse_memory_gib=32),
}
"""By users. Its shapes of nodes, its MySQL and its Redis are older than the Reference Architecture's and not here."""

BIG_NODE = Machine(cpu=16, memory_gib=128, disk_gib=100, source=sources.NODES)
"""The least node from chart size `medium` on, where one pod asks for 15 CPU and 64 GiB: the table's largest."""

NODE_DISK_GIB: dict[Environment, int] = {"test": 100, "production": 200}
"""The Reference Architecture asks for 100; images and caches of the pods share it with what the Weave guide puts at
200 for nodes that run Weave."""

CLICKHOUSE_NODE = Machine(cpu=8, memory_gib=64, disk_gib=200, source=sources.WEAVE_NODES)
"""One node of a pool for ClickHouse alone."""


@dataclass(frozen=True, kw_only=True)
class ClickHouseTable:
    """Keeper and servers of ClickHouse; volumes in GiB, each per pod."""

    keeper: Resources
    keeper_volume_gib: int
    server: Resources
    volume_gib: int
    source: Source


REPLICAS = 3
KEEPERS = 3

CLICKHOUSE: dict[Environment, ClickHouseTable] = {
    "test": ClickHouseTable(
        keeper=Resources(cpu_request="500m", memory_request="256Mi", cpu_limit="1", memory_limit="2Gi"),
        keeper_volume_gib=10,
        server=Resources(cpu_request="1", memory_request="1Gi", cpu_limit="4", memory_limit="16Gi"),
        volume_gib=50,
        source=sources.WEAVE_MINIMUM,
    ),
    "production": ClickHouseTable(
        keeper=Resources(cpu_request="1", memory_request="1Gi", cpu_limit="2", memory_limit="4Gi"),
        keeper_volume_gib=20,
        server=Resources(cpu_request="1", memory_request="8Gi", cpu_limit="16", memory_limit="64Gi"),
        volume_gib=200,
        source=sources.WEAVE_RECOMMENDED,
    ),
}
"""The guide's minimum for test, its recommendation for production."""


def mix(products: frozenset[str]) -> Mix:
    """The table's name for a set of products."""
    if products == {"models", "weave"}:
        return "models and weave"
    return "models" if "models" in products else "weave"
