"""What a request names must exist: the API refuses ids of nothing, and says which.

Codes and wording: the API references of EC2 ("Error codes"), RDS, ElastiCache, IAM, S3, EKS ("Errors" of each action).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.providers.base import Refused

from ..account import Record
from ..behaviour import Behaviour, Moment, api_error, register

SUBNET = "aws:ec2/subnet:Subnet"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
VPC = "aws:ec2/vpc:Vpc"
KEY = "aws:kms/key:Key"
ROLE = "aws:iam/role:Role"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A property (a dotted path; lists are walked through) that names resources of another type."""

    path: str
    target: str
    by: str = "id"
    """`id`, or the output of the target that is named."""
    operation: str
    code: str
    message: str
    service: str = "EC2"
    unless: Callable[[str], bool] | None = None
    """Values that AWS has of its own."""


def _ec2(path: str, target: str, operation: str, kind: str, noun: str) -> Reference:
    code, message = f"Invalid{kind}.NotFound", f"The {noun} '{{}}' does not exist"
    return Reference(path=path, target=target, operation=operation, code=code, message=message)


def _vpc(operation: str) -> Reference:
    return _ec2("vpcId", VPC, operation, "VpcID", "vpc ID")


def _subnet(operation: str, path: str = "subnetId") -> Reference:
    return _ec2(path, SUBNET, operation, "SubnetID", "subnet ID")


def _group(operation: str, path: str) -> Reference:
    return _ec2(path, GROUP, operation, "Group", "security group")


def _bucket(operation: str, path: str = "bucket") -> Reference:
    message = "The specified bucket does not exist"
    return Reference(
        path=path,
        target="aws:s3/bucket:Bucket",
        operation=operation,
        code="NoSuchBucket",
        message=message,
        service="S3",
    )


def _role(path: str, operation: str, service: str, code: str, message: str) -> Reference:
    return Reference(path=path, target=ROLE, by="arn", operation=operation, service=service, code=code, message=message)


_ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"

REFERENCES: Mapping[str, tuple[Reference, ...]] = {
    SUBNET: (_vpc("CreateSubnet"),),
    "aws:ec2/internetGateway:InternetGateway": (_vpc("AttachInternetGateway"),),
    _ROUTE_TABLE: (_vpc("CreateRouteTable"),),
    GROUP: (_vpc("CreateSecurityGroup"),),
    "aws:ec2/natGateway:NatGateway": (
        _subnet("CreateNatGateway"),
        _ec2("allocationId", "aws:ec2/eip:Eip", "CreateNatGateway", "AllocationID", "allocation ID"),
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        _subnet("AssociateRouteTable"),
        _ec2("routeTableId", _ROUTE_TABLE, "AssociateRouteTable", "RouteTableID", "routeTable ID"),
    ),
    "aws:ec2/route:Route": (
        _ec2("routeTableId", _ROUTE_TABLE, "CreateRoute", "RouteTableID", "routeTable ID"),
        _ec2("natGatewayId", "aws:ec2/natGateway:NatGateway", "CreateRoute", "NatGatewayID", "natGateway ID"),
        _ec2("gatewayId", "aws:ec2/internetGateway:InternetGateway", "CreateRoute", "GatewayID", "gateway ID"),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        _vpc("CreateVpcEndpoint"),
        _subnet("CreateVpcEndpoint", "subnetIds"),
        _group("CreateVpcEndpoint", "securityGroupIds"),
        _ec2("routeTableIds", _ROUTE_TABLE, "CreateVpcEndpoint", "RouteTableId", "routeTable ID"),
    ),
    "aws:ec2/flowLog:FlowLog": (
        _vpc("CreateFlowLogs"),
        _role("iamRoleArn", "CreateFlowLogs", "EC2", "InvalidParameter", "Access Denied for LogDestination: {}: no such role"),
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": (_group("CreateLaunchTemplate", "vpcSecurityGroupIds"),),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        _group("AuthorizeSecurityGroupIngress", "securityGroupId"),
        _group("AuthorizeSecurityGroupIngress", "referencedSecurityGroupId"),
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        _group("AuthorizeSecurityGroupEgress", "securityGroupId"),
        _group("AuthorizeSecurityGroupEgress", "referencedSecurityGroupId"),
    ),
    "aws:ec2/securityGroupRule:SecurityGroupRule": (
        _group("AuthorizeSecurityGroupIngress", "securityGroupId"),
        _group("AuthorizeSecurityGroupIngress", "sourceSecurityGroupId"),
    ),
    **{
        f"aws:s3/{kind[:1].lower()}{kind[1:]}:{kind}": (_bucket(operation),)
        for kind, operation in {
            "BucketPolicy": "PutBucketPolicy",
            "BucketPublicAccessBlock": "PutPublicAccessBlock",
            "BucketVersioning": "PutBucketVersioning",
            "BucketServerSideEncryptionConfiguration": "PutBucketEncryption",
            "BucketLifecycleConfiguration": "PutBucketLifecycleConfiguration",
            "BucketCorsConfiguration": "PutBucketCors",
            "BucketOwnershipControls": "PutBucketOwnershipControls",
            "BucketLogging": "PutBucketLogging",
            "BucketNotification": "PutBucketNotificationConfiguration",
        }.items()
    },
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": (
        _bucket("PutBucketReplication"),
        _role("role", "PutBucketReplication", "S3", "InvalidRequest", "The role {} does not exist"),
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        Reference(
            path="role", target=ROLE, by="name", operation="PutRolePolicy", service="IAM", code="NoSuchEntity",
            message="The role with name {} cannot be found.",
        ),
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (
        Reference(
            path="role", target=ROLE, by="name", operation="AttachRolePolicy", service="IAM", code="NoSuchEntity",
            message="The role with name {} cannot be found.",
        ),
        Reference(
            path="policyArn", target="aws:iam/policy:Policy", by="arn", operation="AttachRolePolicy", service="IAM",
            code="NoSuchEntity", message="Policy {} does not exist or is not attachable.",
            unless=lambda arn: ":iam::aws:policy/" in arn,
        ),
    ),
    "aws:iam/instanceProfile:InstanceProfile": (
        Reference(
            path="role", target=ROLE, by="name", operation="AddRoleToInstanceProfile", service="IAM", code="NoSuchEntity",
            message="The role with name {} cannot be found.",
        ),
    ),
    "aws:kms/alias:Alias": (
        Reference(
            path="targetKeyId", target=KEY, operation="CreateAlias", service="KMS", code="NotFoundException",
            message="Key '{}' does not exist",
        ),
    ),
    "aws:route53/record:Record": (
        Reference(
            path="zoneId", target="aws:route53/zone:Zone", by="zoneId", operation="ChangeResourceRecordSets",
            service="Route 53", code="NoSuchHostedZone", message="No hosted zone found with ID: {}",
        ),
    ),
    "aws:rds/clusterInstance:ClusterInstance": (
        Reference(
            path="clusterIdentifier", target="aws:rds/cluster:Cluster", operation="CreateDBInstance", service="RDS",
            code="DBClusterNotFoundFault", message="DBCluster {} not found.",
        ),
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": (
        Reference(
            path="webAclArn", target="aws:wafv2/webAcl:WebAcl", by="arn", operation="AssociateWebACL", service="WAFV2",
            code="WAFNonexistentItemException", message="AWS WAF couldn't perform the operation because your resource "
            "doesn't exist.",
        ),
    ),
}  # fmt: skip


