"""ClickHouse for Weave: operator, Keeper, servers, user and network rules, joined."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_random
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.core.v1 import ConfigMap, Service
from pulumi_kubernetes.networking.v1 import NetworkPolicy

from .. import contracts
from ..monitoring import Monitoring
from ..ordering import after
from . import backup_user, disks, monitoring, names, network, operator, pods, probe, users
from . import tls as encryption
from .backup import NAME as BACKUP
from .backup import RESTORE, BackupArgs, BackupJobs, BackupJobsArgs
from .keeper import Keeper, KeeperArgs
from .network import Access
from .operator import Chart, Operator, OperatorArgs
from .server import BackedUp, Server, ServerArgs
from .tls import TLS

MOST_SHARDS = 9
"""So that the names of pods have one digit for it."""


@dataclass(frozen=True, kw_only=True)
class Images:
    """The images of one release of ClickHouse, and the tools'."""

    server: str = "altinity/clickhouse-server:25.8.16.10002.altinitystable"
    """The tag begins with the version in numbers: the operator reads it there."""
    keeper: str = "altinity/clickhouse-keeper:25.8.16.10002.altinitystable"
    hook: str
    """With sh and kubectl, such as alpine/k8s in the cluster's minor version."""
    pull_secrets: Sequence[str] = ()
    """Secrets of type dockerconfigjson in the namespace of ClickHouse."""


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long the operator may take with Keeper and with the servers, as Go durations."""

    create: str = "30m"
    update: str = "60m"
    """Replicas are changed one after the other, each after its running queries."""
    delete: str = "20m"

    def custom(self) -> pulumi.CustomTimeouts:
        """As a resource option."""
        return pulumi.CustomTimeouts(create=self.create, update=self.update, delete=self.delete)


@dataclass(frozen=True, kw_only=True)
class ClickHouseArgs:
    """A ClickHouse for Weave in the cluster. Sizes of volumes are GiB, each per pod.

    Raises ValueError with every problem when the plain values cannot go together. `replicas` can grow later, and so can `shards`
    where `distributed` was True from the start; `distributed`, `keepers`, `installation`, `cluster_name` and the bucket cannot
    change while the data lives.
    """

    cluster: contracts.Cluster
    random_provider: pulumi_random.Provider
    namespaces: contracts.Namespaces
    bucket: contracts.Bucket
    """Its `keys`, if any, are a Secret in the namespace of ClickHouse."""
    server_resources: contracts.Resources
    keeper_resources: contracts.Resources
    images: Images
    identity: contracts.Identity = field(default_factory=contracts.Identity)
    backup: BackupArgs | None = None
    """None: no backups are made, and what a lost volume held is lost unless another replica has it."""
    shards: int = 1
    """What Weave's rows are spread over. Rows stay on the shard that they were written to."""
    distributed: bool = False
    """Whether Weave makes distributed tables, which more than one shard needs."""
    replicas: int = 3
    """Of each shard."""
    keepers: int = 3
    volume_gib: int = 200
    cache_gib: int = 100
    keeper_volume_gib: int = 20
    chart: Chart = field(default_factory=Chart)
    installation: str = "wandb"
    cluster_name: str = "weavecluster"
    database: str = "weave"
    user: str = "weave"
    password_revision: int = 1
    """A new number makes new passwords of the users. Servers learn them first, one by one, then W&B."""
    client_networks: Sequence[str] = users.PRIVATE_NETWORKS
    """Networks that the user may connect from; the pods' at least."""
    monitoring: Monitoring | None = None
    """None: nobody outside reads the metrics, and there are no alerts."""
    access: Access | None = None
    """Limits connections to the very pods and ports that need them, outgoing ones as well; None: SQL is for all of W&B's
    namespace, and outgoing connections are not limited."""
    tls: TLS | None = None
    """None: no connection is encrypted. Switched on or off later, Keeper and then the servers are away while they restart."""
    ids: pods.Ids = pods.IMAGE
    """Whom servers, Keeper and Jobs run as. Others than the images' hold for the operator too."""
    revision: str = ""
    """A new text makes the operator go over everything again, after a change that it gave up, and restarts the replicas
    one by one, which is how they learn of new keys in `bucket.keys`; with `tls` Keeper's nodes too."""
    protect: bool = False
    """True: what holds data is not deleted before this is False again."""
    timeouts: Timeouts = field(default_factory=Timeouts)

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise ValueError("ClickHouse: " + "; ".join(problems))


