"""Copies of every object of a bucket, in a bucket that the user brings."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from ..later import lift
from . import identity
from .account import Account
from .arns import Arn
from .resource_policies import Encrypted, replication_policy, replication_trust


@dataclass(frozen=True, kw_only=True)
class Replication:
    """A bucket, usually in another region, that receives a copy of every object.

    It exists, has versioning on, and its account lets this one replicate to it, in the bucket's policy and the key's.
    """

    bucket_arn: str
    region: str
    key_arn: str
    """The KMS key that encrypts the copies, in that region."""
    account_id: str | None = None
    """The account that owns the bucket and is to own the copies; None: the stack's own."""

    def __post_init__(self) -> None:
        if Arn.parse(self.bucket_arn).service != "s3":
            raise ValueError(f"bucket_arn: {self.bucket_arn} is no bucket; give one such as arn:aws:s3:::copies")
        key = Arn.parse(self.key_arn)
        if key.service != "kms" or key.region != self.region:
            raise ValueError(
                f"key_arn: {self.key_arn} is no KMS key in {self.region}; S3 encrypts copies with a key in their own region"
            )


def replication_rule(target: Replication, *, foreign: bool) -> s3.BucketReplicationConfigRuleArgsDict:
    """Copies every object, encrypted ones too, and deletions as markers; `foreign`: to a bucket of another account.

    A version that is removed for good here stays there: the copies' own lifecycle decides.
    """
    destination: s3.BucketReplicationConfigRuleDestinationArgsDict = {
        "bucket": target.bucket_arn,
        "encryption_configuration": {"replica_kms_key_id": target.key_arn},
    }
    if foreign:
        destination["account"] = target.account_id
        destination["access_control_translation"] = {"owner": "Destination"}
    return {
        "id": "everything",
        "status": "Enabled",
        "priority": 0,
        # with a filter, an empty one too, S3 takes the rule as one of the second version, which knows delete markers
        "filter": {"prefix": ""},
        "delete_marker_replication": {"status": "Enabled"},
        "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
        "destination": destination,
    }


def replicate(
    name: str,
    bucket: s3.Bucket,
    target: Replication,
    *,
    account: Account,
    key_arn: pulumi.Input[str],
    versioning: s3.BucketVersioning,
    parent: pulumi.Resource,
) -> s3.BucketReplicationConfig:
    """Copies whatever is written to `bucket` from then on; what was there before is not copied."""
    foreign = target.account_id not in (None, account.id)

    def policy(bucket_arn: str, source_key_arn: str) -> str:
        source = Encrypted(bucket_arn=bucket_arn, key_arn=source_key_arn, region=account.region)
        copies = Encrypted(bucket_arn=target.bucket_arn, key_arn=target.key_arn, region=target.region)
        return json.dumps(replication_policy(account, source, copies, foreign=foreign))

    role_arn, _ = identity.role(
        name,
        account=account,
        trust=bucket.arn.apply(lambda arn: json.dumps(replication_trust(account, arn))),
        policies={"copies": lift(policy, bucket.arn, key_arn)},
        parent=parent,
    )
    return s3.BucketReplicationConfig(
        name,
        bucket=bucket.bucket,
        role=role_arn,
        rules=[replication_rule(target, foreign=foreign)],
        opts=pulumi.ResourceOptions(parent=parent, provider=account.provider, depends_on=[versioning]),
    )
