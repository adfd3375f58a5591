"""Names: which hosts an installation has, and what the operator calls the objects of each.

Source: `pkg/model/{chi,chk}/namer` and `pkg/model/{chi,chk}/tags/labeler` of clickhouse-operator 0.25.6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]

CLICKHOUSE_GROUP, KEEPER_GROUP = "clickhouse.altinity.com", "clickhouse-keeper.altinity.com"
TRUE = {"1", "true", "yes", "on", "enable", "enabled"}


class Unsupported(Exception):
    """The specification asks for something that this stand-in does not play. Its message says what, and to whom."""


@dataclass(frozen=True, kw_only=True)
class Flavour:
    """What differs between the two kinds."""

    kind: str
    group: str
    short: str
    service_prefix: str
    label: str
    container: str
    configuration: str
    """Folder of the server's configuration."""
    host_folder: str
    common_folder: str
    data: str
    ports: Mapping[str, int]
    """Those of a host that is asked without encryption."""
    service_ports: Sequence[str]
    """The ports of the entry Service, by name."""
    image: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/v1"


CHI = Flavour(
    kind="ClickHouseInstallation",
    group=CLICKHOUSE_GROUP,
    short="chi",
    service_prefix="clickhouse",
    label="Chi",
    container="clickhouse",
    configuration="/etc/clickhouse-server",
    host_folder="conf.d",
    common_folder="config.d",
    data="/var/lib/clickhouse",
    ports={"tcp": 9000, "http": 8123, "interserver": 9009},
    service_ports=("http", "tcp"),
    image="clickhouse/clickhouse-server:latest",
)
CHK = Flavour(
    kind="ClickHouseKeeperInstallation",
    group=KEEPER_GROUP,
    short="chk",
    service_prefix="keeper",
    label="Chk",
    container="clickhouse-keeper",
    configuration="/etc/clickhouse-keeper",
    host_folder="conf.d",
    common_folder="keeper_config.d",
    data="/var/lib/clickhouse-keeper",
    ports={"zk": 2181, "raft": 9444},
    service_ports=("zk", "raft"),
    image="clickhouse/clickhouse-keeper:latest",
)
SECURE_PORTS = {"secureclient": 9440, "https": 8443}
FLAVOURS = {flavour.kind: flavour for flavour in (CHI, CHK)}


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One cluster of an installation."""

    spec: Object
    name: str
    shards: int
    replicas: int


@dataclass(frozen=True, kw_only=True)
class Host:
    """One server of a cluster."""

    cluster: Cluster
    shard: int
    replica: int
    index: int
    """Counted through the whole installation."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A custom resource with its names."""

    flavour: Flavour
    resource: Object

    @property
    def name(self) -> str:
        return self.resource["metadata"]["name"]

    @property
    def namespace(self) -> str:
        return self.resource["metadata"]["namespace"]

    @property
    def spec(self) -> Object:
        return self.resource["spec"]

    @property
    def configuration(self) -> Object:
        """`spec.configuration`; empty when it is left out."""
        return self.spec.get("configuration") or {}

    @property
    def clusters(self) -> list[Cluster]:
        """The clusters; an installation that names none has one called `cluster`. Raises Unsupported."""
        entries = self.configuration.get("clusters") or [{"name": "cluster"}]
        return [_cluster(self.flavour, entry) for entry in entries]

    @property
    def hosts(self) -> list[Host]:
        """All hosts in the order in which they are reconciled. Raises Unsupported."""
        places = [
            (cluster, shard, replica)
            for cluster in self.clusters
            for shard in range(cluster.shards)
            for replica in range(cluster.replicas)
        ]
        return [
            Host(cluster=cluster, shard=shard, replica=replica, index=index)
            for index, (cluster, shard, replica) in enumerate(places)
        ]

    @property
    def stopped(self) -> bool:
        """Whether the specification asks for no pods, with everything else kept."""
        return is_true(self.spec.get("stop"))

    @property
    def domain(self) -> str:
        """What follows a Service's name in its full DNS name."""
        pattern = self.spec.get("namespaceDomainPattern") or "%s.svc.cluster.local"
        return pattern.replace("%s", self.namespace)

    @property
    def entry_service(self) -> str:
        """Name of the Service in front of all hosts."""
        return f"{self.flavour.service_prefix}-{self.name}"

    @property
    def endpoint(self) -> str:
        """The entry Service's DNS name, without a port."""
        return f"{self.entry_service}.{self.domain}"

    @property
    def common_config(self) -> str:
        """Name of the ConfigMap with the configuration that all hosts share."""
        return f"{self.flavour.short}-{self.name}-common-configd"

    @property
    def common_users(self) -> str:
        """Name of the ConfigMap with users, profiles and quotas."""
        return f"{self.flavour.short}-{self.name}-common-usersd"

    def statefulset(self, host: Host) -> str:
        """Name of the host's StatefulSet, and of its own Service."""
        return f"{self.flavour.short}-{self.name}-{host.cluster.name}-{host.shard}-{host.replica}"

    def pod(self, host: Host) -> str:
        """Name of the host's pod, the only one of its StatefulSet."""
        return f"{self.statefulset(host)}-0"

    def fqdn(self, host: Host) -> str:
        """The DNS name of the host's own Service."""
        return f"{self.statefulset(host)}.{self.domain}"

    def ports(self, host: Host) -> dict[str, int]:
        """The ports that the operator knows of a host, by the names that it gives them."""
        if self.flavour is CHK:
            return dict(CHK.ports)
        plain = ("tcp", "http") if insecure(host) else ()
        found = {name: CHI.ports[name] for name in plain}
        found |= SECURE_PORTS if secure(host) else {}
        return found | {"interserver": CHI.ports["interserver"]}

    def host_config(self, host: Host) -> str:
        """Name of the ConfigMap with what only this host has, such as its macros."""
        place = f"{host.cluster.name}-{host.shard}-{host.replica}"
        return f"{self.flavour.short}-{self.name}-deploy-confd-{place}"

    def disruption_budget(self, cluster: Cluster) -> str:
        """Name of the PodDisruptionBudget of a cluster."""
        return f"{self.flavour.short}-{self.name}-{cluster.name}"

    def cluster_secret(self, cluster: Cluster) -> str:
        """Name of the Secret that the operator makes for a cluster whose specification has `secret.auto`."""
        return f"{self.name}-{cluster.name}-auto-secret"

    def label(self, name: str) -> str:
        """A label's key in the operator's group."""
        return f"{self.flavour.group}/{name}"

    def scope(self) -> dict[str, str]:
        """The labels of everything of this installation."""
        return {
            self.label("app"): "chop",
            self.label("namespace"): self.namespace,
            self.label(self.flavour.short): self.name,
        }

    def cluster_scope(self, cluster: Cluster) -> dict[str, str]:
        """The labels of everything of one cluster."""
        return self.scope() | {self.label("cluster"): cluster.name}

    def host_scope(self, host: Host) -> dict[str, str]:
        """The labels of everything of one host; they select its pod."""
        place = {self.label("shard"): str(host.shard), self.label("replica"): str(host.replica)}
        return self.cluster_scope(host.cluster) | place


def secure(host: Host) -> bool:
    """Whether the host's cluster asks for the ports with TLS."""
    return is_true(host.cluster.spec.get("secure"))


def insecure(host: Host) -> bool:
    """Whether the host's cluster has the ports without TLS, as it does unless it says no."""
    return is_true(host.cluster.spec.get("insecure", "yes"))


def is_true(value: Any) -> bool:
    """The operator's reading of its string booleans."""
    return str(value or "").lower() in TRUE


def _cluster(flavour: Flavour, entry: Object) -> Cluster:
    layout = entry.get("layout") or {}
    if layout.get("shards") or layout.get("replicas"):
        raise Unsupported(
            f"cluster {entry['name']}: this rehearsal's stand-in plays layouts by counts (shardsCount, replicasCount) only"
        )
    return Cluster(
        spec=entry,
        name=entry["name"],
        shards=1 if flavour is CHK else int(layout.get("shardsCount") or 1),
        replicas=int(layout.get("replicasCount") or 1),
    )
