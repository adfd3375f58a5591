"""Who may connect to ClickHouse and Keeper. Enforced where the cluster's network plugin enforces NetworkPolicies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from . import names, pods


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Whose traffic is expected."""

    namespace: pulumi.Input[str]
    wandb_namespace: pulumi.Input[str]
    monitoring_namespace: str | None = None
    """Where Prometheus runs; None: nobody outside reads the metrics."""
    installation: str = "wandb"


def server_policy(args: NetworkArgs) -> dict[str, Any]:
    """SQL for W&B's namespace and for this one, which holds the operator; replication among the servers alone.

    Outgoing traffic is not limited: the bucket, DNS and the cloud's identity service are at addresses unknown here.
    """
    servers = _pods(names.CHI_LABEL, args.installation)
    sql = [names.HTTP_PORT, names.NATIVE_PORT]
    rules = [
        _rule([_namespace(args.wandb_namespace), {"podSelector": {}}], sql),
        _rule([servers], [names.INTERSERVER_PORT]),
        *_metrics(args, names.SERVER_METRICS_PORT),
    ]
    return _policy("clickhouse-server", args.namespace, servers, rules)


def keeper_policy(args: NetworkArgs) -> dict[str, Any]:
    """Keeper answers the servers of ClickHouse; its nodes agree among themselves."""
    keepers = _pods(names.CHK_LABEL, args.installation)
    rules = [
        _rule([_pods(names.CHI_LABEL, args.installation)], [names.KEEPER_PORT]),
        _rule([keepers], [names.RAFT_PORT]),
        *_metrics(args, names.KEEPER_METRICS_PORT),
    ]
    return _policy("clickhouse-keeper", args.namespace, keepers, rules)


def _policy(
    name: str, namespace: pulumi.Input[str], subjects: dict[str, Any], rules: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": pods.labels(name)},
        "spec": {"podSelector": subjects["podSelector"], "policyTypes": ["Ingress"], "ingress": rules},
    }


def _rule(peers: list[dict[str, Any]], ports: Sequence[int]) -> dict[str, Any]:
    return {"from": peers, "ports": [{"protocol": "TCP", "port": port} for port in ports]}


def _pods(label: str, value: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": {label: value}}}


def _namespace(name: pulumi.Input[str]) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def _metrics(args: NetworkArgs, port: int) -> list[dict[str, Any]]:
    return [_rule([_namespace(args.monitoring_namespace)], [port])] if args.monitoring_namespace else []
