"""Policies of what this platform makes for AWS' own services: the key, the buckets, flow logs and replication.

Plain dictionaries, for `json.dumps`. What workloads may do is in `policies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .account import Account

Policy = dict[str, Any]
"""An IAM policy document."""

KEY_USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"]
"""What encrypting and decrypting with a key takes."""

KEY_ADMINISTRATION = [
    "kms:Create*",
    "kms:Describe*",
    "kms:Enable*",
    "kms:List*",
    "kms:Put*",
    "kms:Update*",
    "kms:Revoke*",
    "kms:Disable*",
    "kms:Get*",
    "kms:Delete*",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
    "kms:RotateKeyOnDemand",
]
"""What the key administrators of AWS' console may do. Source: AWS KMS Developer Guide, "Default key policy"."""

VOLUME_ROLES = (
    "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling*",
    "aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot",
)
"""The service-linked roles that start nodes, and so make their volumes. Source: Amazon EC2 Auto Scaling User Guide,
"Required AWS KMS key policy for use with encrypted volumes"; Amazon EC2 User Guide, "Service-linked role for Spot Instance
requests". Their names have no partition's suffix in any partition."""


def document(*statements: dict[str, Any]) -> Policy:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def key_policy(account: Account, administrators: Sequence[str] = ()) -> Policy:
    """Who may do what with the stack's key. A key that the user brings has to allow the same, but for administrators.

    * The account, so that IAM policies decide, and nobody can lock everyone out. Workloads and the deployer, in whose
      name EKS, RDS, ElastiCache and Secrets Manager take their grants, have their rights from there.
    * `administrators` manage it and cannot decrypt with it.
    * CloudWatch Logs of this region uses it for the log groups of this account.
    * The service-linked roles that start nodes use it for volumes: they have no other rights to it, and IAM can give them
      none. A condition names them, because KMS refuses a policy whose `Principal` does not exist, as these do not before
      an account's first node group, and IAM refuses to make them a second time in an account that has them.
    """
    statements = [_account_decides(account), _logs(account), *_volumes(account)]
    if administrators:
        statements.append(
            {
                "Sid": "Administrators",
                "Effect": "Allow",
                "Principal": {"AWS": list(administrators)},
                "Action": KEY_ADMINISTRATION,
                "Resource": "*",
            }
        )
    return document(*statements)


def _account_decides(account: Account) -> dict[str, Any]:
    return {
        "Sid": "IamPoliciesOfTheAccount",
        "Effect": "Allow",
        "Principal": {"AWS": account.arn("iam", "root", region="")},
        "Action": "kms:*",
        "Resource": "*",
    }


def _logs(account: Account) -> dict[str, Any]:
    """Source: Amazon CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS"."""
    return {
        "Sid": "CloudWatchLogs",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{account.region}.{account.dns_suffix}"},
        "Action": KEY_USE,
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": account.arn("logs", "log-group:*")}},
    }


def _volumes(account: Account) -> list[dict[str, Any]]:
    who = {
        "StringEquals": {"kms:CallerAccount": account.id},
        "ArnLike": {"aws:PrincipalArn": [account.arn("iam", f"role/{role}", region="") for role in VOLUME_ROLES]},
    }
    common = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Resource": "*"}
    return [
        {"Sid": "VolumesOfNodes", **common, "Action": [*KEY_USE, "kms:DescribeKey"], "Condition": who},
        {
            "Sid": "GrantsForVolumesOfNodes",
            **common,
            "Action": "kms:CreateGrant",
            "Condition": {**who, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ]


def bucket_policy(bucket_arn: str) -> Policy:
    """Refuses everyone whose connection is not encrypted, or only with a TLS older than 1.2. It grants nothing."""
    refusal = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [bucket_arn, f"{bucket_arn}/*"]}
    return document(
        {"Sid": "OnlyTls", **refusal, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Sid": "NoOldTls", **refusal, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
    )


def service_trust(service: str, account: Account, source_arn: str) -> Policy:
    """Lets an AWS service take on a role, for what is `source_arn` and in this account alone.

    Without the conditions the service could be asked by another account to use the role: the "confused deputy" (IAM User
    Guide). A service's principal is `<service>.amazonaws.com` in every partition.
    """
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account.id},
                "ArnLike": {"aws:SourceArn": source_arn},
            },
        }
    )


def flow_logs_trust(account: Account) -> Policy:
    """Lets VPC flow logs of this account and region take on the role."""
    return service_trust("vpc-flow-logs", account, account.arn("ec2", "vpc-flow-log/*"))


def flow_logs_policy(log_group_arn: str) -> Policy:
    """Lets flow logs write to their group. Source: Amazon VPC User Guide, "IAM role for publishing flow logs to CloudWatch
    Logs", but for making log groups: theirs exists, and is encrypted."""
    return document(
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            "Resource": [log_group_arn, f"{log_group_arn}:*"],
        },
        # it lists, so there is no narrower resource
        {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"},
    )


def replication_trust(account: Account, bucket_arn: str) -> Policy:
    """Lets S3 take on the role to replicate that bucket."""
    return service_trust("s3", account, bucket_arn)


@dataclass(frozen=True, kw_only=True)
class Encrypted:
    """A bucket, the key of its objects, and the region of both."""

    bucket_arn: str
    key_arn: str
    region: str


def replication_policy(account: Account, source: Encrypted, target: Encrypted, *, foreign: bool) -> Policy:
    """Lets S3 read every version in `source` and write copies to `target`, each with the bucket's own key.

    `foreign`: another account owns the target, and is to own the copies.
    Source: Amazon S3 User Guide, "Setting up permissions for live replication", "Replicating encrypted objects", "Changing
    the replica owner".
    """
    change_owner = ["s3:ObjectOwnerOverrideToBucketOwner"] if foreign else []
    return document(
        _allow(["s3:GetReplicationConfiguration", "s3:ListBucket"], source.bucket_arn),
        _allow(
            ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
            f"{source.bucket_arn}/*",
        ),
        _allow(
            ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags", *change_owner], f"{target.bucket_arn}/*"
        ),
        _key_of_bucket(account, source, ["kms:Decrypt"]),
        _key_of_bucket(account, target, ["kms:Encrypt", "kms:GenerateDataKey"]),
    )


def _allow(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _key_of_bucket(account: Account, bucket: Encrypted, actions: list[str]) -> dict[str, Any]:
    # what S3 names to KMS is the bucket where it has a bucket key, and the object where it has none
    names = [bucket.bucket_arn, f"{bucket.bucket_arn}/*"]
    return {
        **_allow(actions, bucket.key_arn),
        "Condition": {
            "StringEquals": {"kms:ViaService": f"s3.{bucket.region}.{account.dns_suffix}"},
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": names},
        },
    }
