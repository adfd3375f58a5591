"""Which Ingresses share a load balancer, and what they ask of it together. Pure.

Source: AWS Load Balancer Controller's documentation, "IngressGroup", "Ingress annotations" and "IngressClass".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Object = Mapping[str, Any]

CONTROLLER = "ingress.k8s.aws/alb"
PREFIX = "alb.ingress.kubernetes.io/"
FINALIZER = "group.ingress.k8s.aws/"
IMPLICIT_FINALIZER = "ingress.k8s.aws/resources"
# Annotations of which all members of a group have to say the same.
_COMMON = (
    *("scheme", "subnets", "ip-address-type", "load-balancer-name", "security-groups", "ssl-policy", "wafv2-acl-arn"),
    *("inbound-cidrs", "customer-owned-ipv4-pool"),
)


class BadModel(Exception):
    """The Ingresses cannot be made into a load balancer; the text is the controller's, as far as it has one."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """The Ingresses of one load balancer."""

    name: str
    """Of the group; `namespace/name` for an Ingress that is alone."""
    explicit: bool
    members: tuple[Object, ...]
    leaving: tuple[Object, ...]
    """Ingresses that are being deleted, and still hold the group's finalizer."""
    params: Object
    """`spec` of the IngressClassParams."""

    @property
    def finalizer(self) -> str:
        """What holds a member until the load balancer no longer knows it."""
        return f"{FINALIZER}{self.name}" if self.explicit else IMPLICIT_FINALIZER


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One load balancer, as its Ingresses want it."""

    name: str
    scheme: str
    subnets: tuple[str, ...]
    certificates: tuple[str, ...]
    ports: tuple[tuple[int, str], ...]
    """Port and protocol of each listener."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    inbound_cidrs: tuple[str, ...] = ("0.0.0.0/0",)
    ssl_policy: str = "ELBSecurityPolicy-2016-08"
    waf_acl_arn: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    backends: tuple[tuple[str, str, str], ...] = ()
    """Namespace, Service and port behind some path."""


def group_of(ingress: Object, params: Object, *, by_annotation: bool) -> tuple[str, bool]:
    """Name of the Ingress's group, and whether it shares it."""
    named = (params.get("group") or {}).get("name")
    if not named and by_annotation:
        named = _annotations(ingress).get(f"{PREFIX}group.name")
    meta = ingress["metadata"]
    return (named, True) if named else (f"{meta['namespace']}/{meta['name']}", False)


def load_balancer_name(group: str, cluster: str, *, explicit: bool) -> str:
    """As the controller names one: at most 32 characters."""
    digest = hashlib.sha256(f"{cluster} {group}".encode()).hexdigest()[:10]
    short = re.sub(r"[^0-9A-Za-z]", "", group if explicit else group.partition("/")[0])[:8]
    own = "" if explicit else "-" + re.sub(r"[^0-9A-Za-z]", "", group.partition("/")[2])[:8]
    return f"k8s-{short}{own}-{digest}"


def wanted(group: Group, cluster: str) -> Wanted:
    """What the members ask for together; the class's parameters win over annotations. Raises BadModel."""
    given, params = _agreed(group.members), group.params
    attributes = {each["key"]: each["value"] for each in params.get("loadBalancerAttributes") or ()}
    if not attributes:
        attributes = _pairs(given.get("load-balancer-attributes", ""))
    certificates = params.get("certificateArn") or _all(group.members, "certificate-arn")
    subnets = (params.get("subnets") or {}).get("ids") or _words(given.get("subnets", ""))
    waf = params.get("wafv2AclArn") or given.get("wafv2-acl-arn")
    return Wanted(
        name=params.get("loadBalancerName")
        or given.get("load-balancer-name")
        or load_balancer_name(group.name, cluster, explicit=group.explicit),
        scheme=params.get("scheme") or given.get("scheme") or "internal",
        subnets=tuple(subnets),
        certificates=tuple(dict.fromkeys(certificates)),
        ports=_ports(group.members, bool(certificates)),
        attributes=attributes,
        inbound_cidrs=tuple(params.get("inboundCIDRs") or _words(given.get("inbound-cidrs", "")) or ("0.0.0.0/0",)),
        ssl_policy=params.get("sslPolicy") or given.get("ssl-policy") or "ELBSecurityPolicy-2016-08",
        waf_acl_arn=None if waf in (None, "", "none") else waf,
        tags={each["key"]: each["value"] for each in params.get("tags") or ()},
        backends=tuple(dict.fromkeys(_backends(group.members))),
    )


def admits(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a namespace with these labels may use the class."""
    for key, value in ((selector or {}).get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for each in (selector or {}).get("matchExpressions") or ():
        found, values = labels.get(each["key"]), each.get("values") or ()
        held = {
            "In": found in values,
            "NotIn": found not in values,
            "Exists": found is not None,
            "DoesNotExist": found is None,
        }[each["operator"]]
        if not held:
            return False
    return True


def _agreed(members: Iterable[Object]) -> dict[str, str]:
    """The annotations, without prefix. Raises BadModel for those of which members say different things."""
    found: dict[str, str] = {}
    for ingress in members:
        for key, value in _annotations(ingress).items():
            if not key.startswith(PREFIX):
                continue
            short = key.removeprefix(PREFIX)
            if short in _COMMON and found.get(short, value) != value:
                raise BadModel(f"conflicting {short}: {found[short]} | {value}")
            found[short] = value
    return found


def _ports(members: Iterable[Object], has_certificates: bool) -> tuple[tuple[int, str], ...]:
    """Listeners of all members. Raises BadModel for one port with two protocols, and for text that is not JSON."""
    found: dict[int, str] = {}
    default = [{"HTTPS": 443}] if has_certificates else [{"HTTP": 80}]
    for ingress in members:
        text = _annotations(ingress).get(f"{PREFIX}listen-ports")
        try:
            listed = json.loads(text) if text else default
            pairs = [(int(port), protocol) for each in listed for protocol, port in each.items()]
        except (ValueError, TypeError, AttributeError):
            raise BadModel(f"failed to parse listen-ports configuration: `{text}`") from None
        for port, protocol in pairs:
            if protocol not in ("HTTP", "HTTPS"):
                raise BadModel(f"listen protocol must be HTTP or HTTPS: {protocol}")
            if found.get(port, protocol) != protocol:
                raise BadModel(f"conflicting protocol for port {port}: {found[port]} | {protocol}")
            found[port] = protocol
    return tuple(sorted(found.items()))


def _backends(members: Iterable[Object]) -> Iterable[tuple[str, str, str]]:
    for ingress in members:
        space, spec = ingress["metadata"]["namespace"], ingress.get("spec") or {}
        services = [(spec.get("defaultBackend") or {}).get("service")]
        for rule in spec.get("rules") or ():
            services += [path["backend"].get("service") for path in (rule.get("http") or {}).get("paths") or ()]
        for service in services:
            port = (service or {}).get("port") or {}
            if service and port.get("name") != "use-annotation":
                yield space, service["name"], str(port.get("number") or port.get("name"))
            elif service and f"{PREFIX}actions.{service['name']}" not in _annotations(ingress):
                raise BadModel(f"missing actions.{service['name']} configuration")


def _all(members: Iterable[Object], key: str) -> list[str]:
    return [each for ingress in members for each in _words(_annotations(ingress).get(f"{PREFIX}{key}", ""))]


def _words(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _pairs(text: str) -> dict[str, str]:
    return {key.strip(): value.strip() for key, _, value in (part.partition("=") for part in _words(text))}


def _annotations(ingress: Object) -> Mapping[str, str]:
    return ingress["metadata"].get("annotations") or {}
