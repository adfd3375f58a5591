"""Settings of the W&B instance: who gets in, how mail goes out, what its pods trust, and where they run.

Every key sets values of W&B's chart that the chart is known to read; docs/wandb.md has the table.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from .base import DNS_LABEL, Certificate, Model, ObjectName, Port, SecretKey, SecretText, ServerHost, matching, refusal
from .sizing import ComponentName, OptionalComponentName
from .versions import Repository

_QUALIFIED = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_TOLERATION = re.compile(
    rf"(?P<key>{_QUALIFIED.pattern})(=(?P<value>[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?))?"
    r"(:(?P<effect>NoSchedule|PreferNoSchedule|NoExecute))?"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[-._a-zA-Z0-9]{1,253}")
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_TEMPLATE = "{{"


def _https(value: str) -> str:
    if not re.fullmatch(r"https://[^\s/@?#]+(/[^\s?#]*)?", value):
        raise refusal("is not the URL of an OIDC issuer", "It begins with `https://` and has no query, as in `https://login.example.com/realms/main`.")  # fmt: skip
    return value


def _proxy(value: str) -> str:
    if "@" in value:
        raise refusal(
            "has a user and password in clear text",
            "Leave it out here and give the whole URL under `instance.envSecrets`, by a Secret.",
        )
    if not re.fullmatch(r"https?://[^\s/]+(:[0-9]+)?/?", value):
        raise refusal(
            "is not the URL of a proxy", "Write scheme, host and port, as in `http://proxy.example.com:3128`."
        )
    return value


def _host(value: str) -> str:
    labels = value.split(".")
    if len(labels) < 2 or len(value) > 253 or not all(DNS_LABEL.fullmatch(each) for each in labels):
        raise refusal("is not a host name", "Use the fully qualified name alone, as in `wandb.example.org`.")
    return value


def _keys(pattern: re.Pattern[str], what: str, right: str) -> AfterValidator:
    def check(value: dict[str, Any]) -> dict[str, Any]:
        for key in value:
            if not pattern.fullmatch(key):
                raise refusal(f"has a key that is not {what}", right)
        return value

    return AfterValidator(check)


def _plain(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if _TEMPLATE in text:
            raise refusal(
                f"has a text with `{{{{` for {name}, which W&B's chart would run as a template", "Leave it out."
            )
    return value


def _references(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _REFERENCE.fullmatch(text):
            raise refusal(
                f"does not name a Secret and its key for {name}", "Write `secret/key`, both as they are in the cluster."
            )
    return value


SPREADS = ("DoNotSchedule", "ScheduleAnyway")


def _label_values(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _LABEL_VALUE.fullmatch(text):
            raise refusal(f"has a value for {name} that no label has", "Use at most 63 letters, digits and `-_.`.")
    return value


def _spreads(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if text not in SPREADS:
            raise refusal(f"has a value for {name} that no scheduler knows", f"Use one of: {', '.join(SPREADS)}.")
    return value


_variables = _keys(_VARIABLE, "the name of a variable", "Use letters, digits and underscores, as in `HTTP_TIMEOUT`.")
_labels = _keys(_QUALIFIED, "the key of a label", "Write it as `kubectl get nodes --show-labels` shows it.")
Variables = Annotated[dict[str, str], _variables, AfterValidator(_plain)]
SecretVariables = Annotated[dict[str, str], _variables, AfterValidator(_references)]
NodeSelector = Annotated[dict[str, str], _labels, AfterValidator(_label_values)]
TopologySpread = Annotated[dict[str, str], _labels, AfterValidator(_spreads)]
Toleration = Annotated[
    str, *matching(_TOLERATION, "is not a toleration", "Write the taint, as in `dedicated=wandb:NoSchedule`.")
]
Host = Annotated[str, AfterValidator(_host)]
ProxyURL = Annotated[str, AfterValidator(_proxy)]
UserId = Annotated[int, Field(ge=1, le=4294967294)]


class OIDC(Model):
    """Signing in through an OpenID Connect provider. W&B's server speaks no SAML: for SAML use a provider that offers
    OIDC in front of it (Okta, Entra ID, Keycloak, Dex). The provider must allow `https://<host>/oidc/callback`."""

    issuer: Annotated[str, AfterValidator(_https)]
    """The provider's issuer: `<issuer>/.well-known/openid-configuration` answers."""
    client_id: str = Field(min_length=1)
    """W&B's client id at the provider."""
    method: Literal["pkce", "implicit"] = "pkce"
    """The flow that the provider's client is set up for."""
    secret: SecretText | None = None
    """The client's secret (`pulumi config set --secret --path`), where the provider gives one. Either this or
    `secretRef`."""
    secret_ref: SecretKey | None = None
    """The client's secret, in a Secret in W&B's namespace. Either this or `secret`."""


