"""Subnets: inside their VPC, apart from each other, in a zone of the region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from .. import places
from ..behaviour import Behaviour, Moment, api_error, register
from .ec2 import block_size
from .limits import cidr, network, text
from .references import SUBNET, VPC, named


@register(SUBNET)
class Subnet(Behaviour):
    """A part of a VPC in one zone."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Block and zone."""
        yield from cidr("cidrBlock", inputs.get("cidrBlock"))
        yield from block_size("cidrBlock", inputs.get("cidrBlock"))
        zone = text(inputs, "availabilityZone")
        if zone is not None and zone not in places.zones(at.region):
            yield (
                f"availabilityZone: Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only "
                f"be created in the following availability zones: {', '.join(places.zones(at.region))}."
            )

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Within the VPC's block, and overlapping nothing."""
        vpc, block = at.account.get(VPC, inputs["vpcId"]), network(inputs.get("cidrBlock"))
        if vpc is None or block is None:
            return
        whole = network(vpc.get("cidrBlock"))
        if whole is not None and not block.subnet_of(whole):
            message = f"The CIDR '{block}' is invalid."
            raise api_error("EC2", "CreateSubnet", "InvalidSubnet.Range", message)
        for other in at.find(SUBNET, vpcId=vpc.id):
            there = network(other.get("cidrBlock"))
            if there is not None and there.overlaps(block):
                message = f"The CIDR '{block}' conflicts with another subnet"
                raise api_error("EC2", "CreateSubnet", "InvalidSubnet.Conflict", message)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """A zone, where none was asked for, and its id."""
        zone = outputs.get("availabilityZone") or places.zones(at.region)[0]
        switches = (
            "assignIpv6AddressOnCreation", "enableDns64", "enableResourceNameDnsAaaaRecordOnLaunch",
            "enableResourceNameDnsARecordOnLaunch", "ipv6Native", "mapPublicIpOnLaunch",
        )  # fmt: skip
        return {
            "availabilityZone": zone,
            "availabilityZoneId": outputs.get("availabilityZoneId") or places.zone_id(zone),
            "ownerId": at.account_id,
            "ipv6CidrBlockAssociationId": "",
            "privateDnsHostnameTypeOnLaunch": outputs.get("privateDnsHostnameTypeOnLaunch") or "ip-name",
            **{key: outputs.get(key, False) for key in switches},
        }

    def admit_delete(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """A database or a cache has an interface in every subnet of its group."""
        for group, user, key in (
            ("aws:rds/subnetGroup:SubnetGroup", "aws:rds/cluster:Cluster", "dbSubnetGroupName"),
            (
                "aws:elasticache/subnetGroup:SubnetGroup",
                "aws:elasticache/replicationGroup:ReplicationGroup",
                "subnetGroupName",
            ),
        ):
            holding = [each for each in at.find(group) if at.id in named(each.outputs, "subnetIds")]
            if any(at.find(user, **{key: each["name"]}) for each in holding):
                message = f"The subnet '{at.id}' has dependencies and cannot be deleted."
                raise api_error("EC2", "DeleteSubnet", "DependencyViolation", message)


def spread(at: Moment, ids: Iterable[str]) -> tuple[list[str], set[str], set[str]]:
    """Ids of nothing, the zones, and the VPCs of a list of subnets."""
    found = {each: at.account.get(SUBNET, each) for each in ids}
    there = [each for each in found.values() if each is not None]
    return (
        [each for each, subnet in found.items() if subnet is None],
        {each["availabilityZone"] for each in there},
        {each["vpcId"] for each in there},
    )
