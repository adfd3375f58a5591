"""Ids and ARNs, type by type.

Formats: AWS's service authorization reference ("Resource types defined by ..."), and for ids the Terraform provider's
documentation of each resource ("Import").
"""

from __future__ import annotations

import hashlib
import string
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from ..behaviour import Behaviour, Moment, register
from ..outputs import digits

_NUMBERED: Mapping[str, str] = {
    "aws:ebs/volume:Volume": "vol",
    "aws:ec2/eip:Eip": "eipalloc",
    "aws:ec2/flowLog:FlowLog": "fl",
    "aws:ec2/internetGateway:InternetGateway": "igw",
    "aws:ec2/launchTemplate:LaunchTemplate": "lt",
    "aws:ec2/natGateway:NatGateway": "nat",
    "aws:ec2/networkInterface:NetworkInterface": "eni",
    "aws:ec2/routeTable:RouteTable": "rtb",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "rtbassoc",
    "aws:ec2/securityGroup:SecurityGroup": "sg",
    "aws:ec2/subnet:Subnet": "subnet",
    "aws:ec2/vpc:Vpc": "vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "vpce",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "a",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "sgr",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "sgr",
}
"""Prefix of ids that are a prefix and 17 hexadecimal digits."""

_FROM_INPUTS: Mapping[str, str] = {
    "aws:autoscaling/group:Group": "{name}",
    "aws:autoscaling/tag:Tag": "{autoscalingGroupName},{tag[key]}",
    "aws:cloudwatch/logGroup:LogGroup": "{name}",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "{policyName}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "{name}",
    "aws:ec2/tag:Tag": "{resourceId},{key}",
    "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation": "a-{vpcEndpointId}-{routeTableId}",
    "aws:eks/accessEntry:AccessEntry": "{clusterName}:{principalArn}",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": "{clusterName}#{principalArn}#{policyArn}",
    "aws:eks/addon:Addon": "{clusterName}:{addonName}",
    "aws:eks/nodeGroup:NodeGroup": "{clusterName}:{nodeGroupName}",
    "aws:elasticache/replicationGroup:ReplicationGroup": "{replicationGroupId}",
    "aws:elasticache/subnetGroup:SubnetGroup": "{name}",
    "aws:elasticache/parameterGroup:ParameterGroup": "{name}",
    "aws:iam/instanceProfile:InstanceProfile": "{name}",
    "aws:iam/role:Role": "{name}",
    "aws:iam/rolePolicy:RolePolicy": "{role}:{name}",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "{role}/{policyArn}",
    "aws:kms/alias:Alias": "{name}",
    "aws:kms/keyPolicy:KeyPolicy": "{keyId}",
    "aws:rds/cluster:Cluster": "{clusterIdentifier}",
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": "{name}",
    "aws:rds/parameterGroup:ParameterGroup": "{name}",
    "aws:rds/subnetGroup:SubnetGroup": "{name}",
    "aws:s3/bucket:Bucket": "{bucket}",
    "aws:secretsmanager/secretVersion:SecretVersion": "{secretId}|{versionId}",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "{webAclArn},{resourceArn}",
    "aws:servicequotas/serviceQuota:ServiceQuota": "{serviceCode}/{quotaCode}",
}

