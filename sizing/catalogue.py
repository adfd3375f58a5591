"""Instance types, database classes and cache sizes of the clouds: what each offers.

The documents write GB where the machines have GiB; the numbers are the same. ARM is in no list of nodes, because W&B's
containers run on x86-64 alone; MySQL and Redis may run on it.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from . import aws
from .offers import CacheClass, Cloud, DatabaseClass, InstanceType
from .sources import Source

__all__ = [
    "CACHES",
    "DATABASES",
    "NODES",
    "REPLACED",
    "SHAPES",
    "CacheClass",
    "Cloud",
    "DatabaseClass",
    "InstanceType",
    "cache_class",
    "current",
    "database_class",
    "instance_type",
    "interchangeable",
    "refusal",
]

_N2 = Source("Compute Engine documentation", "N2 machine series, high memory: 8 GB per vCPU")
_AZURE = Source("Azure VM sizes", "Esv5 series: 8 GiB per vCPU, Premium SSD")
_CLOUD_SQL = Source("Cloud SQL documentation", "predefined machine types of Enterprise Plus")
_FLEXIBLE = Source("Azure Database for MySQL documentation", "service tiers, Memory Optimized")
_MEMORYSTORE = Source("Memorystore", "the capacity is the parameter itself")
_MANAGED_REDIS = Source("Azure Managed Redis documentation", "Balanced tier; 20 % of the memory is reserved")


NODES: dict[Cloud, tuple[InstanceType, ...]] = {
    "aws": aws.NODES,
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
    "aws": aws.DATABASES,
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
"""Smallest first within a family; the family that W&B recommends comes first."""

CACHES: dict[Cloud, tuple[CacheClass, ...]] = {
    "aws": aws.CACHES,
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
"""The first three are those of W&B's Terraform modules, smallest first."""

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


def interchangeable(cloud: Cloud, name: str) -> tuple[str, ...]:
    """The types that are as large as `name`, itself first: what one node group may take in turn.

    A cluster autoscaler takes the nodes of a group for equal, so types of one group need the same vCPU, memory and pods.
    Raises `ValueError` where the catalogue does not have `name`.
    """
    wanted = instance_type(cloud, name)
    if wanted is None:
        raise ValueError(refusal(cloud, name, [each.name for each in NODES[cloud]]))
    return (name, *(each.name for each in NODES[cloud] if each.name != name and _alike(each, wanted)))


def refusal(cloud: Cloud, name: str, offered: Sequence[str]) -> str:
    """Why `name` is not taken, and what is like it."""
    near = difflib.get_close_matches(name, offered, n=2, cutoff=0.7)
    families = sorted({each.rpartition(".")[0] for each in offered} - {""})
    known = f"families {', '.join(families)}" if families else ", ".join(offered)
    if offered and offered[0] == NODES[cloud][0].name:
        known += ", none of ARM: W&B's containers run on x86-64 alone"
    advice = f"; take {' or '.join(near)}" if near else "; take one that is in it"
    return f"{name!r} is not in the catalogue of {cloud} ({known}){advice}"


def _alike(one: InstanceType, other: InstanceType) -> bool:
    return all(getattr(one, each) == getattr(other, each) for each in ("cpu", "memory_gib", "enis", "ips_per_eni"))
