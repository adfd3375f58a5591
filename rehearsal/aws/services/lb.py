"""Elastic Load Balancing v2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from ..behaviour import Behaviour, Moment, api_error, register
from ..outputs import digits
from .limits import between, matching, text
from .subnets import spread

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_NAME = r"(?!internal-)(?!-)[A-Za-z0-9-]{1,32}(?<!-)"
_RULE = "1 to 32 letters, digits and hyphens, no hyphen first or last, not beginning with internal-"
HOSTED_ZONES = {
    "af-south-1": "Z268VQBMOI5EKX", "ap-east-1": "Z3DQVH9N71FHZ0", "ap-northeast-1": "Z14GRHDCWA56QT",
    "ap-northeast-2": "ZWKZPGTI48KDX", "ap-northeast-3": "Z5LXEXXYW11ES", "ap-south-1": "ZP97RAFLXTNZK",
    "ap-southeast-1": "Z1LMS91P8CMLE5", "ap-southeast-2": "Z1GM3OXH4ZPM65", "ca-central-1": "ZQSVJUPU6J1EY",
    "cn-north-1": "Z1GDH35T77C1KE", "cn-northwest-1": "ZM7IZAIOVVDZF", "eu-central-1": "Z215JYRZR1TBD5",
    "eu-north-1": "Z23TAZ6LKFMNIO", "eu-south-1": "Z3ULH7SSC9OV64", "eu-west-1": "Z32O12XQLNTSW2",
    "eu-west-2": "ZHURV8PSTC4K8", "eu-west-3": "Z3Q77PNBQS71R4", "me-south-1": "ZS929ML54UICD",
    "sa-east-1": "Z2P70J7HTTTPLU", "us-east-1": "Z35SXDOTRQ7X7K", "us-east-2": "Z3AADJGX6KTTL2",
    "us-gov-east-1": "Z166TLBEWOO7G0", "us-gov-west-1": "Z33AYJ8TM3BH4J", "us-west-1": "Z368ELLRRE2KJ0",
    "us-west-2": "Z1H1FL5HABSF5",
}  # fmt: skip
"""Zone of Application Load Balancers' names, for alias records. Source: AWS General Reference, "Elastic Load Balancing endpoints"."""


@register(BALANCER)
class LoadBalancer(Behaviour):
    """An Application or a Network Load Balancer."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Name and time-out. Source: Elastic Load Balancing API, CreateLoadBalancer."""
        yield from matching(inputs, "name", _NAME, _RULE)
        yield from between(inputs, "idleTimeout", 1, 4000, "Elastic Load Balancing, attributes")
        if inputs.get("subnets") and inputs.get("subnetMappings"):
            yield "subnets: not together with subnetMappings"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """An Application Load Balancer stands in two zones at least."""
        ids = inputs.get("subnets") or [each["subnetId"] for each in inputs.get("subnetMappings") or ()]
        missing, zones, _ = spread(at, ids)
        service, operation = "Elastic Load Balancing v2", "CreateLoadBalancer"
        if missing:
            raise api_error(service, operation, "SubnetNotFound", f"The subnet ID '{missing[0]}' does not exist")
        if (inputs.get("loadBalancerType") or "application") == "application" and len(zones) < 2:
            message = "At least two subnets in two different Availability Zones must be specified"
            raise api_error(service, operation, "ValidationError", message)
        if len(zones) < len(ids):
            message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
            raise api_error(service, operation, "InvalidConfigurationRequest", message)

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The ARN."""
        kind = {"network": "net", "gateway": "gwy"}.get(inputs.get("loadBalancerType") or "", "app")
        return at.arn("elasticloadbalancing", f"loadbalancer/{kind}/{inputs['name']}/{digits(at, 16)}")

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Name under which it is reached, and the zone of that name."""
        number = int(resource_id.rpartition("/")[2], 16) % 10**10
        inside = "internal-" if outputs.get("internal") else ""
        _, _, vpcs = spread(at, outputs.get("subnets") or ())
        return {
            "arn": resource_id,
            "arnSuffix": resource_id.partition("loadbalancer/")[2],
            "dnsName": f"{inside}{outputs['name']}-{number}.{at.region}.elb.{at.dns_suffix}",
            "zoneId": HOSTED_ZONES.get(at.region, "Z35SXDOTRQ7X7K"),
            "vpcId": next(iter(vpcs), ""),
            "internal": outputs.get("internal", False),
            "ipAddressType": outputs.get("ipAddressType") or "ipv4",
            "loadBalancerType": outputs.get("loadBalancerType") or "application",
            "idleTimeout": outputs.get("idleTimeout") or 60,
            "enableDeletionProtection": outputs.get("enableDeletionProtection", False),
        }

    def admit_delete(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Its own protection."""
        if outputs.get("enableDeletionProtection"):
            message = f"Load balancer '{at.id}' cannot be deleted because deletion protection is enabled"
            raise api_error("Elastic Load Balancing v2", "DeleteLoadBalancer", "OperationNotPermitted", message)


@register("aws:lb/targetGroup:TargetGroup")
class TargetGroup(Behaviour):
    """Where a listener sends requests."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """The name."""
        yield from matching(inputs, "name", _NAME, _RULE)
        yield from between(inputs, "port", 1, 65535, "Elastic Load Balancing API")

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The ARN."""
        return at.arn("elasticloadbalancing", f"targetgroup/{inputs['name']}/{digits(at, 16)}")

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The ARN once more."""
        return {"arn": resource_id, "arnSuffix": resource_id.rpartition(":")[2]}


@register("aws:lb/listener:Listener")
class Listener(Behaviour):
    """A port of a load balancer."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """HTTPS needs a certificate of this region."""
        protocol, certificate = text(inputs, "protocol"), inputs.get("certificateArn")
        if protocol in ("HTTPS", "TLS") and not certificate:
            yield f"certificateArn: A certificate must be specified for {protocol} listeners"
        issued = isinstance(certificate, str) and re.match(r"arn:[a-z-]+:acm:", certificate)
        if isinstance(certificate, str) and issued and certificate.split(":")[3] != at.region:
            yield f"certificateArn: Certificate ARN '{certificate}' is not valid: it is not in {at.region}"

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The ARN."""
        return f"{inputs['loadBalancerArn'].replace(':loadbalancer/', ':listener/')}/{digits(at, 16)}"

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The ARN once more."""
        return {"arn": resource_id}
