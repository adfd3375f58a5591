"""Names that the Altinity operator gives what it makes. Source: operator 0.25.6, `pkg/model/{chi,chk}/namer`.

Pods are told apart by these names for life: they are in the paths of the bucket and in Keeper.
"""

from __future__ import annotations

import pulumi

from .later import text

CHI_LABEL = "clickhouse.altinity.com/chi"
CHK_LABEL = "clickhouse-keeper.altinity.com/chk"
SHARD_LABEL = "clickhouse.altinity.com/shard"
KEEPER_CLUSTER = "keeper"
HTTP_PORT = 8123
NATIVE_PORT = 9000
INTERSERVER_PORT = 9009
SERVER_METRICS_PORT = 9363
KEEPER_PORT = 2181
RAFT_PORT = 9444
KEEPER_METRICS_PORT = 7000


def service(installation: str, namespace: pulumi.Input[str]) -> pulumi.Input[str]:
    """The host by which clients reach whichever replicas are ready."""
    return _host(f"clickhouse-{installation}", namespace)


def replicas(
    installation: str, cluster: str, shards: int, each: int, namespace: pulumi.Input[str]
) -> list[pulumi.Input[str]]:
    """The hosts of `each` replicas of every shard, ready or not."""
    places = [(shard, index) for shard in range(shards) for index in range(each)]
    return [_host(f"chi-{installation}-{cluster}-{shard}-{index}", namespace) for shard, index in places]


def keeper(installation: str, index: int, namespace: pulumi.Input[str]) -> pulumi.Input[str]:
    """The host of one Keeper node, ready or not."""
    return _host(f"chk-{installation}-{KEEPER_CLUSTER}-0-{index}", namespace)


def _host(name: str, namespace: pulumi.Input[str]) -> pulumi.Input[str]:
    return text(f"{name}.", namespace, ".svc.cluster.local")
