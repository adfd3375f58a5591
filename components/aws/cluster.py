"""The EKS cluster with its nodes and add-ons. One that the user brings is in `existing_cluster`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import Provider

from .. import contracts
from . import addons, offered, values
from .access import Client, kubernetes_provider
from .account import Account
from .addons import AddOns, AddOnsArgs
from .arns import Arn
from .autoscaler import Autoscaler, ClusterAutoscaler, ClusterAutoscalerArgs
from .control_plane import ControlPlane, ControlPlaneArgs
from .existing_cluster import ExistingCluster, ExistingClusterArgs
from .flow_logs import check_retention
from .metrics_server import MetricsServer, MetricsServerArgs, MetricsServerChart
from .node_groups import NodePools, NodePoolsArgs
from .nodes import CLICKHOUSE_POOL, NodePool, plan, zones_of
from .storage_class import storage_class

__all__ = ["Client", "Cluster", "ClusterArgs", "ExistingCluster", "ExistingClusterArgs"]


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """An EKS cluster in a network. Raises `ValueError` with every problem in the plain values.

    `name` and the key are fixed for life. `version` goes up one minor at a time: control plane, then add-ons, then nodes,
    each in place.
    """

    account: Account
    name: str
    """1 to 100 letters, digits, - and _. Of the cluster itself, so its ARN and its log group are known before it."""
    version: str
    """Kubernetes minor, such as `1.35`."""
    network: values.Network
    key_arn: pulumi.Input[str]
    """The key of the cluster's Secrets, of its logs and of all volumes."""
    public_access_cidrs: Sequence[str] = ()
    """Who may reach the API server from the internet; empty: nobody, it is reached from within the network alone."""
    admin_arns: Sequence[str] = ()
    """Roles and users that administer the cluster, beside whoever creates it: that one is its administrator anyway, and
    EKS refuses to make it one twice."""
    log_days: int = 90
    """Days that the control plane's logs are kept, one of `flow_logs.RETENTION_DAYS`."""
    pools: Sequence[NodePool]
    addon_versions: Mapping[str, str] = field(default_factory=dict)
    """Instead of those in `addons.VERSIONS`."""
    autoscaler: Autoscaler | None = None
    """None: pools have `count` nodes, always."""
    metrics_server: MetricsServerChart = field(default_factory=MetricsServerChart)
    """Where EKS has it as an add-on, that is installed instead."""
    storage_class: str = "gp3"
    client: Client = field(default_factory=Client)
    tags: Mapping[str, str] = field(default_factory=dict)
    """On instances and volumes, which the provider's default tags do not reach."""
    protect: bool = False
    """True: neither Pulumi nor EKS itself deletes the cluster before this is False again."""

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise ValueError("cluster: " + "; ".join(problems))


def _problems(args: ClusterArgs) -> Iterator[str]:
    if not re.fullmatch(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}", args.name):
        yield f"name: {args.name!r} given; 1 to 100 letters, digits, - and _, beginning with a letter or digit"
    for cidr in args.public_access_cidrs:
        try:
            ipaddress.ip_network(cidr)
        except ValueError as error:
            yield f"public_access_cidrs: {error}"
    names = [pool.name for pool in args.pools]
    if len(set(names)) < len(names):
        yield f"pools: {names} given; each name once"
    if not any(pool.count and not pool.kept_for for pool in args.pools):
        yield "pools: none with nodes that any pod may run on, which the cluster's own pods need"
    for check in (
        lambda: check_retention("log_days", args.log_days),
        lambda: addons.versions(args.version, args.addon_versions, partition=args.account.partition),
        lambda: args.autoscaler and args.autoscaler.image_tag(args.version),
        lambda: zones_of(args.network),
        *(lambda arn=arn: Arn.parse(arn) for arn in args.admin_arns),
    ):
        try:
            check()
        except ValueError as error:
            yield str(error)


