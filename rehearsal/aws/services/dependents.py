"""What cannot be deleted as long as something else uses it.

Codes and wording: the API references of the services ("Errors" of each Delete action).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..behaviour import Behaviour, Moment, api_error, register
from .references import GROUP, SUBNET, VPC, named


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A type whose property (a dotted path) holds on to the resource, by its id unless told otherwise."""

    token: str
    path: str
    by: str = "id"


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the API says, and who holds."""

    service: str
    operation: str
    code: str
    message: str
    holders: tuple[Holder, ...]


_EKS, _NODES = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup"
_ENDPOINT, _NAT = "aws:ec2/vpcEndpoint:VpcEndpoint", "aws:ec2/natGateway:NatGateway"
_CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_INTERFACE = "aws:ec2/networkInterface:NetworkInterface"

HELD: Mapping[str, Held] = {
    VPC: Held(
        service="EC2", operation="DeleteVpc", code="DependencyViolation",
        message="The vpc '{}' has dependencies and cannot be deleted.",
        holders=(
            Holder(token=SUBNET, path="vpcId"),
            Holder(token="aws:ec2/internetGateway:InternetGateway", path="vpcId"),
            Holder(token=_ENDPOINT, path="vpcId"),
            Holder(token=GROUP, path="vpcId"),
            Holder(token="aws:ec2/routeTable:RouteTable", path="vpcId"),
        ),
    ),
    SUBNET: Held(
        service="EC2", operation="DeleteSubnet", code="DependencyViolation",
        message="The subnet '{}' has dependencies and cannot be deleted.",
        holders=(
            Holder(token=_NAT, path="subnetId"),
            Holder(token=_ENDPOINT, path="subnetIds"),
            Holder(token=_EKS, path="vpcConfig.subnetIds"),
            Holder(token=_NODES, path="subnetIds"),
            Holder(token=_BALANCER, path="subnets"),
            Holder(token=_INTERFACE, path="subnetId"),
        ),
    ),
    GROUP: Held(
        service="EC2", operation="DeleteSecurityGroup", code="DependencyViolation",
        message="resource {} has a dependent object",
        holders=(
            Holder(token=_ENDPOINT, path="securityGroupIds"),
            Holder(token=_EKS, path="vpcConfig.securityGroupIds"),
            Holder(token="aws:rds/cluster:Cluster", path="vpcSecurityGroupIds"),
            Holder(token="aws:rds/instance:Instance", path="vpcSecurityGroupIds"),
            Holder(token=_CACHE, path="securityGroupIds"),
            Holder(token=_BALANCER, path="securityGroups"),
            Holder(token=_INTERFACE, path="securityGroups"),
            Holder(token="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", path="referencedSecurityGroupId"),
            Holder(token="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", path="referencedSecurityGroupId"),
        ),
    ),
    "aws:ec2/eip:Eip": Held(
        service="EC2", operation="ReleaseAddress", code="InvalidIPAddress.InUse",
        message="The address with allocation id [{}] cannot be released because it is in use.",
        holders=(Holder(token=_NAT, path="allocationId"),),
    ),
    "aws:ec2/routeTable:RouteTable": Held(
        service="EC2", operation="DeleteRouteTable", code="DependencyViolation",
        message="The routeTable '{}' has dependencies and cannot be deleted.",
        holders=(Holder(token="aws:ec2/routeTableAssociation:RouteTableAssociation", path="routeTableId"),),
    ),
    "aws:rds/subnetGroup:SubnetGroup": Held(
        service="RDS", operation="DeleteDBSubnetGroup", code="InvalidDBSubnetGroupStateFault",
        message="Cannot delete the subnet group '{}' because at least one database instance is still using it.",
        holders=(
            Holder(token="aws:rds/cluster:Cluster", path="dbSubnetGroupName"),
            Holder(token="aws:rds/instance:Instance", path="dbSubnetGroupName"),
        ),
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": Held(
        service="RDS", operation="DeleteDBClusterParameterGroup", code="InvalidDBParameterGroupState",
        message="One or more database clusters are still members of this parameter group {}, so the group cannot be deleted",
        holders=(Holder(token="aws:rds/cluster:Cluster", path="dbClusterParameterGroupName"),),
    ),
    "aws:rds/parameterGroup:ParameterGroup": Held(
        service="RDS", operation="DeleteDBParameterGroup", code="InvalidDBParameterGroupState",
        message="One or more database instances are still members of this parameter group {}, so the group cannot be deleted",
        holders=(
            Holder(token="aws:rds/clusterInstance:ClusterInstance", path="dbParameterGroupName"),
            Holder(token="aws:rds/instance:Instance", path="parameterGroupName"),
        ),
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": Held(
        service="ElastiCache", operation="DeleteCacheSubnetGroup", code="CacheSubnetGroupInUse",
        message="Cache subnet group {} is currently in use by a cache cluster.",
        holders=(Holder(token=_CACHE, path="subnetGroupName"),),
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": Held(
        service="ElastiCache", operation="DeleteCacheParameterGroup", code="InvalidCacheParameterGroupState",
        message="One or more cache clusters are still members of this parameter group {}, so the group cannot be deleted.",
        holders=(Holder(token=_CACHE, path="parameterGroupName"),),
    ),
    "aws:iam/policy:Policy": Held(
        service="IAM", operation="DeletePolicy", code="DeleteConflict",
        message="Cannot delete a policy attached to entities.",
        holders=(Holder(token="aws:iam/rolePolicyAttachment:RolePolicyAttachment", path="policyArn", by="arn"),),
    ),
    "aws:acm/certificate:Certificate": Held(
        service="ACM", operation="DeleteCertificate", code="ResourceInUseException",
        message="Certificate {} is in use.",
        holders=(Holder(token="aws:lb/listener:Listener", path="certificateArn", by="arn"),),
    ),
    "aws:wafv2/webAcl:WebAcl": Held(
        service="WAFV2", operation="DeleteWebACL", code="WAFAssociatedItemException",
        message="AWS WAF couldn't perform the operation because your resource is being used by another resource or it's "
        "associated with another resource.",
        holders=(Holder(token="aws:wafv2/webAclAssociation:WebAclAssociation", path="webAclArn", by="arn"),),
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": Held(
        # EC2 itself lets it go; the node group then degrades (EKS: Ec2LaunchTemplateNotFound)
        service="EC2", operation="DeleteLaunchTemplate", code="DependencyViolation",
        message="launch template {} is in use by a managed node group, which cannot live without it",
        holders=(Holder(token=_NODES, path="launchTemplate.id"),),
    ),
}  # fmt: skip


class _Held(Behaviour):
    def admit_delete(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        held = HELD[at.token]
        for holder in held.holders:
            mine = at.id if holder.by == "id" else outputs.get(holder.by)
            users = [each for each in at.find(holder.token) if mine in named(each.outputs, holder.path)]
            if users:
                # the API names nobody; whoever reads this has to find out, so the stand-in helps
                by = f" (held by {holder.token.rpartition(':')[2]} {users[0].id})"
                raise api_error(held.service, held.operation, held.code, held.message.format(at.id) + by)


register(*HELD)(_Held)
