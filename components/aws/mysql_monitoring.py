"""What Aurora MySQL says of itself: logs, and the metrics of its operating system."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from ..ordering import after
from .account import Account


def log_groups(
    name: str,
    cluster: aws.rds.Cluster,
    logs: Sequence[str],
    *,
    days: int,
    key_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> list[aws.cloudwatch.LogGroup]:
    """The groups that RDS exports `logs` of a cluster to, kept for `days` and encrypted.

    RDS fixes their names, and makes those that are missing: they have to be there before an instance is.
    """
    return [
        aws.cloudwatch.LogGroup(
            f"{name}-{log}-log",
            name=pulumi.Output.concat("/aws/rds/cluster/", cluster.cluster_identifier, f"/{log}"),
            retention_in_days=days,
            kms_key_id=key_arn,
            opts=opts,
        )
        for log in logs
    ]


def monitoring_role(name: str, *, account: Account, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """The role by which RDS writes metrics of the operating system (Enhanced Monitoring), once it may write them."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "monitoring.rds.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account.id}},
    }
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    role = aws.iam.Role(name, assume_role_policy=json.dumps(trust), opts=opts)
    attached = aws.iam.RolePolicyAttachment(
        name,
        role=role.name,
        policy_arn=account.arn("iam", "policy/service-role/AmazonRDSEnhancedMonitoringRole", region="", account="aws"),
        opts=opts,
    )
    return after(role.arn, attached)
