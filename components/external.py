"""What the user brings to any platform."""

from __future__ import annotations

from dataclasses import dataclass

from . import contracts


@dataclass(frozen=True, kw_only=True)
class ExternalBuckets:
    """Object storage that the user brings."""

    bucket: contracts.Bucket
    clickhouse_bucket: contracts.Bucket | None = None
    """None: no ClickHouse in this cluster."""
