"""What every target has in common: namespaces, passwords, brought stores, ClickHouse and W&B."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import pulumi
import pulumi_random

import sizing
from components import contracts
from components.clickhouse import TLS, BackupArgs, Chart, ClickHouseArgs, Ids, Images, Issuer, Timeouts, pods, tls
from components.credentials import Credentials, CredentialsArgs
from components.external import ExternalBuckets
from components.monitoring import Monitoring
from components.mysql_database import MySQLDatabaseArgs
from components.namespaces import Namespaces, NamespacesArgs
from components.wandb import ComponentSizing, SingleContainerArgs, Versions, WandBArgs, way_in
from settings import Settings
from settings.clickhouse import ClickHouseBackup, ClickHouseTLS, ExternalClickHouse, PodIds
from settings.cluster import Ingress
from settings.identity import WorkloadIdentity
from settings.sizing import ComponentResources
from settings.stores import Bucket, ClickHouseBucket, ExternalMySQL, ExternalObjectStore, ExternalRedis

from . import supply
from .network import clickhouse_access, wandb_access
from .options import given_secrets, options

LOAD_BALANCERS: Mapping[str, Literal["aws", "gcp"]] = {"alb": "aws", "gce": "gcp"}
"""The controllers whose load balancers are a cloud's own: W&B's Services say how they find out which pods are well."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """A platform, and what the stack tells of it."""

    platform: contracts.Platform
    exports: Mapping[str, pulumi.Input[Any]] = field(default_factory=dict)
    """Stack outputs that only this target has."""


class Arguments(ABC):
    """What one stack hands to its components, one layer after the other. Each target has its own platform."""

    def __init__(self, settings: Settings, plan: sizing.Plan) -> None:
        """For a stack with these settings, whose pods fit `plan`."""
        self.settings, self.plan = settings, plan
        self.owner = f"{pulumi.get_project()}/{pulumi.get_stack()}"

    @cached_property
    def random_provider(self) -> pulumi_random.Provider:
        """The provider of generated passwords."""
        return pulumi_random.Provider("random")

    @property
    def provider(self) -> Any:
        """The provider of the target's cloud; None: the target has none."""
        return None

    @abstractmethod
    def platform(self) -> Built:
        """The platform: all that W&B and ClickHouse stand on."""

    def clickhouse(self, platform: contracts.Platform) -> ClickHouseArgs | None:
        """ClickHouse in the cluster; None where the stack makes none."""
        made, planned, bucket = self.settings.managed_clickhouse, self.plan.clickhouse, platform.clickhouse_bucket
        if made is None or planned is None or bucket is None:
            return None
        minutes = self.settings.timeouts
        return ClickHouseArgs(
            cluster=platform.cluster,
            random_provider=self.random_provider,
            namespaces=platform.namespaces,
            bucket=bucket,
            identity=platform.clickhouse_identity,
            backup=_backup(made.backup, platform) if made.backup else None,
            access=clickhouse_access(self.settings, platform, made),
            monitoring=_monitoring(self.settings),
            server_resources=resources_of(planned.server),
            keeper_resources=resources_of(planned.keeper),
            images=Images(
                server=self.settings.image("clickhouse_server"),
                keeper=self.settings.image("clickhouse_keeper"),
                hook=self.settings.image("utility"),
                pull_secrets=self.pull_secrets,
            ),
            shards=planned.shards,
            distributed=made.distributed,
            replicas=planned.replicas,
            keepers=planned.keepers,
            volume_gib=planned.volume_gib,
            cache_gib=planned.cache_gib,
            keeper_volume_gib=planned.keeper_volume_gib,
            chart=Chart(
                version=self.settings.versions.clickhouse_operator_chart,
                crds=made.crds,
                operator_image=supply.unlike_the_charts(self.settings, "clickhouse_operator"),
                metrics_image=supply.unlike_the_charts(self.settings, "clickhouse_metrics"),
                **supply.chart_source(self.settings, "altinity-clickhouse-operator"),
            ),
            cluster_name=made.cluster,
            revision=made.revision,
            password_revision=made.password_revision,
            ids=_ids(made.ids),
            tls=_tls(made.tls) if made.tls else None,
            database=made.database,
            protect=self.settings.protect,
            timeouts=Timeouts(
                create=f"{minutes.clickhouse}m", update=f"{minutes.clickhouse}m", delete=f"{minutes.delete}m"
            ),
        )

    def wandb(
        self, platform: contracts.Platform, database: contracts.ClickHouse | None
    ) -> WandBArgs | SingleContainerArgs:
        """W&B on the platform, with Weave on the ClickHouse `database`; or its server in one container."""
        if self.settings.single_container:
            return self._single_container(platform)
        settings, versions = self.settings, self.settings.versions
        encrypted = settings.managed_clickhouse.tls if settings.managed_clickhouse else None
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
            components=self._sizings(),
            access=wandb_access(settings, platform),
            monitoring=_monitoring(settings),
            options=options(
                settings.instance,
                self._option_secrets(platform),
                registry=settings.wandb_registry,
                pull_secrets=self.pull_secrets,
                authorities=tls.certificates(encrypted.ca) if encrypted else (),
            ),
            versions=Versions(
                operator_chart=versions.wandb_operator_chart,
                controller=versions.wandb_controller,
                chart=versions.wandb_chart,
                server=versions.wandb_server,
            ),
            **self._charts(),
            controller_image=settings.repository("wandb_controller"),
            utility_image=settings.image("utility"),
            pull_secrets=self.pull_secrets,
            follow_release_channel=settings.follow_release_channel,
            protect=settings.protect,
            ready_minutes=settings.timeouts.wandb,
            delete_minutes=settings.timeouts.delete,
        )

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        """The Secrets by which images are pulled, in each of the stack's namespaces."""
        return supply.pull_secrets(self.settings)

    def _login(self) -> contracts.RegistryLogin | None:
        asked = self.settings.air_gapped
        if asked is None or asked.user is None or asked.password is None:
            return None
        server = asked.registry.partition("/")[0]
        return contracts.RegistryLogin(server=server, user=asked.user, password=asked.password.output())

    def _charts(self) -> dict[str, Any]:
        """Where W&B's own charts are, for the component; nothing where it is where W&B publishes them."""
        asked = self.settings.air_gapped
        if asked is None:
            return {}
        repository = asked.chart_repository
        return {
            "chart_repository": repository,
            "operator_chart_repository": repository,
            "chart_login": self._login() if repository.startswith("oci://") and asked.user else asked.charts_secret,
        }

    def _single_container(self, platform: contracts.Platform) -> SingleContainerArgs:
        settings, wanted = self.settings, self.settings.single_container
        if wanted is None:
            raise ValueError("singleContainer: is not given, so there is none")
        return SingleContainerArgs(
            cluster=platform.cluster,
            namespaces=platform.namespaces,
            mysql=platform.mysql,
            redis=platform.redis,
            bucket=platform.bucket,
            ingress=platform.ingress,
            url=settings.url,
            license=self._license(),
            image=settings.single_container_image,
            resources=resources_of(self.plan.components["app"].resources),
            volume_gib=wanted.volume_gib,
            options=options(settings.instance, self._option_secrets(platform), registry=settings.wandb_registry),
            protect=settings.protect,
            ready_minutes=settings.timeouts.wandb,
        )

    def _sizings(self) -> dict[str, ComponentSizing]:
        asked = self.settings.sizing.components
        made = {name: _sizing(component, asked.get(name)) for name, component in self.plan.components.items()}
        return {name: each for name, each in made.items() if each != ComponentSizing()}

    def _option_secrets(self, platform: contracts.Platform) -> Mapping[str, contracts.SecretKey]:
        """Where the secrets are that W&B signs in with elsewhere and that the user gave as texts."""
        given = given_secrets(self.settings.instance)
        if not given:
            return {}
        args = CredentialsArgs(
            provider=platform.cluster.provider,
            namespace=platform.namespaces.wandb,
            passwords=given,
            random_provider=self.random_provider,
        )
        return Credentials("wandb-credentials", args).keys

    def _namespaces(self, cluster: contracts.Cluster) -> contracts.Namespaces:
        names, made = self.settings.namespaces, self.settings.managed_clickhouse
        args = NamespacesArgs(
            provider=cluster.provider,
            wandb=names.wandb,
            operator=names.wandb if self.settings.single_container else names.operator,
            clickhouse=names.clickhouse if self.settings.managed_clickhouse else None,
            pod_security=names.pod_security,
            # the Job by which its chart applies the definitions says nothing of how it runs
            at_most_baseline=[names.clickhouse] if made and made.crds == "managed" else [],
            create=names.create,
            ready=cluster.ready,
            registry=self._login(),
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
        args = CredentialsArgs(
            provider=cluster.provider,
            namespace=namespaces.wandb,
            passwords=given,
            random_provider=self.random_provider,
        )
        return named | dict(Credentials("credentials", args).keys)

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
            distributed=brought.distributed,
        )

    def _external_mysql(
        self,
        mysql: ExternalMySQL,
        cluster: contracts.Cluster,
        namespaces: contracts.Namespaces,
        passwords: Mapping[str, contracts.SecretKey],
    ) -> contracts.MySQL | MySQLDatabaseArgs:
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
        return MySQLDatabaseArgs(
            provider=cluster.provider,
            namespace=namespaces.wandb,
            image=self.settings.image("mysql"),
            pull_secrets=self.pull_secrets,
            server=server,
            admin_user=mysql.admin.user,
            admin_password=contracts.SecretKey(name=secret.name, key=secret.key),
        )

    def _external_redis(self, redis: ExternalRedis, passwords: Mapping[str, contracts.SecretKey]) -> contracts.Redis:
        return contracts.Redis(host=redis.host, port=redis.port, password=passwords.get("redis"), tls=redis.tls)

    def _external_buckets(self, store: ExternalObjectStore) -> ExternalBuckets:
        second = store.clickhouse_bucket if self.settings.managed_clickhouse else None
        return ExternalBuckets(bucket=_bucket(store.bucket), clickhouse_bucket=_bucket(second) if second else None)

    def _brought_ingress(self) -> contracts.Ingress | None:
        """The Ingress of a controller that the user brings; None where the settings name none."""
        ingress = self.settings.ingress
        if ingress is None:
            return None
        if ingress.gateway is not None:
            gateway = contracts.Gateway(
                name=ingress.gateway.name,
                namespace=ingress.gateway.namespace,
                listener=ingress.gateway.listener,
                class_name=ingress.gateway.class_name,
                tls_secret=ingress.tls_secret,
                timeout_seconds=ingress.timeout_seconds,
            )
            return contracts.Ingress(class_name=None, gateway=gateway)
        if ingress.controller == "none":
            return contracts.Ingress(class_name=None)
        return contracts.Ingress(
            class_name=ingress.class_name,
            annotations={**self._told(ingress), **ingress.annotations},
            tls_secret=ingress.tls_secret,
            load_balancer=LOAD_BALANCERS.get(ingress.controller or ""),
            default_certificate=ingress.controller == "openshift" and ingress.tls_mode == "upstream",
        )

    def _told(self, ingress: Ingress) -> dict[str, str]:
        """The annotations that follow from the controller and from cert-manager."""
        controller = None if ingress.controller == "none" else ingress.controller
        told = way_in.annotations(controller, ingress.timeout_seconds)
        if ingress.tls_mode == "none":
            told = way_in.without_tls(controller, told)
        if ingress.cert_manager:
            kind = "cluster-issuer" if ingress.cert_manager.scope == "cluster" else "issuer"
            told[f"cert-manager.io/{kind}"] = ingress.cert_manager.name
        return told

    def _license(self) -> pulumi.Input[str] | contracts.SecretKey:
        existing, given = self.settings.license_secret, self.settings.license
        if existing:
            return contracts.SecretKey(name=existing.name, key=existing.key)
        if given is None:
            raise ValueError("license: neither `license` nor `licenseSecret` is set, which settings refuse")
        return given.output()


