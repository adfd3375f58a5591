"""VPCs, internet gateways, route tables, addresses, flow logs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from ..account import Record
from ..behaviour import Behaviour, Moment, api_error, register
from ..outputs import digits
from .limits import cidr, network, text

_TABLE = "aws:ec2/routeTable:RouteTable"
_BLOCK = (16, 28)
"""Shortest and longest prefix of a VPC and of a subnet. Source: VPC user guide, "VPC CIDR blocks", "Subnet sizing"."""


def block_size(key: str, value: Any) -> Iterable[str]:
    """What EC2 says of the size of a VPC's or a subnet's block."""
    block = network(value)
    if block is not None and not _BLOCK[0] <= block.prefixlen <= _BLOCK[1]:
        yield f"{key}: The CIDR '{value}' is invalid. Use a block between /{_BLOCK[0]} and /{_BLOCK[1]}"


@register("aws:ec2/vpc:Vpc")
class Vpc(Behaviour):
    """A VPC has a main route table, a default security group and a default network ACL from the start."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Size and form of the block."""
        yield from cidr("cidrBlock", inputs.get("cidrBlock"))
        yield from block_size("cidrBlock", inputs.get("cidrBlock"))

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """What comes with a VPC."""
        tail = resource_id.removeprefix("vpc-")
        return {
            "ownerId": at.account_id,
            "defaultNetworkAclId": f"acl-{tail}",
            "defaultRouteTableId": f"rtb-{tail}",
            "mainRouteTableId": f"rtb-{tail}",
            "defaultSecurityGroupId": f"sg-{tail}",
            "dhcpOptionsId": outputs.get("dhcpOptionsId") or "dopt-0123456789abcdef0",
            "enableDnsSupport": outputs.get("enableDnsSupport", True),
            "enableDnsHostnames": outputs.get("enableDnsHostnames", False),
            "enableNetworkAddressUsageMetrics": outputs.get("enableNetworkAddressUsageMetrics", False),
            "instanceTenancy": outputs.get("instanceTenancy", "default"),
            "assignGeneratedIpv6CidrBlock": outputs.get("assignGeneratedIpv6CidrBlock", False),
            "ipv6CidrBlock": "", "ipv6AssociationId": "", "ipv6CidrBlockNetworkBorderGroup": "",
        }  # fmt: skip


