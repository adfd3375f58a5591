"""Flow logs: who talked to whom in a VPC."""

from __future__ import annotations

import json

import pulumi
from pulumi_aws import cloudwatch, ec2

from . import identity
from .account import Account
from .resource_policies import flow_logs_policy, flow_logs_trust

RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""What a log group can be told to keep. Source: Amazon CloudWatch Logs API Reference, PutRetentionPolicy."""

AGGREGATION_SECONDS = 600
"""One record per connection in ten minutes, AWS' default; the alternative, 60, multiplies what is paid for by up to ten."""


def check_retention(field: str, days: int | None) -> None:
    """Raises `ValueError`, naming `field`, if CloudWatch Logs cannot keep logs for that many days."""
    if days is not None and days not in RETENTION_DAYS:
        nearest = next((each for each in RETENTION_DAYS if each > days), RETENTION_DAYS[-1])
        raise ValueError(
            f"{field}: {days} given; CloudWatch Logs keeps logs for one of {', '.join(map(str, RETENTION_DAYS))} days. "
            f"Give {nearest}."
        )


def flow_log(
    name: str,
    *,
    account: Account,
    vpc_id: pulumi.Input[str],
    key_arn: pulumi.Input[str],
    days: int,
    parent: pulumi.Resource,
) -> None:
    """Records accepted and rejected traffic of a VPC in an encrypted log group of its own, kept for `days`."""
    opts = pulumi.ResourceOptions(parent=parent, provider=account.provider)
    group = cloudwatch.LogGroup(name, retention_in_days=days, kms_key_id=key_arn, opts=opts)
    role_arn, _ = identity.role(
        name,
        account=account,
        trust=json.dumps(flow_logs_trust(account)),
        policies={"log-group": group.arn.apply(lambda arn: json.dumps(flow_logs_policy(arn)))},
        parent=parent,
    )
    ec2.FlowLog(
        name,
        vpc_id=vpc_id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=group.arn,
        iam_role_arn=role_arn,
        max_aggregation_interval=AGGREGATION_SECONDS,
        opts=opts,
    )
