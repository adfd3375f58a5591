"""Rules about Aurora, ElastiCache and S3 buckets that the stack makes."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Settings
from ..problems import problem
from ..stores import ManagedMySQL, ManagedObjectStore, ManagedRedis
from ..surface import full
from .registry import Problems, rule

_DAY = 24 * 60
_BACKUP_DAYS = 7
"""Days that a production backup is kept at least. Source: operator-wandb reference architecture requirements."""


@rule
def _instances_in_production(settings: Settings) -> Problems:
    mysql = settings.mysql
    if settings.environment != "production" or not isinstance(mysql, ManagedMySQL):
        return
    if mysql.instances == 1:
        yield problem(
            "mysql.instances",
            "is too few for production: none would take over when the one fails (got 1)",
            f"Use 2 or more, or set `{full('environment')}` to test.",
        )


@rule
def _backups_in_production(settings: Settings) -> Problems:
    mysql = settings.mysql
    if settings.environment != "production" or not isinstance(mysql, ManagedMySQL):
        return
    if mysql.backup_days < _BACKUP_DAYS:
        yield problem(
            "mysql.backupDays",
            f"is too few for production (got {mysql.backup_days})",
            f"Use {_BACKUP_DAYS} or more, as W&B asks for.",
        )


@rule
def _replicas_in_production(settings: Settings) -> Problems:
    redis = settings.redis
    if settings.environment != "production" or not isinstance(redis, ManagedRedis):
        return
    if redis.replicas == 0:
        yield problem(
            "redis.replicas",
            "is too few for production: none would take over when the one node fails (got 0)",
            f"Use 1 or more, or set `{full('environment')}` to test.",
        )


@rule
def _snapshots_in_production(settings: Settings) -> Problems:
    redis = settings.redis
    if settings.environment == "production" and isinstance(redis, ManagedRedis) and redis.snapshot_days == 0:
        yield problem("redis.snapshotDays", "is 0, and `environment` is production", "Use 1 or more.")


@rule
def _backup_bucket(settings: Settings) -> Problems:
    store = settings.object_store
    if isinstance(store, ManagedObjectStore) and store.backup_bucket and settings.managed_clickhouse is None:
        yield problem(
            "objectStore.backupBucket",
            "is true, and no ClickHouse is made whose backups it would hold",
            "Remove it.",
        )


@rule
def _backups_have_a_bucket(settings: Settings) -> Problems:
    store, made = settings.object_store, settings.managed_clickhouse
    if made is None or made.backup is None or made.backup.bucket is not None:
        return
    if not (isinstance(store, ManagedObjectStore) and store.backup_bucket):
        yield problem(
            "clickhouse.backup.bucket",
            "is not given, and the stack makes no bucket for backups",
            "Give a bucket, or set `objectStore.backupBucket` where the stack makes the buckets.",
        )


@rule
def _windows_of_mysql(settings: Settings) -> Problems:
    mysql = settings.mysql
    if isinstance(mysql, ManagedMySQL):
        yield from _windows("mysql.backupWindow", mysql.backup_window, mysql.maintenance_window)


@rule
def _windows_of_redis(settings: Settings) -> Problems:
    redis = settings.redis
    if isinstance(redis, ManagedRedis):
        yield from _windows("redis.snapshotWindow", redis.snapshot_window, redis.maintenance_window)


def _windows(path: str, daily: str | None, weekly: str | None) -> Problems:
    if daily is None or weekly is None:
        return
    begin, _, end = weekly.partition("-")
    if _minutes(daily.replace("-", " ").split()) & _minutes([begin[4:], end[4:]]):
        yield problem(
            path, f"overlaps `maintenanceWindow` (got {daily}, with {weekly})", "Choose another hour: AWS refuses both."
        )


def _minutes(times: Sequence[str]) -> set[int]:
    """The minutes of a day between two times; past midnight too."""
    first, last = (int(hours) * 60 + int(minutes) for hours, minutes in (each.split(":") for each in times))
    return {minute % _DAY for minute in range(first, last if first < last else last + _DAY)}