@register("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
class DefaultSecurityGroup(Behaviour):
    """Not made but taken over: its id is the VPC's default group."""

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The group that came with the VPC."""
        found = at.account.get("aws:ec2/vpc:Vpc", inputs.get("vpcId") or "")
        if inputs.get("vpcId") and found is None:
            message = f"The vpc ID '{inputs['vpcId']}' does not exist"
            raise api_error("EC2", "DescribeSecurityGroups", "InvalidVpcID.NotFound", message)
        return found["defaultSecurityGroupId"] if found else f"sg-{digits(at)}"

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """As of any group."""
        arn = at.arn("ec2", f"security-group/{resource_id}")
        return {"arn": arn, "name": "default", "ownerId": at.account_id, "description": "default VPC security group"}


@register("aws:ec2/defaultRouteTable:DefaultRouteTable", "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl")
class Default(Behaviour):
    """Not made but taken over, under the id that the program names."""

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The id in the inputs."""
        return inputs.get("defaultRouteTableId") or inputs.get("defaultNetworkAclId")

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """ARN, owner and VPC."""
        kind = "route-table" if resource_id.startswith("rtb-") else "network-acl"
        vpc = f"vpc-{resource_id.partition('-')[2]}"
        return {"arn": at.arn("ec2", f"{kind}/{resource_id}"), "ownerId": at.account_id, "vpcId": vpc}


@register("aws:ec2/internetGateway:InternetGateway")
class InternetGateway(Behaviour):
    """One for each VPC."""

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """A VPC that has one takes no second."""
        if inputs.get("vpcId") and at.find(at.token, vpcId=inputs["vpcId"]):
            message = f"resource {inputs['vpcId']} is already attached to an internet gateway"
            raise api_error("EC2", "AttachInternetGateway", "Resource.AlreadyAssociated", message)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The owner."""
        return {"ownerId": at.account_id}

    def admit_delete(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """A VPC with public addresses in use keeps its gateway."""
        gateways = [
            each for each in at.find("aws:ec2/natGateway:NatGateway") if _vpc_of(at, each) == outputs.get("vpcId")
        ]
        if any(each.get("connectivityType", "public") == "public" for each in gateways):
            message = f"Network {outputs.get('vpcId')} has some mapped public address(es). Please unmap those public address(es)"
            raise api_error("EC2", "DetachInternetGateway", "DependencyViolation", message)


@register(_TABLE)
class RouteTable(Behaviour):
    """Routes given inline are part of it."""

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The owner."""
        return {"ownerId": at.account_id, "propagatingVgws": outputs.get("propagatingVgws") or []}


@register("aws:ec2/route:Route")
class Route(Behaviour):
    """One destination, one target."""

    TARGETS = (
        "carrierGatewayId", "coreNetworkArn", "egressOnlyGatewayId", "gatewayId", "localGatewayId", "natGatewayId",
        "networkInterfaceId", "transitGatewayId", "vpcEndpointId", "vpcPeeringConnectionId",
    )  # fmt: skip
    DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Terraform: `ExactlyOneOf` of both."""
        for what, keys in (("destination", self.DESTINATIONS), ("target", self.TARGETS)):
            given = [key for key in keys if inputs.get(key)]
            if len(given) != 1:
                yield f"one of {', '.join(keys)} must be specified as the route's {what}, {len(given)} were"
        yield from cidr("destinationCidrBlock", inputs.get("destinationCidrBlock"))

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """The internet is reached through a gateway of the table's own VPC."""
        table = at.account.get(_TABLE, inputs["routeTableId"])
        gateway = at.account.get("aws:ec2/internetGateway:InternetGateway", inputs.get("gatewayId") or "")
        if table and gateway and gateway.get("vpcId") != table.get("vpcId"):
            message = f"route table {table.id} and network gateway {gateway.id} belong to different networks"
            raise api_error("EC2", "CreateRoute", "InvalidParameterValue", message)

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """As the Terraform provider numbers them: table and a hash of the destination."""
        destination = next((inputs[key] for key in self.DESTINATIONS if inputs.get(key)), "")
        return f"r-{inputs['routeTableId']}{sum(map(ord, destination)) * 1080289494}"

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Where it came from."""
        return {"origin": "CreateRoute", "state": "active"}


@register("aws:ec2/eip:Eip")
class Eip(Behaviour):
    """A public address."""

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """An address out of 203.0.113.0/24 and 198.51.100.0/24, which nobody has (RFC 5737)."""
        if outputs.get("publicIp"):
            return {}
        pool = [*ipaddress.ip_network("203.0.113.0/24").hosts(), *ipaddress.ip_network("198.51.100.0/24").hosts()]
        address = str(pool[len(at.account.all(at.token)) % len(pool)])
        name = "compute-1" if at.region == "us-east-1" else f"{at.region}.compute"
        return {
            "allocationId": resource_id,
            "domain": outputs.get("domain") or "vpc",
            "publicIp": address,
            "publicDns": f"ec2-{address.replace('.', '-')}.{name}.{at.dns_suffix}",
            "networkBorderGroup": outputs.get("networkBorderGroup") or at.region,
            "publicIpv4Pool": outputs.get("publicIpv4Pool") or "amazon",
            **dict.fromkeys(
                ("associationId", "privateIp", "privateDns", "ptrRecord", "carrierIp", "customerOwnedIp"), ""
            ),
        }


@register("aws:ec2/flowLog:FlowLog")
class FlowLog(Behaviour):
    """Records of a VPC's traffic."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: EC2 API, CreateFlowLogs."""
        sources = (
            "eniId",
            "subnetId",
            "vpcId",
            "transitGatewayId",
            "transitGatewayAttachmentId",
            "regionalNatGatewayId",
        )
        given = [key for key in sources if inputs.get(key)]
        if len(given) != 1:
            yield f"one of {', '.join(sources)} must be specified, {len(given)} were"
        kind = text(inputs, "logDestinationType") or "cloud-watch-logs"
        if kind == "cloud-watch-logs" and not inputs.get("iamRoleArn"):
            yield "iamRoleArn: required to deliver flow logs to CloudWatch Logs: DeliverLogsPermissionArn can't be empty"
        if inputs.get("maxAggregationInterval") not in (None, 60, 600) and isinstance(
            inputs["maxAggregationInterval"], int | float
        ):
            yield f"expected maxAggregationInterval to be one of [60 600], got {inputs['maxAggregationInterval']}"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """The log group is there, and the role is one that the service may take on."""
        if (inputs.get("logDestinationType") or "cloud-watch-logs") != "cloud-watch-logs":
            return
        destination = str(inputs.get("logDestination") or "").removesuffix(":*")
        groups = at.find("aws:cloudwatch/logGroup:LogGroup")
        if destination and destination not in [each.get("arn") for each in groups]:
            message = f"LogDestination: {destination} does not exist."
            raise api_error("EC2", "CreateFlowLogs", "InvalidParameter", message)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Defaults of the API."""
        fields = (
            "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
        )
        form = " ".join(f"${{{each}}}" for each in [*fields.split(), "log-status"])
        return {
            "logDestinationType": outputs.get("logDestinationType") or "cloud-watch-logs",
            "logFormat": outputs.get("logFormat") or form,
            "logGroupName": "",
        }


def _vpc_of(at: Moment, gateway: Record) -> str:
    subnet = at.account.get("aws:ec2/subnet:Subnet", gateway.get("subnetId") or "")
    return subnet["vpcId"] if subnet else ""
