"""Rules about ClickHouse."""

from __future__ import annotations

from ..clickhouse import ExternalClickHouse, ManagedClickHouse, NoClickHouse
from ..model import Settings
from ..problems import problem
from ..surface import full
from .passwords import one_password
from .registry import Problems, given, rule


@rule
def _clickhouse_password(settings: Settings) -> Problems:
    if isinstance(settings.clickhouse, ExternalClickHouse):
        yield from one_password("clickhouse", settings.clickhouse)


@rule
def _one_certificate(settings: Settings) -> Problems:
    tls = settings.managed_clickhouse.tls if settings.managed_clickhouse else None
    if tls is None:
        return
    if tls.secret is None and tls.issuer is None:
        yield problem(
            "clickhouse.tls",
            "says neither where the certificate is nor who makes it",
            f"Name a Secret under `{full('clickhouse.tls.secret')}`, or an issuer of cert-manager under `{full('clickhouse.tls.issuer')}`.",
        )
    if tls.secret is not None and tls.issuer is not None:
        yield problem(
            "clickhouse.tls.secret",
            "is given, and so is `clickhouse.tls.issuer`: one certificate is shown",
            "Remove one of them.",
        )


@rule
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


@rule
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


@rule
def _keepers_fit(settings: Settings) -> Problems:
    clickhouse = settings.clickhouse
    if isinstance(clickhouse, ManagedClickHouse) and clickhouse.replicas > 1 and clickhouse.keepers < 3:
        yield problem(
            "clickhouse.keepers",
            f"is too few for {clickhouse.replicas} replicas: without it they are read-only (got {clickhouse.keepers})",
            "Use 3, or 1 replica.",
        )


@rule
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


@rule
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


@rule
def _shards_need_distributed_tables(settings: Settings) -> Problems:
    clickhouse = settings.clickhouse
    if isinstance(clickhouse, ManagedClickHouse) and clickhouse.shards > 1 and not clickhouse.distributed:
        yield problem(
            "clickhouse.distributed",
            f"is false, and there are {clickhouse.shards} shards: each would have tables of its own",
            "Remove it, or use one shard.",
        )
    if isinstance(clickhouse, ExternalClickHouse) and clickhouse.distributed and clickhouse.cluster is None:
        yield problem(
            "clickhouse.cluster",
            "is missing, and `distributed` is true: Weave spreads its rows over the shards of a cluster",
            "Give the cluster's name, or remove `distributed`.",
        )


@rule
def _backups_know_one_shard(settings: Settings) -> Problems:
    clickhouse = settings.clickhouse
    if isinstance(clickhouse, ManagedClickHouse) and clickhouse.shards > 1 and clickhouse.backup is not None:
        yield problem(
            "clickhouse.backup",
            f"is given, and there are {clickhouse.shards} shards: backups are made of one alone",
            "Use one shard, or remove it and back up the shards by other means.",
        )


@rule
def _ids_of_the_platform(settings: Settings) -> Problems:
    clickhouse = settings.clickhouse
    if not isinstance(clickhouse, ManagedClickHouse) or not clickhouse.ids.from_platform:
        return
    for name in ("user", "group", "volumes"):
        if given(getattr(clickhouse.ids, name)):
            yield problem(
                f"clickhouse.ids.{name}", "is given, and `fromPlatform` is true", "Keep one: the id, or the platform's."
            )


@rule
def _groups_need_a_user(settings: Settings) -> Problems:
    clickhouse = settings.clickhouse
    if not isinstance(clickhouse, ManagedClickHouse) or given(clickhouse.ids.user):
        return
    for name in ("group", "volumes"):
        if given(getattr(clickhouse.ids, name)) and not clickhouse.ids.from_platform:
            yield problem(
                f"clickhouse.ids.{name}",
                "is given without `clickhouse.ids.user`, whose images differ in it",
                "Give the user too.",
            )
