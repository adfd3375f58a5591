"""What is asked for of the load balancer, and how its controller wants to be told. Pure data and functions."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pulumi

from .. import contracts
from . import values
from .account import Account
from .load_balancer import LoadBalancerControllerArgs

if TYPE_CHECKING:
    from pulumi_kubernetes.networking.v1 import IngressSpecArgsDict

SSL_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.3 and 1.2 with forward secrecy; the console's choice for years, and there in every partition."""
LISTEN_PORTS = json.dumps([{"HTTP": 80}, {"HTTPS": 443}])
LISTENERS = {"alb.ingress.kubernetes.io/listen-ports": LISTEN_PORTS}
"""The one setting that the class cannot carry (controller 3.5.0: `spec.listeners` has attributes alone)."""
OPENING = "load-balancer"
"""Name of the platform's own Ingress, and of its action."""
_GROUP = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class IngressArgs:
    """How W&B is reached. Raises ValueError, naming the argument, for what the load balancer would refuse."""

    account: Account
    cluster: contracts.Cluster
    network: values.Network
    namespace: pulumi.Input[str]
    """Of W&B; the platform's own Ingress is in it too."""
    host: str
    """Where users find W&B, such as `wandb.example.com`."""
    zone_id: str | None = None
    """The public hosted zone that serves `host`, which exists."""
    zone_name: str | None = None
    """The public hosted zone to make: `host`, or a domain above it. Neither: no record is made."""
    certificate_arn: str | None = None
    """An ACM certificate for `host`, in this region; None: one is issued in the zone."""
    scheme: Literal["internet-facing", "internal"] = "internet-facing"
    inbound_cidrs: Sequence[str] = ("0.0.0.0/0",)
    """Addresses that may connect: browsers and training machines."""
    waf_acl_arn: str | None = None
    """A regional web ACL of AWS WAF."""
    idle_timeout_seconds: int = 300
    """1 to 4000. W&B's longest queries take minutes."""
    access_logs_bucket: str | None = None
    """A bucket in this region whose policy lets load balancers write; None: no access logs."""
    ssl_policy: str = SSL_POLICY
    class_name: str = "wandb"
    """Of the IngressClass, its parameters and its group: another one for every installation in the cluster."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of the load balancer, its target groups and its security groups, which the provider's default tags do not reach."""
    controller: LoadBalancerControllerArgs | None
    """None: it runs in the cluster already."""
    protect: bool = False
    """True: neither destroying the stack nor AWS' own API deletes the load balancer."""

    def __post_init__(self) -> None:
        self._check_names()
        if not 1 <= self.idle_timeout_seconds <= 4000:
            raise ValueError(f"idle_timeout_seconds: {self.idle_timeout_seconds} given; 1 to 4000 wanted")
        if not self.inbound_cidrs:
            # the controller would take an empty list for everybody
            raise ValueError("inbound_cidrs: none given, so nobody could connect; give 0.0.0.0/0 for everybody")
        for cidr in self.inbound_cidrs:
            try:
                ipaddress.ip_network(cidr)
            except ValueError as error:
                raise ValueError(f"inbound_cidrs: {error}") from None
        if len(self.subnets) < 2:
            which = "public" if self.scheme == "internet-facing" else "private"
            raise ValueError(f"network: {len(self.subnets)} {which} subnets given; a load balancer needs 2, in 2 zones")

    def _check_names(self) -> None:
        if self.zone_id and self.zone_name:
            raise ValueError("zone_name: zone_id is given too; a zone is brought or made, not both")
        if not (self.certificate_arn or self.zone_id or self.zone_name):
            raise ValueError("certificate_arn: none given, and no zone in which one could be issued")
        if self.zone_name and self.host != self.zone_name and not self.host.endswith(f".{self.zone_name}"):
            raise ValueError(f"zone_name: {self.zone_name!r} does not serve the host {self.host!r}")
        if not _GROUP.fullmatch(self.class_name):
            raise ValueError(f"class_name: {self.class_name!r} is not made of up to 63 a-z, 0-9 and hyphens")

    @property
    def subnets(self) -> tuple[pulumi.Input[str], ...]:
        """Where the load balancer stands."""
        return self.network.public_subnets if self.scheme == "internet-facing" else self.network.private_subnets


def class_parameters(args: IngressArgs, certificate_arn: pulumi.Input[str]) -> dict[str, Any]:
    """`spec` of the IngressClassParams. Source: its definition in AWS Load Balancer Controller 3.5.0."""
    attributes = {
        "deletion_protection.enabled": str(args.protect).lower(),
        "idle_timeout.timeout_seconds": str(args.idle_timeout_seconds),
        "routing.http.drop_invalid_header_fields.enabled": "true",
        # said either way: an attribute that is no longer named stays as it is
        "access_logs.s3.enabled": str(args.access_logs_bucket is not None).lower(),
    }
    if args.access_logs_bucket is not None:
        attributes["access_logs.s3.bucket"] = args.access_logs_bucket
    return {
        "group": {"name": args.class_name},
        # nobody else in the cluster may put rules on this load balancer
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": args.namespace}},
        "scheme": args.scheme,
        "ipAddressType": "ipv4",
        "targetType": "ip",
        "subnets": {"ids": list(args.subnets)},
        "inboundCIDRs": list(args.inbound_cidrs),
        "certificateArn": [certificate_arn],
        "sslPolicy": args.ssl_policy,
        "sslRedirectPort": "443",
        "loadBalancerAttributes": [{"key": key, "value": value} for key, value in sorted(attributes.items())],
        "tags": [{"key": key, "value": value} for key, value in sorted(args.tags.items())],
        # `none` takes away an ACL that was there before
        "wafv2AclArn": args.waf_acl_arn or "none",
    }


def opening_ingress(class_name: str) -> tuple[dict[str, str], IngressSpecArgsDict]:
    """Annotations and `spec` of the platform's own Ingress: whatever no other rule matches is answered with 404.

    It has no rule of its own, so Pulumi waits for no endpoint of a Service behind it, which there is none.
    """
    answer = {
        "type": "fixed-response",
        "fixedResponseConfig": {"contentType": "text/plain", "statusCode": "404", "messageBody": "Not found"},
    }
    annotations = {**LISTENERS, f"alb.ingress.kubernetes.io/actions.{OPENING}": json.dumps(answer)}
    spec: IngressSpecArgsDict = {
        "ingress_class_name": class_name,
        "default_backend": {"service": {"name": OPENING, "port": {"name": "use-annotation"}}},
    }
    return annotations, spec