def resources_of(planned: sizing.Resources) -> contracts.Resources:
    """The resources of one container, as components take them."""
    return contracts.Resources(
        cpu_request=planned.cpu_request,
        memory_request=planned.memory_request,
        cpu_limit=planned.cpu_limit,
        memory_limit=planned.memory_limit,
    )


def _ids(asked: PodIds) -> Ids:
    if asked.from_platform:
        return pods.PLATFORM
    if asked.user is None:
        return pods.IMAGE
    group = asked.user if asked.group is None else asked.group
    return Ids(user=asked.user, group=group, volumes=group if asked.volumes is None else asked.volumes)


def _tls(asked: ClickHouseTLS) -> TLS:
    issuer = Issuer(name=asked.issuer.name, kind=asked.issuer.kind) if asked.issuer else None
    return TLS(ca=asked.ca, secret=asked.secret, issuer=issuer)


def identity_of(asked: WorkloadIdentity | None) -> contracts.Identity:
    """What ServiceAccounts and pods carry so that the clouds' own webhooks and metadata servers know them."""
    if asked is None:
        return contracts.Identity()
    known = {
        "eks.amazonaws.com/role-arn": asked.role_arn,
        "iam.gke.io/gcp-service-account": asked.google_service_account,
        "azure.workload.identity/client-id": asked.azure_client_id,
    }
    # Azure's webhook looks at pods with this label alone
    labels = {"azure.workload.identity/use": "true"} if asked.azure_client_id else {}
    return contracts.Identity(
        service_account_annotations={name: value for name, value in known.items() if value}
        | asked.service_account_annotations,
        pod_labels=labels | asked.pod_labels,
    )


