"""Instance types, database classes and cache sizes of the clouds: what each offers.

The documents write GB where the machines have GiB; the numbers are the same. ARM is in no list of nodes, because W&B's
containers run on x86-64 alone; MySQL and Redis may run on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .sources import INSTANCES, Source

Cloud = Literal["aws", "gcp", "azure"]

_EC2 = Source("EC2 instance types", "vCPU, memory; limits of network interfaces and addresses (amazon-eks-ami)")
_N2 = Source("Compute Engine documentation", "N2 machine series, high memory: 8 GB per vCPU")
_AZURE = Source("Azure VM sizes", "Esv5 series: 8 GiB per vCPU, Premium SSD")
_AURORA = Source("Aurora user guide", "hardware of DB instance classes")
_CLOUD_SQL = Source("Cloud SQL documentation", "predefined machine types of Enterprise Plus")
_FLEXIBLE = Source("Azure Database for MySQL documentation", "service tiers, Memory Optimized")
_ELASTICACHE = Source("ElastiCache", "memory of node types")
_MEMORYSTORE = Source("Memorystore", "the capacity is the parameter itself")
_MANAGED_REDIS = Source("Azure Managed Redis documentation", "Balanced tier; 20 % of the memory is reserved")


@dataclass(frozen=True, kw_only=True)
class InstanceType:
    """A machine for nodes."""

    name: str
    cpu: int
    memory_gib: int
    enis: int | None = None
    """Network interfaces, and addresses on each: on EKS they bound the pods of a node."""
    ips_per_eni: int | None = None
    source: Source


@dataclass(frozen=True, kw_only=True)
class DatabaseClass:
    """A machine for MySQL."""

    name: str
    """As the cloud's API takes it."""
    cpu: int
    memory_gib: int
    edition: str | None = None
    """Cloud SQL's edition or Azure's tier, which go with the name."""
    source: Source


@dataclass(frozen=True, kw_only=True)
class CacheClass:
    """A size of managed Redis."""

    name: str
    memory_gib: float
    """Nominal; what a client can use is less."""
    source: Source


def _ec2(name: str, cpu: int, enis: int, ips: int) -> InstanceType:
    return InstanceType(name=name, cpu=cpu, memory_gib=cpu * 8, enis=enis, ips_per_eni=ips, source=_EC2)


NODES: dict[Cloud, tuple[InstanceType, ...]] = {
    "aws": tuple(
        _ec2(f"{family}.{size}", cpu, enis, ips)
        for family in ("r6i", "r7i")
        for size, cpu, enis, ips in (
            ("large", 2, 3, 10),
            ("xlarge", 4, 4, 15),
            ("2xlarge", 8, 4, 15),
            ("4xlarge", 16, 8, 30),
            ("8xlarge", 32, 8, 30),
            ("12xlarge", 48, 8, 30),
            ("16xlarge", 64, 15, 50),
        )
    ),
    "gcp": tuple(
        InstanceType(name=f"n2-highmem-{cpu}", cpu=cpu, memory_gib=cpu * 8, source=_N2)
        for cpu in (2, 4, 8, 16, 32, 48, 64)
    ),
    "azure": tuple(
        InstanceType(name=f"Standard_E{cpu}s_v5", cpu=cpu, memory_gib=cpu * 8, source=_AZURE)
        for cpu in (2, 4, 8, 16, 32, 48, 64)
    ),
}
"""Smallest first within a family; the family that W&B recommends comes first."""

SHAPES: tuple[tuple[int, int], ...] = tuple((cpu, cpu * 8) for cpu in (2, 4, 8, 12, 16, 32, 48, 64))
"""Nodes of any cluster, as vCPU and GiB: those of W&B's tables, and larger ones in the same proportion."""

