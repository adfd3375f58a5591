"""The platform on AWS: what the stack makes there, and what the user brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from .. import contracts
from ..external import ExternalBuckets
from ..mysql_database import MySQLDatabase, MySQLDatabaseArgs
from . import policies, values
from .account import Account
from .bucket import Bucket, BucketArgs
from .identity import WorkloadRole, WorkloadRoleArgs
from .ingress import Ingress, IngressArgs
from .mysql import MySQL, MySQLArgs
from .redis import Redis, RedisArgs


@dataclass(frozen=True, kw_only=True)
class BucketsArgs:
    """The buckets to make."""

    bucket: BucketArgs
    """W&B's; the one that browsers use."""
    clickhouse_bucket: BucketArgs | None = None
    """None: no ClickHouse in this cluster."""
    backup_bucket: BucketArgs | None = None
    """For backups of ClickHouse, which may write there too; None: there is none."""


@dataclass(frozen=True, kw_only=True)
class PlatformArgs:
    """Each store is either a value (the user brings it) or the arguments of one to make."""

    account: Account
    cluster: contracts.Cluster
    eks: values.EKS
    namespaces: contracts.Namespaces
    mysql: contracts.MySQL | MySQLArgs | MySQLDatabaseArgs
    """`MySQLDatabaseArgs`: the server exists, W&B's database and user on it are to be made."""
    redis: contracts.Redis | RedisArgs
    object_store: ExternalBuckets | BucketsArgs
    clickhouse: contracts.ClickHouse | None = None
    """None: the user brings none."""
    ingress: contracts.Ingress | IngressArgs
    wandb_service_accounts: Sequence[str]
    """Of the components of W&B that open its bucket."""
    clickhouse_service_accounts: Sequence[str] = ()
    """Of ClickHouse's servers; empty where no ClickHouse is made."""
    backup_service_accounts: Sequence[str] = ()
    """Of the Jobs that list and delete backups of ClickHouse; empty where there are none."""


class Platform(pulumi.ComponentResource):
    """All that W&B and ClickHouse stand on, on AWS. `outputs` is the same for every target.

    W&B and ClickHouse each have a role that opens their own bucket and no other.
    """

    outputs: contracts.Platform
    load_balancer_host: pulumi.Output[str] | None
    """What the record of W&B's host points at; None: the user brings the way in."""
    name_servers: pulumi.Output[Sequence[str]] | None
    """Of the hosted zone, where one is made: the domain above it has to name them."""
    backup_bucket: contracts.Bucket | None

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:Platform", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        buckets = self._buckets()
        ingress = self._ingress()
        self.outputs = contracts.Platform(
            cluster=args.cluster,
            namespaces=args.namespaces,
            mysql=self._mysql(),
            redis=self._redis(),
            bucket=buckets.bucket,
            clickhouse=args.clickhouse,
            clickhouse_bucket=buckets.clickhouse_bucket,
            ingress=ingress,
            wandb_identity=self._wandb_identity(buckets.bucket),
            clickhouse_identity=self._clickhouse_identity(buckets.clickhouse_bucket),
            backup_bucket=self.backup_bucket,
            backup_identity=self._backup_identity(),
        )
        self.register_outputs({"mysql": self.outputs.mysql.host, "redis": self.outputs.redis.host})

    def _mysql(self) -> contracts.MySQL:
        match self._args.mysql:
            case MySQLArgs() as args:
                return MySQL(f"{self._name}-mysql", args, self._child).outputs
            case MySQLDatabaseArgs() as args:
                return MySQLDatabase(f"{self._name}-mysql", args, self._child).outputs
            case brought:
                return brought

    def _redis(self) -> contracts.Redis:
        redis = self._args.redis
        return Redis(f"{self._name}-redis", redis, self._child).outputs if isinstance(redis, RedisArgs) else redis

    def _ingress(self) -> contracts.Ingress:
        ingress = self._args.ingress
        if isinstance(ingress, contracts.Ingress):
            self.load_balancer_host = self.name_servers = None
            return ingress
        made = Ingress(f"{self._name}-ingress", ingress, self._child)
        self.load_balancer_host, self.name_servers = made.load_balancer_host, made.name_servers
        return made.outputs

    def _buckets(self) -> ExternalBuckets:
        store = self._args.object_store
        if isinstance(store, ExternalBuckets):
            self.backup_bucket = None
            return store
        self.backup_bucket = self._bucket("backup", store.backup_bucket) if store.backup_bucket else None
        return ExternalBuckets(
            bucket=self._bucket("wandb", store.bucket),
            clickhouse_bucket=self._bucket("clickhouse", store.clickhouse_bucket) if store.clickhouse_bucket else None,
        )

    def _bucket(self, purpose: str, args: BucketArgs) -> contracts.Bucket:
        return Bucket(f"{self._name}-{purpose}-bucket", args, self._child).outputs

    def _wandb_identity(self, bucket: contracts.Bucket) -> contracts.Identity:
        args = self._args
        if not _opened_by_a_role(bucket):
            return contracts.Identity()
        granted = self._grants("bucket", policies.wandb_bucket, bucket)
        return self._role("wandb", args.namespaces.wandb, args.wandb_service_accounts, granted)

    def _clickhouse_identity(self, bucket: contracts.Bucket | None) -> contracts.Identity:
        args = self._args
        if bucket is None or not _opened_by_a_role(bucket):
            return contracts.Identity()
        granted = self._grants("bucket", policies.clickhouse_bucket, bucket)
        if self.backup_bucket:
            granted |= self._grants("backup", policies.backup_writer, self.backup_bucket)
        return self._role("clickhouse", args.namespaces.clickhouse, args.clickhouse_service_accounts, granted)

    def _backup_identity(self) -> contracts.Identity:
        args = self._args
        if self.backup_bucket is None or not args.backup_service_accounts:
            return contracts.Identity()
        granted = self._grants("backup", policies.backup_keeper, self.backup_bucket)
        return self._role("backup", args.namespaces.clickhouse, args.backup_service_accounts, granted)

    def _grants(
        self, purpose: str, policy: Callable[..., policies.Policy], bucket: contracts.Bucket
    ) -> dict[str, pulumi.Input[str]]:
        account = self._args.account
        granted = {purpose: policies.text(lambda name: policy(partition=account.partition, bucket=name), bucket.name)}
        if bucket.kms_key is not None:
            granted[f"{purpose}-key"] = policies.text(
                lambda key, region: policies.key_use(
                    key_arn=key, service="s3", region=region, dns_suffix=account.dns_suffix
                ),
                bucket.kms_key,
                bucket.region,
            )
        return granted

    def _role(
        self,
        who: str,
        namespace: pulumi.Input[str],
        service_accounts: Sequence[str],
        granted: Mapping[str, pulumi.Input[str]],
    ) -> contracts.Identity:
        role = WorkloadRoleArgs(
            account=self._args.account,
            eks=self._args.eks,
            namespace=namespace,
            service_accounts=service_accounts,
            policies=granted,
        )
        return WorkloadRole(f"{self._name}-{who}-role", role, self._child).identity


def _opened_by_a_role(bucket: contracts.Bucket) -> bool:
    """Whether the pods' role opens a bucket: of S3 itself, without keys of its own."""
    return bucket.provider == "s3" and bucket.endpoint is None and bucket.keys is None
