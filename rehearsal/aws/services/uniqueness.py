"""Names that one account, region or partition can have once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..behaviour import Behaviour, Moment, api_error, register


@dataclass(frozen=True, kw_only=True)
class Once:
    """Properties that together must be unique, and what the API says when they are not."""

    properties: tuple[str, ...]
    service: str
    operation: str
    code: str
    message: str
    everywhere: bool = False
    """True: in every region."""


UNIQUE: Mapping[str, Once] = {
    "aws:s3/bucket:Bucket": Once(
        properties=("bucket",), service="S3", operation="CreateBucket", code="BucketAlreadyOwnedByYou", everywhere=True,
        message="Your previous request to create the named bucket succeeded and you already own it.",
    ),
    "aws:iam/role:Role": Once(
        properties=("name",), service="IAM", operation="CreateRole", code="EntityAlreadyExists", everywhere=True,
        message="Role with name {} already exists.",
    ),
    "aws:iam/policy:Policy": Once(
        properties=("name",), service="IAM", operation="CreatePolicy", code="EntityAlreadyExists", everywhere=True,
        message="A policy called {} already exists. Duplicate names are not allowed.",
    ),
    "aws:iam/instanceProfile:InstanceProfile": Once(
        properties=("name",), service="IAM", operation="CreateInstanceProfile", code="EntityAlreadyExists",
        everywhere=True, message="Instance Profile {} already exists.",
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Once(
        properties=("url",), service="IAM", operation="CreateOpenIDConnectProvider", code="EntityAlreadyExists",
        everywhere=True, message="Provider with url {} already exists.",
    ),
    "aws:kms/alias:Alias": Once(
        properties=("name",), service="KMS", operation="CreateAlias", code="AlreadyExistsException",
        message="An alias with the name {} already exists",
    ),
    "aws:cloudwatch/logGroup:LogGroup": Once(
        properties=("name",), service="CloudWatch Logs", operation="CreateLogGroup",
        code="ResourceAlreadyExistsException", message="The specified log group already exists",
    ),
    "aws:rds/cluster:Cluster": Once(
        properties=("clusterIdentifier",), service="RDS", operation="CreateDBCluster",
        code="DBClusterAlreadyExistsFault", message="DB Cluster already exists",
    ),
    "aws:rds/clusterInstance:ClusterInstance": Once(
        properties=("identifier",), service="RDS", operation="CreateDBInstance", code="DBInstanceAlreadyExists",
        message="DB instance already exists",
    ),
    "aws:rds/subnetGroup:SubnetGroup": Once(
        properties=("name",), service="RDS", operation="CreateDBSubnetGroup", code="DBSubnetGroupAlreadyExists",
        message="The DB subnet group {} already exists",
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": Once(
        properties=("name",), service="RDS", operation="CreateDBClusterParameterGroup",
        code="DBParameterGroupAlreadyExists", message="Parameter group {} already exists",
    ),
    "aws:rds/parameterGroup:ParameterGroup": Once(
        properties=("name",), service="RDS", operation="CreateDBParameterGroup", code="DBParameterGroupAlreadyExists",
        message="Parameter group {} already exists",
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": Once(
        properties=("replicationGroupId",), service="ElastiCache", operation="CreateReplicationGroup",
        code="ReplicationGroupAlreadyExists", message="Replication group {} already exists.",
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": Once(
        properties=("name",), service="ElastiCache", operation="CreateCacheSubnetGroup",
        code="CacheSubnetGroupAlreadyExists", message="Cache subnet group {} already exists.",
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": Once(
        properties=("name",), service="ElastiCache", operation="CreateCacheParameterGroup",
        code="CacheParameterGroupAlreadyExists", message="Cache parameter group {} already exists.",
    ),
    "aws:ec2/securityGroup:SecurityGroup": Once(
        properties=("name", "vpcId"), service="EC2", operation="CreateSecurityGroup", code="InvalidGroup.Duplicate",
        message="The security group '{}' already exists for VPC '{}'",
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": Once(
        properties=("name",), service="EC2", operation="CreateLaunchTemplate",
        code="InvalidLaunchTemplateName.AlreadyExistsException", message="Launch template name already in use.",
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Once(
        properties=("subnetId",), service="EC2", operation="AssociateRouteTable", code="Resource.AlreadyAssociated",
        message="the specified association for route table conflicts with an existing association",
    ),
    "aws:ec2/route:Route": Once(
        properties=("routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"),
        service="EC2", operation="CreateRoute", code="RouteAlreadyExists", message="The route identified by {1} already exists.",
    ),
    "aws:lb/loadBalancer:LoadBalancer": Once(
        properties=("name",), service="Elastic Load Balancing v2", operation="CreateLoadBalancer",
        code="DuplicateLoadBalancerName", message="A load balancer with the name '{}' already exists",
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Once(
        properties=("clusterName", "namespace", "serviceAccount"), service="EKS",
        operation="CreatePodIdentityAssociation", code="ResourceInUseException",
        message="Association already exists: a pod identity association for {1}/{2} in {0}",
    ),
    "aws:eks/accessEntry:AccessEntry": Once(
        properties=("clusterName", "principalArn"), service="EKS", operation="CreateAccessEntry",
        code="ResourceInUseException", message="The specified access entry resource is already in use on this cluster.",
    ),
    "aws:secretsmanager/secret:Secret": Once(
        properties=("name",), service="Secrets Manager", operation="CreateSecret", code="ResourceExistsException",
        message="The operation failed because the secret {} already exists.",
    ),
    "aws:wafv2/webAcl:WebAcl": Once(
        properties=("name", "scope"), service="WAFV2", operation="CreateWebACL", code="WAFDuplicateItemException",
        message="AWS WAF couldn't perform the operation because some resource in your request is a duplicate of an "
        "existing one.",
    ),
}  # fmt: skip


class _Once(Behaviour):
    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        once = UNIQUE[at.token]
        values = {key: inputs.get(key) for key in once.properties}
        if values[once.properties[-1]] is None and len(values) == 1:
            return
        there = at.account.find(at.token, **values) if once.everywhere else at.find(at.token, **values)
        if there:
            raise api_error(once.service, once.operation, once.code, once.message.format(*values.values()), status=409)


register(*UNIQUE)(_Once)
