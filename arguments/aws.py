"""The platform in an AWS account."""

from __future__ import annotations

import pulumi

from components import contracts
from components.aws import values
from components.aws.access import Client
from components.aws.autoscaler import Autoscaler
from components.aws.cluster import Cluster, ClusterArgs
from components.aws.existing_cluster import ExistingCluster, ExistingClusterArgs
from components.aws.ingress import IngressArgs
from components.aws.load_balancer import LoadBalancerControllerArgs
from components.aws.metrics_server import MetricsServerChart
from components.aws.network import Network, NetworkArgs
from components.aws.nodes import NodePool
from components.aws.platform import Platform, PlatformArgs
from components.clickhouse.backup import SERVICE_ACCOUNT as BACKUP_ACCOUNT
from components.clickhouse.server import SERVICE_ACCOUNT
from components.wandb import inventory
from settings import aws as model
from settings.versions import tag

from . import supply
from .aws_stores import Ground, Stores
from .shared import Built


class AWSArguments(Stores):
    """What a stack hands to its components where everything that is not brought is made in an AWS account."""

    _egress: tuple[pulumi.Output[str], ...] = ()
    """The public addresses that the stack's own network is left by."""

    def platform(self) -> Built:
        """The platform: key, network and cluster, then what stands on them, each made or brought."""
        network = self._network()
        cluster, eks = self._cluster(network)
        namespaces = self._namespaces(cluster)
        ground = Ground(network=network, cluster=cluster, eks=eks, namespaces=namespaces)
        passwords = self._passwords(cluster, namespaces)
        args = PlatformArgs(
            account=self._account,
            cluster=cluster,
            eks=eks,
            namespaces=namespaces,
            mysql=self._mysql(ground, passwords),
            redis=self._redis(ground, passwords),
            object_store=self._object_store(),
            clickhouse=self._external_clickhouse(passwords),
            ingress=self._brought_ingress() or self._ingress(ground),
            wandb_service_accounts=self._opening_the_bucket(),
            clickhouse_service_accounts=(SERVICE_ACCOUNT,) if self.settings.managed_clickhouse else (),
            backup_service_accounts=(BACKUP_ACCOUNT,) if self._backed_up() else (),
        )
        return self._built(Platform("platform", args), eks)

    def _built(self, platform: Platform, eks: values.EKS) -> Built:
        exports: dict[str, pulumi.Input[object]] = {"region": self.aws.region, "cluster": eks.name}
        if self._egress:
            exports["egressAddresses"] = list(self._egress)
        if platform.load_balancer_host is not None:
            exports["loadBalancer"] = platform.load_balancer_host
        if platform.name_servers is not None:
            exports["nameServers"] = platform.name_servers
        if platform.backup_bucket is not None:
            exports["backupBucket"] = platform.backup_bucket.name
        return Built(platform=platform.outputs, exports=exports)

    def _backed_up(self) -> bool:
        made = self.settings.managed_clickhouse
        return made is not None and made.backup is not None and made.backup.bucket is None

    def _opening_the_bucket(self) -> tuple[str, ...]:
        instance = self.settings.instance
        running = inventory.running(self.settings.products, instance.optional_components)
        accounts = [each.service_account for each in running if each.opens_bucket]
        return tuple([*accounts, inventory.BUFSTREAM_ACCOUNT] if instance.bufstream else accounts)

    def _network(self) -> values.Network:
        network = self.aws.network
        if isinstance(network, model.ExistingNetwork):
            private = tuple(network.private_subnet_ids)
            return values.Network(
                vpc_id=network.vpc_id,
                zones=self.aws.zones,
                private_subnets=private,
                node_subnets=private,
                public_subnets=tuple(network.public_subnet_ids),
                database_subnets=tuple(network.database_subnets),
            )
        args = NetworkArgs(
            account=self._account,
            name=self.cluster_name,
            cidr=network.cidr,
            zones=self.aws.zones,
            nat=network.nat_for(self.settings.environment),
            interface_endpoints=network.interface_endpoints,
            flow_log_days=network.flow_log_days or None,
            key_arn=self._key_arn,
            protect=self.settings.protect,
        )
        made = Network("network", args)
        self._egress = made.egress_addresses
        return made.outputs

    def _cluster(self, network: values.Network) -> tuple[contracts.Cluster, values.EKS]:
        cluster, client = self.aws.cluster, Client(profile=self.aws.profile, role_arn=self.aws.assume_role_arn)
        if isinstance(cluster, model.ExistingCluster):
            brought = ExistingClusterArgs(
                account=self._account,
                name=cluster.name,
                storage_class=cluster.storage_class,
                zones=len(self.aws.zones),
                clickhouse_pool=cluster.clickhouse_pool,
                oidc_provider_arn=cluster.oidc_provider_arn,
                client=client,
            )
            found = ExistingCluster("cluster", brought)
            return found.outputs, found.eks
        args = ClusterArgs(
            account=self._account,
            name=self.cluster_name,
            version=cluster.version,
            network=network,
            key_arn=self._key_arn,
            public_access_cidrs=cluster.public_access_cidrs,
            admin_arns=cluster.admin_arns,
            log_days=cluster.log_days,
            pools=self._pools(),
            addon_versions=cluster.addon_versions,
            autoscaler=self._autoscaler(cluster),
            metrics_server=MetricsServerChart(
                version=self.settings.versions.metrics_server_chart,
                image=self.settings.repository("metrics_server"),
                tag=tag("metrics_server", self.settings.versions),
                **supply.chart_source(self.settings, "metrics-server"),
            ),
            client=client,
            tags=self._tags,
            protect=self.settings.protect,
        )
        made = Cluster("cluster", args)
        return made.outputs, made.eks

    def _pools(self) -> tuple[NodePool, ...]:
        planned = (self.plan.nodes, self.plan.clickhouse_nodes, self.plan.spot_nodes)
        return tuple(
            NodePool(
                name=pool.name,
                instance_types=pool.instance_types,
                count=pool.count,
                max_count=pool.max_count,
                disk_gib=pool.disk_gib,
                taint=pool.taint,
                spot=pool.spot,
            )
            for pool in planned
            if pool is not None
        )

    def _autoscaler(self, cluster: model.ManagedCluster) -> Autoscaler | None:
        if not cluster.autoscaled(self.settings.environment):
            return None
        return Autoscaler(
            chart_version=self.settings.versions.cluster_autoscaler_chart,
            image=self.settings.repository("cluster_autoscaler"),
            **supply.chart_source(self.settings, "cluster-autoscaler"),
        )

    def _ingress(self, ground: Ground) -> IngressArgs:
        dns, balancer = self.aws.dns, self.aws.load_balancer
        return IngressArgs(
            account=self._account,
            cluster=ground.cluster,
            network=ground.network,
            namespace=ground.namespaces.wandb,
            host=self.settings.host,
            zone_id=dns.zone_id if isinstance(dns, model.ExistingDns) else None,
            zone_name=dns.zone_name if isinstance(dns, model.ManagedDns) else None,
            certificate_arn=self.aws.certificate_arn,
            scheme=balancer.scheme,
            inbound_cidrs=balancer.inbound_cidrs,
            waf_acl_arn=balancer.waf_acl_arn,
            idle_timeout_seconds=balancer.idle_timeout_seconds,
            access_logs_bucket=balancer.access_logs_bucket,
            tags=self._tags,
            controller=self._controller(ground),
            protect=self.settings.protect,
        )

    def _controller(self, ground: Ground) -> LoadBalancerControllerArgs | None:
        if not supply.makes_load_balancer_controller(self.aws):
            return None
        return LoadBalancerControllerArgs(
            account=self._account,
            cluster=ground.cluster,
            eks=ground.eks,
            network=ground.network,
            chart_version=self.settings.versions.load_balancer_controller_chart,
            image=self.settings.image("load_balancer_controller"),
            **supply.chart_source(self.settings, "aws-load-balancer-controller"),
        )