def _sizing(component: sizing.Component, asked: ComponentResources | None) -> ComponentSizing:
    """What must be set; nothing where the chart's size preset says the same."""
    return ComponentSizing(
        resources=resources_of(component.resources) if component.explicit else None,
        replicas=component.replicas if component.explicit_replicas else None,
        cpu_percent=asked.cpu_percent if asked else None,
        memory_percent=asked.memory_percent if asked else None,
    )


def _monitoring(settings: Settings) -> Monitoring | None:
    asked = settings.monitoring
    if asked is None:
        return None
    return Monitoring(
        namespace=asked.namespace,
        labels=asked.labels,
        alerts=asked.alerts,
        dashboards=asked.dashboards,
        volume_free_percent=asked.volume_free_percent,
        replica_delay_seconds=asked.replica_delay_seconds,
    )


def _backup(asked: ClickHouseBackup, platform: contracts.Platform) -> BackupArgs:
    bucket = _bucket(asked.bucket) if asked.bucket else platform.backup_bucket
    if bucket is None:
        raise ValueError("clickhouse.backup.bucket: none is given and none is made, which settings refuse")
    return BackupArgs(
        bucket=bucket,
        identity=identity_of(asked.bucket.identity) if asked.bucket else platform.backup_identity,
        prefix=asked.prefix,
        schedule=asked.schedule,
        full_every_days=asked.full_every_days,
        keep_days=asked.keep_days,
        deadline_hours=asked.deadline_hours,
    )


def _bucket(bucket: Bucket | ClickHouseBucket) -> contracts.Bucket:
    keys, ca = bucket.keys_secret, bucket.ca_secret if isinstance(bucket, ClickHouseBucket) else None
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
        ca=contracts.SecretKey(name=ca.name, key=ca.key) if ca else None,
    )
