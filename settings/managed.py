"""Settings of data stores that a cloud makes for the stack."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .arns import arn, parts, s3_bucket_arn
from .base import AccountId, Environment, LogDays, Model, matching, refusal

_DATABASE_CLASS = matching(
    re.compile(r"db\.[a-z][a-z0-9-]*\.[a-z0-9-]+"),
    "is not the name of a database class",
    "Write it as in `db.r6g.2xlarge`.",
)
_CACHE_CLASS = matching(
    re.compile(r"cache\.[a-z][a-z0-9-]*\.[a-z0-9-]+"),
    "is not the name of a cache node type",
    "Write it as in `cache.m6g.large`.",
)
_DAY, _TIME = "(mon|tue|wed|thu|fri|sat|sun)", "([01][0-9]|2[0-3]):[0-5][0-9]"
WeeklyWindow = Annotated[
    str,
    *matching(
        re.compile(f"{_DAY}:{_TIME}-{_DAY}:{_TIME}"),
        "is not a weekly window",
        "Write days and times in UTC, as in `sun:03:00-sun:04:00`.",
    ),
]
DailyWindow = Annotated[
    str,
    *matching(re.compile(f"{_TIME}-{_TIME}"), "is not a daily window", "Write two times in UTC, as in `01:00-02:00`."),
]
_AURORA = re.compile(r"8\.0\.mysql_aurora\.3\.([0-9]{2})\.[0-9]+")
AURORA_MINIMUM = 10
"""Minor version of Aurora MySQL 3 from which W&B supports it."""


def _aurora(value: str) -> str:
    parts = _AURORA.fullmatch(value)
    if not parts:
        raise refusal("is not a version of Aurora MySQL 3", 'Write it in full, as in "8.0.mysql_aurora.3.10.3".')
    if int(parts[1]) < AURORA_MINIMUM:
        raise refusal("is older than W&B needs", f"Use 3.{AURORA_MINIMUM} or later.")
    return value


class ManagedMySQL(Model):
    """Aurora MySQL, which the stack makes. Only where `target` is aws."""

    kind: Literal["managed"]
    """The stack makes it."""
    class_name: Annotated[str, *_DATABASE_CLASS] | None = Field(default=None, alias="class")
    """Instance class, such as `db.r6g.2xlarge`. Default: from the sizing plan."""
    instances: int | None = Field(default=None, ge=1, le=3)
    """Writer, and instances in other zones that take over when it fails: W&B reads from none of them. Default: 2 in
    production, else 1."""
    version: Annotated[str, AfterValidator(_aurora)] = "8.0.mysql_aurora.3.10.3"
    """Engine version of Aurora MySQL 3, 3.10 or later. Raise it in place; it never goes back."""
    backup_days: int = Field(default=14, ge=1, le=35)
    """Days that a point in time can be restored from."""
    snapshot_id: str | None = Field(default=None, min_length=1)
    """Snapshot of a database cluster, by name or ARN, to start from. Never add, change or remove it later: the database
    would be made anew."""
    password_revision: int = Field(default=1, ge=1)
    """A new number makes new passwords. The one that W&B has works on while its pods restart."""
    apply_immediately: bool = False
    """Whether what interrupts connections (class, version) happens during `pulumi up`, with a fail-over. `false`: in the
    maintenance window; until then `pulumi refresh` shows a difference."""
    maintenance_window: WeeklyWindow | None = None
    """When AWS may interrupt connections, in UTC, as in `sun:03:00-sun:04:00`. Default: AWS picks a night hour."""
    backup_window: DailyWindow | None = None
    """When backups are taken, in UTC, as in `01:00-02:00`, outside the maintenance window. Default: AWS picks."""
    audit: bool = False
    """Whether connections, and changes of tables and rights, are written to an audit log."""
    log_days: LogDays = 90
    """Days that the database's logs are kept."""
    final_snapshot: bool = True
    """Whether destroying the stack leaves a snapshot behind, which nobody deletes but you."""

    def instance_count(self, environment: Environment) -> int:
        """`instances` with the default filled in."""
        return self.instances or (2 if environment == "production" else 1)


class ManagedRedis(Model):
    """ElastiCache, which the stack makes: one shard, encrypted, with a password. Only where `target` is aws."""

    kind: Literal["managed"]
    """The stack makes it."""
    engine: Literal["redis", "valkey"] = "redis"
    """`redis`: Redis OSS 7.1, which W&B names. `valkey`: Valkey 7.2, its successor, at a lower price. Redis can become
    Valkey in place, not the other way round."""
    class_name: Annotated[str, *_CACHE_CLASS] | None = Field(default=None, alias="class")
    """Node type, such as `cache.m6g.large`. Default: from the sizing plan."""
    replicas: int | None = Field(default=None, ge=0, le=5)
    """Copies in other zones that take over when the first node fails. Default: 1 in production, else 0."""
    snapshot_days: int = Field(default=7, ge=0, le=35)
    """Days that daily snapshots are kept; 0: none are made."""
    password_revision: int = Field(default=1, ge=1)
    """A new number makes a new password. The one that W&B has works on while its pods restart."""
    apply_immediately: bool = False
    """Whether what interrupts connections (class) happens during `pulumi up`. `false`: in the maintenance window."""
    maintenance_window: WeeklyWindow | None = None
    """When AWS may interrupt connections, in UTC, as in `sun:03:00-sun:04:00`. Default: AWS picks a night hour."""
    snapshot_window: DailyWindow | None = None
    """When snapshots are taken, in UTC, as in `01:00-02:00`, outside the maintenance window. Default: AWS picks."""
    final_snapshot: bool = True
    """Whether destroying the stack leaves a snapshot behind, which nobody deletes but you."""

    def replica_count(self, environment: Environment) -> int:
        """`replicas` with the default filled in."""
        return int(environment == "production") if self.replicas is None else self.replicas


class Replication(Model):
    """A bucket, usually in another region, that receives a copy of every object that W&B writes. Versioning is on there."""

    bucket_arn: Annotated[str, *s3_bucket_arn()]
    """The bucket."""
    kms_key_arn: Annotated[
        str, *arn("kms", "key", "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef")
    ]
    """KMS key that encrypts the copies. It is in the bucket's region, and so tells it."""
    account_id: AccountId | None = None
    """Account that owns the bucket. Default: the stack's own."""

    @property
    def region(self) -> str:
        """Region of the bucket: that of its key."""
        return parts(self.kms_key_arn).region


class ManagedObjectStore(Model):
    """S3 buckets, which the stack makes: one for W&B, and one for ClickHouse where it is managed. Only where `target` is
    aws."""

    kind: Literal["managed"]
    """The stack makes it."""
    noncurrent_days: int = Field(default=30, ge=1, le=3650)
    """Days that a deleted or overwritten object can be brought back."""
    replication: Replication | None = None
    """Where W&B's files are copied to. Default: nowhere."""
    backup_bucket: bool = False
    """Whether there is a third bucket, for backups of ClickHouse."""
