"""The platform on an existing cluster: what the user brings, and the in-cluster stores for tests."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi

from .. import contracts
from ..external import ExternalBuckets
from ..mysql_database import MySQLDatabase, MySQLDatabaseArgs
from .bucket import ObjectStore, ObjectStoreArgs
from .mysql import MySQL, MySQLArgs
from .redis import Redis, RedisArgs


@dataclass(frozen=True, kw_only=True)
class PlatformArgs:
    """Each store is either a value (the user brings it) or the arguments of one to make in the cluster."""

    cluster: contracts.Cluster
    namespaces: contracts.Namespaces
    mysql: contracts.MySQL | MySQLArgs | MySQLDatabaseArgs
    """`MySQLDatabaseArgs`: the server exists, W&B's database and user on it are to be made."""
    redis: contracts.Redis | RedisArgs
    object_store: ExternalBuckets | ObjectStoreArgs
    clickhouse: contracts.ClickHouse | None = None
    """None: the user brings none."""
    ingress: contracts.Ingress
    wandb_identity: contracts.Identity = field(default_factory=contracts.Identity)
    """Of the components of W&B that open the bucket; what it may do is the user's to grant."""
    clickhouse_identity: contracts.Identity = field(default_factory=contracts.Identity)
    """Of the servers of ClickHouse; the same."""


class Platform(pulumi.ComponentResource):
    """All that W&B and ClickHouse stand on, on a cluster that exists. `outputs` is the same for every target."""

    outputs: contracts.Platform

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:kubernetes:Platform", name, {}, opts)
        self._name = name
        buckets = self._buckets(args.object_store)
        self.outputs = contracts.Platform(
            cluster=args.cluster,
            namespaces=args.namespaces,
            mysql=self._mysql(args.mysql),
            redis=self._redis(args.redis),
            bucket=buckets.bucket,
            clickhouse=args.clickhouse,
            clickhouse_bucket=buckets.clickhouse_bucket,
            ingress=args.ingress,
            wandb_identity=args.wandb_identity,
            clickhouse_identity=args.clickhouse_identity,
        )
        self.register_outputs({"mysql": self.outputs.mysql.host, "redis": self.outputs.redis.host})

    @property
    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _mysql(self, mysql: contracts.MySQL | MySQLArgs | MySQLDatabaseArgs) -> contracts.MySQL:
        match mysql:
            case MySQLArgs():
                return MySQL(f"{self._name}-mysql", mysql, self._child).outputs
            case MySQLDatabaseArgs():
                return MySQLDatabase(f"{self._name}-mysql", mysql, self._child).outputs
            case _:
                return mysql

    def _redis(self, redis: contracts.Redis | RedisArgs) -> contracts.Redis:
        return Redis(f"{self._name}-redis", redis, self._child).outputs if isinstance(redis, RedisArgs) else redis

    def _buckets(self, store: ExternalBuckets | ObjectStoreArgs) -> ExternalBuckets:
        if isinstance(store, ExternalBuckets):
            return store
        made = ObjectStore(f"{self._name}-object-store", store, self._child)
        return ExternalBuckets(bucket=made.bucket, clickhouse_bucket=made.clickhouse_bucket)
