"""Rules about MySQL, Redis and in-cluster stores."""

from __future__ import annotations

from ..model import Settings
from ..problems import problem
from ..stores import (
    ExternalMySQL,
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
