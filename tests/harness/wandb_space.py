"""The space of W&B installations that the component accepts, for property tests.

Values are plain: what is an Output in a program is known here, so that the values of W&B's chart can be read whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from components import contracts
from components.wandb.inventory import COMPONENTS
from components.wandb.values import SIZES, ComponentSizing, ValuesArgs

LICENSE = "eyJhbGciOiJub25lIn0.NotALicenseOfAnyoneButATextToLookFor"
ISSUER = "https://kubernetes.default.svc.cluster.local"

MYSQL = contracts.MySQL(host="mysql.wandb", password=contracts.SecretKey(name="mysql-wandb", key="MYSQL_PASSWORD"))
REDIS = contracts.Redis(host="redis.wandb", password=contracts.SecretKey(name="redis-password", key="REDIS_PASSWORD"))
CLICKHOUSE = contracts.ClickHouse(
    host="clickhouse-wandb.clickhouse.svc.cluster.local",
    password=contracts.SecretKey(name="clickhouse-weave", key="CLICKHOUSE_PASSWORD"),
    cluster="weavecluster",
)
COMPATIBLE = contracts.Bucket(
    provider="s3",
    name="wandb",
    region="us-east-1",
    endpoint="http://seaweedfs.wandb.svc.cluster.local:8333",
    keys=contracts.BucketKeys(name="seaweedfs-wandb-keys"),
    proxied=True,
)
S3 = contracts.Bucket(provider="s3", name="wandb-data", region="us-east-2")
SMALL = contracts.Resources(cpu_request="250m", memory_request="1Gi", memory_limit="2Gi")


def arguments(**changes: Any) -> ValuesArgs:
    """Models and Weave on stores in the cluster, with `changes`."""
    args = ValuesArgs(
        url="https://wandb.example.com",
        products=frozenset({"models", "weave"}),
        size="small",
        license=contracts.SecretKey(name="wandb-server-license", key="license"),
        mysql=MYSQL,
        redis=REDIS,
        bucket=COMPATIBLE,
        clickhouse=CLICKHOUSE,
        ingress=contracts.Ingress(class_name="nginx"),
        identity=contracts.Identity(),
        namespace="wandb",
        service_account_issuer=ISSUER,
        image_tag="0.82.2",
    )
    return dataclasses.replace(args, **changes)


_names = st.sampled_from(["a", "wandb", "team-a-2", "x" * 40])
_hosts = st.sampled_from(["wandb.example.com", "db.internal", "10.0.0.7", "a.b"])
_keys = st.builds(
    contracts.SecretKey,
    name=_names,
    key=st.sampled_from(["key", "PASSWORD", "tls.key"]),
    version=st.sampled_from([None, "1", "12"]),
)
_annotations = st.sampled_from([{}, {"example.com/a": "0"}, {"example.com/a": "", "example.com/b-c": "a: b"}])
_resources = st.builds(
    contracts.Resources,
    cpu_request=st.sampled_from(["50m", "1"]),
    memory_request=st.sampled_from(["128Mi", "2Gi"]),
    cpu_limit=st.sampled_from([None, "2"]),
    memory_limit=st.sampled_from([None, "4Gi"]),
)
_replicas = st.tuples(st.integers(1, 5), st.integers(0, 5)).map(lambda pair: (pair[0], pair[0] + pair[1]))
_sizings = st.dictionaries(
    st.sampled_from([each.name for each in COMPONENTS]),
    st.builds(ComponentSizing, resources=st.none() | _resources, replicas=st.none() | _replicas),
)
_secret_names = st.builds(contracts.BucketKeys, name=_names)
_kms = st.sampled_from([None, "arn:aws:kms:us-east-1:111122223333:key/1234abcd"])
_buckets = st.one_of(
    st.builds(
        contracts.Bucket,
        provider=st.sampled_from(["s3", "gcs", "cw"]),
        name=_names,
        region=st.just("us-east-1"),
        keys=st.none() | _secret_names,
        kms_key=_kms,
        proxied=st.booleans(),
    ),
    st.builds(
        contracts.Bucket,
        provider=st.just("az"),
        name=st.tuples(_names, _names).map("/".join),
        region=st.just("westeurope"),
        keys=st.none() | _secret_names,
    ),
    st.builds(
        contracts.Bucket,
        provider=st.just("s3"),
        name=_names,
        region=st.just("us-east-1"),
        endpoint=st.sampled_from(["https://store.example.com", "http://10.0.0.7:9000/"]),
        keys=st.none() | _secret_names,
        proxied=st.booleans(),
    ),
)
_shared: Mapping[str, st.SearchStrategy[Any]] = {
    "url": st.tuples(st.sampled_from(["http", "https"]), _hosts).map("://".join),
    "products": st.sampled_from([frozenset({"models"}), frozenset({"weave"}), frozenset({"models", "weave"})]),
    "size": st.sampled_from(SIZES),
    "license": _keys,
    "mysql": st.builds(contracts.MySQL, host=_hosts, port=st.sampled_from([3306, 33060]), password=_keys),
    "redis": st.builds(contracts.Redis, host=_hosts, password=st.none() | _keys, tls=st.booleans()),
    "bucket": _buckets,
    "clickhouse": st.builds(
        contracts.ClickHouse,
        host=_hosts,
        port=st.sampled_from([8123, 8443]),
        password=_keys,
        cluster=st.sampled_from([None, "weavecluster"]),
    ),
    "ingress": st.builds(
        contracts.Ingress,
        class_name=_names,
        annotations=_annotations,
        tls_secret=st.none() | _names,
        load_balancer=st.sampled_from([None, "aws", "gcp"]),
    ),
    "identity": st.builds(
        contracts.Identity,
        service_account_annotations=_annotations,
        pod_labels=st.sampled_from([{}, {"azure.workload.identity/use": "true"}]),
    ),
    "namespace": _names,
    "components": _sizings,
    "image_tag": st.sampled_from([None, "0.82.2"]),
    "license_fingerprint": st.sampled_from([None, "60ef5cc9325a97f4"]),
    "revision": st.sampled_from([None, "0123456789abcdef"]),
    "spot_pool": st.sampled_from([None, "dedicated=spot", "example.com/spare=true"]),
}


def installations() -> st.SearchStrategy[ValuesArgs]:
    """Any arguments that `ValuesArgs` lets through."""
    return st.fixed_dictionaries(dict(_shared)).map(lambda changes: arguments(**changes))


def leaves(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every leaf of a tree of values with its path. A list is a leaf, as Helm takes it."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    else:
        yield path, tree
