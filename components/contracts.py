"""What one layer hands the next.

A platform (any target) makes or is given these values; ClickHouse and W&B are built from them and cannot tell
who made them. So a database that the user brings and one that the platform creates are the same thing here.

Passwords never appear in these values: `SecretKey` names a key of a Kubernetes Secret instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pulumi import Input, Output

if TYPE_CHECKING:
    import pulumi
    import pulumi_kubernetes as kubernetes
    from pulumi_kubernetes.core.v1 import ResourceRequirementsArgsDict


@dataclass(frozen=True, kw_only=True)
class SecretKey:
    """One key of a Kubernetes Secret in the namespace of whoever reads it."""

    name: Input[str]
    key: str
    version: Input[str] | None = None
    """Another one when the content is: whoever reads the key then starts anew. Never made of the content, which could be
    guessed by it. None: nobody says when the content changes."""


@dataclass(frozen=True, kw_only=True)
class RegistryLogin:
    """The user that images, or charts, are pulled as."""

    server: str
    """The registry's host, with its port where it has one."""
    user: str
    password: Input[str]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What one container asks of its node and may use at most, in Kubernetes quantities ("250m", "4Gi")."""

    cpu_request: str
    memory_request: str
    cpu_limit: str | None = None
    """None: no CPU limit, the container may use what is idle."""
    memory_limit: str | None = None
    """None: no memory limit."""

    def manifest(self) -> ResourceRequirementsArgsDict:
        """The `resources` of a container."""
        limits = {"cpu": self.cpu_limit, "memory": self.memory_limit}
        requests = {"cpu": self.cpu_request, "memory": self.memory_request}
        return {"requests": requests, "limits": {name: value for name, value in limits.items() if value}}


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A Kubernetes cluster and the way to reach it."""

    provider: kubernetes.Provider
    """The explicit provider for every object in the cluster."""
    service_account_issuer: Input[str]
    """Issuer of the cluster's service-account tokens; W&B trusts Weave's internal calls by it."""
    kubeconfig: Input[str] | None = None
    """A kubeconfig that reaches the cluster, as a secret; None: the user's own does, and stays theirs."""
    storage_class: str | None = None
    """StorageClass of every volume; None: the cluster's default class."""
    zones: int = 1
    """Zones that the nodes span. From three on, replicas are forced into different zones."""
    ready: Sequence[pulumi.Resource] = ()
    """What pods need before they run, such as nodes and DNS: the stack's namespaces wait for it on the way up, and go
    before it on the way down. Empty where the cluster was there before."""
    clickhouse_pool: str | None = None
    """`key=value` of the label and of the NoSchedule taint of the nodes that are ClickHouse's alone; None: it has none."""
    spot_pool: str | None = None
    """The same of nodes that may be taken away at two minutes' notice, and that may be none at all; None: it has none."""


@dataclass(frozen=True, kw_only=True)
class Namespaces:
    """The names of the namespaces, each an Output that waits for its namespace where the stack creates it."""

    wandb: Input[str]
    operator: Input[str]
    clickhouse: Input[str]


@dataclass(frozen=True, kw_only=True)
class MySQL:
    """A MySQL 8 database for W&B, with its user, ready to be connected to."""

    host: Input[str]
    port: int = 3306
    database: str = "wandb_local"
    user: str = "wandb"
    password: SecretKey


@dataclass(frozen=True, kw_only=True)
class Redis:
    """A single Redis 7 endpoint; W&B's client knows no cluster mode."""

    host: Input[str]
    port: int = 6379
    password: SecretKey | None = None
    """None: Redis asks for no password."""
    tls: bool = False


