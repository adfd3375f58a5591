"""Names that the Altinity operator gives what it makes. Source: operator 0.25.6, `pkg/model/{chi,chk}/namer`.

Pods are told apart by these names for life: they are in the paths of the bucket and in Keeper.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from .later import text

CHI_LABEL = "clickhouse.altinity.com/chi"
CHK_LABEL = "clickhouse-keeper.altinity.com/chk"
SHARD_LABEL = "clickhouse.altinity.com/shard"
KEEPER_CLUSTER = "keeper"
SERVER_METRICS_PORT = 9363
RAFT_PORT = 9444
KEEPER_METRICS_PORT = 7000


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where servers and Keeper are asked."""

    http: int
    native: int
    interserver: int
    """For the parts of tables, among replicas."""
    keeper: int


PLAIN_PORTS = Ports(http=8123, native=9000, interserver=9009, keeper=2181)
TLS_PORTS = Ports(http=8443, native=9440, interserver=9010, keeper=9281)
"""Weave encrypts where the port is 8443, and nowhere else. Source: `CLICKHOUSE_SECURE_PORT` in the package `weave`, module
`trace_server.clickhouse_trace_server_batched`."""


def ports(*, tls: bool) -> Ports:
    """The only ports that are open, metrics and Keeper's own ones apart."""
    return TLS_PORTS if tls else PLAIN_PORTS


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
