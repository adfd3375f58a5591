"""Who may connect to ClickHouse and Keeper, and whom they may connect to.

Who may connect is always limited. With `NetworkArgs.access` it is limited to the very pods that need it, outgoing connections are
limited too, and so are those of the operator and of the Jobs. Enforced where the cluster's network plugin enforces NetworkPolicies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from .. import contracts, network
from . import names, pods

OPERATOR_METRICS_PORTS = (8888, 9999)
"""Of what the operator asks the servers, and of the operator itself. Source: chart 0.25.6, `Service-clickhouse-operator-metrics`."""
OPERATOR_LABELS = {"app.kubernetes.io/name": "altinity-clickhouse-operator"}
"""Of the operator's pod and of the chart's hook. Source: chart 0.25.6, `selectorLabels`; the release has a namespace to itself."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who speaks to ClickHouse, and where its buckets are, so exactly that connections can be limited to these."""

    around: network.Surroundings
    clients: Sequence[network.Peer]
    """W&B's pods, each peer with its namespace."""
    bucket_ports: Sequence[int] = (443,)
    """Of stores outside of the cluster."""
    bucket_pods: Sequence[network.Peer] = ()
    """A store in the cluster."""
    bucket_pods_port: int = 8333


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Whose traffic is expected."""

    namespace: pulumi.Input[str]
    wandb_namespace: pulumi.Input[str]
    monitoring_namespace: str | None = None
    """Where Prometheus runs; None: nobody outside reads the metrics."""
    installation: str = "wandb"
    access: Access | None = None
    """None: outgoing connections are not limited, and all of W&B's namespace may connect."""
    buckets: Sequence[contracts.Bucket] = ()
    """That servers and Jobs open."""
    jobs: Sequence[str] = ()
    """`app.kubernetes.io/name` of the Jobs that ask the servers."""
    ports: names.Ports = names.PLAIN_PORTS


def policies(args: NetworkArgs) -> dict[str, dict[str, Any]]:
    """Every policy of the namespace, by a short name; two of them unless `access` is given."""
    made = {"server": server_policy(args), "keeper": keeper_policy(args)}
    if args.access is not None:
        made |= {"operator": _operator_policy(args, args.access), "jobs": _jobs_policy(args, args.access)}
    return made


def servers(namespace: pulumi.Input[str], installation: str = "wandb") -> network.Peer:
    """The servers, as a peer of pods in other namespaces."""
    return network.within(namespace, _pods(names.CHI_LABEL, installation))


def server_policy(args: NetworkArgs) -> dict[str, Any]:
    """SQL for W&B's pods and for the operator and Jobs of this namespace; replication among the servers alone.

    Outgoing: Keeper, the other servers, the bucket. Without `access` SQL is for both namespaces as a whole, and outgoing traffic is
    not limited: the bucket, DNS and the cloud's identity service are at addresses unknown here.
    """
    own = _pods(names.CHI_LABEL, args.installation)
    sql = [args.ports.http, args.ports.native]
    if args.access is None:
        peers = [network.namespace(args.wandb_namespace), {"podSelector": {}}]
        ingress = [
            *network.incoming(peers, sql),
            *network.incoming([own], [args.ports.interserver]),
            *_metrics(args, names.SERVER_METRICS_PORT),
        ]
        return _incoming_only("clickhouse-server", args.namespace, own, ingress)
    ingress = [
        *network.incoming(args.access.clients, [args.ports.http]),
        *network.incoming([network.pods(OPERATOR_LABELS), *_jobs(args)], sql),
        # one asks the other when a query reads all replicas
        *network.incoming([own], [args.ports.interserver, args.ports.native]),
        *_metrics(args, names.SERVER_METRICS_PORT),
    ]
    egress = [
        *network.dns(args.access.around),
        *network.outgoing([_pods(names.CHK_LABEL, args.installation)], [args.ports.keeper]),
        *network.outgoing([own], [args.ports.interserver, args.ports.native]),
        *_stores(args, args.access),
    ]
    return _whole("clickhouse-server", args, own, ingress, egress)


def keeper_policy(args: NetworkArgs) -> dict[str, Any]:
    """Keeper answers the servers of ClickHouse; its nodes agree among themselves, and ask nobody else anything."""
    keepers = _pods(names.CHK_LABEL, args.installation)
    ingress = [
        *network.incoming([_pods(names.CHI_LABEL, args.installation)], [args.ports.keeper]),
        *network.incoming([keepers], [names.RAFT_PORT]),
        *_metrics(args, names.KEEPER_METRICS_PORT),
    ]
    if args.access is None:
        return _incoming_only("clickhouse-keeper", args.namespace, keepers, ingress)
    egress = [*network.dns(args.access.around), *network.outgoing([keepers], [names.RAFT_PORT])]
    return _whole("clickhouse-keeper", args, keepers, ingress, egress)


def _operator_policy(args: NetworkArgs, access: Access) -> dict[str, Any]:
    """The operator asks the cluster's API and the servers; Prometheus asks it."""
    subject = network.pods(OPERATOR_LABELS)
    egress = [
        *network.dns(access.around),
        *network.api_server(access.around),
        *network.outgoing([_pods(names.CHI_LABEL, args.installation)], [args.ports.http, args.ports.native]),
    ]
    where = _prometheus(args)
    ingress = network.incoming([network.namespace(where)], OPERATOR_METRICS_PORTS) if where else []
    return _whole("clickhouse-operator", args, subject, ingress, egress)


def _jobs_policy(args: NetworkArgs, access: Access) -> dict[str, Any]:
    """The Jobs ask the servers; those of backups look into the bucket, too. Nobody asks them."""
    named = network.pods_of("app.kubernetes.io/name", args.jobs)
    egress = [
        *network.dns(access.around),
        *network.outgoing([_pods(names.CHI_LABEL, args.installation)], [args.ports.http, args.ports.native]),
        *_stores(args, access),
    ]
    return _whole("clickhouse-jobs", args, named, [], egress)


def _stores(args: NetworkArgs, access: Access) -> list[network.Rule]:
    return [
        *network.outgoing(access.bucket_pods, [access.bucket_pods_port]),
        *network.outside(access.around, access.bucket_ports),
        *network.identity(args.buckets),
    ]


def _jobs(args: NetworkArgs) -> list[network.Peer]:
    return [network.pods_of("app.kubernetes.io/name", args.jobs)] if args.jobs else []


def _whole(
    name: str,
    args: NetworkArgs,
    subjects: network.Peer,
    ingress: Sequence[network.Rule],
    egress: Sequence[network.Rule],
) -> dict[str, Any]:
    return network.policy(name, args.namespace, subjects, labels=pods.labels(name), ingress=ingress, egress=egress)


def _incoming_only(
    name: str, where: pulumi.Input[str], subjects: network.Peer, ingress: Sequence[network.Rule]
) -> dict[str, Any]:
    made = network.policy(name, where, subjects, labels=pods.labels(name), ingress=ingress)
    spec = {**made["spec"], "policyTypes": ["Ingress"]}
    del spec["egress"]
    return {**made, "spec": spec}


def _pods(label: str, value: str) -> network.Peer:
    return network.pods({label: value})


def _prometheus(args: NetworkArgs) -> str | None:
    return args.monitoring_namespace or (args.access.around.monitoring_namespace if args.access else None)


def _metrics(args: NetworkArgs, port: int) -> list[network.Rule]:
    where = _prometheus(args)
    return network.incoming([network.namespace(where)], [port]) if where else []