class Cluster(pulumi.ComponentResource):
    """An EKS cluster whose nodes and API server are private, with pinned add-ons and one default StorageClass.

    The control plane waits for subnets, key and role alone; nodes for the way to the internet as well. `outputs.ready` is
    what pods need; whoever asks for nothing but `eks` waits for the control plane alone.
    """

    outputs: contracts.Cluster
    eks: values.EKS

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:Cluster", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        control_plane = self._control_plane()
        self.eks = control_plane.eks
        arn = args.account.arn("eks", f"cluster/{args.name}")
        provider, kubeconfig = kubernetes_provider(
            f"{name}-kubernetes",
            account=args.account,
            cluster=args.name,
            arn=arn,
            endpoint=control_plane.cluster.endpoint,
            certificate=control_plane.certificate,
            client=args.client,
            opts=pulumi.ResourceOptions(parent=self),
        )
        add_ons = self._add_ons()
        pools = self._pools(add_ons)
        running = [*add_ons.after_nodes(pools.groups), *self._metrics_server(provider, pools)]
        volumes = storage_class(
            f"{name}-storage-class",
            class_name=args.storage_class,
            key_arn=args.key_arn,
            provider=provider,
            parent=self,
        )
        self._autoscaler(provider, pools, [*pools.groups, *running])
        self.outputs = contracts.Cluster(
            provider=provider,
            service_account_issuer=self.eks.oidc_issuer,
            kubeconfig=kubeconfig,
            storage_class=args.storage_class,
            zones=_zones(args),
            ready=[*add_ons.first, *pools.groups, *running, volumes],
            clickhouse_pool=_kept_for(CLICKHOUSE_POOL, args.pools),
            spot_pool=_spot_pool(args.pools),
        )
        self.register_outputs({"name": self.eks.name, "arn": arn})

    def _control_plane(self) -> ControlPlane:
        args = self._args
        return ControlPlane(
            f"{self._name}-control-plane",
            ControlPlaneArgs(
                account=args.account,
                name=args.name,
                version=args.version,
                network=args.network,
                key_arn=args.key_arn,
                public_access_cidrs=args.public_access_cidrs,
                admin_arns=args.admin_arns,
                log_days=args.log_days,
                protect=args.protect,
            ),
            self._child,
        )

    def _add_ons(self) -> AddOns:
        args = self._args
        return AddOns(
            f"{self._name}-addons",
            AddOnsArgs(
                account=args.account,
                eks=self.eks,
                versions=addons.versions(args.version, args.addon_versions, partition=args.account.partition),
                key_arn=args.key_arn,
                tags=args.tags,
            ),
            self._child,
        )

    def _pools(self, add_ons: AddOns) -> NodePools:
        args = self._args
        return NodePools(
            f"{self._name}-nodes",
            NodePoolsArgs(
                account=args.account,
                cluster=self.eks.name,
                cluster_name=args.name,
                version=args.version,
                network=args.network,
                key_arn=args.key_arn,
                pools=args.pools,
                scaled=args.autoscaler is not None,
                ready=add_ons.first,
                tags=args.tags,
            ),
            self._child,
        )

    def _metrics_server(self, provider: Provider, pools: NodePools) -> list[pulumi.Resource]:
        if offered.metrics_server(self._args.account.partition):
            return []
        needs = list(pools.groups)
        args = MetricsServerArgs(provider=provider, chart=self._args.metrics_server, needs=needs)
        return [MetricsServer(f"{self._name}-metrics-server", args, self._child).release]

    def _autoscaler(self, provider: Provider, pools: NodePools, needs: Sequence[pulumi.Resource]) -> None:
        args = self._args
        if args.autoscaler is None:
            return
        ClusterAutoscaler(
            f"{self._name}-autoscaler",
            ClusterAutoscalerArgs(
                account=args.account,
                provider=provider,
                eks=self.eks,
                cluster=args.name,
                version=args.version,
                groups=pools.scaling_groups,
                release=args.autoscaler,
                needs=needs,
            ),
            self._child,
        )


def _kept_for(name: str, pools: Sequence[NodePool]) -> str | None:
    kept = [pool.kept_for for pool in pools if pool.name == name]
    return "=".join(kept[0]) if kept and kept[0] else None


def _spot_pool(pools: Sequence[NodePool]) -> str | None:
    spot = [pool.name for pool in pools if pool.spot]
    return _kept_for(spot[0], pools) if spot else None


def _zones(args: ClusterArgs) -> int:
    """The zones that ClickHouse's replicas can be spread over: of its own pool, else of the pools for any pod."""
    zones = list(zones_of(args.network))
    own = [pool for pool in args.pools if pool.name == CLICKHOUSE_POOL and pool.kept_for]
    pools = own or [pool for pool in args.pools if not pool.kept_for]
    scaled = args.autoscaler is not None
    return len({group.zone for pool in pools for group in plan(pool, zones, scaled=scaled) if group.least})
