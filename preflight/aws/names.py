"""Checks of how W&B is reached: hosted zone, certificate, web ACL."""

from __future__ import annotations

from collections.abc import Iterable

from settings.aws import ExistingDns
from settings.problems import problem

from ..findings import Found
from .look import Look


def zone(look: Look) -> Found:
    """The hosted zone exists, is public, and the host is in it."""
    dns = look.stack.aws.dns
    if not isinstance(dns, ExistingDns):
        return
    path, host = "aws.dns.zoneId", look.stack.settings.host
    if look.missing("zone"):
        yield problem(
            path,
            f"names a hosted zone that does not exist in this account (got {dns.zone_id})",
            "`aws route53 list-hosted-zones` lists those that do.",
        )
    found = look.found("zone")
    if found is None:
        return
    name = str(found.get("name") or "").rstrip(".")
    if name and not (host == name or host.endswith(f".{name}")):
        yield problem(
            path,
            f"names the zone {name}, which {host} is not in (got {dns.zone_id})",
            f"Use the zone of {host}, or of a domain above it.",
        )
    internal = look.stack.aws.load_balancer.scheme == "internal" and look.stack.aws.certificate_arn is not None
    if found.get("privateZone") and not internal:
        yield problem(
            path,
            f"names a private zone (got {dns.zone_id}, {name})",
            "The internet does not see it: neither browsers nor the validation of a certificate would. Use a public one.",
        )


def certificate(look: Look) -> Found:
    """The certificate is issued, and for the host."""
    arn, host = look.stack.aws.certificate_arn, look.stack.settings.host
    found = look.found("certificate")
    if look.missing("certificate"):
        yield problem(
            "aws.certificateArn",
            f"names a certificate that does not exist (got {arn})",
            f"`aws acm list-certificates --region {look.stack.region}` lists those that do.",
        )
    if found is None:
        return
    names = dict.fromkeys([str(found.get("domainName") or ""), *map(str, found.get("subjectAlternativeNames") or ())])
    names.pop("", None)
    if names and not covers(names, host):
        yield problem(
            "aws.certificateArn",
            f"is of a certificate for other names than {host} (got {', '.join(names)})",
            f"Use one for {host} or for *.{host.partition('.')[2]}.",
        )
    status = str(found.get("status") or "")
    if status and status != "ISSUED":
        yield problem(
            "aws.certificateArn",
            f"is of a certificate that is not issued (got {arn}, {status})",
            "A load balancer takes issued certificates alone: complete its validation, or use another.",
        )


def covers(names: Iterable[str], host: str) -> bool:
    """Whether a certificate for `names` is good for `host`. A wildcard stands for one label, the first, and not for none.

    Source: RFC 6125, section 6.4.3.
    """
    wanted = host.lower().rstrip(".")
    above = wanted.partition(".")[2]
    return any(each.lower().rstrip(".") in (wanted, f"*.{above}") for each in names)


def web_acl(look: Look) -> Found:
    """The web ACL is there, under that ARN."""
    arn = look.stack.aws.load_balancer.waf_acl_arn
    if arn is None:
        return
    found = look.found("waf")
    if look.missing("waf") or found is not None and found.get("arn") not in (None, arn):
        yield problem(
            "aws.loadBalancer.wafAclArn",
            f"names a web ACL that does not exist (got {arn})",
            f"`aws wafv2 list-web-acls --scope REGIONAL --region {look.stack.region}` lists those that do.",
        )
