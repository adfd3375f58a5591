"""The platform in a cluster that exists."""

from __future__ import annotations

from collections.abc import Mapping

from components import contracts, kubernetes
from settings.stores import ExternalMySQL, ExternalObjectStore, ExternalRedis

from .shared import Arguments, Built, identity_of, resources_of


class KubernetesArguments(Arguments):
    """What a stack hands to its components where the cluster exists."""

    def platform(self) -> Built:
        """The platform, in the cluster and the namespaces that the stack names."""
        cluster = self._cluster()
        namespaces = self._namespaces(cluster)
        passwords = self._passwords(cluster, namespaces)
        ingress = self._brought_ingress()
        if ingress is None:
            raise ValueError("ingress: none is given, which settings refuse for this target")
        args = kubernetes.PlatformArgs(
            cluster=cluster,
            namespaces=namespaces,
            mysql=self._mysql(cluster, namespaces, passwords),
            redis=self._redis(cluster, namespaces, passwords),
            object_store=self._object_store(cluster, namespaces),
            clickhouse=self._external_clickhouse(passwords),
            ingress=ingress,
            **self._identities(),
        )
        return Built(platform=kubernetes.Platform("platform", args).outputs)

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

    def _mysql(
        self,
        cluster: contracts.Cluster,
        namespaces: contracts.Namespaces,
        passwords: Mapping[str, contracts.SecretKey],
    ) -> contracts.MySQL | kubernetes.MySQLArgs | kubernetes.MySQLDatabaseArgs:
        mysql = self.settings.mysql
        if isinstance(mysql, ExternalMySQL):
            return self._external_mysql(mysql, cluster, namespaces, passwords)
        if mysql.kind != "in-cluster":
            raise ValueError(f"mysql: its kind is {mysql.kind}, which settings refuse for this target")
        return kubernetes.MySQLArgs(
            provider=cluster.provider,
            random_provider=self.random_provider,
            namespace=namespaces.wandb,
            image=self.settings.image("mysql"),
            resources=resources_of(self.plan.stores["mysql"].resources),
            volume=self._volume("mysql"),
            pull_secrets=self.pull_secrets,
            max_connections=mysql.max_connections,
        )

    def _redis(
        self,
        cluster: contracts.Cluster,
        namespaces: contracts.Namespaces,
        passwords: Mapping[str, contracts.SecretKey],
    ) -> contracts.Redis | kubernetes.RedisArgs:
        redis = self.settings.redis
        if isinstance(redis, ExternalRedis):
            return self._external_redis(redis, passwords)
        return kubernetes.RedisArgs(
            provider=cluster.provider,
            random_provider=self.random_provider,
            namespace=namespaces.wandb,
            image=self.settings.image("redis"),
            resources=resources_of(self.plan.stores["redis"].resources),
            volume=self._volume("redis"),
            pull_secrets=self.pull_secrets,
        )

    def _object_store(
        self, cluster: contracts.Cluster, namespaces: contracts.Namespaces
    ) -> kubernetes.ExternalBuckets | kubernetes.ObjectStoreArgs:
        store = self.settings.object_store
        if isinstance(store, ExternalObjectStore):
            return self._external_buckets(store)
        return kubernetes.ObjectStoreArgs(
            provider=cluster.provider,
            random_provider=self.random_provider,
            namespaces=namespaces,
            image=self.settings.image("seaweedfs"),
            client_image=self.settings.image("utility"),
            resources=resources_of(self.plan.stores["object-store"].resources),
            volume=self._volume("object-store"),
            pull_secrets=self.pull_secrets,
            origin=self.settings.url,
            clickhouse_bucket="clickhouse" if self.settings.managed_clickhouse else None,
        )

    def _identities(self) -> dict[str, contracts.Identity]:
        store = self.settings.object_store
        if not isinstance(store, ExternalObjectStore):
            return {}
        buckets = {"wandb_identity": store.bucket, "clickhouse_identity": store.clickhouse_bucket}
        return {name: identity_of(bucket.identity) for name, bucket in buckets.items() if bucket}

    def _volume(self, store: str) -> kubernetes.Volume:
        return kubernetes.Volume(
            gib=self.plan.stores[store].volume_gib, storage_class=self.settings.kubernetes.storage_class
        )
