"""Settings of ClickHouse, which keeps Weave's data."""

from __future__ import annotations

import re
import ssl
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from .base import (
    Certificate,
    CertificateIssuer,
    ContainerResources,
    GiB,
    Model,
    ObjectName,
    Port,
    SecretKey,
    SecretText,
    ServerHost,
    kind_default,
    matching,
    refusal,
)
from .stores import ClickHouseBucket, Identifier


def _replicas(value: int) -> int:
    if value == 2:
        raise refusal("is a number that survives no more than one does", "Use 1 for a test, 3 or more otherwise.")
    return value


def _keepers(value: int) -> int:
    if value % 2 == 0:
        raise refusal("is even", "Keepers decide by majority: use 1, 3 or 5.")
    return value


ManagedCluster = Annotated[
    str,
    *matching(
        re.compile(r"[a-z][a-z0-9]{0,14}"),
        "is not a name that both ClickHouse's operator and Weave accept",
        "Use 1 to 15 lower-case letters and digits, beginning with a letter.",
    ),
]
ManagedDatabase = Annotated[
    str,
    *matching(
        re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}"),
        "is not a database name that needs no quoting",
        "Use at most 32 letters, digits and underscores, beginning with a letter.",
    ),
]
ExternalCluster = Annotated[
    str,
    *matching(
        re.compile(r"[A-Za-z0-9_.]{1,63}"),
        "is not a cluster name that Weave accepts",
        "Use letters, digits, underscores and dots.",
    ),
]