class SMTP(Model):
    """The mail server. Without it W&B hands its mail to https://api.wandb.ai, which needs egress to there."""

    host: ServerHost
    """Its host name."""
    port: Port = 587
    """Its port."""
    user: str = Field(min_length=1)
    """The user that W&B signs in as."""
    password: SecretText | None = None
    """The user's password (`pulumi config set --secret --path`): letters, digits and `_ ~ . -`, because W&B pastes it into
    a URL. Either this or `passwordSecret`."""
    password_secret: SecretKey | None = None
    """The user's password, URL-encoded, in a Secret in W&B's namespace. Either this or `password`."""
    sender: Annotated[str, *matching(_ADDRESS, "is not a mail address", "Write it as in `wandb@example.com`.")] | None = None  # fmt: skip
    """The address that W&B's mail comes from. Default: W&B's own."""


class Slack(Model):
    """The Slack application through which W&B sends alerts."""

    client_id: str = Field(min_length=1)
    """The application's client id."""
    secret: SecretText | None = None
    """The application's client secret (`pulumi config set --secret --path`). Either this or `secretRef`."""
    secret_ref: SecretKey | None = None
    """The application's client secret, in a Secret in W&B's namespace. Either this or `secret`."""


class Proxy(Model):
    """The proxy through which W&B and its operator reach the internet."""

    http: ProxyURL | None = None
    """Proxy for http URLs."""
    https: ProxyURL | None = None
    """Proxy for https URLs."""
    direct: list[Annotated[str, *matching(re.compile(r"[^\s,]+"), "is not a host", "Write hosts one by one.")]] = Field(default_factory=list)  # fmt: skip
    """Hosts, domains (`.example.com`) and networks that are reached without the proxy, besides the cluster's own Services
    and its cloud's metadata service: name a bucket or ClickHouse outside of the cluster here."""


class Kafka(Model):
    """A Kafka that the user brings, for the pipelines of W&B that use one; a basic installation needs none."""

    host: ServerHost
    """A broker."""
    port: Port = 9092
    """Its port."""
    user: str | None = Field(default=None, min_length=1)
    """The user that W&B signs in as. Default: none, brokers without authentication."""
    password_secret: SecretKey | None = None
    """The user's password, URL-encoded, in a Secret in W&B's namespace. Needed with `user`."""


class OLAP(Model):
    """A ClickHouse, 26.3 or newer, for what Models keeps there. It is asked by ClickHouse's native protocol, and needs the
    databases `artifacts`, `runs` and `history`, as far as they are used; it is not Weave's ClickHouse."""

    host: ServerHost
    """Its host name."""
    port: Port = 9440
    """Its port of the native protocol."""
    user: str = Field(min_length=1)
    """The user that W&B signs in as."""
    password_secret: SecretKey
    """The user's password, URL-encoded, in a Secret in W&B's namespace."""
    tls: bool = True
    """Whether the port speaks TLS."""
    registry_search: bool = False
    """Search in the registry, in database `artifacts`."""
    run_store_accelerator: bool = False
    """Tables of runs, in database `runs`."""
    history: bool = False
    """History of runs, in database `history`."""


class Component(Model):
    """What differs for one of W&B's components. What is said here takes the place of what is said for all; variables are
    added."""

    env: Variables = Field(default_factory=dict)
    """Further environment variables, in clear text."""
    env_secrets: SecretVariables = Field(default_factory=dict)
    """Further environment variables whose values are in Secrets in W&B's namespace, each as `secret/key`."""
    node_selector: NodeSelector = Field(default_factory=dict)
    """Labels that a node must have."""
    tolerations: list[Toleration] = Field(default_factory=list)
    """Taints that a node may have, as in `dedicated=wandb:NoSchedule`; without a value any value, without an effect any
    effect."""
    topology_spread: TopologySpread = Field(default_factory=dict)
    """Labels of nodes over which the pods are spread, and what holds where that cannot be."""
    priority_class: ObjectName | None = None
    """PriorityClass of the pods."""
    run_as_user: UserId | None = None
    """User id of the containers."""


