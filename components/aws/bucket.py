"""S3 buckets for W&B, for ClickHouse and for backups."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from .. import contracts
from ..ordering import after
from .account import Account
from .replication import Replication, replicate
from .resource_policies import bucket_policy

__all__ = ["Bucket", "BucketArgs", "Replication", "lifecycle_rules"]

CORS_MAX_AGE_SECONDS = 3000
"""Source: W&B bare-metal guide, object storage."""


@dataclass(frozen=True, kw_only=True)
class BucketArgs:
    """An S3 bucket."""

    account: Account
    key_arn: pulumi.Input[str]
    """The KMS key of its objects. A change holds for objects written from then on."""
    cors_origins: Sequence[str] = ()
    """Origins, such as `https://wandb.example.com`, whose pages may read and write it from a browser; empty: none may."""
    noncurrent_days: int = 30
    """Days that a deleted or overwritten object can be brought back."""
    multipart_days: int = 7
    """Days after which an upload that was never finished is dropped."""
    replication: Replication | None = None
    """None: the objects are in this region alone."""
    protect: bool = False
    """True: destroying the stack refuses to delete the bucket."""
    force_destroy: bool = False
    """True: destroying the stack deletes the objects too; False: it stops at a bucket that is not empty."""

    def __post_init__(self) -> None:
        for field in ("noncurrent_days", "multipart_days"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field}: {getattr(self, field)} given; S3 counts whole days, from 1 on")
        if self.protect and self.force_destroy:
            raise ValueError("force_destroy: a protected bucket is never emptied; give either protect or force_destroy")


def lifecycle_rules(noncurrent_days: int, multipart_days: int) -> list[s3.BucketLifecycleConfigurationRuleArgsDict]:
    """What S3 may remove: old versions, uploads that were never finished, and markers of deletions of which nothing is left.

    No rule touches a current object: W&B deletes what it no longer needs, and what it keeps has no age limit.
    """
    return [
        {
            "id": "noncurrent-versions",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrent_version_expiration": {"noncurrent_days": noncurrent_days},
            "expiration": {"expired_object_delete_marker": True},
        },
        {
            "id": "unfinished-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": multipart_days},
        },
    ]


class Bucket(pulumi.ComponentResource):
    """A private S3 bucket: encrypted with the stack's key, versioned, reached by TLS alone, without a single ACL.

    It makes the bucket and its public access block, ownership controls, policy, encryption, versioning and lifecycle;
    CORS where a browser may use it; the replication and its role where copies are wanted. No object expires.
    """

    outputs: contracts.Bucket
    """The bucket; its name is known once whatever is written to it is encrypted, versioned and replicated."""
    arn: pulumi.Output[str]
    """Known as soon as the bucket is there, for policies."""

    def __init__(self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:Bucket", name, {}, opts)
        self._name, self._args = name, args
        bucket = self._bucket = s3.Bucket(
            name,
            force_destroy=args.force_destroy,
            opts=pulumi.ResourceOptions(parent=self, provider=args.account.provider, protect=args.protect),
        )
        self.arn = bucket.arn
        private = self._private()
        versioning = self._versioning()
        self._lifecycle(versioning)
        complete = [*private, self._encryption(), versioning, *self._cors(), *self._replication(versioning)]
        self.outputs = contracts.Bucket(
            provider="s3",
            name=after(bucket.bucket, *complete),
            region=args.account.region,
            kms_key=args.key_arn,
        )
        self.register_outputs({"name": self.outputs.name})

    def _child(self, *before: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=self._args.account.provider, depends_on=list(before))

    def _private(self) -> list[pulumi.Resource]:
        ownership = s3.BucketOwnershipControls(
            f"{self._name}-ownership",
            bucket=self._bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._child(),
        )
        block = s3.BucketPublicAccessBlock(
            f"{self._name}-public-access",
            bucket=self._bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child(),
        )
        policy = s3.BucketPolicy(
            f"{self._name}-policy",
            bucket=self._bucket.bucket,
            policy=self._bucket.arn.apply(lambda arn: json.dumps(bucket_policy(arn))),
            # S3 answers OperationAborted to the one while it is busy with the other
            opts=self._child(block),
        )
        return [ownership, block, policy]

    def _encryption(self) -> pulumi.Resource:
        return s3.BucketServerSideEncryptionConfiguration(
            f"{self._name}-encryption",
            bucket=self._bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": self._args.key_arn,
                    },
                    # one call to KMS for many objects, instead of one for each
                    "bucket_key_enabled": True,
                }
            ],
            opts=self._child(),
        )

    def _versioning(self) -> s3.BucketVersioning:
        return s3.BucketVersioning(
            f"{self._name}-versioning",
            bucket=self._bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self._child(),
        )

    def _lifecycle(self, versioning: s3.BucketVersioning) -> None:
        s3.BucketLifecycleConfiguration(
            f"{self._name}-lifecycle",
            bucket=self._bucket.bucket,
            rules=lifecycle_rules(self._args.noncurrent_days, self._args.multipart_days),
            opts=self._child(versioning),
        )

    def _cors(self) -> list[pulumi.Resource]:
        if not self._args.cors_origins:
            return []
        rule: s3.BucketCorsConfigurationCorsRuleArgsDict = {
            "allowed_origins": list(self._args.cors_origins),
            "allowed_methods": ["GET", "HEAD", "PUT"],
            "allowed_headers": ["*"],
            "expose_headers": ["ETag"],
            "max_age_seconds": CORS_MAX_AGE_SECONDS,
        }
        return [
            s3.BucketCorsConfiguration(
                f"{self._name}-cors", bucket=self._bucket.bucket, cors_rules=[rule], opts=self._child()
            )
        ]

    def _replication(self, versioning: s3.BucketVersioning) -> list[pulumi.Resource]:
        if self._args.replication is None:
            return []
        return [
            replicate(
                f"{self._name}-replication",
                self._bucket,
                self._args.replication,
                account=self._args.account,
                key_arn=self._args.key_arn,
                versioning=versioning,
                parent=self,
            )
        ]
