"""The settings of one stack."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from .base import DNS_LABEL, Model, ObjectName, SecretDataKey, SecretText, bare_host, kind_default, refusal
from .clickhouse import ClickHouse, ManagedClickHouse, NoClickHouse
from .cluster import Ingress, Kubernetes, Namespaces
from .sizing import Sizing
from .stores import InClusterMySQL, InClusterObjectStore, InClusterRedis, MySQL, ObjectStore, Redis
from .versions import Images, Timeouts, Versions

PLANNED_TARGETS = ("aws", "gcp", "azure")


def _target(value: Any) -> Any:
    if isinstance(value, str) and value in PLANNED_TARGETS:
        raise refusal(
            "is not available in this version",
            "Make the cluster, database, cache and bucket yourself and use `kubernetes`.",
        )
    return value


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        return False
    return True


def _host(value: str) -> str:
    alone, like = "Use the fully qualified name alone.", bare_host(value)
    if "://" in value:
        raise refusal("has a scheme", f"{alone} Whether the URL is https follows from `ingress.tls`.", like=like)
    if _is_address(value):
        raise refusal("is an IP address", "Use a fully qualified host name, as in `wandb.example.com`.")
    if "/" in value or ":" in value or "@" in value:
        raise refusal("has more than a host name", alone, like=like)
    if "_" in value:
        raise refusal("has an underscore, which no host name has", alone, like=like)
    if value.lower() == "localhost" or value.lower().endswith(".localhost"):
        raise refusal(
            "is the name of each machine for itself", "Use a name that browsers and training jobs can resolve."
        )
    labels = value.split(".")
    if len(labels) < 2:
        raise refusal("is not fully qualified", "Use a name with its domain, as in `wandb.example.com`.")
    if len(value) > 253 or not all(DNS_LABEL.fullmatch(label) for label in labels):
        raise refusal("is not a host name", "Use lower-case letters, digits, hyphens and dots.")
    return value


class LicenseSecret(Model):
    """A Secret that holds W&B's licence."""

    name: ObjectName
    """Name of the Secret, in W&B's namespace."""
    key: SecretDataKey = "license"
    """Key inside the Secret."""


def _default_clickhouse(data: dict[str, Any]) -> ManagedClickHouse | NoClickHouse:
    return ManagedClickHouse(kind="managed") if "weave" in data["products"] else NoClickHouse(kind="none")


Product = Literal["models", "weave"]


class Settings(Model):
    """All that can be said about one installation of W&B, under `wandb:` in `Pulumi.<stack>.yaml`."""

    target: Annotated[Literal["kubernetes"], BeforeValidator(_target)] = "kubernetes"
    """Where W&B is installed. `kubernetes`: in a cluster that exists."""
    environment: Literal["test", "production"]
    """What it is for. `production` asks for data stores of your own and for replicas, and protects what holds data."""
    products: list[Product] = Field(default=["models", "weave"], min_length=1)
    """W&B's products. Weave needs a licence that includes it."""
    host: Annotated[str, AfterValidator(_host)] = Field(json_schema_extra={"pattern": r"^[a-z0-9-]+(\.[a-z0-9-]+)+$"})
    """Fully qualified host name under which W&B is reached, such as `wandb.example.com`. It must lead to the Ingress."""
    license: SecretText | None = None
    """W&B's licence, as a secret: `pulumi config set --secret wandb:license`. Either this or `licenseSecret`."""
    license_secret: LicenseSecret | None = None
    """W&B's licence, in a Secret that exists. Either this or `license`."""
    kubernetes: Kubernetes = Field(default_factory=Kubernetes)
    """The cluster and how to reach it."""
    namespaces: Namespaces = Field(default_factory=Namespaces)
    """The namespaces that are used, and who makes them."""
    ingress: Ingress
    """How W&B is reached from outside the cluster."""
    sizing: Sizing = Field(default_factory=Sizing)
    """How big the installation is."""
    mysql: MySQL = Field(default_factory=lambda: InClusterMySQL(kind="in-cluster"))
    """MySQL, which keeps W&B's metadata."""
    redis: Redis = Field(default_factory=lambda: InClusterRedis(kind="in-cluster"))
    """Redis, W&B's queue and cache."""
    object_store: ObjectStore = Field(default_factory=lambda: InClusterObjectStore(kind="in-cluster"))
    """The buckets of W&B and of ClickHouse."""
    clickhouse: ClickHouse = kind_default(_default_clickhouse, "`kind: managed` with Weave, else `kind: none`")
    """ClickHouse, which keeps Weave's data."""
    versions: Versions = Field(default_factory=Versions)
    """What is installed."""
    images: Images = Field(default_factory=Images)
    """Where images come from."""
    follow_release_channel: bool = False
    """Whether W&B's operator asks W&B for newer versions and settings (deploy.wandb.ai) and merges them. `false`:
    what the stack says is what runs, and no egress to W&B is needed for it."""
    protect: bool = kind_default(lambda data: data["environment"] == "production", "true in production")
    """Whether Pulumi refuses to delete what holds data."""
    timeouts: Timeouts = Field(default_factory=Timeouts)
    """How long to wait, in minutes."""

    @classmethod
    def load(cls) -> Settings:
        """The settings of the stack that Pulumi runs this program for.

        Where they have problems, the user sees one report with all of them, and the program ends here, before any
        resource is registered: `SystemExit`, not an exception that Pulumi would show with a traceback.
        """
        from .reading import InvalidSettings, read, stop  # reading needs this module

        try:
            return read()
        except InvalidSettings as error:
            stop(str(error))

    @property
    def managed_clickhouse(self) -> ManagedClickHouse | None:
        """The ClickHouse that the stack makes; None where it makes none."""
        return self.clickhouse if isinstance(self.clickhouse, ManagedClickHouse) else None

    @property
    def url(self) -> str:
        """Where W&B is reached: https, unless TLS is switched off."""
        return f"{'http' if self.ingress.tls_mode == 'none' else 'https'}://{self.host}"

    def image(self, name: Literal["mysql", "redis", "seaweedfs", "utility"]) -> str:
        """Repository and tag of an image."""
        return f"{getattr(self.images, name)}:{getattr(self.versions, name)}"
