"""ElastiCache: one primary, and copies in other zones that take over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pulumi
import pulumi_aws as aws
import pulumi_random
from pulumi_kubernetes import Provider

from .. import contracts
from ..credentials import random_text, secret
from ..ordering import after
from . import values
from .account import Account
from .stores import admit, closed_group, final_snapshot

if TYPE_CHECKING:
    from pulumi_aws.elasticache import ReplicationGroupLogDeliveryConfigurationArgsDict

PORT = 6379
Engine = Literal["redis", "valkey"]
VERSIONS: dict[Engine, tuple[str, str]] = {"redis": ("7.1", "redis7"), "valkey": ("7.2", "valkey7")}
"""Version and parameter family of each engine. W&B names Redis 7; Valkey 7.2 is its fork under another licence."""


@dataclass(frozen=True, kw_only=True)
class RedisArgs:
    """ElastiCache in a network, for the pods of a cluster. Raises ValueError, naming the argument, for a number that
    ElastiCache refuses."""

    account: Account
    provider: Provider
    """Of the cluster in which the password is kept."""
    random_provider: pulumi_random.Provider
    network: values.Network
    eks: values.EKS
    namespace: pulumi.Input[str]
    """Of W&B. The password is here, in a Secret."""
    key_arn: pulumi.Input[str]
    """KMS key of data, snapshots and logs. Never change it: the cache would be replaced."""
    engine: Engine = "redis"
    """Redis becomes Valkey in place; the other way round the cache would be replaced."""
    node_type: str
    """Such as `cache.m6g.large`. Another one is applied in place."""
    replicas: int = 1
    """Copies in other zones, one of which takes over when the primary fails. 0: nothing takes over."""
    snapshot_days: int = 7
    """Days that daily snapshots are kept, at most 35; 0: none are made."""
    password_revision: int = 1
    """Another number makes another password. The one of before works on until the next change."""
    apply_immediately: bool = False
    """False: what interrupts connections (node type, version) waits for the maintenance window."""
    maintenance_window: str | None = None
    """In UTC, as in `sun:03:00-sun:04:00`; None: AWS picks one."""
    snapshot_window: str | None = None
    """In UTC, as in `01:00-02:00`; None: AWS picks one."""
    log_days: int | None = 90
    """Days that slow log and engine log are kept; None: they are not written."""
    final_snapshot: bool = True
    """True: destroying the stack leaves a snapshot behind, which nobody else deletes."""
    protect: bool = False
    """True: destroying the stack refuses to delete the cache. ElastiCache has no protection of its own."""

    def __post_init__(self) -> None:
        if not 0 <= self.replicas <= 5:
            raise ValueError(f"replicas: {self.replicas} given; 0 to 5 wanted")
        if not 0 <= self.snapshot_days <= 35:
            raise ValueError(f"snapshot_days: {self.snapshot_days} given; 0 to 35 wanted")


class Redis(pulumi.ComponentResource):
    """A replication group without cluster mode, which W&B's client does not know: TLS only, with a password, encrypted.

    It waits for subnets and key alone, so it is made beside the cluster. `outputs` is known when W&B can connect.
    Amazon's public authority signs its certificate.
    """

    outputs: contracts.Redis

    def __init__(self, name: str, args: RedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:Redis", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self, provider=args.account.provider)
        group = closed_group(
            f"{name}-group", vpc_id=args.network.vpc_id, description="ElastiCache of W&B", opts=self._child
        )
        text = random_text(f"{name}-password", args.random_provider, parent=self, revision=args.password_revision)
        replication_group = self._replication_group(group, text)
        rule = admit(f"{name}-nodes", group=group, eks=args.eks, port=PORT, opts=self._child)
        password = secret(
            f"{name}-password",
            name="redis-password",
            namespace=args.namespace,
            # through the replication group: a new password has to work there before a pod reads it
            values={"REDIS_PASSWORD": after(text, replication_group)},
            version=str(args.password_revision),
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider),
        )
        self.outputs = contracts.Redis(
            host=after(replication_group.primary_endpoint_address, rule), port=PORT, password=password, tls=True
        )
        self.register_outputs({"host": self.outputs.host})

    def _replication_group(
        self, group: aws.ec2.SecurityGroup, password: pulumi.Output[str]
    ) -> aws.elasticache.ReplicationGroup:
        name, args = self._name, self._args
        version, family = VERSIONS[args.engine]
        subnets = aws.elasticache.SubnetGroup(
            f"{name}-subnets", subnet_ids=args.network.database_subnets, description="W&B", opts=self._child
        )
        parameters = aws.elasticache.ParameterGroup(
            f"{name}-parameters", family=family, description="W&B", opts=self._child
        )
        return aws.elasticache.ReplicationGroup(
            f"{name}-cache",
            description="Redis of W&B",
            engine=args.engine,
            engine_version=version,
            node_type=args.node_type,
            num_cache_clusters=1 + args.replicas,
            automatic_failover_enabled=args.replicas > 0,
            multi_az_enabled=args.replicas > 0,
            port=PORT,
            subnet_group_name=subnets.name,
            security_group_ids=[group.id],
            parameter_group_name=parameters.name,
            at_rest_encryption_enabled=True,
            kms_key_id=args.key_arn,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            auth_token=password,
            # the password of before stays valid beside the new one, so that pods can be restarted one after the other
            auth_token_update_strategy="ROTATE",
            snapshot_retention_limit=args.snapshot_days,
            snapshot_window=args.snapshot_window if args.snapshot_days else None,
            final_snapshot_identifier=self._final_snapshot() if args.final_snapshot else None,
            maintenance_window=args.maintenance_window,
            auto_minor_version_upgrade=False,
            apply_immediately=args.apply_immediately,
            log_delivery_configurations=self._logs(),
            opts=pulumi.ResourceOptions(parent=self, provider=args.account.provider, protect=args.protect),
        )

    def _final_snapshot(self) -> pulumi.Output[str]:
        args = self._args
        keepers = {"engine": args.engine, "key": args.key_arn}
        return final_snapshot(self._name, args.random_provider, keepers=keepers, parent=self)

    def _logs(self) -> list[ReplicationGroupLogDeliveryConfigurationArgsDict] | None:
        args = self._args
        if args.log_days is None:
            return None
        groups = {
            log: aws.cloudwatch.LogGroup(
                f"{self._name}-{log}",
                retention_in_days=args.log_days,
                kms_key_id=args.key_arn,
                opts=self._child,
            )
            for log in ("slow-log", "engine-log")
        }
        return [
            {
                "destination": group.name,
                "destination_type": "cloudwatch-logs",
                "log_format": "json",
                "log_type": log,
            }
            for log, group in groups.items()
        ]
