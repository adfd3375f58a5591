"""The key that encrypts everything a stack keeps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import kms

from .account import Account
from .resource_policies import key_policy

SHORTEST_DELETION_DAYS, LONGEST_DELETION_DAYS = 7, 30
"""Source: AWS Key Management Service API Reference, ScheduleKeyDeletion."""


@dataclass(frozen=True, kw_only=True)
class KeyArgs:
    """A customer-managed KMS key for one stack."""

    account: Account
    administrators: Sequence[str] = ()
    """ARNs of roles and users that may manage the key, though not decrypt with it. They have to exist. The account's own
    IAM policies may always grant more."""
    protect: bool = False
    """True: destroying the stack refuses to delete the key, without which all that it encrypts is lost."""
    deletion_days: int = LONGEST_DELETION_DAYS
    """Days, 7 to 30, in which a deletion can be called off."""

    def __post_init__(self) -> None:
        if not SHORTEST_DELETION_DAYS <= self.deletion_days <= LONGEST_DELETION_DAYS:
            raise ValueError(
                f"deletion_days: {self.deletion_days} given; KMS allows {SHORTEST_DELETION_DAYS} to {LONGEST_DELETION_DAYS}"
            )


class Key(pulumi.ComponentResource):
    """A KMS key and its alias: it rotates every year, and a deletion can be called off for `deletion_days`.

    One key serves EKS secrets, volumes, Aurora, ElastiCache, S3 and log groups; its policy is `key_policy`. A key that
    the user brings takes its place as a plain ARN: it has to be symmetric, in the stack's region, and its policy has to
    have the statements of `key_policy`, or nodes do not start and log groups are refused.
    """

    arn: pulumi.Output[str]
    """Known once the policy is in force."""

    def __init__(self, name: str, args: KeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:Key", name, {}, opts)
        provider = args.account.provider
        key = kms.Key(
            f"{name}-key",
            description=f"All that the stack {pulumi.get_project()}/{pulumi.get_stack()} keeps",
            enable_key_rotation=True,
            deletion_window_in_days=args.deletion_days,
            policy=json.dumps(key_policy(args.account, args.administrators)),
            opts=pulumi.ResourceOptions(parent=self, provider=provider, protect=args.protect),
        )
        kms.Alias(
            f"{name}-alias",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self, provider=provider),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