@dataclass(frozen=True, kw_only=True)
class BucketKeys:
    """A Secret with an access key and a secret key, in the namespace of whoever reads it."""

    name: Input[str]
    access_key: str = "ACCESS_KEY"
    secret_key: str = "SECRET_KEY"


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """An object-storage bucket. Names of providers are those of W&B's chart."""

    provider: Literal["s3", "gcs", "az", "cw"]
    name: Input[str]
    region: Input[str]
    endpoint: Input[str] | None = None
    """`https://host:port` of an S3-compatible store, addressed path-style; None: the cloud's own endpoint."""
    keys: BucketKeys | None = None
    """None: the workload's identity opens the bucket."""
    kms_key: Input[str] | None = None
    """None: the bucket's default encryption."""
    proxied: bool = False
    """True where W&B's users cannot reach the endpoint, so W&B hands the files through itself."""
    ca: SecretKey | None = None
    """The certificate (PEM) of the authority that signed the endpoint's own; None: one that everybody believes."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a workload's ServiceAccount and pods carry so that the cloud knows the workload."""

    service_account_annotations: Mapping[str, Input[str]] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A Gateway of the Gateway API: one that exists, or the class of one to be made."""

    name: str | None = None
    """Of a Gateway that exists."""
    namespace: str | None = None
    """Its namespace; None: W&B's."""
    listener: str | None = None
    """The one of its listeners that W&B is behind; None: all that let it."""
    class_name: str | None = None
    """GatewayClass of the Gateway that is made for W&B. Either this or `name`."""
    tls_secret: str | None = None
    """For a Gateway that is made: a kubernetes.io/tls Secret in W&B's namespace. None: TLS ends in front of it, or nowhere."""
    timeout_seconds: int = 300

    def __post_init__(self) -> None:
        if (self.name is None) is (self.class_name is None):
            raise ValueError("gateway: one of name and class_name wanted")


@dataclass(frozen=True, kw_only=True)
class Ingress:
    """How traffic from outside reaches W&B's Services."""

    class_name: str | None
    """None: W&B's chart makes no Ingress."""
    annotations: Mapping[str, Input[str]] = field(default_factory=dict)
    tls_secret: str | None = None
    """An existing kubernetes.io/tls Secret in W&B's namespace; None: TLS ends in front of the Ingress."""
    load_balancer: Literal["aws", "gcp"] | None = None
    """The cloud whose own load balancer serves the Ingress: W&B's Services then say how it finds out which pods are well.
    None: whatever answers to the class finds out by itself."""
    default_certificate: bool = False
    """True: without `tls_secret` the Ingress asks for TLS with the controller's own certificate, as OpenShift wants it said."""
    gateway: Gateway | None = None
    """The Gateway that leads to W&B in place of an Ingress."""


@dataclass(frozen=True, kw_only=True)
class ClickHouse:
    """A ClickHouse for Weave. `password` is a key of a Secret in W&B's namespace."""

    host: Input[str]
    port: int = 8123
    database: str = "weave"
    user: str = "weave"
    password: SecretKey
    cluster: str | None = None
    """Name of the ClickHouse cluster whose replicas Weave's tables use; None: no replicated tables (ClickHouse Cloud)."""
    distributed: bool = False
    """Whether Weave spreads its rows over the cluster's shards, which is decided when its tables are made."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """All that W&B and ClickHouse stand on. Every target's `Platform` component has exactly these, under these names."""

    cluster: Cluster
    namespaces: Namespaces
    mysql: MySQL
    redis: Redis
    bucket: Bucket
    clickhouse: ClickHouse | None
    """A ClickHouse that the user brings; None: there is none, or it is made on this platform."""
    clickhouse_bucket: Bucket | None
    """Where a ClickHouse that is made on this platform keeps Weave's data; None: none is made."""
    ingress: Ingress
    wandb_identity: Identity
    """For the components of W&B that touch the bucket."""
    clickhouse_identity: Identity
    backup_bucket: Bucket | None = None
    """For backups of a ClickHouse that is made on this platform; None: the platform makes none."""
    backup_identity: Identity = field(default_factory=Identity)
    """For the Jobs that list and delete backups; the servers write them as `clickhouse_identity`."""

    def endpoints(self, clickhouse: ClickHouse | None) -> dict[str, Output[str]]:
        """`host:port` of every data store, `clickhouse` among them where there is one."""
        stores = {"mysql": self.mysql, "redis": self.redis} | ({"clickhouse": clickhouse} if clickhouse else {})
        return {name: Output.concat(store.host, f":{store.port}") for name, store in stores.items()}
