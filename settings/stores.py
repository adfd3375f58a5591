"""Settings of MySQL, Redis and object storage: made by the cloud, made in the cluster for tests, or brought."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from .base import (
    ContainerResources,
    GiB,
    Model,
    ObjectName,
    Port,
    SecretDataKey,
    SecretKey,
    SecretText,
    ServerHost,
    matching,
)
from .identity import WorkloadIdentity
from .managed import ManagedMySQL, ManagedObjectStore, ManagedRedis

_IDENTIFIER = re.compile(r"[A-Za-z0-9_$][A-Za-z0-9_$-]{0,63}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}(/[a-z0-9][a-z0-9-]{1,62})?")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?")


Identifier = Annotated[
    str,
    *matching(
        _IDENTIFIER, "is not a database or user name", "Use at most 64 letters, digits, underscores and hyphens."
    ),
]
"""The name of a database or a user."""

BucketName = Annotated[
    str,
    *matching(
        _BUCKET,
        "is not the name of a bucket",
        "Use the bare name in lower case, without scheme; for provider `az` it is `account/container`.",
    ),
]

Endpoint = Annotated[
    str,
    *matching(
        _ENDPOINT,
        "is not an endpoint",
        "Write scheme, host and port alone, as in `https://s3.example.com:9000`.",
    ),
]


class InClusterMySQL(Model):
    """MySQL made in the cluster: one server, no fail-over, no backup. Only where `environment` is test."""

    kind: Literal["in-cluster"]
    """The stack makes it."""
    volume_gib: GiB = 100
    """Size of its volume in GiB. A volume keeps the size that it was made with."""
    max_connections: int = Field(default=1000, ge=100, le=100000)
    """Connections that it takes at once."""
    resources: ContainerResources = Field(default_factory=ContainerResources)
    """Requests and limits of the server."""


class MySQLAdmin(Model):
    """A MySQL user that may create databases and users."""

    user: Identifier = "root"
    """Name of the user."""
    password_secret: SecretKey
    """Its password, in a Secret in W&B's namespace."""


class ExternalMySQL(Model):
    """MySQL 8 that you bring."""

    kind: Literal["external"]
    """You bring it."""
    host: ServerHost
    """Host name of the server."""
    port: Port = 3306
    """Port of the server."""
    database: Identifier = "wandb_local"
    """W&B's database: character set utf8mb4, collation utf8mb4_general_ci."""
    user: Identifier = "wandb"
    """W&B's user, with all privileges on the database and GRANT OPTION."""
    password_secret: SecretKey | None = None
    """The user's password, in a Secret in W&B's namespace. Either this or `password`."""
    password: SecretText | None = None
    """The user's password (`pulumi config set --secret --path`), of letters, digits and `_ ~ . -`: W&B pastes it into
    URLs. Either this or `passwordSecret`."""
    admin: MySQLAdmin | None = None
    """Who creates the database and the user. Default: nobody, both exist already."""


class InClusterRedis(Model):
    """Redis made in the cluster: one server, no fail-over. Only where `environment` is test."""

    kind: Literal["in-cluster"]
    """The stack makes it."""
    volume_gib: GiB = 10
    """Size of its volume in GiB. A volume keeps the size that it was made with."""
    resources: ContainerResources = Field(default_factory=ContainerResources)
    """Requests and limits of the server."""


class ExternalRedis(Model):
    """Redis 7 that you bring: one endpoint, cluster mode off."""

    kind: Literal["external"]
    """You bring it."""
    host: ServerHost
    """Host name of the server."""
    port: Port = 6379
    """Port of the server."""
    tls: bool = False
    """Whether the connection is encrypted."""
    auth: bool = True
    """Whether Redis asks for a password."""
    password_secret: SecretKey | None = None
    """The password, in a Secret in W&B's namespace. Either this or `password`."""
    password: SecretText | None = None
    """The password (`pulumi config set --secret --path`), of letters, digits and `_ ~ . -`: W&B pastes it into URLs.
    Either this or `passwordSecret`."""


class BucketKeys(Model):
    """A Secret with the keys that open a bucket."""

    name: ObjectName
    """Name of the Secret: in W&B's namespace for `bucket`, in ClickHouse's for the others."""
    access_key: SecretDataKey = "ACCESS_KEY"
    """Key inside the Secret that holds the access key; for provider `az` the storage account's key."""
    secret_key: SecretDataKey = "SECRET_KEY"
    """Key inside the Secret that holds the secret key. Provider `az` has none."""


class _Bucket(Model):
    name: BucketName
    """Name of the bucket; for provider `az` account and container, as in `account/container`."""
    region: str = Field(default="us-east-1", min_length=1)
    """Region of the bucket. S3-compatible stores take any; most of their clients send us-east-1."""
    endpoint: Endpoint | None = None
    """URL of an S3-compatible store, addressed path-style; only with provider `s3`. Default: the cloud's own."""
    keys_secret: BucketKeys | None = None
    """Secret with the keys. Default: the pods' identity in the cloud opens the bucket."""
    identity: WorkloadIdentity | None = None
    """How the pods are known to the cloud, where no keys are given. Default: they carry nothing, as EKS Pod Identity and
    Google's direct access want it."""
    kms_key: str | None = Field(default=None, min_length=1)
    """Key of the cloud's key management that encrypts what is written. Default: the bucket's own encryption."""


class Bucket(_Bucket):
    """A bucket for W&B that exists."""

    provider: Literal["s3", "gcs", "az", "cw"]
    """Whose it is: `s3` (Amazon S3 and everything compatible), `gcs` (Google), `az` (Azure), `cw` (CoreWeave)."""
    proxied: bool = False
    """Whether W&B hands files through itself, for a bucket that W&B's users cannot reach."""


class ClickHouseBucket(_Bucket):
    """A bucket for ClickHouse that exists."""

    provider: Literal["s3", "gcs", "az", "cw"] = "s3"
    """Whose it is: `s3` (Amazon S3 and everything compatible), `gcs` (Google), `az` (Azure), `cw` (CoreWeave; holds no
    backups). Never change it later."""
    ca_secret: SecretKey | None = None
    """Certificate (PEM) of the authority that signed the endpoint's, in a Secret in ClickHouse's namespace. Default: one
    that everybody believes."""

    @property
    def proxied(self) -> bool:
        """False: only ClickHouse itself reads this bucket."""
        return False


class InClusterObjectStore(Model):
    """An S3-compatible store (SeaweedFS) made in the cluster, with its buckets. Only where `environment` is test."""

    kind: Literal["in-cluster"]
    """The stack makes it."""
    volume_gib: GiB = 100
    """Size of its volume in GiB: W&B's files and, with Weave, all of ClickHouse's data. A volume keeps the size that it was
    made with."""
    resources: ContainerResources = Field(default_factory=ContainerResources)
    """Requests and limits of the server."""


class ExternalObjectStore(Model):
    """Buckets that you bring."""

    kind: Literal["external"]
    """You bring them."""
    bucket: Bucket
    """W&B's bucket: artifacts and other files. Its CORS rules must let W&B's pages read and write."""
    clickhouse_bucket: ClickHouseBucket | None = None
    """ClickHouse's bucket, where Weave's data is kept. Needed where ClickHouse is managed here; used by nothing else."""


MySQL = Annotated[InClusterMySQL | ManagedMySQL | ExternalMySQL, Field(discriminator="kind")]
Redis = Annotated[InClusterRedis | ManagedRedis | ExternalRedis, Field(discriminator="kind")]
ObjectStore = Annotated[InClusterObjectStore | ManagedObjectStore | ExternalObjectStore, Field(discriminator="kind")]