class Instance(Model):
    """How W&B is set up, beyond where it runs and what it stands on. Secrets appear in W&B's values by reference alone."""

    additional_hosts: list[Host] = Field(default_factory=list)
    """Further host names under which the Ingress answers; the certificate has to cover them. Links in W&B and signing in use
    `host`. Where `target` is aws only with `aws.certificateArn` or an `ingress` of your own."""
    session_hours: int = Field(default=720, ge=1, le=8760)
    """Hours until a signed-in user has to sign in again."""
    oidc: OIDC | None = None
    """Signing in through an OpenID Connect provider, which must allow `https://<host>/oidc/callback`. W&B's server speaks no
    SAML: put a provider that speaks both in front of a SAML directory. Default: W&B's own passwords."""
    smtp: SMTP | None = None
    """The mail server. Default: W&B's own mail service, by https."""
    slack: Slack | None = None
    """The Slack application for alerts. Default: none."""
    ca_certificates: list[Certificate] = Field(default_factory=list)
    """Certificates of further authorities that W&B trusts, each a text in PEM form."""
    ca_config_map: ObjectName | None = None
    """ConfigMap in W&B's namespace with certificates of further authorities, under keys that end in `.crt`."""
    proxy: Proxy | None = None
    """The proxy to the internet. Default: none."""
    kafka: Kafka | None = None
    """A Kafka of your own. Default: none."""
    bufstream: bool = False
    """Whether W&B's chart installs bufstream, which speaks like Kafka and keeps its data in W&B's bucket, and etcd for it with
    three volumes of 10 GiB. Its pods open the bucket by their role, so only with a bucket of S3 or Google that has no
    `keysSecret`. In place of `kafka`."""
    optional_components: list[OptionalComponentName] = Field(default_factory=list)
    """Components of W&B's chart that are off otherwise: `weave-trace-worker` (scores traces as they come),
    `weave-evaluate-model-worker`, `weave-trace-agent-scoring-worker`, `flat-run-fields-updater`, `history-updater` and
    `metric-observer`, which need `kafka` or `bufstream`; `filemeta`, `filestream` and `anaconda2` (sweeps) outside of the
    server's own pods; `parquet-metadata-cache`; `mcp-server` (under `/mcp`)."""
    weave_token_revision: int | None = Field(default=None, ge=1)
    """Another number makes another token of Weave's workers, and the pods that read it start anew. Default: the first token."""
    olap: OLAP | None = None
    """A ClickHouse for Models. Default: none, MySQL and files in the bucket serve."""
    executor_concurrency: int | None = Field(default=None, ge=1, le=1000)
    """Tasks that each `executor` works on at once. Default: the chart's, 10."""
    panel_cache_gib: int | None = Field(default=None, ge=1, le=1024)
    """GiB of the cache of each `weave` (the engine of Models' panels), on the disk of its node. Default: the chart's, 20."""
    artifact_garbage_collection: bool | None = None
    """Whether files of deleted artifacts are deleted from the bucket. Default: as W&B has it."""
    prometheus: bool = False
    """Whether W&B's chart installs its own Prometheus, and exporters of MySQL's and Redis' metrics for it."""
    open_telemetry: Literal["deployment", "daemonset"] | None = None
    """Whether W&B's chart installs its OpenTelemetry collector, once (`deployment`) or on every node (`daemonset`). The second
    reads the node's files and takes its ports, which the namespace must allow: the ones that the stack makes do not. Default:
    none."""
    env: Variables = Field(default_factory=dict)
    """Environment variables of all components, in clear text. They win over those of W&B's chart."""
    env_secrets: SecretVariables = Field(default_factory=dict)
    """Environment variables of all components whose values are in Secrets in W&B's namespace, each as `secret/key`."""
    node_selector: NodeSelector = Field(default_factory=dict)
    """Labels that the nodes of W&B's pods must have."""
    tolerations: list[Toleration] = Field(default_factory=list)
    """Taints that the nodes of W&B's pods may have, as in `dedicated=wandb:NoSchedule`; without a value any value, without
    an effect any effect."""
    topology_spread: TopologySpread = Field(default_factory=dict)
    """Labels of nodes over which the pods of each component are spread, and what holds where that cannot be, as in
    `{topology.kubernetes.io/zone: DoNotSchedule}`. Default: zone and host, ScheduleAnyway."""
    priority_class: ObjectName | None = None
    """PriorityClass of W&B's pods."""
    run_as_user: UserId | None = None
    """User id of W&B's containers, such as the one that an OpenShift project allows. The group is always 0, which the files
    in W&B's images belong to. Default: those of the chart, 999 and 101."""
    fs_group: int | None = Field(default=None, ge=0, le=4294967294)
    """Group of the volumes of W&B's pods. Default: 0."""
    image_registry: Repository | None = None
    """What stands before the names of W&B's own images, as in `mirror.example.com/wandb-images`. Default: Docker Hub."""
    image_pull_secrets: list[ObjectName] = Field(default_factory=list)
    """Secrets in W&B's namespace with which its images are pulled."""
    components: dict[ComponentName, Annotated[Component, Field()]] = Field(default_factory=dict)
    """What differs for single components, by their name in W&B's chart."""
    extra_values: dict[str, Any] = Field(default_factory=dict)
    """Values of W&B's chart, merged last, for what has no setting. A key that the chart does not read is an error that names
    the nearest one; so is a secret in clear text."""
    allow_unknown_values: bool = False
    """Whether `extraValues` may have keys that this version of the program does not know: for a chart newer than it."""