_ARNS: Mapping[str, tuple[str, str]] = {
    "aws:acm/certificate:Certificate": ("acm", "certificate/{uuid}"),
    "aws:cloudwatch/logGroup:LogGroup": ("logs", "log-group:{name}"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("cloudwatch", "alarm:{name}"),
    "aws:ebs/volume:Volume": ("ec2", "volume/{id}"),
    "aws:ec2/eip:Eip": ("ec2", "elastic-ip/{id}"),
    "aws:ec2/flowLog:FlowLog": ("ec2", "vpc-flow-log/{id}"),
    "aws:ec2/internetGateway:InternetGateway": ("ec2", "internet-gateway/{id}"),
    "aws:ec2/launchTemplate:LaunchTemplate": ("ec2", "launch-template/{id}"),
    "aws:ec2/natGateway:NatGateway": ("ec2", "natgateway/{id}"),
    "aws:ec2/networkInterface:NetworkInterface": ("ec2", "network-interface/{id}"),
    "aws:ec2/routeTable:RouteTable": ("ec2", "route-table/{id}"),
    "aws:ec2/securityGroup:SecurityGroup": ("ec2", "security-group/{id}"),
    "aws:ec2/subnet:Subnet": ("ec2", "subnet/{id}"),
    "aws:ec2/vpc:Vpc": ("ec2", "vpc/{id}"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("ec2", "vpc-endpoint/{id}"),
    "aws:elasticache/parameterGroup:ParameterGroup": ("elasticache", "parametergroup:{name}"),
    "aws:elasticache/replicationGroup:ReplicationGroup": ("elasticache", "replicationgroup:{replicationGroupId}"),
    "aws:elasticache/subnetGroup:SubnetGroup": ("elasticache", "subnetgroup:{name}"),
    "aws:kms/alias:Alias": ("kms", "{name}"),
    "aws:kms/key:Key": ("kms", "key/{id}"),
    "aws:rds/cluster:Cluster": ("rds", "cluster:{clusterIdentifier}"),
    "aws:rds/clusterInstance:ClusterInstance": ("rds", "db:{identifier}"),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": ("rds", "cluster-pg:{name}"),
    "aws:rds/instance:Instance": ("rds", "db:{identifier}"),
    "aws:rds/parameterGroup:ParameterGroup": ("rds", "pg:{name}"),
    "aws:rds/subnetGroup:SubnetGroup": ("rds", "subgrp:{name}"),
    "aws:secretsmanager/secret:Secret": ("secretsmanager", "secret:{name}-{six}"),
    "aws:sns/topic:Topic": ("sns", "{name}"),
    "aws:sqs/queue:Queue": ("sqs", "{name}"),
    "aws:ssm/parameter:Parameter": ("ssm", "parameter/{name}"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ("ec2", "security-group-rule/{id}"),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ("ec2", "security-group-rule/{id}"),
    "aws:wafv2/webAcl:WebAcl": ("wafv2", "regional/webacl/{name}/{id}"),
}
"""Service and resource part, in the resource's own region and account."""

_GLOBAL_ARNS: Mapping[str, tuple[str, str]] = {
    "aws:iam/instanceProfile:InstanceProfile": ("iam", "instance-profile{path}{name}"),
    "aws:iam/policy:Policy": ("iam", "policy{path}{name}"),
    "aws:iam/role:Role": ("iam", "role{path}{name}"),
}
"""Those without a region."""

_IS_ARN = frozenset(
    {
        "aws:acm/certificate:Certificate",
        "aws:iam/policy:Policy",
        "aws:secretsmanager/secret:Secret",
        "aws:sns/topic:Topic",
    }
)
"""Types whose id is their ARN."""

_UUIDS = frozenset({"aws:kms/key:Key", "aws:wafv2/webAcl:WebAcl"})


def drawn_uuid(at: Moment, salt: str = "") -> str:
    """A UUID that no other resource of the rehearsal has."""
    return str(uuid.UUID(digits(at, 32, salt)))


def letters(at: Moment, length: int, salt: str = "") -> str:
    """Upper-case letters and digits, as in the ids of IAM and Route 53."""
    alphabet = string.ascii_uppercase + string.digits
    number = int(hashlib.sha256(digits(at, 64, salt).encode()).hexdigest(), 16)
    found = ""
    for _ in range(length):
        number, index = divmod(number, len(alphabet))
        found += alphabet[index]
    return found


class _Identity(Behaviour):
    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        if at.token in _NUMBERED:
            return f"{_NUMBERED[at.token]}-{digits(at)}"
        if at.token in _UUIDS:
            return drawn_uuid(at)
        if at.token in _IS_ARN:
            return _arn(at, "", inputs)
        if at.token in _FROM_INPUTS:
            return _FROM_INPUTS[at.token].format_map(_Known(at, inputs))
        return None

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        if outputs.get("arn") or at.token not in _ARNS.keys() | _GLOBAL_ARNS.keys():
            return {}
        return {"arn": resource_id if at.token in _IS_ARN else _arn(at, resource_id, outputs)}


def _arn(at: Moment, resource_id: str, values: Mapping[str, Any]) -> str:
    known: Callable[[Mapping[str, str]], _Known] = lambda more: _Known(at, {**values, "id": resource_id, **more})
    if at.token in _GLOBAL_ARNS:
        service, form = _GLOBAL_ARNS[at.token]
        return at.arn(service, form.format_map(known({"path": values.get("path") or "/"})), region="")
    service, form = _ARNS[at.token]
    more = {"uuid": drawn_uuid(at)} if "{uuid}" in form else {}
    more |= {"six": digits(at, 6, "arn")} if "{six}" in form else {}
    return at.arn(service, form.format_map(known(more)).replace("//", "/"))


class _Known(dict[str, Any]):
    """Values for a format; what is not given is made up."""

    def __init__(self, at: Moment, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._at = at

    def __missing__(self, key: str) -> str:
        return drawn_uuid(self._at, key) if key == "versionId" else digits(self._at, 12, key)


register(*(_NUMBERED.keys() | _FROM_INPUTS.keys() | _ARNS.keys() | _GLOBAL_ARNS.keys() | _IS_ARN | _UUIDS))(_Identity)
