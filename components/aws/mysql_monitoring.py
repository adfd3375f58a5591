"""What Aurora MySQL says of itself: logs, and the metrics of its operating system."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from . import identity
from .account import Account
from .resource_policies import service_trust


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


def monitoring_role(name: str, *, account: Account, parent: pulumi.Resource) -> pulumi.Output[str]:
    """The role by which RDS writes metrics of the operating system (Enhanced Monitoring), once it may write them."""
    trust = service_trust("monitoring.rds", account, account.arn("rds", "db:*"))
    role_arn, _ = identity.role(
        name,
        account=account,
        trust=json.dumps(trust),
        managed_policies=("service-role/AmazonRDSEnhancedMonitoringRole",),
        parent=parent,
    )
    return role_arn
