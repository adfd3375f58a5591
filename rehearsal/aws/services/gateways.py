"""NAT gateways and VPC endpoints."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from ..behaviour import Behaviour, Moment, api_error, register
from ..outputs import digits
from .limits import text
from .references import SUBNET
from .subnets import spread

_NAT, _ENDPOINT = "aws:ec2/natGateway:NatGateway", "aws:ec2/vpcEndpoint:VpcEndpoint"
_GATEWAY_SERVICES = ("s3", "dynamodb")
"""Services with endpoints of type Gateway. Source: VPC user guide, "Gateway endpoints"."""


@register(_NAT)
class NatGateway(Behaviour):
    """Needs an address, and a way to the internet."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: EC2 API, CreateNatGateway."""
        public = (text(inputs, "connectivityType") or "public") == "public"
        if public and not inputs.get("allocationId") and inputs.get("availabilityMode") != "regional":
            yield "allocationId: The allocation ID is required for a public NAT gateway"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Its VPC has an internet gateway, and nobody else has its address."""
        subnet = at.account.get(SUBNET, inputs.get("subnetId") or "")
        if subnet is None or inputs.get("connectivityType") == "private":
            return
        if not at.find("aws:ec2/internetGateway:InternetGateway", vpcId=subnet["vpcId"]):
            message = f"Network {subnet['vpcId']} has no Internet gateway attached"
            raise api_error("EC2", "CreateNatGateway", "Gateway.NotAttached", message)
        if at.find(_NAT, allocationId=inputs["allocationId"]):
            message = f"Elastic IP address [{inputs['allocationId']}] is already associated"
            raise api_error("EC2", "CreateNatGateway", "Resource.AlreadyAssociated", message)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Addresses and interface."""
        if outputs.get("networkInterfaceId"):
            return {}
        address = at.account.get("aws:ec2/eip:Eip", outputs.get("allocationId") or "")
        subnet = at.account.get(SUBNET, outputs.get("subnetId") or "")
        block = ipaddress.ip_network(subnet["cidrBlock"]) if subnet and subnet.get("cidrBlock") else None
        return {
            "associationId": f"eipassoc-{digits(at, salt='association')}",
            "connectivityType": outputs.get("connectivityType") or "public",
            "networkInterfaceId": f"eni-{digits(at, salt='interface')}",
            # AWS keeps the first four addresses of a subnet
            "privateIp": outputs.get("privateIp") or (str(block[4]) if block else ""),
            "publicIp": address["publicIp"] if address else "",
            "secondaryPrivateIpAddressCount": 0,
            "secondaryPrivateIpAddresses": [],
            "vpcId": subnet["vpcId"] if subnet else "",
        }


@register(_ENDPOINT)
class Endpoint(Behaviour):
    """Of type Gateway in route tables, of type Interface in subnets."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: EC2 API, CreateVpcEndpoint."""
        name, kind = text(inputs, "serviceName"), text(inputs, "vpcEndpointType") or "Gateway"
        if kind == "Gateway":
            if name is not None and name.rpartition(".")[2] not in _GATEWAY_SERVICES:
                yield f"serviceName: The Vpc Endpoint Service '{name}' has no endpoint of type Gateway"
            yield from (
                f"{key}: not for endpoints of type Gateway"
                for key in ("subnetIds", "securityGroupIds")
                if inputs.get(key)
            )
        elif inputs.get("routeTableIds"):
            yield "routeTableIds: only for endpoints of type Gateway"
        prefixes = [f"com.amazonaws.{at.region}.", f"cn.com.amazonaws.{at.region}.", "com.amazonaws.vpce."]
        prefixes += [f"aws.sagemaker.{at.region}.", f"aws.api.{at.region}."]
        if name is not None and not name.startswith(tuple(prefixes)):
            yield f"serviceName: The Vpc Endpoint Service '{name}' does not exist in {at.region}"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """One subnet for each zone, and one private name for each service and VPC."""
        vpc = at.account.get("aws:ec2/vpc:Vpc", inputs["vpcId"])
        ids = inputs.get("subnetIds") or []
        _, zones, vpcs = spread(at, ids)
        if vpcs - {inputs["vpcId"]}:
            message = f"The subnets {', '.join(ids)} are not in {inputs['vpcId']}"
            raise api_error("EC2", "CreateVpcEndpoint", "InvalidParameter", message)
        if len(zones) < len(ids):
            message = "Found another VPC endpoint subnet in the availability zone of one of the subnets"
            raise api_error("EC2", "CreateVpcEndpoint", "DuplicateSubnetsInSameZone", message)
        if inputs.get("privateDnsEnabled"):
            if vpc and not (vpc.get("enableDnsSupport") and vpc.get("enableDnsHostnames")):
                message = "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true"
                raise api_error("EC2", "CreateVpcEndpoint", "InvalidParameter", message)
            for other in at.find(_ENDPOINT, vpcId=inputs["vpcId"], serviceName=inputs.get("serviceName")):
                if other.get("privateDnsEnabled"):
                    message = (
                        "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
                        f"{inputs['serviceName']} in the VPC {inputs['vpcId']}"
                    )
                    raise api_error("EC2", "CreateVpcEndpoint", "InvalidParameter", message)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """State, names and interfaces."""
        kind = outputs.get("vpcEndpointType") or "Gateway"
        service = str(outputs.get("serviceName") or "").rpartition(".")[2]
        tail = resource_id.removeprefix("vpce-")
        names = [
            {
                "dnsName": f"{resource_id}-{tail[:8]}.{service}.{at.region}.vpce.{at.dns_suffix}",
                "hostedZoneId": "Z1HUB23UULQXV",
            },
            {"dnsName": f"{service}.{at.region}.{at.dns_suffix}", "hostedZoneId": "Z0" + tail[:12].upper()},
        ]
        return {
            "state": "available",
            "ownerId": at.account_id,
            "requesterManaged": False,
            "vpcEndpointType": kind,
            "prefixListId": f"pl-{tail[:8]}" if kind == "Gateway" else "",
            "cidrBlocks": outputs.get("cidrBlocks") or [],
            "dnsEntries": names if kind == "Interface" else [],
            "networkInterfaceIds": outputs.get("networkInterfaceIds")
            or [f"eni-{digits(at, salt=each)}" for each in outputs.get("subnetIds") or ()],
            "ipAddressType": outputs.get("ipAddressType") or "ipv4",
            "policy": outputs.get("policy")
            or '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}',
            "privateDnsEnabled": outputs.get("privateDnsEnabled", False),
            **{key: outputs.get(key) or [] for key in ("routeTableIds", "securityGroupIds", "subnetIds")},
        }
