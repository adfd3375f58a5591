"""Settings of the Kubernetes cluster that W&B is installed in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .base import CertificateIssuer, DnsLabel, Model, ObjectName, refusal


def _issuer(value: str) -> str:
    if not value.startswith("https://"):
        raise refusal(
            "is not the URL of an issuer",
            "It begins with `https://`: `kubectl get --raw /.well-known/openid-configuration` shows it as `issuer`.",
        )
    return value


class Kubernetes(Model):
    """The cluster and how to reach it."""

    context: str | None = Field(default=None, min_length=1)
    """Context of the kubeconfig. Default: the kubeconfig's current context."""
    kubeconfig: str | None = Field(default=None, min_length=1)
    """Path of the kubeconfig; `~` is your home folder. Default: what kubectl takes (`KUBECONFIG`, then
    `~/.kube/config`)."""
    cluster_identifier: str = Field(default="wandb", min_length=1)
    """Tells Pulumi which cluster this is, whatever the kubeconfig says: while it stays the same, a new address,
    certificate or token replaces nothing. Change it only when the stack moves to another cluster: everything is then
    made anew there."""
    storage_class: ObjectName | None = None
    """StorageClass of every volume that the stack makes. Default: the cluster's default class."""
    zones: int = Field(default=1, ge=1, le=9)
    """Zones that the nodes span. From 3 on, the replicas of ClickHouse and of its keepers are forced into different
    zones."""
    service_account_issuer: Annotated[str, AfterValidator(_issuer)] = "https://kubernetes.default.svc.cluster.local"
    """Issuer of the cluster's service-account tokens, by which W&B trusts Weave's calls. Managed clusters have their
    own: `kubectl get --raw /.well-known/openid-configuration` shows it."""
    preflight: bool = True
    """Whether the cluster is checked before anything is made: reachable, new enough, and everything that the settings
    name (namespaces, classes, Secrets) is there. Switch it off where the program runs without access to the cluster."""

    @property
    def kubeconfig_file(self) -> str | None:
        """`kubeconfig` with the home folder filled in."""
        return str(Path(self.kubeconfig).expanduser()) if self.kubeconfig else None


def _namespace(value: str) -> str:
    if value.startswith("kube-"):
        raise refusal("belongs to Kubernetes itself", "Use a namespace of its own.")
    return value


Namespace = Annotated[DnsLabel, AfterValidator(_namespace)]


class Namespaces(Model):
    """The namespaces that are used, and who makes them."""

    wandb: Namespace = "wandb"
    """Namespace of W&B and of in-cluster data stores."""
    operator: Namespace = "wandb-operator"
    """Namespace of W&B's operator."""
    clickhouse: Namespace = "clickhouse"
    """Namespace of ClickHouse, its keepers and its operator. Not made when ClickHouse is not managed here."""
    pod_security: Literal["restricted", "baseline", "privileged"] = "restricted"
    """The Pod Security Standard that namespaces which the stack makes enforce. All pods of this program meet `restricted`, but for
    a Job of ClickHouse's chart: its namespace enforces `baseline` while `clickhouse.crds` is managed. Lower it for parts of W&B's
    chart that you switch on and that need more."""
    create: bool = True
    """Whether the stack makes the namespaces, and deletes them when it is destroyed. `false`: they exist already, and
    stay. Never change it or a name while there is data to keep: namespaces that the stack made would go, with the volumes
    in them."""


class Gateway(Model):
    """The Gateway (Gateway API) that leads to W&B: one that exists, or one that the stack makes."""

    name: ObjectName | None = None
    """A Gateway that exists, whose listeners let routes of W&B's namespace in. Either this or `className`."""
    namespace: DnsLabel | None = None
    """Its namespace. Default: W&B's."""
    listener: DnsLabel | None = None
    """The one of its listeners that W&B is behind. Default: all that let it."""
    class_name: ObjectName | None = None
    """GatewayClass of a Gateway that the stack makes (`kubectl get gatewayclass`), with `ingress.tlsSecret` for https."""


class Ingress(Model):
    """How W&B is reached from outside the cluster."""

    controller: Literal["nginx", "traefik", "alb", "gce", "application-gateway", "openshift", "none"] | None = None
    """What answers to the class: it is then told of request bodies of any size and of long answers, and what W&B's Services
    need in front of it. `none`: the stack makes no Ingress, you lead traffic to W&B's Services. Default: one that is told
    nothing but `annotations`."""
    class_name: ObjectName | None = None
    """IngressClass of a controller that runs in the cluster (`kubectl get ingressclass`). Not with `gateway`, nor where
    `controller` is none."""
    gateway: Gateway | None = None
    """The Gateway API in place of an Ingress."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of the Ingress, as the controller wants them; they win over those that follow from `controller`. The
    controller must take request bodies of any size: W&B uploads files through it."""
    timeout_seconds: int = Field(default=300, ge=30, le=4000)
    """How long an answer may take, where `controller` or `gateway` can be told. W&B's longest queries take minutes."""
    cert_manager: CertificateIssuer | None = None
    """Has cert-manager make the certificate, into `tlsSecret`. Default: you do."""
    tls: Literal["secret", "upstream", "none"] | None = None
    """Where TLS ends. `secret`: at the Ingress, with the certificate of `tlsSecret`. `upstream`: at the controller or
    a load balancer that has its own certificate. `none`: nowhere, W&B's URL is http; only where `environment` is test.
    Default: `secret` when `tlsSecret` is set, else `upstream`."""
    tls_secret: ObjectName | None = None
    """Secret of type kubernetes.io/tls in W&B's namespace, with a publicly trusted certificate for `host`. W&B supports
    no self-signed certificates."""

    @property
    def tls_mode(self) -> Literal["secret", "upstream", "none"]:
        """Where TLS ends, with the default filled in."""
        return self.tls or ("secret" if self.tls_secret else "upstream")
