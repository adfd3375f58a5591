"""Subnet and parameter groups of RDS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from ..behaviour import Behaviour, Moment, api_error, register
from .aurora import AURORA_MYSQL, CLUSTER_GROUP, GROUP, SUBNET_GROUP
from .limits import matching, text
from .subnets import spread


@register(SUBNET_GROUP)
class SubnetGroup(Behaviour):
    """Subnets in two zones at least, of one VPC."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: RDS API, CreateDBSubnetGroup."""
        yield from matching(
            inputs, "name", r"(?!default$)[a-z0-9 ._-]{1,255}", "lower-case letters, digits, . _ - and spaces"
        )

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """The zones."""
        _zones(at, inputs, "CreateDBSubnetGroup")

    def admit_update(self, at: Moment, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """The same."""
        _zones(at, new, "ModifyDBSubnetGroup")

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The VPC."""
        _, _, vpcs = spread(at, outputs.get("subnetIds") or ())
        return {"vpcId": next(iter(vpcs), ""), "supportedNetworkTypes": ["IPV4"]}


@register(CLUSTER_GROUP, GROUP)
class ParameterGroup(Behaviour):
    """Settings of the engine."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: RDS API, CreateDBParameterGroup."""
        yield from matching(
            inputs, "name", r"[a-z](?!.*--)[a-z0-9.-]{0,254}(?<!-)", "1 to 255 lower-case letters, digits, . and -"
        )
        family = text(inputs, "family")
        if family is not None and family.startswith("aurora-mysql") and family not in AURORA_MYSQL.values():
            yield f"family: ParameterGroupFamily {family} is not a valid parameter group family"
        seen: set[str] = set()
        for each in inputs.get("parameters") or ():
            name = each.get("name") if isinstance(each, Mapping) else None
            if name in seen:
                yield f"parameters: {name} is given twice"
            seen.add(str(name))


def _zones(at: Moment, inputs: Mapping[str, Any], operation: str) -> None:
    missing, zones, vpcs = spread(at, inputs.get("subnetIds") or ())
    if missing:
        raise api_error(
            "RDS", operation, "InvalidSubnet", f"Some input subnets in :[{', '.join(missing)}] are invalid."
        )
    if len(vpcs) > 1:
        raise api_error("RDS", operation, "InvalidSubnet", "The specified subnets belong to more than one VPC.")
    if len(zones) < 2:
        message = (
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: "
            f"{', '.join(sorted(zones))}. Add subnets to cover at least 2 AZs."
        )
        raise api_error("RDS", operation, "DBSubnetGroupDoesNotCoverEnoughAZs", message)


def require_groups(at: Moment, inputs: Mapping[str, Any], operation: str) -> None:
    """Raise Refused when a group that a cluster names is not there or does not fit its version."""
    group = inputs.get("dbSubnetGroupName")
    if group and at.account.get(SUBNET_GROUP, group) is None:
        raise api_error(
            "RDS", operation, "DBSubnetGroupNotFoundFault", f"DB subnet group '{group}' does not exist.", status=404
        )
    family = AURORA_MYSQL.get(str(inputs.get("engineVersion")), "")
    parameter_group(at, CLUSTER_GROUP, inputs.get("dbClusterParameterGroupName"), family, operation)
    parameter_group(at, GROUP, inputs.get("dbInstanceParameterGroupName"), family, operation)
    for each in inputs.get("vpcSecurityGroupIds") or ():
        if at.account.get("aws:ec2/securityGroup:SecurityGroup", each) is None:
            raise api_error("RDS", operation, "InvalidParameterValue", f"Invalid security group , groupId= {each}")


def parameter_group(at: Moment, token: str, name: Any, family: str, operation: str) -> None:
    """Raise Refused when the parameter group is not there, or is of another family than `family` (empty: any)."""
    if not name or str(name).startswith("default."):
        return
    group = at.account.get(token, name)
    if group is None:
        raise api_error("RDS", operation, "DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", status=404)
    if family and group["family"] != family:
        message = f"The Parameter Group {name} with DBParameterGroupFamily {group['family']} cannot be used, {family} is needed"
        raise api_error("RDS", operation, "InvalidParameterCombination", message)
