"""Aurora MySQL with W&B's database on it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random
from pulumi_kubernetes import Provider

from .. import contracts
from ..credentials import random_text, secret
from ..mysql_database import MySQLDatabase, MySQLDatabaseArgs
from . import values
from .account import Account
from .mysql_monitoring import log_groups, monitoring_role
from .mysql_parameters import (
    AUDIT_PARAMETERS,
    CLUSTER_PARAMETERS,
    FAMILY,
    INSTANCE_PARAMETERS,
    PORT,
    check_connections,
    parameters,
)
from .stores import admit, closed_group, final_snapshot

VERSION = "8.0.mysql_aurora.3.10.3"
"""Of Aurora MySQL 3.10, the line that is patched for years. W&B needs 3.05.2 or later, and its documents 3.10."""
ADMIN = "admin"
"""The master user. Fixed: another name would replace the cluster."""
CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"
"""Signs the servers' certificates. Pinned: another one restarts an instance."""
INSIGHTS_DAYS = 7
"""Of Database Insights in standard mode, which costs nothing. Advanced mode keeps 465 and is paid by vCPU."""


@dataclass(frozen=True, kw_only=True)
class MySQLArgs:
    """Aurora MySQL in a network, for the pods of a cluster.

    Raises ValueError, naming the argument, for a number that Aurora refuses and for a class with too few connections.
    """

    account: Account
    provider: Provider
    """Of the cluster in which the passwords are kept, and from which W&B's database is made."""
    random_provider: pulumi_random.Provider
    network: values.Network
    eks: values.EKS
    namespace: pulumi.Input[str]
    """Of W&B. The passwords are here, in Secrets."""
    key_arn: pulumi.Input[str]
    """KMS key of storage, backups, logs and Database Insights. Never change it: the cluster would be replaced."""
    image: str
    """An image with the MySQL client of the server's line."""
    instance_class: str
    """Such as `db.r6g.xlarge`. Another one is applied in place."""
    instances: int = 2
    """The writer, and those that take over in other zones when it fails. W&B reads from none of them."""
    version: str = VERSION
    """Raised in place, never lowered."""
    connections: int = 0
    """That W&B's pods may open at most; the instances have to take them."""
    backup_days: int = 14
    """Days that a point in time can be restored from, 1 to 35."""
    snapshot_id: str | None = None
    """A cluster snapshot, by name or ARN, that a new database starts from. Another one later means another database, which
    is refused while `protect` holds; removing it changes nothing. Its master user must be `admin`."""
    password_revision: int = 1
    """Another number makes new passwords of W&B's user and of the master user. The cluster stays, and W&B's old password
    works on until the next change, so that its pods can be restarted one after the other."""
    apply_immediately: bool = False
    """False: what interrupts connections (class, version) waits for the maintenance window. AWS' answer until then is
    the old value, so a refresh shows a difference. True: it happens during `pulumi up`, with a fail-over."""
    maintenance_window: str | None = None
    """In UTC, as in `sun:03:00-sun:04:00`; None: AWS picks one, in the region's night."""
    backup_window: str | None = None
    """In UTC, as in `01:00-02:00`, apart from the maintenance window; None: AWS picks one."""
    audit: bool = False
    """True: connections, and changes of tables and rights, are written to an audit log."""
    log_days: int = 90
    """Days that the exported logs are kept; one of those that CloudWatch Logs knows."""
    monitoring_seconds: int = 0
    """Interval of the operating system's metrics (Enhanced Monitoring): 1, 5, 10, 15, 30 or 60; 0: none."""
    final_snapshot: bool = True
    """True: destroying the stack leaves a snapshot behind, which nobody else deletes, and the backups until they expire."""
    protect: bool = False
    """True: neither destroying the stack nor AWS' own API deletes the cluster."""
    database: str = "wandb_local"
    user: str = "wandb"

    def __post_init__(self) -> None:
        if not 1 <= self.instances <= 15:
            raise ValueError(f"instances: {self.instances} given; a writer and up to 14 others wanted")
        if not 1 <= self.backup_days <= 35:
            raise ValueError(f"backup_days: {self.backup_days} given; 1 to 35 wanted")
        if self.monitoring_seconds not in (0, 1, 5, 10, 15, 30, 60):
            raise ValueError(f"monitoring_seconds: {self.monitoring_seconds} given; 0, 1, 5, 10, 15, 30 or 60 wanted")
        if self.user == ADMIN:
            raise ValueError(f"user: {ADMIN!r} is the master user's name; W&B's needs another")
        check_connections(self.instance_class, self.connections)


