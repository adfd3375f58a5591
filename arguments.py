"""From settings and plan to the arguments of the components: what a stack file says, in the components' own words.

Nothing is decided here. Settings decide what the user wants, the sizing plan how big it is; this module only hands each
component what it asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_random

import sizing
from components import contracts, kubernetes
from components.clickhouse import Chart, ClickHouseArgs, Images, Timeouts
from components.credentials import Credentials, CredentialsArgs
from components.namespaces import Namespaces, NamespacesArgs
from components.wandb import ComponentSizing, Versions, WandBArgs
from settings import Settings, stop
from settings.base import ContainerResources
from settings.clickhouse import ExternalClickHouse
from settings.stores import Bucket, ClickHouseBucket, ExternalMySQL, ExternalObjectStore, ExternalRedis


def fitting_plan(settings: Settings) -> sizing.Plan:
    """The sizing plan of the stack.

    A plan whose pods do not fit its nodes ends the program with a report of the pod and of what would do (`SystemExit`),
    before any resource is registered.
    """
    plan = sizing.plan(sizing_request(settings))
    report = sizing.fit(plan)
    if not report.fits:
        stop(f"wandb:sizing: {report.refusal()} Nothing was changed. The whole plan: `python -m sizing --help`.")
    return plan


def sizing_request(settings: Settings) -> sizing.Request:
    """What the sizing plan is asked for."""
    made = settings.managed_clickhouse
    stores = {"mysql": settings.mysql, "redis": settings.redis, "object-store": settings.object_store}
    in_cluster = {name: store for name, store in stores.items() if store.kind == "in-cluster"}
    nodes = settings.sizing.nodes
    overrides = sizing.Overrides(
        node_count=nodes.count,
        node_cpu=nodes.cpu,
        node_memory_gib=nodes.memory_gib,
        chart_size=settings.sizing.chart_size,
        components={name: _override(each) for name, each in settings.sizing.components.items()},
        stores={name: _override(store.resources) for name, store in in_cluster.items()},
        store_volume_gib={name: store.volume_gib for name, store in in_cluster.items()},
        clickhouse_replicas=made.replicas if made else None,
        clickhouse_keepers=made.keepers if made else None,
        clickhouse=_override(made.resources if made else ContainerResources()),
        keeper=_override(made.keeper_resources if made else ContainerResources()),
        clickhouse_volume_gib=made.volume_gib if made else None,
        clickhouse_cache_gib=made.cache_gib if made else None,
        keeper_volume_gib=made.keeper_volume_gib if made else None,
    )
    return sizing.Request(
        environment=settings.environment,
        products=settings.products,
        cloud=settings.target,
        scale=settings.sizing.scale,
        in_cluster_stores=frozenset(in_cluster),
        managed_clickhouse=made is not None,
        zones=settings.kubernetes.zones,
        overrides=overrides,
    )


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What one stack hands to its components, one layer after the other."""

    settings: Settings
    plan: sizing.Plan
    random_provider: pulumi_random.Provider

    def platform(self) -> kubernetes.PlatformArgs:
        """The platform, in the cluster and the namespaces that the stack names."""
        settings, cluster = self.settings, self._cluster()
        namespaces = self._namespaces(cluster)
        passwords = self._passwords(cluster, namespaces)
        ingress = settings.ingress
        return kubernetes.PlatformArgs(
            cluster=cluster,
            namespaces=namespaces,
            mysql=self._mysql(cluster, namespaces, passwords),
            redis=self._redis(cluster, namespaces, passwords),
            object_store=self._object_store(cluster, namespaces),
            clickhouse=self._external_clickhouse(passwords),
            ingress=contracts.Ingress(
                class_name=ingress.class_name, annotations=ingress.annotations, tls_secret=ingress.tls_secret
            ),
        )

    def clickhouse(self, platform: contracts.Platform) -> ClickHouseArgs | None:
        """ClickHouse in the cluster; None where the stack makes none."""
        made, planned, bucket = self.settings.managed_clickhouse, self.plan.clickhouse, platform.clickhouse_bucket
        if made is None or planned is None or bucket is None:
            return None
        versions, images, minutes = self.settings.versions, self.settings.images, self.settings.timeouts
        return ClickHouseArgs(
            cluster=platform.cluster,
            random_provider=self.random_provider,
            namespaces=platform.namespaces,
            bucket=bucket,
            identity=platform.clickhouse_identity,
            server_resources=_resources(planned.server),
            keeper_resources=_resources(planned.keeper),
            images=Images(
                server=f"{images.clickhouse_server}:{versions.clickhouse}",
                keeper=f"{images.clickhouse_keeper}:{versions.clickhouse}",
                hook=self.settings.image("utility"),
            ),
            replicas=planned.replicas,
            keepers=planned.keepers,
            volume_gib=planned.volume_gib,
            cache_gib=planned.cache_gib,
            keeper_volume_gib=planned.keeper_volume_gib,
            chart=Chart(version=versions.clickhouse_operator_chart, crds=made.crds),
            cluster_name=made.cluster,
            revision=made.revision,
            database=made.database,
            protect=self.settings.protect,
            timeouts=Timeouts(
                create=f"{minutes.clickhouse}m", update=f"{minutes.clickhouse}m", delete=f"{minutes.delete}m"
            ),
        )

    def wandb(self, platform: contracts.Platform, database: contracts.ClickHouse | None) -> WandBArgs:
        """W&B on the platform, with Weave on the ClickHouse `database`."""
        settings, versions = self.settings, self.settings.versions
        return WandBArgs(
            cluster=platform.cluster,
            namespaces=platform.namespaces,
            mysql=platform.mysql,
            redis=platform.redis,
            bucket=platform.bucket,
            ingress=platform.ingress,
            identity=platform.wandb_identity,
            clickhouse=database,
            random_provider=self.random_provider,
            url=settings.url,
            license=self._license(),
            products=settings.products,
            size=self.plan.chart_size,
            components={name: each for name, component in self.plan.components.items() if (each := _sizing(component))},
            versions=Versions(
                operator_chart=versions.wandb_operator_chart,
                controller=versions.wandb_controller,
                chart=versions.wandb_chart,
                server=versions.wandb_server,
            ),
            controller_image=settings.images.wandb_controller,
            utility_image=settings.image("utility"),
            follow_release_channel=settings.follow_release_channel,
            protect=settings.protect,
            ready_minutes=settings.timeouts.wandb,
            delete_minutes=settings.timeouts.delete,
        )

    def _cluster(self) -> contracts.Cluster:
        target = self.settings.kubernetes
        return kubernetes.existing_cluster(
            "cluster",
            identifier=target.cluster_identifier,
            service_account_issuer=target.service_account_issuer,
            context=target.context,
            kubeconfig=target.kubeconfig_file,
            storage_class=target.storage_class,
            zones=target.zones,
        )

    def _namespaces(self, cluster: contracts.Cluster) -> contracts.Namespaces:
        names = self.settings.namespaces
        args = NamespacesArgs(
            provider=cluster.provider,
            wandb=names.wandb,
            operator=names.operator,
            clickhouse=names.clickhouse if self.settings.managed_clickhouse else None,
            create=names.create,
            ready=cluster.ready,
            protect=self.settings.protect,
        )
        return Namespaces("namespaces", args).outputs

    def _passwords(
        self, cluster: contracts.Cluster, namespaces: contracts.Namespaces
    ) -> Mapping[str, contracts.SecretKey]:
        """Where each external store's password is: in the Secret that the user names, or in one made of what they gave."""
        named, given = {}, {}
        stores = {"mysql": self.settings.mysql, "redis": self.settings.redis, "clickhouse": self.settings.clickhouse}
        for name, store in stores.items():
            if isinstance(store, ExternalMySQL | ExternalRedis | ExternalClickHouse):
                if store.password_secret:
                    named[name] = contracts.SecretKey(name=store.password_secret.name, key=store.password_secret.key)
                elif store.password:
                    given[name] = store.password.output()
        if not given:
            return named
        args = CredentialsArgs(provider=cluster.provider, namespace=namespaces.wandb, passwords=given)
        return named | dict(Credentials("credentials", args).keys)

    def _mysql(
        self,
        cluster: contracts.Cluster,
        namespaces: contracts.Namespaces,
        passwords: Mapping[str, contracts.SecretKey],
    ) -> contracts.MySQL | kubernetes.MySQLArgs | kubernetes.MySQLDatabaseArgs:
        mysql, image = self.settings.mysql, self.settings.image("mysql")
        if not isinstance(mysql, ExternalMySQL):
            return kubernetes.MySQLArgs(
                provider=cluster.provider,
                random_provider=self.random_provider,
                namespace=namespaces.wandb,
                image=image,
                resources=_resources(self.plan.stores["mysql"].resources),
                volume=self._volume("mysql"),
                max_connections=mysql.max_connections,
            )
        server = contracts.MySQL(
            host=mysql.host,
            port=mysql.port,
            database=mysql.database,
            user=mysql.user,
            password=passwords["mysql"],
        )
        if mysql.admin is None:
            return server
        secret = mysql.admin.password_secret
        return kubernetes.MySQLDatabaseArgs(
            provider=cluster.provider,
            namespace=namespaces.wandb,
            image=image,
            server=server,
            admin_user=mysql.admin.user,
            admin_password=contracts.SecretKey(name=secret.name, key=secret.key),
        )

    def _redis(
        self,
        cluster: contracts.Cluster,
        namespaces: contracts.Namespaces,
        passwords: Mapping[str, contracts.SecretKey],
    ) -> contracts.Redis | kubernetes.RedisArgs:
        redis = self.settings.redis
        if isinstance(redis, ExternalRedis):
            return contracts.Redis(host=redis.host, port=redis.port, password=passwords.get("redis"), tls=redis.tls)
        return kubernetes.RedisArgs(
            provider=cluster.provider,
            random_provider=self.random_provider,
            namespace=namespaces.wandb,
            image=self.settings.image("redis"),
            resources=_resources(self.plan.stores["redis"].resources),
            volume=self._volume("redis"),
        )

    def _object_store(
        self, cluster: contracts.Cluster, namespaces: contracts.Namespaces
    ) -> kubernetes.ExternalBuckets | kubernetes.ObjectStoreArgs:
        store, own = self.settings.object_store, self.settings.managed_clickhouse
        if isinstance(store, ExternalObjectStore):
            second = _bucket(store.clickhouse_bucket) if own and store.clickhouse_bucket else None
            return kubernetes.ExternalBuckets(bucket=_bucket(store.bucket), clickhouse_bucket=second)
        return kubernetes.ObjectStoreArgs(
            provider=cluster.provider,
            random_provider=self.random_provider,
            namespaces=namespaces,
            image=self.settings.image("seaweedfs"),
            client_image=self.settings.image("utility"),
            resources=_resources(self.plan.stores["object-store"].resources),
            volume=self._volume("object-store"),
            origin=self.settings.url,
            clickhouse_bucket="clickhouse" if own else None,
        )

    def _external_clickhouse(self, passwords: Mapping[str, contracts.SecretKey]) -> contracts.ClickHouse | None:
        brought = self.settings.clickhouse
        if not isinstance(brought, ExternalClickHouse):
            return None
        return contracts.ClickHouse(
            host=brought.host,
            port=brought.port,
            database=brought.database,
            user=brought.user,
            password=passwords["clickhouse"],
            cluster=brought.cluster,
        )

    def _license(self) -> pulumi.Input[str] | contracts.SecretKey:
        existing, given = self.settings.license_secret, self.settings.license
        if existing:
            return contracts.SecretKey(name=existing.name, key=existing.key)
        if given is None:
            raise ValueError("license: neither `license` nor `licenseSecret` is set, which settings refuse")
        return given.output()

    def _volume(self, store: str) -> kubernetes.Volume:
        return kubernetes.Volume(
            gib=self.plan.stores[store].volume_gib, storage_class=self.settings.kubernetes.storage_class
        )


