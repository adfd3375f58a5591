"""One AWS account in one region, and the provider that reaches it and no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi_aws as aws

from .arns import Arn, dns_suffix, partition_of


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where everything of a stack is made. Every component of this platform takes one, and names no region itself."""

    provider: aws.Provider
    """The explicit provider for every AWS resource."""
    region: str
    id: str
    """Twelve digits."""

    @property
    def partition(self) -> str:
        """`aws`, `aws-us-gov`, `aws-cn`, ...: the second part of every ARN."""
        return partition_of(self.region)

    @property
    def dns_suffix(self) -> str:
        """What the names of endpoints here end in, such as `amazonaws.com`."""
        return dns_suffix(self.partition)

    def arn(self, service: str, resource: str, *, region: str | None = None, account: str | None = None) -> str:
        """The ARN of something here. Give `""` for what the service leaves out: IAM has no region, S3 neither part."""
        return str(
            Arn(
                partition=self.partition,
                service=service,
                region=self.region if region is None else region,
                account=self.id if account is None else account,
                resource=resource,
            )
        )


def aws_provider(
    name: str,
    *,
    region: str,
    account_id: str,
    profile: str | None = None,
    assume_role_arn: str | None = None,
    tags: Mapping[str, str],
) -> aws.Provider:
    """The provider for `region` of that account. With credentials of any other account it refuses to work.

    `profile` is one of the user's AWS profiles; None: the environment's credentials. `assume_role_arn` is a role to take
    on with them. `tags` go on every resource that can carry tags.
    """
    return aws.Provider(
        name,
        region=region,
        allowed_account_ids=[account_id],
        profile=profile,
        # a plain dictionary would keep its Python names here: providers get their settings as JSON
        assume_roles=[aws.ProviderAssumeRoleArgs(role_arn=assume_role_arn, session_name="pulumi")]
        if assume_role_arn
        else None,
        default_tags={"tags": dict(tags)},
    )
