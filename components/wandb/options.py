"""What a user may want of W&B beyond where it runs: signing in, mail, certificates, proxies, placing, further values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .. import contracts


@dataclass(frozen=True, kw_only=True)
class OIDC:
    """An OpenID Connect provider. W&B's server has no SAML of its own."""

    issuer: str
    client_id: str
    method: Literal["pkce", "implicit"] = "pkce"
    secret: contracts.SecretKey | None = None


@dataclass(frozen=True, kw_only=True)
class SMTP:
    """A mail server, and the user that W&B signs in as."""

    host: str
    port: int = 587
    user: str
    password: contracts.SecretKey
    """URL-encoded: W&B pastes it into a URL."""
    sender: str | None = None


@dataclass(frozen=True, kw_only=True)
class Slack:
    """A Slack application."""

    client_id: str
    secret: contracts.SecretKey


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A proxy to the internet, without credentials in its URLs."""

    http: str | None = None
    https: str | None = None
    direct: tuple[str, ...] = ()
    """Hosts without the proxy, besides the cluster's own."""


@dataclass(frozen=True, kw_only=True)
class Kafka:
    """A Kafka that exists."""

    host: str
    port: int = 9092
    user: str | None = None
    password: contracts.SecretKey | None = None
    """With `user`, URL-encoded."""


@dataclass(frozen=True, kw_only=True)
class OLAP:
    """A ClickHouse for what Models keeps there, and what that is. It is asked by the native protocol."""

    host: str
    port: int = 9440
    user: str
    password: contracts.SecretKey
    tls: bool = True
    registry_search: bool = False
    """Search in the registry, in database `artifacts`."""
    run_store_accelerator: bool = False
    """Tables of runs, in database `runs`."""
    history: bool = False
    """History of runs, in database `history`."""


Collector = Literal["deployment", "daemonset"]


@dataclass(frozen=True, kw_only=True)
class Placing:
    """Where pods run, and as whom; what is empty stays as the chart has it."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, str], ...] = ()
    """As in a pod."""
    topology_spread: Mapping[str, str] = field(default_factory=dict)
    """By label of nodes: DoNotSchedule or ScheduleAnyway."""
    priority_class: str | None = None
    run_as_user: int | None = None


@dataclass(frozen=True, kw_only=True)
class ComponentOptions:
    """What differs for one component."""

    env: Mapping[str, str] = field(default_factory=dict)
    env_secrets: Mapping[str, contracts.SecretKey] = field(default_factory=dict)
    placing: Placing = field(default_factory=Placing)


@dataclass(frozen=True, kw_only=True)
class Options:
    """All of it. The defaults change nothing."""

    additional_hosts: tuple[str, ...] = ()
    session_hours: int | None = None
    oidc: OIDC | None = None
    smtp: SMTP | None = None
    slack: Slack | None = None
    ca_certificates: tuple[str, ...] = ()
    """PEM."""
    ca_config_map: str | None = None
    proxy: Proxy | None = None
    kafka: Kafka | None = None
    """At most one of this and `bufstream`."""
    bufstream: bool = False
    """Whether the chart installs bufstream, which speaks like Kafka and keeps its data in the bucket, and etcd for it."""
    optional_components: frozenset[str] = frozenset()
    """Those of the inventory that run only where they are asked for."""
    weave_token_revision: int | None = None
    """Another one makes another token of Weave's workers, and starts anew whoever reads it."""
    olap: OLAP | None = None
    executor_concurrency: int | None = None
    """Tasks that one `executor` works on at once."""
    panel_cache_gib: int | None = None
    """Cache of each `weave`, the engine of Models' panels."""
    artifact_garbage_collection: bool | None = None
    """Whether files of deleted artifacts are deleted; None: as W&B has it."""
    prometheus: bool = False
    """Whether the chart installs its Prometheus, and exporters of MySQL's and Redis' metrics for it."""
    open_telemetry: Collector | None = None
    """Whether the chart installs its OpenTelemetry collector: once, or on every node with access to the node's files."""
    env: Mapping[str, str] = field(default_factory=dict)
    env_secrets: Mapping[str, contracts.SecretKey] = field(default_factory=dict)
    placing: Placing = field(default_factory=Placing)
    fs_group: int | None = None
    image_registry: str | None = None
    """Prefix of W&B's own images."""
    image_pull_secrets: tuple[str, ...] = ()
    components: Mapping[str, ComponentOptions] = field(default_factory=dict)
    """By the chart's name of the component."""
    extra_values: Mapping[str, Any] = field(default_factory=dict)
    """Merged over everything else."""
    allow_unknown_values: bool = False
    """Whether `extra_values` may have keys of which it is not known that the chart reads them."""

    @property
    def passwords(self) -> Mapping[str, contracts.SecretKey]:
        """The Secrets that W&B signs in with, by what they are for."""
        found = {
            "oidc": self.oidc.secret if self.oidc else None,
            "smtp": self.smtp.password if self.smtp else None,
            "slack": self.slack.secret if self.slack else None,
            "kafka": self.kafka.password if self.kafka else None,
            "olap": self.olap.password if self.olap else None,
        }
        return {name: secret for name, secret in found.items() if secret}
