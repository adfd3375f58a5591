"""What AWS offers: EC2 types for nodes, Aurora classes and ElastiCache node types.

Nodes are x86-64 alone, because W&B's containers are. A region may lack the newest families: the stack's preflight asks.
"""

from __future__ import annotations

from .offers import CacheClass, DatabaseClass, InstanceType
from .sources import Source

_EC2 = Source("EC2 DescribeInstanceTypes", "vCPU, memory, network interfaces and IPv4 addresses on each")
_AURORA = Source("Aurora user guide", "hardware of DB instance classes; default max_connections of Aurora MySQL")
_ELASTICACHE = Source("ElastiCache user guide", "node-type specific parameters (maxmemory), in GiB")

_GIB_PER_CPU = {"r": 8, "m": 4}
"""By the first letter of a family: memory optimized and general purpose."""

_SIXTH_AND_SEVENTH = (
    ("large", 2, 3, 10),
    ("xlarge", 4, 4, 15),
    ("2xlarge", 8, 4, 15),
    ("4xlarge", 16, 8, 30),
    ("8xlarge", 32, 8, 30),
    ("12xlarge", 48, 8, 30),
    ("16xlarge", 64, 15, 50),
)
_EIGHTH = (
    ("large", 2, 3, 20),
    ("xlarge", 4, 4, 30),
    ("2xlarge", 8, 4, 30),
    ("4xlarge", 16, 8, 50),
    ("8xlarge", 32, 10, 50),
    ("12xlarge", 48, 12, 50),
    ("16xlarge", 64, 16, 64),
)
_FAMILIES = {
    **dict.fromkeys(("r6i", "r7i", "r6a", "r7a"), _SIXTH_AND_SEVENTH),
    "r8i": _EIGHTH,
    **dict.fromkeys(("m6i", "m7i", "m6a", "m7a"), _SIXTH_AND_SEVENTH),
    "m8i": _EIGHTH,
}
"""Sizes, vCPU, network interfaces, addresses on each. The family that W&B recommends comes first."""

NODES: tuple[InstanceType, ...] = tuple(
    InstanceType(
        name=f"{family}.{size}",
        cpu=cpu,
        memory_gib=cpu * _GIB_PER_CPU[family[0]],
        enis=enis,
        ips_per_eni=ips,
        source=_EC2,
    )
    for family, sizes in _FAMILIES.items()
    for size, cpu, enis, ips in sizes
)

DATABASES: tuple[DatabaseClass, ...] = tuple(
    DatabaseClass(name=f"db.{family}.{size}", cpu=cpu, memory_gib=cpu * 8, max_connections=connections, source=_AURORA)
    for family in ("r6g", "r7g", "r8g", "r6i", "r7i")
    for size, cpu, connections in (
        ("large", 2, 1000),
        ("xlarge", 4, 2000),
        ("2xlarge", 8, 3000),
        ("4xlarge", 16, 4000),
        ("8xlarge", 32, 5000),
        ("12xlarge", 48, 6000),
        ("16xlarge", 64, 6000),
    )
)
"""Burstable classes are not among them: db.t4g.large allows 135 connections, and W&B opens hundreds."""

CACHES: tuple[CacheClass, ...] = tuple(
    CacheClass(name=f"cache.{family}.{size}", memory_gib=gib, source=_ELASTICACHE)
    for families, sizes in (
        (("m6g", "m7g"), (("large", 6.38), ("xlarge", 12.93), ("2xlarge", 26.04))),
        (("r6g", "r7g"), (("large", 13.07), ("xlarge", 26.32), ("2xlarge", 52.82))),
    )
    for family in families
    for size, gib in sizes
)
