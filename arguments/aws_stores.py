"""The account of a stack on AWS, its key, and the data stores in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pulumi
import pulumi_aws

import sizing
from components import contracts
from components.aws import values
from components.aws.account import Account, aws_provider
from components.aws.bucket import BucketArgs
from components.aws.keys import Key, KeyArgs
from components.aws.mysql import MySQLArgs
from components.aws.platform import BucketsArgs
from components.aws.redis import RedisArgs
from components.aws.replication import Replication
from components.external import ExternalBuckets
from components.mysql_database import MySQLDatabaseArgs
from components.namespaces import OWNER_ANNOTATION
from settings import Settings
from settings.stores import ExternalMySQL, ExternalObjectStore, ExternalRedis, ManagedMySQL, ManagedRedis

from .shared import Arguments


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What the platform's rooms stand on."""

    network: values.Network
    cluster: contracts.Cluster
    eks: values.EKS
    namespaces: contracts.Namespaces


class Stores(Arguments):
    """What a stack on AWS hands to its data stores, made or brought."""

    def __init__(self, settings: Settings, plan: sizing.Plan) -> None:
        """Makes the provider, by which preflight looks at the account."""
        super().__init__(settings, plan)
        if settings.aws is None:
            raise ValueError("aws: no such section is given, which settings refuse for this target")
        self.aws = settings.aws
        self._tags = {OWNER_ANNOTATION: self.owner, **self.aws.tags}
        provider = aws_provider(
            "aws",
            region=self.aws.region,
            account_id=self.aws.account_id,
            profile=self.aws.profile,
            assume_role_arn=self.aws.assume_role_arn,
            tags=self._tags,
        )
        self._account = Account(provider=provider, region=self.aws.region, id=self.aws.account_id)

    @property
    def provider(self) -> pulumi_aws.Provider:
        """The provider that reaches the account, and no other."""
        return self._account.provider

    @property
    def cluster_name(self) -> str:
        """Name of the cluster, made or brought."""
        return self.aws.cluster_name(self.owner)

    @cached_property
    def _key_arn(self) -> pulumi.Input[str]:
        """The brought key, or one that is made for whoever asks first: none where all that is encrypted is brought."""
        return self.aws.kms_key_arn or Key("key", KeyArgs(account=self._account, protect=self.settings.protect)).arn

    def _mysql(
        self, ground: Ground, passwords: Mapping[str, contracts.SecretKey]
    ) -> contracts.MySQL | MySQLArgs | MySQLDatabaseArgs:
        mysql, planned = self.settings.mysql, self.plan.mysql
        if isinstance(mysql, ExternalMySQL):
            return self._external_mysql(mysql, ground.cluster, ground.namespaces, passwords)
        if not isinstance(mysql, ManagedMySQL) or planned is None or planned.class_name is None:
            raise ValueError(f"mysql: its kind is {mysql.kind}, which settings refuse for this target")
        return MySQLArgs(
            account=self._account,
            provider=ground.cluster.provider,
            random_provider=self.random_provider,
            network=ground.network,
            eks=ground.eks,
            namespace=ground.namespaces.wandb,
            key_arn=self._key_arn,
            image=self.settings.image("mysql"),
            instance_class=planned.class_name,
            instances=mysql.instance_count(self.settings.environment),
            version=mysql.version,
            connections=self.plan.mysql_connections,
            backup_days=mysql.backup_days,
            snapshot_id=mysql.snapshot_id,
            password_revision=mysql.password_revision,
            apply_immediately=mysql.apply_immediately,
            maintenance_window=mysql.maintenance_window,
            backup_window=mysql.backup_window,
            audit=mysql.audit,
            log_days=mysql.log_days,
            final_snapshot=mysql.final_snapshot,
            protect=self.settings.protect,
        )

    def _redis(self, ground: Ground, passwords: Mapping[str, contracts.SecretKey]) -> contracts.Redis | RedisArgs:
        redis, planned = self.settings.redis, self.plan.redis
        if isinstance(redis, ExternalRedis):
            return self._external_redis(redis, passwords)
        if not isinstance(redis, ManagedRedis) or planned is None or planned.class_name is None:
            raise ValueError(f"redis: its kind is {redis.kind}, which settings refuse for this target")
        return RedisArgs(
            account=self._account,
            provider=ground.cluster.provider,
            random_provider=self.random_provider,
            network=ground.network,
            eks=ground.eks,
            namespace=ground.namespaces.wandb,
            key_arn=self._key_arn,
            engine=redis.engine,
            node_type=planned.class_name,
            replicas=redis.replica_count(self.settings.environment),
            snapshot_days=redis.snapshot_days,
            password_revision=redis.password_revision,
            apply_immediately=redis.apply_immediately,
            maintenance_window=redis.maintenance_window,
            snapshot_window=redis.snapshot_window,
            final_snapshot=redis.final_snapshot,
            protect=self.settings.protect,
        )

    def _object_store(self) -> ExternalBuckets | BucketsArgs:
        store, own = self.settings.object_store, self.settings.managed_clickhouse is not None
        if isinstance(store, ExternalObjectStore):
            return self._external_buckets(store)
        if store.kind != "managed":
            raise ValueError(f"objectStore: its kind is {store.kind}, which settings refuse for this target")
        copies, replication = store.replication, None
        if copies is not None:
            replication = Replication(
                bucket_arn=copies.bucket_arn,
                region=copies.region,
                key_arn=copies.kms_key_arn,
                account_id=copies.account_id,
            )

        def bucket(*, origins: tuple[str, ...] = (), replication: Replication | None = None) -> BucketArgs:
            return BucketArgs(
                account=self._account,
                key_arn=self._key_arn,
                cors_origins=origins,
                noncurrent_days=store.noncurrent_days,
                replication=replication,
                protect=self.settings.protect,
            )

        return BucketsArgs(
            bucket=bucket(origins=(self.settings.url,), replication=replication),
            clickhouse_bucket=bucket() if own else None,
            backup_bucket=bucket() if store.backup_bucket else None,
        )
