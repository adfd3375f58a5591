"""IAM policies: what each workload may do, and nothing more. Pure functions of names and ARNs.

Whatever writes names its resources, or the tag that tells ours from others'. A `*` stands only behind actions that read
and that AWS does not tie to a resource (IAM: service authorization reference).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi

from ..later import lift
from .resource_policies import Policy, document

LOAD_BALANCER_TAG = "elbv2.k8s.aws/cluster"
"""On everything that the AWS Load Balancer Controller makes; its value is the cluster's name."""


def text(policy: Callable[..., Policy], *values: Any) -> pulumi.Input[str]:
    """`policy(*values)` as JSON: at once if all values are known, else an Output."""
    return lift(lambda *known: json.dumps(policy(*known)), *values)


def wandb_bucket(*, partition: str, bucket: str) -> Policy:
    """What W&B does with its bucket. Source: W&B's own list for a bucket that it does not own (secure storage connector).

    It may not delete a version: what a program error or a stolen token deletes can be brought back.
    """
    return document(
        _allow(
            "Bucket",
            (
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:ListBucketMultipartUploads",
                "s3:GetBucketLocation",
                "s3:GetBucketCORS",
                "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration",
            ),
            _bucket(partition, bucket),
        ),
        _allow(
            "Objects",
            ("s3:GetObject*", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"),
            f"{_bucket(partition, bucket)}/*",
        ),
    )


def clickhouse_bucket(*, partition: str, bucket: str) -> Policy:
    """What a ClickHouse disk does with its bucket; as little as with W&B's may it delete a version."""
    return document(
        _allow("Bucket", ("s3:ListBucket", "s3:GetBucketLocation"), _bucket(partition, bucket)),
        _allow(
            "Objects",
            (
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            ),
            f"{_bucket(partition, bucket)}/*",
        ),
    )


def backup_writer(*, partition: str, bucket: str) -> Policy:
    """What ClickHouse's servers do with the bucket of their backups: what they have written they cannot take away.

    ClickHouse marks a backup that it is writing with a file `.lock`, which it removes in the end.
    """
    objects = f"{_bucket(partition, bucket)}/*"
    return document(
        _allow("Bucket", ("s3:ListBucket", "s3:GetBucketLocation"), _bucket(partition, bucket)),
        _allow(
            "Objects",
            ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
            objects,
        ),
        _allow("Lock", ("s3:DeleteObject",), f"{objects}/.lock"),
    )


def backup_keeper(*, partition: str, bucket: str) -> Policy:
    """What the Job does that lists backups and deletes old ones. It may not delete a version."""
    return document(
        _allow("Bucket", ("s3:ListBucket", "s3:GetBucketLocation"), _bucket(partition, bucket)),
        _allow("Objects", ("s3:GetObject", "s3:DeleteObject"), f"{_bucket(partition, bucket)}/*"),
    )


def key_use(*, key_arn: str, service: str, region: str, dns_suffix: str) -> Policy:
    """Encrypting and decrypting with one key, by way of one service in one region, such as `s3`, and no other."""
    return document(
        _allow(
            "Key",
            ("kms:Decrypt", "kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"),
            key_arn,
            {"StringEquals": _via(service, region, dns_suffix)},
        )
    )


def volume_key(*, key_arn: str, region: str, dns_suffix: str) -> Policy:
    """What the EBS CSI driver does with the key of its volumes. Source: AWS EBS CSI driver, installation, encrypted volumes.

    A grant is what EC2 gets, to decrypt while the volume is attached; none can be given to anyone else.
    """
    via = _via("ec2", region, dns_suffix)
    return document(
        _allow("Data", ("kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext"), key_arn, {"StringEquals": via}),
        _allow(
            "Grant",
            ("kms:CreateGrant",),
            key_arn,
            {"StringEquals": via, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    )


def autoscaler(*, partition: str, region: str, account_id: str, cluster: str) -> Policy:
    """What the cluster autoscaler does. Source: its AWS provider's README, "Full Cluster Autoscaler Features Policy".

    It changes only groups that carry the tags by which EKS marks those of `cluster`.
    """
    here = f"{region}:{account_id}"
    owned = {
        "aws:ResourceTag/k8s.io/cluster-autoscaler/enabled": "true",
        f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster}": "owned",
    }
    return document(
        _allow(
            "Look",
            (
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ),
            "*",
        ),
        _allow("Nodegroups", ("eks:DescribeNodegroup",), f"arn:{partition}:eks:{here}:nodegroup/{cluster}/*/*"),
        _allow(
            "Scale",
            ("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"),
            f"arn:{partition}:autoscaling:{here}:autoScalingGroup:*:autoScalingGroupName/*",
            {"StringEquals": owned},
        ),
    )


def load_balancer_controller(*, partition: str, region: str, account_id: str, cluster: str) -> Policy:
    """What the AWS Load Balancer Controller does for Ingresses. Source: the list of permissions that it publishes with 3.5.

    Narrower than that list: application load balancers alone, in this account and region; what has this cluster's tag
    alone, where the list asks for any; no Outposts, address pools or Cognito; no Shield Advanced or WAF Classic, which
    the controller must be told (`enableShield`, `enableWaf`: false), for it asks them about each load balancer.
    """
    here = f"{region}:{account_id}"
    balancer, listener, rule, target = (
        f"arn:{partition}:elasticloadbalancing:{here}:{what}"
        for what in ("loadbalancer/app/*/*", "listener/app/*/*/*", "listener-rule/app/*/*/*/*", "targetgroup/*/*")
    )
    groups, network = (f"arn:{partition}:ec2:{here}:{what}/*" for what in ("security-group", "vpc"))
    new = {f"aws:RequestTag/{LOAD_BALANCER_TAG}": cluster}
    ours = {f"aws:ResourceTag/{LOAD_BALANCER_TAG}": cluster}
    # a change of tags may neither take the mark off nor put it on
    unmarked = {"Null": {f"aws:RequestTag/{LOAD_BALANCER_TAG}": "true"}, "StringEquals": ours}
    nodes = {f"aws:ResourceTag/kubernetes.io/cluster/{cluster}": "owned"}
    rules = ("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress")
    return document(
        _allow("Look", _CONTROLLER_READS, "*"),
        _allow("Network", ("ec2:GetSecurityGroupsForVpc",), network),
        _allow("Certificates", ("acm:DescribeCertificate",), f"arn:{partition}:acm:{here}:certificate/*"),
        _allow(
            "ServerCertificates",
            ("iam:GetServerCertificate",),
            f"arn:{partition}:iam::{account_id}:server-certificate/*",
        ),
        _allow(
            "FirstLoadBalancer",
            ("iam:CreateServiceLinkedRole",),
            f"arn:{partition}:iam::{account_id}:role/aws-service-role/elasticloadbalancing.amazonaws.com/*",
            {"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}},
        ),
        _allow("NewSecurityGroup", ("ec2:CreateSecurityGroup",), groups, {"StringEquals": new}),
        _allow("NewSecurityGroupIn", ("ec2:CreateSecurityGroup",), network),
        _allow(
            "NewSecurityGroupTags",
            ("ec2:CreateTags",),
            groups,
            {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup", **new}},
        ),
        _allow("SecurityGroupTags", ("ec2:CreateTags", "ec2:DeleteTags"), groups, unmarked),
        _allow("SecurityGroups", (*rules, "ec2:DeleteSecurityGroup"), groups, {"StringEquals": ours}),
        # the way from the load balancer to the pods
        _allow("NodeSecurityGroup", rules, groups, {"StringEquals": nodes}),
        _allow("New", _make("LoadBalancer", "TargetGroup"), (balancer, target), {"StringEquals": new}),
        _allow(
            "NewTags",
            ("elasticloadbalancing:AddTags",),
            (balancer, target),
            {"StringEquals": {"elasticloadbalancing:CreateAction": ["CreateLoadBalancer", "CreateTargetGroup"], **new}},
        ),
        _allow("Tags", _TAGS, (balancer, target), unmarked),
        _allow("Change", _CHANGES, (balancer, target), {"StringEquals": ours}),
        # listeners and rules were not always tagged, so the published list asks for no tag here either
        _allow("Listeners", _LISTENERS, (balancer, listener, rule)),
        _allow("ListenerTags", _TAGS, (listener, rule)),
        _allow(
            "Firewall",
            ("wafv2:GetWebACL", "wafv2:GetWebACLForResource", "wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"),
            (f"arn:{partition}:wafv2:{here}:regional/webacl/*/*", balancer),
        ),
        # AWS ties this one to no resource
        _allow("FirewallOfLoadBalancer", ("elasticloadbalancing:SetWebAcl",), "*"),
    )


_CONTROLLER_READS = (
    *(f"ec2:Describe{what}" for what in ("AccountAttributes", "Addresses", "AvailabilityZones", "InternetGateways")),
    *(f"ec2:Describe{what}" for what in ("Vpcs", "VpcPeeringConnections", "Subnets", "SecurityGroups", "Instances")),
    *(f"ec2:Describe{what}" for what in ("NetworkInterfaces", "Tags", "RouteTables")),
    *(f"elasticloadbalancing:DescribeLoadBalancer{what}" for what in ("s", "Attributes")),
    *(f"elasticloadbalancing:DescribeListener{what}" for what in ("s", "Attributes", "Certificates")),
    *(f"elasticloadbalancing:DescribeTarget{what}" for what in ("Groups", "GroupAttributes", "Health")),
    *(f"elasticloadbalancing:Describe{what}" for what in ("SSLPolicies", "Rules", "Tags", "TrustStores")),
    "elasticloadbalancing:DescribeCapacityReservation",
    *("acm:ListCertificates", "iam:ListServerCertificates"),
)
_TAGS = ("elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags")
_CHANGES = tuple(
    f"elasticloadbalancing:{action}"
    for action in (
        *("ModifyLoadBalancerAttributes", "SetIpAddressType", "SetSecurityGroups", "SetSubnets", "DeleteLoadBalancer"),
        *("ModifyTargetGroup", "ModifyTargetGroupAttributes", "DeleteTargetGroup"),
        *("RegisterTargets", "DeregisterTargets"),
    )
)
_LISTENERS = tuple(
    f"elasticloadbalancing:{action}"
    for action in (
        *("CreateListener", "ModifyListener", "ModifyListenerAttributes", "DeleteListener"),
        *("AddListenerCertificates", "RemoveListenerCertificates"),
        *("CreateRule", "ModifyRule", "SetRulePriorities", "DeleteRule"),
    )
)


def _make(*what: str) -> tuple[str, ...]:
    return tuple(f"elasticloadbalancing:Create{each}" for each in what)


def _via(service: str, region: str, dns_suffix: str) -> dict[str, str]:
    return {"kms:ViaService": f"{service}.{region}.{dns_suffix}"}


def _bucket(partition: str, bucket: str) -> str:
    return f"arn:{partition}:s3:::{bucket}"


def _allow(
    sid: str, actions: Sequence[str], resources: str | Sequence[str], condition: Mapping[str, Any] | None = None
) -> Policy:
    where = [resources] if isinstance(resources, str) else list(resources)
    statement: Policy = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": where}
    return statement | ({"Condition": dict(condition)} if condition else {})
