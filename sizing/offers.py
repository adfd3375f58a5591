"""What a cloud offers: a machine for nodes, a machine for MySQL, a size of Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .sources import Source

Cloud = Literal["aws", "gcp", "azure"]


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

    @property
    def family(self) -> str:
        """The part of an EC2 type's name before its size; of other clouds the whole name."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class DatabaseClass:
    """A machine for MySQL."""

    name: str
    """As the cloud's API takes it."""
    cpu: int
    memory_gib: int
    edition: str | None = None
    """Cloud SQL's edition or Azure's tier, which go with the name."""
    max_connections: int | None = None
    """What the service allows by default; None: it follows a formula of the service's own."""
    source: Source


@dataclass(frozen=True, kw_only=True)
class CacheClass:
    """A size of managed Redis."""

    name: str
    memory_gib: float
    """Nominal; what a client can use is less."""
    source: Source