def _cache(data: dict[str, Any]) -> int:
    return max(1, data["volume_gib"] * 2 // 5)


CronSchedule = Annotated[
    str,
    *matching(
        re.compile(r"[0-9*/,-]+( [0-9*/,-]+){4}"),
        "is not a schedule of five fields in digits",
        "Use minute, hour, day, month and day of the week, as in `0 3 * * *`.",
    ),
]
BackupPrefix = Annotated[
    str,
    *matching(
        re.compile(r"(?!weave(/|$))[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?(/[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?)*"),
        "is not a path below which backups can lie",
        "Use lower-case letters, digits, `.`, `_` and `-`, with `/` between, and not `weave`, where the data lies.",
    ),
]


class ClickHouseBackup(Model):
    """Backups of ClickHouse in the cluster."""

    bucket: ClickHouseBucket | None = None
    """Where they go, another bucket than `clickhouseBucket`. The servers write as they open their own bucket, or with these
    keys; `identity` is of the Job that lists and deletes. Default: the one that the stack makes with
    `objectStore.backupBucket`."""
    prefix: BackupPrefix = "clickhouse-backup"
    """Path in the bucket. Clusters that share a bucket need one each."""
    schedule: CronSchedule = "0 3 * * *"
    """When a backup is made, as in cron, in UTC."""
    full_every_days: int = Field(default=7, ge=1, le=90)
    """A backup is full when the last full one is so many days old; the others hold what is new since that one."""
    keep_days: int = Field(default=30, ge=1, le=3650)
    """Days that one can go back. A full backup and those that need it are deleted when the last of them is older; the newest
    never is."""
    deadline_hours: int = Field(default=12, ge=1, le=47)
    """A backup that takes longer counts as failed."""


PodId = Annotated[int, Field(ge=0, le=4294967294)]


class PodIds(Model):
    """Ids that pods run under. Every pod of ClickHouse obeys the `restricted` Pod Security Standard with any of them."""

    from_platform: bool = False
    """Whether the platform picks them, as OpenShift does from the range of the project. `false`: those below, or the images'
    own."""
    user: Annotated[int, Field(ge=1, le=4294967294)] | None = None
    """User id. Default: 101, that of ClickHouse's images; the operator's is 65534."""
    group: PodId | None = None
    """Group id; 0 is allowed. Default: `user`, or the images' own."""
    volumes: PodId | None = None
    """Group that owns the volumes (`fsGroup`). Default: `group`, or the images' own."""


def _authorities(value: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=value)
    except (ssl.SSLError, ValueError) as error:
        raise refusal("holds a certificate that cannot be read", "Paste the authority's certificate again.") from error
    return value


class ClickHouseTLS(Model):
    """TLS between W&B, the servers, the keepers, the operator and the Jobs. The ports without it are closed. Switched on or off in a
    running stack, Weave is away until all servers have restarted."""

    ca: Annotated[Certificate, AfterValidator(_authorities)]
    """Certificate of the authority that signs theirs, a text in PEM form; during a change of authority both, below each other.
    W&B gets it as `instance.caCertificates` would."""
    secret: ObjectName | None = None
    """Secret of type kubernetes.io/tls in ClickHouse's namespace with a certificate for all servers and keepers
    (docs/clickhouse.md lists the names). Either this or `issuer`."""
    issuer: CertificateIssuer | None = None
    """Has cert-manager make the certificate. Either this or `secret`."""


class ManagedClickHouse(Model):
    """ClickHouse in the cluster, run by Altinity's operator, with data in the bucket `clickhouseBucket`."""

    kind: Literal["managed"]
    """The stack makes it."""
    shards: int = Field(default=1, ge=1, le=9)
    """Parts that Weave's rows are spread over, each with servers of its own. It can grow, never shrink, and only where
    `distributed` has been true from the first `up` on. Rows stay in the shard that they were written to."""
    distributed: bool = kind_default(lambda data: data["shards"] > 1, "true with more than one shard")
    """Whether Weave makes distributed tables, which more than one shard needs. Set it with one shard where others may be
    added. Never change it later: Weave makes its tables once."""
    replicas: Annotated[int, AfterValidator(_replicas)] = Field(
        default=3, ge=1, le=9, json_schema_extra={"not": {"const": 2}}
    )
    """Servers of each shard, each with a full copy of its rows: 1 for a test, else 3 or more."""
    keepers: Annotated[int, AfterValidator(_keepers)] = Field(
        default=3, ge=1, le=5, json_schema_extra={"enum": [1, 3, 5]}
    )
    """Keeper nodes, which coordinate all replicas: 1, 3 or 5. Never change it later: ClickHouse's coordination state
    does not survive that."""
    cluster: ManagedCluster = "weavecluster"
    """Name of the ClickHouse cluster: 1 to 15 lower-case letters and digits, beginning with a letter. Never change it later: Weave's tables are tied to
    it."""
    database: ManagedDatabase = "weave"
    """Weave's database."""
    volume_gib: GiB = 200
    """Volume of one server in GiB, for the cache, the map of what lies in the bucket, and logs. W&B's minimum is 50, its
    recommendation 200."""
    cache_gib: GiB = kind_default(_cache, "two fifths of `volumeGiB`")
    """Part of the volume that caches what lies in the bucket, in GiB: at most half of `volumeGiB`, because a full volume
    stops inserts."""
    keeper_volume_gib: GiB = 20
    """Volume of one keeper in GiB. W&B's minimum is 10, its recommendation 20."""
    resources: ContainerResources = Field(default_factory=ContainerResources)
    """Requests and limits of one server."""
    keeper_resources: ContainerResources = Field(default_factory=ContainerResources)
    """Requests and limits of one keeper."""
    ids: PodIds = Field(default_factory=PodIds)
    """User and groups of the pods of ClickHouse, its keepers, operator and Jobs."""
    tls: ClickHouseTLS | None = None
    """TLS for all connections to and within ClickHouse. Default: none is encrypted."""
    backup: ClickHouseBackup | None = None
    """Backups of Weave's data. Default: none are made, and what every replica has lost is lost."""
    password_revision: int = Field(default=1, ge=1)
    """A new number makes new passwords of Weave's user and of the one for backups: the servers restart one by one, then W&B's
    pods."""
    revision: str = ""
    """Any text. A new one makes the operator go over everything again, which it does not after it gave up (`Aborted`), and
    restarts the replicas one by one, which is how they learn of new keys of the bucket."""
    crds: Literal["managed", "external"] = "managed"
    """Who applies the operator's CustomResourceDefinitions. `managed`: a Job of its chart, with the image `utility`.
    `external`: you do, before the stack."""

    @property
    def servers(self) -> int:
        """All replicas of all shards."""
        return self.shards * self.replicas


class ExternalClickHouse(Model):
    """ClickHouse that you bring."""

    kind: Literal["external"]
    """You bring it."""
    host: ServerHost
    """Host name of the server."""
    port: Port = 8443
    """HTTP port of the server. Weave encrypts the connection on 8443, and on no other port."""
    database: Identifier = "weave"
    """Weave's database."""
    user: Identifier = "weave"
    """Weave's user."""
    password_secret: SecretKey | None = None
    """The user's password, in a Secret in W&B's namespace. Either this or `password`."""
    password: SecretText | None = None
    """The user's password (`pulumi config set --secret --path`). Either this or `passwordSecret`."""
    cluster: ExternalCluster | None = None
    """Name of the ClickHouse cluster on whose replicas Weave's tables are made. Default: tables are not replicated by
    Weave, as in ClickHouse Cloud."""
    distributed: bool = False
    """Whether Weave spreads its rows over the shards of `cluster`. Never change it later: Weave makes its tables once."""


class NoClickHouse(Model):
    """No ClickHouse: only for an installation without Weave."""

    kind: Literal["none"]
    """There is none."""


ClickHouse = Annotated[ManagedClickHouse | ExternalClickHouse | NoClickHouse, Field(discriminator="kind")]
