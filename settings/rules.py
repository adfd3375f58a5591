"""Rules over several keys: what is right by itself, but not together.

Each rule is a generator of problems over the whole settings. A value that is wrong by itself is `UNDECIDABLE` here; a rule that
touches it is given up (`check`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from .base import ContainerResources, SecretText, cores, gibibytes
from .clickhouse import ExternalClickHouse, ManagedClickHouse, NoClickHouse
from .lenient import UNDECIDABLE, Undecidable
from .model import Settings
from .problems import Problem, problem, without_values
from .stores import (
    Bucket,
    ClickHouseBucket,
    ExternalMySQL,
    ExternalObjectStore,
    ExternalRedis,
    InClusterMySQL,
    InClusterObjectStore,
    InClusterRedis,
)
from .surface import full

Problems = Iterator[Problem]
Rule = Callable[[Settings], Problems]
RULES: list[Rule] = []

_URL_SAFE = re.compile(r"[A-Za-z0-9_~.-]+")
_MINIMUM_NODES = 3
"""W&B Reference Architecture: the fewest workers of a production cluster."""


def _rule(rule: Rule) -> Rule:
    RULES.append(rule)
    return rule


def check(settings: Settings, secret_keys: Collection[str]) -> list[Problem]:
    """Every problem that a rule finds. `secret_keys`: full keys whose values are encrypted in the stack file."""
    found: list[Problem] = []
    for rule in (*RULES, lambda each: _encrypted(each, secret_keys)):
        try:
            found.extend(rule(settings))
        except Undecidable:
            continue
    return [without_values(each) if _top(each.key) in secret_keys else each for each in found]


def _top(key: str) -> str:
    return key.partition(".")[0]


def _given(value: object) -> bool:
    return value is not None


@_rule
def _one_licence(settings: Settings) -> Problems:
    given = _given(settings.license), _given(settings.license_secret)
    if not any(given):
        yield problem(
            "license",
            "is missing",
            f"Run `pulumi config set --secret {full('license')}`, or name an existing Secret under "
            f"`{full('licenseSecret')}`.",
        )
    if all(given):
        yield problem(
            "license",
            f"is given, and `{full('licenseSecret')}` too",
            "Keep one of them: the text here, or the name of a Secret that exists.",
        )


@_rule
def _licence_text(settings: Settings) -> Problems:
    if isinstance(settings.license, SecretText) and not settings.license.get_secret_value().strip():
        yield problem("license", "is empty", f"Run `pulumi config set --secret {full('license')}`.")


@_rule
def _products_once(settings: Settings) -> Problems:
    if len(set(settings.products)) < len(settings.products):
        yield problem("products", "names a product twice", "Name each once, as in `[models, weave]`.")


def _in_cluster(settings: Settings, path: str, value: object, kind: type, what: str, bring: str) -> Problems:
    if settings.environment == "production" and isinstance(value, kind):
        yield problem(
            f"{path}.kind",
            "is in-cluster, which is one server without fail-over or backup, and `environment` is production",
            f"Use `kind: external` and give {bring}, or set `{full('environment')}` to test. {what}",
        )


@_rule
def _mysql_in_production(settings: Settings) -> Problems:
    yield from _in_cluster(
        settings, "mysql", settings.mysql, InClusterMySQL, "W&B needs MySQL 8.4 or 8.0.", "its host and passwordSecret"
    )


@_rule
def _redis_in_production(settings: Settings) -> Problems:
    yield from _in_cluster(
        settings,
        "redis",
        settings.redis,
        InClusterRedis,
        "W&B needs Redis 7, cluster mode off.",
        "its host and passwordSecret",
    )


@_rule
def _object_store_in_production(settings: Settings) -> Problems:
    yield from _in_cluster(
        settings,
        "objectStore",
        settings.object_store,
        InClusterObjectStore,
        "W&B needs a bucket with pre-signed URLs and CORS.",
        "your buckets",
    )


@_rule
def _tls_secret(settings: Settings) -> Problems:
    ingress = settings.ingress
    if ingress.tls == "secret" and ingress.tls_secret is None:
        yield problem(
            "ingress.tlsSecret",
            "is missing, and `ingress.tls` is secret",
            "Name a Secret of type kubernetes.io/tls in W&B's namespace.",
        )
    if _given(ingress.tls) and ingress.tls != "secret" and _given(ingress.tls_secret):
        yield problem(
            "ingress.tlsSecret",
            f"is given, and `ingress.tls` is {ingress.tls}, which uses no certificate",
            "Remove it, or set `ingress.tls` to secret.",
        )


@_rule
def _tls_in_production(settings: Settings) -> Problems:
    if settings.environment == "production" and settings.ingress.tls == "none":
        yield problem(
            "ingress.tls",
            "is none, and `environment` is production: passwords and API keys would travel in clear text",
            "Use secret (and name `ingress.tlsSecret`) or upstream.",
        )


@_rule
def _distinct_namespaces(settings: Settings) -> Problems:
    seen: dict[str, str] = {}
    for key in ("wandb", "operator", "clickhouse"):
        name = getattr(settings.namespaces, key)
        if name is UNDECIDABLE:
            continue
        if name in seen:
            yield problem(
                f"namespaces.{key}",
                f"is also the namespace of `namespaces.{seen[name]}` (got {name})",
                "Use three different namespaces: each has an operator or workloads that the others must not touch.",
            )
        seen.setdefault(name, key)


@_rule
def _default_namespace(settings: Settings) -> Problems:
    for key in ("wandb", "operator", "clickhouse"):
        if settings.namespaces.create and getattr(settings.namespaces, key) == "default":
            yield problem(
                f"namespaces.{key}",
                "belongs to the cluster and cannot be made or deleted by the stack (got default)",
                "Use a namespace of its own, or set `namespaces.create` to false.",
            )


@_rule
def _mysql_password(settings: Settings) -> Problems:
    if isinstance(settings.mysql, ExternalMySQL):
        yield from _one_password("mysql", settings.mysql)
        yield from _url_safe("mysql", settings.mysql.password)


@_rule
def _redis_password(settings: Settings) -> Problems:
    redis = settings.redis
    if not isinstance(redis, ExternalRedis):
        return
    if redis.auth:
        yield from _one_password("redis", redis, " If Redis asks for none, set `redis.auth` to false.")
        yield from _url_safe("redis", redis.password)
    elif _given(redis.password) or _given(redis.password_secret):
        yield problem("redis.auth", "is false, and a password is given", "Remove the password, or set it to true.")


@_rule
def _clickhouse_password(settings: Settings) -> Problems:
    if isinstance(settings.clickhouse, ExternalClickHouse):
        yield from _one_password("clickhouse", settings.clickhouse)


def _one_password(section: str, store: ExternalMySQL | ExternalRedis | ExternalClickHouse, more: str = "") -> Problems:
    given = _given(store.password), _given(store.password_secret)
    if not any(given):
        yield problem(
            f"{section}.passwordSecret",
            "is missing",
            f"Name a Secret in W&B's namespace and its key, or run `pulumi config set --secret --path "
            f"{full(section)}.password`.{more}",
        )
    if all(given):
        yield problem(f"{section}.password", f"is given, and `{full(section)}.passwordSecret` too", "Keep one of them.")


def _url_safe(section: str, password: SecretText | None) -> Problems:
    if isinstance(password, SecretText) and not _URL_SAFE.fullmatch(password.get_secret_value()):
        yield problem(
            f"{section}.password",
            "has characters that W&B would paste unescaped into a URL",
            "Use letters, digits and `_ ~ . -`; at least 32 of them cannot be guessed.",
        )


@_rule
def _weave_needs_clickhouse(settings: Settings) -> Problems:
    if "weave" in settings.products and isinstance(settings.clickhouse, NoClickHouse):
        yield problem(
            "clickhouse.kind",
            "is none, and Weave is among the products: Weave keeps its data in ClickHouse",
            f"Use managed or external, or leave weave out of `{full('products')}`.",
        )
    if "weave" not in settings.products and isinstance(settings.clickhouse, ManagedClickHouse | ExternalClickHouse):
        yield problem(
            "clickhouse.kind",
            f"is {settings.clickhouse.kind}, and Weave is not among the products: nothing would use ClickHouse",
            f"Remove the section `{full('clickhouse')}`, or add weave to `{full('products')}`.",
        )


@_rule
def _cache_fits(settings: Settings) -> Problems:
    clickhouse = settings.clickhouse
    if isinstance(clickhouse, ManagedClickHouse) and clickhouse.cache_gib * 2 > clickhouse.volume_gib:
        cache, volume = clickhouse.cache_gib, clickhouse.volume_gib
        more = (
            "larger than its volume" if cache > volume else "more than half of its volume, and a full one stops inserts"
        )
        yield problem(
            "clickhouse.cacheGiB",
            f"is {more} (got {cache}, with `clickhouse.volumeGiB` {volume})",
            f"Use at most {volume // 2}, or a volume of {cache * 2} or more.",
        )


@_rule
def _keepers_fit(settings: Settings) -> Problems:
    clickhouse = settings.clickhouse
    if isinstance(clickhouse, ManagedClickHouse) and clickhouse.replicas > 1 and clickhouse.keepers < 3:
        yield problem(
            "clickhouse.keepers",
            f"is too few for {clickhouse.replicas} replicas: without it they are read-only (got {clickhouse.keepers})",
            "Use 3, or 1 replica.",
        )


@_rule
def _replicas_in_production(settings: Settings) -> Problems:
    clickhouse = settings.clickhouse
    if settings.environment != "production" or not isinstance(clickhouse, ManagedClickHouse):
        return
    if clickhouse.replicas < 3:
        yield problem(
            "clickhouse.replicas",
            f"is too few for production (got {clickhouse.replicas})",
            f"Use 3 or more, or set `{full('environment')}` to test.",
        )


@_rule
def _keepers_in_production(settings: Settings) -> Problems:
    clickhouse = settings.clickhouse
    if settings.environment != "production" or not isinstance(clickhouse, ManagedClickHouse):
        return
    if clickhouse.keepers < 3 and clickhouse.replicas == 1:
        yield problem(
            "clickhouse.keepers",
            f"is too few for production (got {clickhouse.keepers})",
            f"Use 3 or 5, or set `{full('environment')}` to test.",
        )


@_rule
def _clickhouse_bucket(settings: Settings) -> Problems:
    store = settings.object_store
    managed = isinstance(settings.clickhouse, ManagedClickHouse)
    if isinstance(store, ExternalObjectStore) and managed and store.clickhouse_bucket is None:
        yield problem(
            "objectStore.clickhouseBucket",
            "is missing, and ClickHouse keeps its data there",
            "Give a bucket of its own, or use an external ClickHouse.",
        )


@_rule
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


@_rule
def _bucket(settings: Settings) -> Problems:
    if isinstance(settings.object_store, ExternalObjectStore):
        yield from _bucket_problems("objectStore.bucket", settings.object_store.bucket)


@_rule
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
    if _given(bucket.kms_key):
        yield problem(f"{path}.kmsKey", "is given for an S3-compatible store, which has none", "Remove it.")


def _container(path: str, bucket: Bucket | ClickHouseBucket) -> Problems:
    if bucket.provider is UNDECIDABLE or bucket.name is UNDECIDABLE:
        return
    if bucket.provider == "az" and "/" not in bucket.name:
        yield problem(f"{path}.name", f"names no container (got {bucket.name})", "Write it as `account/container`.")
    if bucket.provider != "az" and "/" in bucket.name:
        yield problem(f"{path}.name", f"has a path (got {bucket.name})", "Give the name of the bucket alone.")


@_rule
def _nodes_in_production(settings: Settings) -> Problems:
    count = settings.sizing.nodes.count
    if settings.environment == "production" and count is not None and count < _MINIMUM_NODES:
        yield problem(
            "sizing.nodes.count",
            f"is too few for production (got {count})",
            f"W&B's reference architecture asks for {_MINIMUM_NODES} or more.",
        )


def _container_resources(settings: Settings) -> Iterator[tuple[str, ContainerResources]]:
    for name, resources in settings.sizing.components.items():
        yield f"sizing.components.{name}", resources
    for path, section in (
        ("mysql", settings.mysql),
        ("redis", settings.redis),
        ("objectStore", settings.object_store),
        ("clickhouse", settings.clickhouse),
    ):
        for field, key in (("resources", "resources"), ("keeper_resources", "keeperResources")):
            if section is not UNDECIDABLE and field in type(section).model_fields:
                yield f"{path}.{key}", getattr(section, field)


@_rule
def _limits_cover_requests(settings: Settings) -> Problems:
    for path, resources in _container_resources(settings):
        try:
            yield from _limit_problems(path, resources)
        except Undecidable:
            continue


def _limit_problems(path: str, resources: ContainerResources) -> Problems:
    for what, request, limit, size in (
        ("cpu", resources.cpu_request, resources.cpu_limit, cores),
        ("memory", resources.memory_request, resources.memory_limit, gibibytes),
    ):
        if request is None or limit is None:
            continue
        if size(request) > size(limit):
            yield problem(
                f"{path}.{what}Limit",
                f"is less than the request (got {limit}, with `{what}Request` {request})",
                "Raise the limit or lower the request: Kubernetes refuses such a pod.",
            )


def _encrypted(settings: Settings, secret_keys: Collection[str]) -> Problems:
    """Secrets that stand in clear text in the stack file."""
    texts = [("license", settings.license)]
    for section, store in (("mysql", settings.mysql), ("redis", settings.redis), ("clickhouse", settings.clickhouse)):
        if isinstance(store, ExternalMySQL | ExternalRedis | ExternalClickHouse):
            texts.append((f"{section}.password", store.password))
    for path, text in texts:
        if isinstance(text, SecretText) and full(path.partition(".")[0]) not in secret_keys:
            flags = "--secret --path" if "." in path else "--secret"
            yield problem(
                path,
                "is not encrypted in the stack file",
                f"Run `pulumi config set {flags} {full(path)}`, and replace the value: whoever sees the file knows it.",
            )
