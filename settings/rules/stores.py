"""Rules about MySQL, Redis and buckets, whoever makes them."""

from __future__ import annotations

from ..clickhouse import ManagedClickHouse
from ..lenient import UNDECIDABLE
from ..model import Settings
from ..problems import problem
from ..stores import (
    Bucket,
    ClickHouseBucket,
    ExternalMySQL,
    ExternalObjectStore,
    ExternalRedis,
    InClusterMySQL,
    InClusterObjectStore,
    InClusterRedis,
)
from ..surface import full
from .passwords import one_password, url_safe
from .registry import Problems, given, rule


def _in_cluster(settings: Settings, path: str, value: object, kind: type, what: str, bring: str) -> Problems:
    if settings.target == "kubernetes" and settings.environment == "production" and isinstance(value, kind):
        yield problem(
            f"{path}.kind",
            "is in-cluster, which is one server without fail-over or backup, and `environment` is production",
            f"Use `kind: external` and give {bring}, or set `{full('environment')}` to test. {what}",
        )


@rule
def _mysql_in_production(settings: Settings) -> Problems:
    yield from _in_cluster(
        settings, "mysql", settings.mysql, InClusterMySQL, "W&B needs MySQL 8.4 or 8.0.", "its host and passwordSecret"
    )


@rule
def _redis_in_production(settings: Settings) -> Problems:
    yield from _in_cluster(
        settings,
        "redis",
        settings.redis,
        InClusterRedis,
        "W&B needs Redis 7, cluster mode off.",
        "its host and passwordSecret",
    )


@rule
def _object_store_in_production(settings: Settings) -> Problems:
    yield from _in_cluster(
        settings,
        "objectStore",
        settings.object_store,
        InClusterObjectStore,
        "W&B needs a bucket with pre-signed URLs and CORS.",
        "your buckets",
    )


@rule
def _mysql_password(settings: Settings) -> Problems:
    if isinstance(settings.mysql, ExternalMySQL):
        yield from one_password("mysql", settings.mysql)
        yield from url_safe("mysql", settings.mysql.password)


@rule
def _redis_password(settings: Settings) -> Problems:
    redis = settings.redis
    if not isinstance(redis, ExternalRedis):
        return
    if redis.auth:
        yield from one_password("redis", redis, " If Redis asks for none, set `redis.auth` to false.")
        yield from url_safe("redis", redis.password)
    elif given(redis.password) or given(redis.password_secret):
        yield problem("redis.auth", "is false, and a password is given", "Remove the password, or set it to true.")


@rule
def _clickhouse_bucket(settings: Settings) -> Problems:
    store = settings.object_store
    managed = isinstance(settings.clickhouse, ManagedClickHouse)
    if isinstance(store, ExternalObjectStore) and managed and store.clickhouse_bucket is None:
        yield problem(
            "objectStore.clickhouseBucket",
            "is missing, and ClickHouse keeps its data there",
            "Give a bucket of its own, or use an external ClickHouse.",
        )


@rule
def _buckets_differ(settings: Settings) -> Problems:
    store = settings.object_store
    if not isinstance(store, ExternalObjectStore) or store.clickhouse_bucket is None:
        return
    first, second = store.bucket, store.clickhouse_bucket
    if (first.provider, first.endpoint, first.name) == (second.provider, second.endpoint, second.name):
        yield problem(
            "objectStore.clickhouseBucket.name",
            f"is W&B's bucket too (got {second.name})",
            "Give ClickHouse a bucket of its own: its keys and its clean-up must not reach W&B's files.",
        )


@rule
def _bucket(settings: Settings) -> Problems:
    if isinstance(settings.object_store, ExternalObjectStore):
        yield from _bucket_problems("objectStore.bucket", settings.object_store.bucket)


@rule
def _second_bucket(settings: Settings) -> Problems:
    store = settings.object_store
    if isinstance(store, ExternalObjectStore) and store.clickhouse_bucket is not None:
        yield from _bucket_problems("objectStore.clickhouseBucket", store.clickhouse_bucket)


def _bucket_problems(path: str, bucket: Bucket | ClickHouseBucket) -> Problems:
    yield from _container(path, bucket)
    if bucket.endpoint is None:
        return
    if bucket.provider != "s3":
        yield problem(
            f"{path}.endpoint",
            f"is given, and `provider` is {bucket.provider}, which has its own",
            "Remove it; for an S3-compatible store use provider s3.",
        )
    if bucket.keys_secret is None:
        yield problem(
            f"{path}.keysSecret",
            "is missing, and a store with an endpoint of its own knows no cloud identity",
            "Name a Secret with the access key and the secret key.",
        )
    if given(bucket.kms_key):
        yield problem(f"{path}.kmsKey", "is given for an S3-compatible store, which has none", "Remove it.")


def _container(path: str, bucket: Bucket | ClickHouseBucket) -> Problems:
    if bucket.provider is UNDECIDABLE or bucket.name is UNDECIDABLE:
        return
    if bucket.provider == "az" and "/" not in bucket.name:
        yield problem(f"{path}.name", f"names no container (got {bucket.name})", "Write it as `account/container`.")
    if bucket.provider != "az" and "/" in bucket.name:
        yield problem(f"{path}.name", f"has a path (got {bucket.name})", "Give the name of the bucket alone.")
