"""VPCs and what is in them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from rehearsal.providers.base import Refused
from rehearsal.providers.values import Properties

from ..account import Record
from ..behaviour import Moment
from ..services.references import GROUP, SUBNET, VPC
from . import answers
from .found import listed, one, shown


def _by_id(at: Moment, token: str, arguments: Mapping[str, Any]) -> list[Record]:
    found = listed(at, token, arguments)
    for key in ("id", "vpcId", "availabilityZone", "cidrBlock", "name"):
        if arguments.get(key):
            found = [each for each in found if each.get(key) == arguments[key]]
    if arguments.get("default") is True:
        found = [each for each in found if each.get("isDefault")]
    return found


@answers("ec2/getVpc")
def vpc(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """One VPC."""
    found = one(at, "EC2 VPC", str(arguments.get("id") or "filters"), _by_id(at, VPC, arguments))
    blocks = [
        {"associationId": f"vpc-cidr-assoc-{found.id[4:]}", "cidrBlock": found["cidrBlock"], "state": "associated"}
    ]
    return shown(found, cidrBlockAssociations=blocks, state="available", default=bool(found.get("isDefault")))


@answers("ec2/getVpcs")
def vpcs(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """Ids of VPCs."""
    return {"ids": [each.id for each in listed(at, VPC, arguments)], "id": at.region, "tags": {}, "region": at.region}


@answers("ec2/getSubnet")
def subnet(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """One subnet, with the addresses that nobody has yet."""
    found = one(at, "EC2 Subnet", str(arguments.get("id") or "filters"), _by_id(at, SUBNET, arguments))
    size = ipaddress.ip_network(found["cidrBlock"]).num_addresses
    # AWS keeps the first four addresses and the last
    return shown(found, state="available", availableIpAddressCount=max(0, size - 5), defaultForAz=False)


@answers("ec2/getSubnets")
def subnets(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """Ids of subnets."""
    return {
        "ids": [each.id for each in listed(at, SUBNET, arguments)],
        "id": at.region,
        "tags": {},
        "region": at.region,
    }


@answers("ec2/getSecurityGroup")
def security_group(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """One security group."""
    return shown(one(at, "EC2 Security Group", str(arguments.get("id") or "filters"), _by_id(at, GROUP, arguments)))


@answers("ec2/getEips")
def addresses(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """Elastic addresses."""
    found = listed(at, "aws:ec2/eip:Eip", arguments)
    ips = [each["publicIp"] for each in found]
    return {"allocationIds": [each.id for each in found], "publicIps": ips, "id": at.region, "region": at.region}


@answers("ec2/getNatGateways")
def nat_gateways(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """Ids of NAT gateways."""
    found = listed(at, "aws:ec2/natGateway:NatGateway", arguments)
    if arguments.get("vpcId"):
        found = [each for each in found if each.get("vpcId") == arguments["vpcId"]]
    return {"ids": [each.id for each in found], "id": at.region, "region": at.region, "tags": {}}


@answers("ec2/getRouteTable")
def route_table(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """The table of a subnet, else of the id."""
    table = "aws:ec2/routeTable:RouteTable"
    wanted = arguments.get("routeTableId")
    if arguments.get("subnetId"):
        joined = at.find("aws:ec2/routeTableAssociation:RouteTableAssociation", subnetId=arguments["subnetId"])
        if not joined:
            raise Refused("query returned no results. Please change your search criteria and try again")
        wanted = joined[0]["routeTableId"]
    found = one(at, "EC2 Route Table", str(wanted), [each for each in at.find(table) if wanted in (None, each.id)])
    routes = [
        {
            "cidrBlock": each.get("destinationCidrBlock") or "",
            **{k: each.get(k) or "" for k in ("natGatewayId", "gatewayId")},
        }
        for each in at.find("aws:ec2/route:Route", routeTableId=found.id)
    ]
    return shown(found, routes=routes, routeTableId=found.id, associations=[])