def named(value: Any, path: str) -> Iterable[str]:
    """The texts at a path."""
    found = [value]
    for step in path.split("."):
        deeper = [each.get(step) for each in found if isinstance(each, Mapping)]
        found = [item for each in deeper for item in (each if isinstance(each, list) else [each])]
    return [each for each in found if isinstance(each, str) and each]


def lookup(at: Moment, target: str, by: str, value: str) -> Record | None:
    """The resource that `value` names."""
    if by == "id" and target != KEY:
        found = at.account.get(target, value)
        return found if found and found.region in ("", at.region) else None
    if target == KEY:
        own = value.rpartition("/")[2]
        return next((each for each in at.account.all(KEY) if own == each.id or value == each.get("arn")), None)
    return next(iter(at.account.find(target, **{by: value})), None)


class _References(Behaviour):
    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        if problem := _missing(at, inputs):
            raise problem

    def admit_update(self, at: Moment, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        if problem := _missing(at, new):
            raise problem


def _missing(at: Moment, inputs: Mapping[str, Any]) -> Refused | None:
    for each in REFERENCES.get(at.token, ()):
        for value in named(inputs, each.path):
            if (each.unless and each.unless(value)) or lookup(at, each.target, each.by, value):
                continue
            return api_error(each.service, each.operation, each.code, each.message.format(value))
    return None


class _Keys(Behaviour):
    """A KMS key that is used must be there, enabled and not on its way out."""

    PATHS: Mapping[str, tuple[str, str, str, str]] = {
        "aws:rds/cluster:Cluster": ("kmsKeyId", "RDS", "CreateDBCluster", "KMSKeyNotAccessibleFault"),
        "aws:elasticache/replicationGroup:ReplicationGroup": (
            "kmsKeyId", "ElastiCache", "CreateReplicationGroup", "InvalidParameterValue"),
        "aws:eks/cluster:Cluster": (
            "encryptionConfig.provider.keyArn", "EKS", "CreateCluster", "InvalidParameterException"),
        "aws:cloudwatch/logGroup:LogGroup": ("kmsKeyId", "CloudWatch Logs", "CreateLogGroup", "AccessDeniedException"),
        "aws:secretsmanager/secret:Secret": (
            "kmsKeyId", "Secrets Manager", "CreateSecret", "InvalidParameterException"),
        "aws:ebs/volume:Volume": ("kmsKeyId", "EC2", "CreateVolume", "InvalidParameterDependency"),
        "aws:rds/clusterInstance:ClusterInstance": (
            "performanceInsightsKmsKeyId", "RDS", "CreateDBInstance", "KMSKeyNotAccessibleFault"),
    }  # fmt: skip

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        path, service, operation, code = self.PATHS[at.token]
        for value in named(inputs, path):
            if ":alias/aws/" in value or value.startswith("alias/aws/"):
                continue
            key = lookup(at, KEY, "arn", value)
            if key is None or key.get("isEnabled") is False:
                message = f"The specified KMS key does not exist, is not enabled or you do not have permissions to it: {value}"
                raise api_error(service, operation, code, message)
            if value.startswith("arn:") and value.split(":")[3] != at.region:
                message = f"The KMS key is in another region than the resource ({at.region}): {value}"
                raise api_error(service, operation, code, message)


register(*REFERENCES)(_References)
register(*_Keys.PATHS)(_Keys)
