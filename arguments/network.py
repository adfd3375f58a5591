"""From the settings to what the components need to know of the network: who is around, and on which ports."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from components import clickhouse, contracts, network, wandb
from components.clickhouse import names
from components.clickhouse.network import servers
from components.wandb.network import Need, Store
from settings import Settings
from settings.aws import ManagedNetwork
from settings.clickhouse import ExternalClickHouse, ManagedClickHouse
from settings.stores import Bucket, ClickHouseBucket, ExternalMySQL, ExternalObjectStore, ExternalRedis

_SCHEMES = {"https": 443, "http": 80}
_MYSQL, _REDIS = 3306, 6379
"""Of the stores that AWS makes."""


def surroundings(settings: Settings) -> network.Surroundings | None:
    """What is around the stack; None where connections are not to be limited."""
    asked = settings.network_policies
    if asked is None:
        return None
    entrances, made = list(asked.ingress_networks), settings.aws.network if settings.aws else None
    if settings.ingress is None and not entrances and not asked.ingress_namespaces and isinstance(made, ManagedNetwork):
        entrances.append(made.cidr)
    return network.Surroundings(
        ingress_namespaces=tuple(asked.ingress_namespaces),
        ingress_networks=tuple(entrances),
        egress_networks=tuple(asked.egress_networks),
        dns_namespaces=tuple(asked.dns_namespaces),
        monitoring_namespace=settings.monitoring.namespace if settings.monitoring else None,
    )


def wandb_access(settings: Settings, platform: contracts.Platform) -> wandb.Access | None:
    """Whom W&B may connect to, and who may connect to it."""
    around = surroundings(settings)
    if around is None:
        return None
    within = settings.object_store.kind == "in-cluster"
    stores: list[Store] = []
    if settings.mysql.kind == "in-cluster":
        stores.append("mysql")
    if settings.redis.kind == "in-cluster":
        stores.append("redis")
    if within:
        stores.append("seaweedfs")
    made = settings.managed_clickhouse
    return wandb.Access(
        around=around,
        stores=tuple(stores),
        clickhouse=servers(platform.namespaces.clickhouse) if made else None,
        clickhouse_port=names.ports(tls=made is not None and made.tls is not None).http,
        clickhouse_in_store=within,
        outside=_outside(settings),
    )


def clickhouse_access(
    settings: Settings, platform: contracts.Platform, made: ManagedClickHouse
) -> clickhouse.Access | None:
    """Whom ClickHouse may connect to, and who may connect to it."""
    around = surroundings(settings)
    if around is None:
        return None
    store, backup = settings.object_store, made.backup
    buckets = [store.clickhouse_bucket if isinstance(store, ExternalObjectStore) else None]
    within = store.kind == "in-cluster"
    ports = set() if within else {_bucket_port(each) for each in buckets}
    if backup is not None:
        ports.add(_bucket_port(backup.bucket))
    return clickhouse.Access(
        around=around,
        clients=wandb.clickhouse_clients(settings.products, platform.namespaces.wandb),
        bucket_ports=tuple(sorted(ports)),
        bucket_pods=[wandb.store_pods("seaweedfs", platform.namespaces.wandb)] if within else [],
    )


def _outside(settings: Settings) -> dict[Need, tuple[int, ...]]:
    found: dict[Need, tuple[int, ...]] = {"web": tuple(sorted(set(_web(settings))))}
    mysql, redis, store, database = settings.mysql, settings.redis, settings.object_store, settings.clickhouse
    if mysql.kind != "in-cluster":
        found["mysql"] = (mysql.port if isinstance(mysql, ExternalMySQL) else _MYSQL,)
    if redis.kind != "in-cluster":
        found["redis"] = (redis.port if isinstance(redis, ExternalRedis) else _REDIS,)
    if store.kind != "in-cluster":
        found["bucket"] = (_bucket_port(store.bucket if isinstance(store, ExternalObjectStore) else None),)
    if isinstance(database, ExternalClickHouse):
        found["clickhouse"] = (database.port,)
    return found


def _web(settings: Settings) -> Iterator[int]:
    """The internet, W&B itself by its public name, and what the instance is set up with."""
    instance = settings.instance
    yield _SCHEMES["https"]
    yield _port(settings.url)
    if instance.oidc:
        yield _port(instance.oidc.issuer)
    if instance.smtp:
        yield instance.smtp.port
    if instance.kafka:
        yield instance.kafka.port
    for proxy in (instance.proxy.http, instance.proxy.https) if instance.proxy else ():
        if proxy:
            yield _port(proxy)


def _bucket_port(bucket: Bucket | ClickHouseBucket | None) -> int:
    return _port(bucket.endpoint) if bucket and bucket.endpoint else _SCHEMES["https"]


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or _SCHEMES[parts.scheme]