class ClickHouse(pulumi.ComponentResource):
    """A replicated ClickHouse for Weave with data in a bucket: up when every replica answers as it should.

    Destroying goes from the servers to Keeper to the operator, which each needs to the end. The volumes and the objects
    in the bucket stay.
    """

    connection: contracts.ClickHouse
    """How W&B connects; whoever uses it waits for ClickHouse."""

    def __init__(self, name: str, args: ClickHouseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:clickhouse:ClickHouse", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._in_cluster = pulumi.ResourceOptions(parent=self, provider=args.cluster.provider)
        controller = self._operator()
        account = self._account()
        user, password = users.create(f"{name}-user", account, parent=self)
        self._backup_user = self._make_backup_user()
        policies = self._policies()
        trust = self._trust()
        keeper = self._keeper([controller.release, *trust])
        server = self._server(user, [controller.release, keeper.installation, *policies, *trust])
        ready = self._probe(server, user)
        self._backup(user, ready)
        client = users.client_secret(f"{name}-user", account, password, parent=self, after=ready)
        self._watch()
        self.connection = contracts.ClickHouse(
            host=after(names.service(args.installation, args.namespaces.clickhouse), ready),
            port=self._ports.http,
            database=args.database,
            user=args.user,
            password=client,
            cluster=args.cluster_name,
            distributed=args.distributed,
        )
        self.register_outputs({"host": self.connection.host})

    @property
    def _ports(self) -> names.Ports:
        return names.ports(tls=self._args.tls is not None)

    def _trust(self) -> list[pulumi.Resource]:
        """What servers, Keeper and Jobs mount for TLS; nothing without it."""
        args, tls, namespace = self._args, self._args.tls, self._args.namespaces.clickhouse
        if tls is None:
            return []
        authority = encryption.authority(tls, namespace)
        config = ConfigMap(
            f"{self._name}-authority", metadata=authority["metadata"], data=authority["data"], opts=self._in_cluster
        )
        if tls.issuer is None:
            return [config]
        shown = encryption.hosts(
            args.installation, args.cluster_name, args.shards, args.replicas, args.keepers, namespace
        )
        asked = encryption.certificate(tls, tls.issuer, namespace, shown)
        made = CustomResource(
            f"{self._name}-certificate",
            api_version=asked["apiVersion"],
            kind=asked["kind"],
            metadata=asked["metadata"],
            spec=asked["spec"],
            opts=self._in_cluster,
        )
        return [config, made]

    def _operator(self) -> Operator:
        args = self._args
        return Operator(
            f"{self._name}-operator",
            OperatorArgs(
                cluster=args.cluster,
                random_provider=args.random_provider,
                namespace=args.namespaces.clickhouse,
                hook_image=args.images.hook,
                chart=args.chart,
                image_pull_secrets=args.images.pull_secrets,
                ids=operator.IMAGE if args.ids == pods.IMAGE else args.ids,
                monitoring=args.monitoring,
            ),
            self._child,
        )

    def _account(self) -> users.UserArgs:
        args = self._args
        return users.UserArgs(
            cluster=args.cluster,
            random_provider=args.random_provider,
            namespaces=args.namespaces,
            name=args.user,
            database=args.database,
            distributed=args.distributed,
            password_revision=args.password_revision,
        )

    def _make_backup_user(self) -> backup_user.BackupUser | None:
        args = self._args
        if args.backup is None:
            return None
        return backup_user.create(
            f"{self._name}-backup-user",
            cluster=args.cluster,
            random_provider=args.random_provider,
            namespace=args.namespaces.clickhouse,
            database=args.database,
            password_revision=args.password_revision,
            parent=self,
        )

    def _backup(self, owner: users.User, ready: Job) -> None:
        args = self._args
        if args.backup is None or self._backup_user is None:
            return
        BackupJobs(
            f"{self._name}-backup",
            BackupJobsArgs(
                backup=args.backup,
                cluster=args.cluster,
                namespace=args.namespaces.clickhouse,
                image=args.images.server,
                user=self._backup_user,
                owner=owner,
                installation=args.installation,
                cluster_name=args.cluster_name,
                replicas=args.replicas,
                tls=args.tls,
                ids=args.ids,
                image_pull_secrets=args.images.pull_secrets,
                needs=[ready],
            ),
            self._child,
        )

    def _watch(self) -> None:
        args = self._args
        if args.monitoring is None:
            return
        made = monitoring.manifests(
            monitoring.MonitoringArgs(
                monitoring=args.monitoring,
                namespace=args.namespaces.clickhouse,
                installation=args.installation,
                provider=args.bucket.provider,
                servers=args.shards * args.replicas,
                keepers=args.keepers,
                backup_deadline_hours=args.backup.deadline_hours if args.backup else None,
            )
        )
        for what, each in made.items():
            name = f"{self._name}-{what}"
            if each["kind"] == "Service":
                Service(name, metadata=each["metadata"], spec=each["spec"], opts=self._in_cluster)
            else:
                CustomResource(
                    name,
                    api_version=each["apiVersion"],
                    kind=each["kind"],
                    metadata=each["metadata"],
                    spec=each["spec"],
                    opts=self._in_cluster,
                )

    def _policies(self) -> list[NetworkPolicy]:
        rules = network.NetworkArgs(
            namespace=self._args.namespaces.clickhouse,
            wandb_namespace=self._args.namespaces.wandb,
            monitoring_namespace=self._args.monitoring.namespace if self._args.monitoring else None,
            installation=self._args.installation,
            access=self._args.access,
            buckets=[self._args.bucket, *([self._args.backup.bucket] if self._args.backup else [])],
            jobs=[probe.NAME, *([BACKUP, RESTORE] if self._args.backup else [])],
            ports=self._ports,
        )
        return [
            NetworkPolicy(
                f"{self._name}-{who}-access",
                metadata=policy["metadata"],
                spec=policy["spec"],
                opts=self._in_cluster,
            )
            for who, policy in network.policies(rules).items()
        ]

    def _keeper(self, needs: Sequence[pulumi.Resource]) -> Keeper:
        args = self._args
        return Keeper(
            f"{self._name}-keeper",
            KeeperArgs(
                cluster=args.cluster,
                namespace=args.namespaces.clickhouse,
                image=args.images.keeper,
                resources=args.keeper_resources,
                volume_gib=args.keeper_volume_gib,
                nodes=args.keepers,
                installation=args.installation,
                ids=args.ids,
                image_pull_secrets=args.images.pull_secrets,
                revision=args.revision,
                protect=args.protect,
                tls=args.tls,
                needs=needs,
                timeouts=args.timeouts.custom(),
            ),
            self._child,
        )

    def _server(self, user: users.User, needs: Sequence[pulumi.Resource]) -> Server:
        args = self._args
        return Server(
            f"{self._name}-server",
            ServerArgs(
                cluster=args.cluster,
                namespace=args.namespaces.clickhouse,
                image=args.images.server,
                resources=args.server_resources,
                volume_gib=args.volume_gib,
                cache_gib=args.cache_gib,
                bucket=args.bucket,
                user=user,
                networks=args.client_networks,
                identity=args.identity,
                backup=BackedUp(bucket=args.backup.bucket, prefix=args.backup.prefix, user=self._backup_user)
                if args.backup and self._backup_user
                else None,
                tls=args.tls,
                shards=args.shards,
                replicas=args.replicas,
                keepers=args.keepers,
                installation=args.installation,
                cluster_name=args.cluster_name,
                ids=args.ids,
                image_pull_secrets=args.images.pull_secrets,
                revision=args.revision,
                protect=args.protect,
                needs=needs,
                timeouts=args.timeouts.custom(),
            ),
            self._child,
        )

    def _probe(self, server: Server, user: users.User) -> Job:
        args = self._args
        made = probe.job(
            probe.ProbeArgs(
                namespace=args.namespaces.clickhouse,
                image=args.images.server,
                task=server.task,
                user=user,
                installation=args.installation,
                cluster_name=args.cluster_name,
                shards=args.shards,
                replicas=args.replicas,
                tls=args.tls,
                ids=args.ids,
                image_pull_secrets=args.images.pull_secrets,
            )
        )
        return Job(
            f"{self._name}-ready",
            metadata=made["metadata"],
            spec=made["spec"],
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.cluster.provider,
                depends_on=[server.installation],
                custom_timeouts=pulumi.CustomTimeouts(create="30m", update="30m"),
            ),
        )