DATABASES: dict[Cloud, tuple[DatabaseClass, ...]] = {
    "aws": tuple(
        DatabaseClass(name=f"db.r6g.{size}", cpu=cpu, memory_gib=cpu * 8, source=_AURORA)
        for size, cpu in (("large", 2), ("xlarge", 4), ("2xlarge", 8), ("4xlarge", 16), ("8xlarge", 32))
    ),
    "gcp": tuple(
        DatabaseClass(
            name=f"db-perf-optimized-N-{cpu}",
            cpu=cpu,
            memory_gib=cpu * 8,
            edition="ENTERPRISE_PLUS",
            source=_CLOUD_SQL,
        )
        for cpu in (2, 4, 8, 16, 32)
    ),
    "azure": tuple(
        DatabaseClass(
            name=f"Standard_E{cpu}ads_v5",
            cpu=cpu,
            memory_gib=cpu * 8,
            edition="MemoryOptimized",
            source=_FLEXIBLE,
        )
        for cpu in (2, 4, 8, 16, 32)
    ),
}
"""Smallest first."""

CACHES: dict[Cloud, tuple[CacheClass, ...]] = {
    "aws": (
        CacheClass(name="cache.m6g.large", memory_gib=6.38, source=_ELASTICACHE),
        CacheClass(name="cache.m6g.xlarge", memory_gib=12.93, source=_ELASTICACHE),
        CacheClass(name="cache.m6g.2xlarge", memory_gib=26.04, source=_ELASTICACHE),
    ),
    "gcp": (
        CacheClass(name="STANDARD_HA 6 GB", memory_gib=6, source=_MEMORYSTORE),
        CacheClass(name="STANDARD_HA 13 GB", memory_gib=13, source=_MEMORYSTORE),
        CacheClass(name="STANDARD_HA 26 GB", memory_gib=26, source=_MEMORYSTORE),
    ),
    "azure": (
        CacheClass(name="Balanced_B5", memory_gib=6, source=_MANAGED_REDIS),
        CacheClass(name="Balanced_B10", memory_gib=12, source=_MANAGED_REDIS),
        CacheClass(name="Balanced_B20", memory_gib=24, source=_MANAGED_REDIS),
    ),
}
"""Smallest first."""

REPLACED: dict[str, tuple[str, str]] = {
    "Standard_E2_v5": ("Standard_E2s_v5", "types without `s` cannot attach Premium SSD"),
    "Standard_E4_v5": ("Standard_E4s_v5", "types without `s` cannot attach Premium SSD"),
    "Standard_E8_v5": ("Standard_E8s_v5", "types without `s` cannot attach Premium SSD"),
    "Standard_E16_v5": ("Standard_E16s_v5", "types without `s` cannot attach Premium SSD"),
    "db-n1-highmem-2": ("db-perf-optimized-N-2", "it has 13 GB where the same document asks for 16"),
    "db-n1-highmem-8": ("db-perf-optimized-N-8", "it has 52 GB where the same document asks for 64"),
    "MO_Standard_E2ds_v4": ("Standard_E2ads_v5", "its successor; `MO_` is Terraform's spelling of a tier"),
    "MO_Standard_E8ds_v4": ("Standard_E8ads_v5", "its successor; `MO_` is Terraform's spelling of a tier"),
}
"""What W&B's documents recommend and this project does not take: what instead, and why."""

DOCUMENTED = INSTANCES


def current(name: str) -> str:
    """The type to use where W&B's documents recommend `name`."""
    return REPLACED[name][0] if name in REPLACED else name


def instance_type(cloud: Cloud, name: str) -> InstanceType | None:
    """The type called `name`; None: not in the catalogue."""
    return next((each for each in NODES[cloud] if each.name == name), None)


def database_class(cloud: Cloud, name: str) -> DatabaseClass | None:
    """The MySQL class called `name`; None: not in the catalogue."""
    return next((each for each in DATABASES[cloud] if each.name == name), None)


def cache_class(cloud: Cloud, name: str) -> CacheClass | None:
    """The Redis size called `name`; None: not in the catalogue."""
    return next((each for each in CACHES[cloud] if each.name == name), None)
