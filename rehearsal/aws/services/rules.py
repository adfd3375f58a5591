"""Security groups and their rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from ..behaviour import Behaviour, Moment, api_error, register
from .limits import cidr, known, matching, number, text
from .references import GROUP, VPC, named

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
_ALLOWED = r"[0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]*"
"""Characters of a description. Source: terraform-provider-aws, `validSecurityGroupRuleDescription`."""
_SOURCES = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
_RULES_PER_GROUP = 60
"""Inbound or outbound rules of one security group. Source: VPC user guide, "Amazon VPC quotas" (default)."""


def _description(inputs: Mapping[str, Any], key: str = "description") -> Iterable[str]:
    value = text(inputs, key)
    if value is not None and (len(value) > 255 or not re.fullmatch(_ALLOWED, value)):
        yield f"{key}: at most 255 letters, digits, spaces and . _ - : / ( ) # , @ [ ] + = & ; {{ }} ! $ *, got {value!r}"


def _ports(protocol: Any, first: float | None, last: float | None) -> Iterable[str]:
    if not isinstance(protocol, str) or protocol.lower() not in ("tcp", "udp", "6", "17"):
        return
    if first is None or last is None:
        yield "fromPort and toPort are required for the protocols tcp and udp"
    elif not 0 <= first <= last <= 65535:
        yield f"ports {first:g} to {last:g} are no range between 0 and 65535"


@register(GROUP)
class SecurityGroup(Behaviour):
    """A group of a VPC; the provider takes away the rule that lets everything out."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: EC2 API, CreateSecurityGroup."""
        yield from _description(inputs)
        name = text(inputs, "name")
        if name is not None and (name.startswith("sg-") or len(name) > 255):
            yield f"name: at most 255 characters, not beginning with sg-, got {name!r}"
        for key in ("ingress", "egress"):
            for rule in inputs.get(key) or ():
                if isinstance(rule, Mapping):
                    yield from _ports(rule.get("protocol"), number(rule, "fromPort"), number(rule, "toPort"))

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The owner, and the VPC where none is named."""
        vpcs = at.find(VPC)
        vpc = outputs.get("vpcId") or next((each.id for each in vpcs if each.get("isDefault")), "")
        return {
            "ownerId": at.account_id,
            "vpcId": vpc,
            "ingress": outputs.get("ingress") or [],
            "egress": outputs.get("egress") or [],
            "namePrefix": outputs.get("namePrefix") or "",
        }

    def deleted(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Its rules go with it."""
        for rule in at.find(INGRESS, securityGroupId=at.id) + at.find(EGRESS, securityGroupId=at.id):
            at.account.delete(rule.token, rule.id)


@register(INGRESS, EGRESS)
class Rule(Behaviour):
    """One rule with one peer."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Exactly one peer; ports where the protocol has some; none where it is all protocols."""
        given = [key for key in _SOURCES if inputs.get(key)]
        if len(given) != 1:
            yield f"exactly one of {', '.join(_SOURCES)} must be specified, {len(given)} were"
        yield from cidr("cidrIpv4", inputs.get("cidrIpv4"))
        yield from cidr("cidrIpv6", inputs.get("cidrIpv6"))
        yield from _description(inputs)
        yield from matching(inputs, "referencedSecurityGroupId", r"([0-9]{12}/)?sg-[0-9a-f]{8,17}", "an id of a group")
        yield from _ports(inputs.get("ipProtocol"), number(inputs, "fromPort"), number(inputs, "toPort"))
        if inputs.get("ipProtocol") == "-1" and any(
            known(inputs.get(key)) and inputs[key] != -1 for key in ("fromPort", "toPort")
        ):
            yield "fromPort and toPort: AWS ignores ports for ipProtocol -1, so that the rule never looks as it was written"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Not twice the same, not too many, and no group of another VPC."""
        verb = "AuthorizeSecurityGroupIngress" if at.token == INGRESS else "AuthorizeSecurityGroupEgress"
        there = at.find(at.token, securityGroupId=inputs["securityGroupId"])
        keys = (*_SOURCES, "ipProtocol", "fromPort", "toPort")
        for rule in there:
            if all(rule.get(key) == inputs.get(key) for key in keys):
                peer = next((inputs[key] for key in _SOURCES if inputs.get(key)), "")
                message = f'the specified rule "peer: {peer}, {inputs["ipProtocol"]}, ALLOW" already exists'
                raise api_error("EC2", verb, "InvalidPermission.Duplicate", message)
        if len(there) >= _RULES_PER_GROUP:
            message = "The maximum number of rules per security group has been reached."
            raise api_error("EC2", verb, "RulesPerSecurityGroupLimitExceeded", message)
        mine = at.account.get(GROUP, inputs["securityGroupId"])
        theirs = at.account.get(GROUP, inputs.get("referencedSecurityGroupId") or "")
        if mine and theirs and mine.get("vpcId") != theirs.get("vpcId"):
            message = f"You have specified two resources that belong to different networks: {mine.id}, {theirs.id}"
            raise api_error("EC2", verb, "InvalidGroup.NotFound", message)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Its id under another name."""
        return {"securityGroupRuleId": resource_id}


@register("aws:ec2/securityGroupRule:SecurityGroupRule")
class OldRule(Behaviour):
    """A rule as older programs write it, with many peers."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """One kind of peer at least."""
        peers = ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "self", "sourceSecurityGroupId")
        if not any(inputs.get(key) for key in peers):
            yield f"one of {', '.join(peers)} must be specified"
        for each in named(inputs, "cidrBlocks"):
            yield from cidr("cidrBlocks", each)
        yield from _ports(inputs.get("protocol"), number(inputs, "fromPort"), number(inputs, "toPort"))
