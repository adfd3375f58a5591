"""The settings of one stack."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from .air_gap import AirGapped, on_registry
from .aws import AWS
from .base import DNS_LABEL, Environment, Model, ObjectName, SecretDataKey, SecretText, bare_host, kind_default, refusal
from .clickhouse import ClickHouse, ManagedClickHouse, NoClickHouse
from .cluster import Ingress, Kubernetes, Namespaces
from .instance import Instance
from .monitoring import Monitoring
from .network import NetworkPolicies
from .single import SingleContainer
from .sizing import Sizing
from .stores import (
    InClusterMySQL,
    InClusterObjectStore,
    InClusterRedis,
    ManagedMySQL,
    ManagedObjectStore,
    ManagedRedis,
    MySQL,
    ObjectStore,
    Redis,
)
from .versions import ImageName, Images, Timeouts, Versions, tag

PLANNED_TARGETS = ("gcp", "azure")


def _target(value: Any) -> Any:
    if isinstance(value, str) and value in PLANNED_TARGETS:
        raise refusal(
            "is not available in this version",
            "Make the cluster, database, cache and bucket yourself and use `kubernetes`, or use `aws`.",
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


_STORES = "`kind: managed` where `target` is aws, else `kind: in-cluster`"


def _default_mysql(data: dict[str, Any]) -> ManagedMySQL | InClusterMySQL:
    return ManagedMySQL(kind="managed") if data["target"] == "aws" else InClusterMySQL(kind="in-cluster")


def _default_redis(data: dict[str, Any]) -> ManagedRedis | InClusterRedis:
    return ManagedRedis(kind="managed") if data["target"] == "aws" else InClusterRedis(kind="in-cluster")


def _default_object_store(data: dict[str, Any]) -> ManagedObjectStore | InClusterObjectStore:
    return ManagedObjectStore(kind="managed") if data["target"] == "aws" else InClusterObjectStore(kind="in-cluster")


Product = Literal["models", "weave"]


class Settings(Model):
    """All that can be said about one installation of W&B, under `wandb:` in `Pulumi.<stack>.yaml`."""

    target: Annotated[Literal["kubernetes", "aws"], BeforeValidator(_target)] = "kubernetes"
    """Where W&B is installed. `kubernetes`: in a cluster that exists. `aws`: in an AWS account, where everything that is not
    brought is made."""
    environment: Environment
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
    """The cluster and how to reach it. Where `target` is aws only `preflight` has a meaning: the rest is under `aws`."""
    aws: AWS | None = None
    """The account and the region, and what is made or brought there. Needed where `target` is aws, and only there."""
    namespaces: Namespaces = Field(default_factory=Namespaces)
    """The namespaces that are used, and who makes them."""
    ingress: Ingress | None = None
    """How W&B is reached from outside the cluster. Where `target` is aws it may be left out: an Application Load Balancer is
    made, as `aws.loadBalancer` says. Given there, it names the class of another controller, and none is made."""
    instance: Instance = Field(default_factory=Instance)
    """How W&B itself is set up: signing in, mail, certificates, proxies, where its pods run, and further values of its
    chart."""
    single_container: SingleContainer | None = None
    """W&B's server in one container, without W&B's operator, where `target` is kubernetes and `products` is `[models]`.
    Default: none, W&B's operator installs its chart."""
    sizing: Sizing = Field(default_factory=Sizing)
    """How big the installation is."""
    mysql: MySQL = kind_default(_default_mysql, _STORES)
    """MySQL, which keeps W&B's metadata."""
    redis: Redis = kind_default(_default_redis, _STORES)
    """Redis, W&B's queue and cache."""
    object_store: ObjectStore = kind_default(_default_object_store, _STORES)
    """The buckets of W&B and of ClickHouse."""
    clickhouse: ClickHouse = kind_default(_default_clickhouse, "`kind: managed` with Weave, else `kind: none`")
    """ClickHouse, which keeps Weave's data."""
    versions: Versions = Field(default_factory=Versions)
    """What is installed."""
    images: Images = Field(default_factory=Images)
    """Where images come from."""
    network_policies: NetworkPolicies | None = None
    """Who may connect to whom. Default: only connections to ClickHouse and its keepers are limited, to W&B's namespace and their
    own."""
    monitoring: Monitoring | None = None
    """What is watched, by a Prometheus operator that runs in the cluster. Default: nothing; ClickHouse and its keepers serve metrics
    all the same."""
    air_gapped: AirGapped | None = None
    """A registry of your own that every image and every chart comes from. Default: none, they come from where their makers
    publish them."""
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
        plain = self.ingress is not None and self.ingress.tls_mode == "none"
        return f"{'http' if plain else 'https'}://{self.host}"

    def repository(self, name: ImageName | Literal["cluster_autoscaler"]) -> str:
        """Where an image is pulled from, without tag: as `images` says, else from the registry of `airGapped`."""
        written = getattr(self.images, name)
        if self.air_gapped is None or name in self.images.model_fields_set:
            return written
        return on_registry(written, self.air_gapped.registry)

    def image(self, name: ImageName) -> str:
        """Repository and tag of an image."""
        return f"{self.repository(name)}:{tag(name, self.versions)}"

    @property
    def single_container_image(self) -> str:
        """Name and tag of the image that has W&B's server in one container, without `wandb_registry`."""
        return f"wandb/local:{self.versions.wandb_server}"

    @property
    def wandb_registry(self) -> str | None:
        """What stands before the names of W&B's own images; None: nothing does."""
        return self.instance.image_registry or (self.air_gapped.registry if self.air_gapped else None)
