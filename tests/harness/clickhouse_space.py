"""The space of ClickHouse installations that the component accepts, for property tests.

Values are plain: what is an Output in a program is known here, so that manifests can be read whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, cast

from hypothesis import strategies as st

from components import contracts
from components.clickhouse import pods
from components.clickhouse.clickhouse import ClickHouseArgs, Images
from components.clickhouse.keeper import KeeperArgs
from components.clickhouse.server import ServerArgs
from components.clickhouse.tls import TLS, Issuer
from components.clickhouse.users import User, digest

from .certificates import FIRST, SECOND

ENCRYPTED = TLS(ca=FIRST, secret="clickhouse-certificate")
PASSWORD = "N0tAPasswordOfAnyoneButATextToLookFor"
NO_PROVIDER = cast(Any, None)
"""Manifests are made without one."""

SMALL = contracts.Resources(cpu_request="500m", memory_request="1Gi", memory_limit="4Gi")
KEYS = contracts.BucketKeys(name="clickhouse-keys")
S3 = contracts.Bucket(provider="s3", name="clickhouse-data", region="us-east-2")
COMPATIBLE = contracts.Bucket(
    provider="s3",
    name="clickhouse",
    region="us-east-1",
    endpoint="http://store.example.internal:9000",
    keys=KEYS,
)
GOOGLE = contracts.Bucket(provider="gcs", name="clickhouse", region="europe-west4")
AZURE = contracts.Bucket(provider="az", name="wandbstore/clickhouse", region="westeurope")


def user(password: str = PASSWORD, *, distributed: bool = False) -> User:
    """The user `weave` with `password` in its Secrets."""
    return User(
        name="weave",
        database="weave",
        password_hash=contracts.SecretKey(name="clickhouse-weave-user", key="password_sha256_hex"),
        password=contracts.SecretKey(name="clickhouse-weave-user", key="password"),
        digest=digest(password),
        distributed=distributed,
    )


USER = user()


def cluster(
    zones: int = 3, storage_class: str | None = "fast", clickhouse_pool: str | None = None
) -> contracts.Cluster:
    """A cluster of `zones` zones."""
    return contracts.Cluster(
        provider=NO_PROVIDER,
        service_account_issuer="https://kubernetes.default.svc",
        storage_class=storage_class,
        zones=zones,
        clickhouse_pool=clickhouse_pool,
    )


def server(**changes: Any) -> ServerArgs:
    """Three replicas on an S3-compatible store, with `changes`."""
    args = ServerArgs(
        cluster=cluster(),
        namespace="clickhouse",
        image="altinity/clickhouse-server:25.8.16.10002.altinitystable",
        resources=SMALL,
        volume_gib=50,
        cache_gib=20,
        bucket=COMPATIBLE,
        user=USER,
    )
    return dataclasses.replace(args, **changes)


def keeper(**changes: Any) -> KeeperArgs:
    """Three nodes, with `changes`."""
    args = KeeperArgs(
        cluster=cluster(),
        namespace="clickhouse",
        image="altinity/clickhouse-keeper:25.8.16.10002.altinitystable",
        resources=SMALL,
        volume_gib=10,
    )
    return dataclasses.replace(args, **changes)


def clickhouse(**changes: Any) -> ClickHouseArgs:
    """What a stack would ask for, with `changes`. Raises what `ClickHouseArgs` raises."""
    given: dict[str, Any] = {
        "cluster": cluster(),
        "random_provider": NO_PROVIDER,
        "namespaces": contracts.Namespaces(wandb="wandb", operator="wandb-operator", clickhouse="clickhouse"),
        "bucket": COMPATIBLE,
        "server_resources": SMALL,
        "keeper_resources": SMALL,
        "images": Images(hook="alpine/k8s:1.35.0"),
    }
    return ClickHouseArgs(**given | changes)


_names = st.from_regex(r"[a-z]([a-z0-9-]{0,13}[a-z0-9])?", fullmatch=True)
_namespaces = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
_clusters = st.builds(
    cluster,
    zones=st.integers(1, 6),
    storage_class=st.sampled_from([None, "fast", "gp3"]),
    clickhouse_pool=st.sampled_from([None, "dedicated=clickhouse"]),
)
_keys = st.sampled_from([None, contracts.BucketKeys(name="keys"), contracts.BucketKeys(name="k", access_key="id")])
_bucket_names = st.from_regex(r"[a-z0-9][a-z0-9.-]{1,20}[a-z0-9]", fullmatch=True)
_containers = st.from_regex(r"[a-z0-9]{3,24}/[a-z0-9][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True)
_buckets_of_s3 = st.builds(
    contracts.Bucket,
    provider=st.just("s3"),
    name=_bucket_names,
    region=st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1"]),
    endpoint=st.sampled_from([None, "https://store.example.internal:9000", "http://10.0.0.7/"]),
    keys=_keys,
    kms_key=st.sampled_from([None, "arn:aws:kms:us-east-1:111122223333:key/1234abcd"]),
) | st.builds(
    contracts.Bucket,
    provider=st.just("s3"),
    name=_bucket_names,
    region=st.just("us-east-1"),
    endpoint=st.just("https://store.example.internal:9000"),
    keys=st.just(KEYS),
    ca=st.just(contracts.SecretKey(name="store-ca", key="ca.crt")),
)
_buckets = (
    _buckets_of_s3
    | st.builds(contracts.Bucket, provider=st.just("gcs"), name=_bucket_names, region=st.just("us-east1"), keys=_keys)
    | st.builds(contracts.Bucket, provider=st.just("az"), name=_containers, region=st.just("westus"), keys=_keys)
    | st.builds(
        contracts.Bucket,
        provider=st.just("cw"),
        name=_bucket_names,
        region=st.just("US-EAST-04A"),
        keys=_keys.filter(lambda keys: keys is not None),
    )
)
_identities = st.builds(
    contracts.Identity,
    service_account_annotations=st.just({"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/clickhouse"}),
    pod_labels=st.sampled_from([{}, {"azure.workload.identity/use": "true"}]),
)
_shared: Mapping[str, st.SearchStrategy[Any]] = {
    "cluster": _clusters,
    "namespace": _namespaces,
    "installation": _names,
    "ids": st.sampled_from([pods.IMAGE, pods.PLATFORM, pods.Ids(user=1000810000, group=0, volumes=1000810000)]),
    "tls": st.sampled_from(
        [None, ENCRYPTED, TLS(ca=f"{FIRST}{SECOND}", issuer=Issuer(name="internal", kind="Issuer"))]
    ),
    "image_pull_secrets": st.sampled_from([(), ("registry",), ("one", "two")]),
}


@st.composite
def servers(draw: st.DrawFn) -> ServerArgs:
    """Any servers that `ClickHouseArgs` lets through."""
    volume = draw(st.integers(10, 4000))
    replicas, shards = draw(st.integers(1, 5)), draw(st.sampled_from([1, 1, 2, 9]))
    changes = {name: draw(strategy) for name, strategy in _shared.items()}
    return server(
        **changes,
        volume_gib=volume,
        cache_gib=draw(st.integers(1, volume // 2)),
        bucket=draw(_buckets),
        identity=draw(_identities),
        user=user(distributed=shards > 1),
        shards=shards,
        replicas=replicas,
        keepers=draw(st.sampled_from([1, 3, 5] if replicas == 1 else [3, 5])),
        cluster_name=draw(st.from_regex(r"[a-z][a-z0-9]{0,14}", fullmatch=True)),
        revision=draw(st.sampled_from(["", "2"])),
    )


@st.composite
def keepers(draw: st.DrawFn) -> KeeperArgs:
    """Any Keeper nodes that `ClickHouseArgs` lets through."""
    changes = {name: draw(strategy) for name, strategy in _shared.items()}
    return keeper(**changes, nodes=draw(st.sampled_from([1, 3, 5])), volume_gib=draw(st.integers(1, 500)))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value in a manifest, with its path."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value