def _override(resources: ContainerResources) -> sizing.ResourceOverride:
    return sizing.ResourceOverride(
        cpu_request=resources.cpu_request,
        memory_request=resources.memory_request,
        cpu_limit=resources.cpu_limit,
        memory_limit=resources.memory_limit,
    )


def _resources(planned: sizing.Resources) -> contracts.Resources:
    return contracts.Resources(
        cpu_request=planned.cpu_request,
        memory_request=planned.memory_request,
        cpu_limit=planned.cpu_limit,
        memory_limit=planned.memory_limit,
    )


def _sizing(component: sizing.Component) -> ComponentSizing | None:
    """What must be set; None where the chart's size preset says the same."""
    if not (component.explicit or component.explicit_replicas):
        return None
    return ComponentSizing(
        resources=_resources(component.resources) if component.explicit else None,
        replicas=component.replicas if component.explicit_replicas else None,
    )


def _bucket(bucket: Bucket | ClickHouseBucket) -> contracts.Bucket:
    keys = bucket.keys_secret
    return contracts.Bucket(
        provider=bucket.provider,
        name=bucket.name,
        region=bucket.region,
        endpoint=bucket.endpoint,
        keys=contracts.BucketKeys(name=keys.name, access_key=keys.access_key, secret_key=keys.secret_key)
        if keys
        else None,
        kms_key=bucket.kms_key,
        proxied=bucket.proxied,
    )