class MySQL(pulumi.ComponentResource):
    """Aurora MySQL 3: encrypted, only TLS, backed up to any point in time, with W&B's parameters, database and user.

    It waits for subnets and key alone, so it is made beside the cluster; W&B's database waits for both. `outputs` is
    known when W&B can connect.
    """

    outputs: contracts.MySQL

    def __init__(self, name: str, args: MySQLArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:MySQL", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self, provider=args.account.provider)
        group = closed_group(
            f"{name}-group", vpc_id=args.network.vpc_id, description="Aurora MySQL of W&B", opts=self._child
        )
        admin_text = self._text("admin")
        cluster, subnets = self._cluster(group, admin_text)
        instances = self._instances(cluster, subnets)
        rule = admit(f"{name}-nodes", group=group, eks=args.eks, port=PORT, opts=self._child)
        server = contracts.MySQL(
            host=cluster.endpoint,
            port=PORT,
            database=args.database,
            user=args.user,
            password=self._secret("wandb", "MYSQL_PASSWORD", self._text("wandb")),
        )
        database = MySQLDatabase(
            f"{name}-database",
            MySQLDatabaseArgs(
                provider=args.provider,
                namespace=args.namespace,
                image=args.image,
                server=server,
                admin_user=ADMIN,
                admin_password=self._secret("admin", "MYSQL_ADMIN_PASSWORD", admin_text),
                depends_on=(*instances, rule),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.outputs = database.outputs
        self.register_outputs({"host": self.outputs.host})

    def _text(self, who: str) -> pulumi.Output[str]:
        args = self._args
        return random_text(
            f"{self._name}-{who}-password", args.random_provider, parent=self, revision=args.password_revision
        )

    def _secret(self, who: str, key: str, text: pulumi.Output[str]) -> contracts.SecretKey:
        args = self._args
        return secret(
            f"{self._name}-{who}-password",
            name=f"mysql-{who}",
            namespace=args.namespace,
            values={key: text},
            version=str(args.password_revision),
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider),
        )

    def _logs(self) -> list[str]:
        return ["error", "slowquery", *(["audit"] if self._args.audit else [])]

    def _cluster(
        self, group: aws.ec2.SecurityGroup, password: pulumi.Output[str]
    ) -> tuple[aws.rds.Cluster, aws.rds.SubnetGroup]:
        name, args = self._name, self._args
        subnets = aws.rds.SubnetGroup(
            f"{name}-subnets", subnet_ids=args.network.database_subnets, description="W&B", opts=self._child
        )
        # named after the family, which can never change: another family is another group, made before this one goes
        group_of_parameters = aws.rds.ClusterParameterGroup(
            f"{name}-cluster-parameters",
            family=FAMILY,
            description="W&B",
            parameters=parameters({**CLUSTER_PARAMETERS, **(AUDIT_PARAMETERS if args.audit else {})}),
            opts=self._child,
        )
        cluster = aws.rds.Cluster(
            f"{name}-cluster",
            engine=aws.rds.EngineType.AURORA_MYSQL,
            engine_version=args.version,
            db_subnet_group_name=subnets.name,
            db_cluster_parameter_group_name=group_of_parameters.name,
            vpc_security_group_ids=[group.id],
            port=PORT,
            storage_encrypted=True,
            kms_key_id=args.key_arn,
            master_username=ADMIN,
            master_password=password,
            snapshot_identifier=args.snapshot_id,
            backup_retention_period=args.backup_days,
            preferred_backup_window=args.backup_window,
            preferred_maintenance_window=args.maintenance_window,
            copy_tags_to_snapshot=True,
            # those of before stay with the final snapshot, until they are `backup_days` old
            delete_automated_backups=not args.final_snapshot,
            skip_final_snapshot=not args.final_snapshot,
            final_snapshot_identifier=self._final_snapshot() if args.final_snapshot else None,
            deletion_protection=args.protect,
            enabled_cloudwatch_logs_exports=self._logs(),
            database_insights_mode="standard",
            performance_insights_enabled=True,
            performance_insights_kms_key_id=args.key_arn,
            performance_insights_retention_period=INSIGHTS_DAYS,
            apply_immediately=args.apply_immediately,
            opts=pulumi.ResourceOptions(parent=self, provider=args.account.provider, protect=args.protect),
        )
        return cluster, subnets

    def _final_snapshot(self) -> pulumi.Output[str]:
        args = self._args
        keepers = {"key": args.key_arn, "snapshot": args.snapshot_id or ""}
        return final_snapshot(self._name, args.random_provider, keepers=keepers, parent=self)

    def _instances(self, cluster: aws.rds.Cluster, subnets: aws.rds.SubnetGroup) -> list[aws.rds.ClusterInstance]:
        name, args = self._name, self._args
        group = aws.rds.ParameterGroup(
            f"{name}-parameters",
            family=FAMILY,
            description="W&B",
            parameters=parameters(INSTANCE_PARAMETERS),
            opts=self._child,
        )
        logs = log_groups(name, cluster, self._logs(), days=args.log_days, key_arn=args.key_arn, opts=self._child)
        opts = pulumi.ResourceOptions(parent=self, provider=args.account.provider, depends_on=logs)
        role = None
        if args.monitoring_seconds:
            role = monitoring_role(f"{name}-monitoring", account=args.account, parent=self)
        return [
            aws.rds.ClusterInstance(
                f"{name}-{number + 1}",
                cluster_identifier=cluster.id,
                engine=aws.rds.EngineType.AURORA_MYSQL,
                instance_class=args.instance_class,
                availability_zone=self._zone(number),
                db_subnet_group_name=subnets.name,
                db_parameter_group_name=group.name,
                ca_cert_identifier=CERTIFICATE_AUTHORITY,
                publicly_accessible=False,
                promotion_tier=min(number, 1),
                auto_minor_version_upgrade=False,
                monitoring_interval=args.monitoring_seconds,
                monitoring_role_arn=role,
                apply_immediately=args.apply_immediately,
                opts=opts,
            )
            for number in range(args.instances)
        ]

    def _zone(self, number: int) -> str | None:
        network = self._args.network
        # of subnets that are brought and do not follow the zones only AWS knows where they are: it spreads instances too
        follows = len(network.database_subnets) == len(network.zones)
        return network.zones[number % len(network.zones)] if follows else None
