"""Rules about the way in: name, certificate, load balancer."""

from __future__ import annotations

from collections import Counter

from ..aws import ManagedDns, NoDns
from ..model import Settings
from ..problems import problem
from ..surface import full
from .aws_base import aws_of
from .registry import Problems, rule

_OF_THE_LOAD_BALANCER = {"dns": "dns", "certificate_arn": "certificateArn", "load_balancer": "loadBalancer"}
"""Fields of `aws` that only the load balancer of the stack uses, and their keys."""


@rule
def _another_controller(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or settings.ingress is None:
        return
    for name, key in _OF_THE_LOAD_BALANCER.items():
        if name in aws.model_fields_set and not (name == "dns" and isinstance(aws.dns, NoDns)):
            yield problem(
                f"aws.{key}",
                f"is given, and `{full('ingress')}` names another controller, so no load balancer is made here",
                f"Remove it, or the section `{full('ingress')}`.",
            )


@rule
def _certificate(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws and settings.ingress is None and isinstance(aws.dns, NoDns) and aws.certificate_arn is None:
        yield problem(
            "aws.certificateArn",
            "is missing, and without a hosted zone (`aws.dns.kind` is none) no certificate can be validated",
            f"Give the ARN of an ACM certificate for `{full('host')}`, or the zone under `{full('aws')}.dns`.",
        )


@rule
def _host_in_the_zone(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or not isinstance(aws.dns, ManagedDns):
        return
    zone, host = aws.dns.zone_name, settings.host
    if host != zone and not host.endswith("." + zone):
        yield problem(
            "aws.dns.zoneName",
            f"is no domain of `{full('host')}` (got {zone}, with {host})",
            f"Use {host} itself or a domain above it, such as {host.partition('.')[2]}.",
        )


@rule
def _inbound(settings: Settings) -> Problems:
    aws = aws_of(settings)
    for cidr, count in Counter(aws.load_balancer.inbound_cidrs if aws else ()).items():
        if count > 1:
            yield problem("aws.loadBalancer.inboundCidrs", f"names {cidr} twice", "Name each block once.")