def _problems(args: ClickHouseArgs) -> Iterator[str]:
    yield from _layout_problems(args)
    yield from _name_problems(args)
    for what, reference in {"server": args.images.server, "keeper": args.images.keeper}.items():
        if not re.search(r":\d+(\.\d+)+", reference):
            yield f"images.{what}: the tag of {reference!r} must begin with the version in numbers, such as 25.8.16"
    try:
        operator.image(args.images.hook)
    except ValueError as error:
        yield f"images.hook: {error}"
    try:
        disks.check(args.bucket)
    except ValueError as error:
        yield str(error)
    own, backups = args.bucket.ca, args.backup.bucket.ca if args.backup else None
    if own is not None and backups is not None and own != backups:
        yield "backup.bucket.ca: the servers believe one authority of yours; both stores need the same, in one Secret"
    for each in args.client_networks:
        try:
            ipaddress.ip_network(each)
        except ValueError as error:
            yield f"client_networks: {error}"
    if args.ids.user == 0:
        yield "ids.user: 0 given; nothing here runs as root"
    if not args.client_networks:
        yield "client_networks: without one, W&B cannot connect"


def _layout_problems(args: ClickHouseArgs) -> Iterator[str]:
    if args.keepers not in (1, 3, 5):
        yield f"keepers: {args.keepers} given; 1, 3 or 5 are possible, because a majority must be able to agree"
    if not 1 <= args.shards <= MOST_SHARDS:
        yield f"shards: {args.shards} given; 1 to {MOST_SHARDS} are possible"
    if args.shards > 1 and not args.distributed:
        yield f"distributed: False given with {args.shards} shards, each of which would have tables of its own"
    if args.shards > 1 and args.backup is not None:
        yield f"backup: given with {args.shards} shards; backups are made of one"
    if args.replicas < 1:
        yield f"replicas: {args.replicas} given; at least 1 is needed"
    if args.replicas > 1 and args.keepers == 1:
        yield f"keepers: 1 given with {args.replicas} replicas, which would all stop with that one; 3 are needed"
    if args.volume_gib < 10:
        yield f"volume_gib: {args.volume_gib} given; at least 10 is needed for metadata and logs"
    if args.keeper_volume_gib < 1:
        yield f"keeper_volume_gib: {args.keeper_volume_gib} given; at least 1 is needed"
    if not 1 <= args.cache_gib <= args.volume_gib // 2:
        limit = args.volume_gib // 2
        yield f"cache_gib: {args.cache_gib} given; 1 to {limit} is possible, half of volume_gib, or a full cache stops inserts"


def _name_problems(args: ClickHouseArgs) -> Iterator[str]:
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,13}[a-z0-9])?", args.installation):
        yield f"installation: {args.installation!r} given; 1 to 15 of a-z, 0-9 and -, beginning with a letter, are possible"
    if not re.fullmatch(r"[a-z][a-z0-9]{0,14}", args.cluster_name):
        yield (
            f"cluster_name: {args.cluster_name!r} given; 1 to 15 of a-z and 0-9, beginning with a letter, are possible "
            "(the operator makes it an element of XML and knows no underscore, Weave's migrations no hyphen, Kubernetes no capitals)"
        )
    for what, given in {"database": args.database, "user": args.user}.items():
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,31}", given):
            yield f"{what}: {given!r} given; 1 to 32 letters, digits and _, beginning with a letter, are possible"
    if args.user in ("default", "clickhouse_operator", backup_user.NAME):
        yield f"user: {args.user!r} is a user of ClickHouse's own"
