"""What Aurora and ElastiCache have in common: who may connect, names that are free, and logs that end."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
import pulumi_random

from . import values


def closed_group(
    name: str, *, vpc_id: pulumi.Input[str], description: str, opts: pulumi.ResourceOptions
) -> aws.ec2.SecurityGroup:
    """A security group that lets nothing in and nothing out. `description` can never change: that would replace it."""
    # no rules in line: they would fight with those that `admit` makes
    return aws.ec2.SecurityGroup(name, vpc_id=vpc_id, description=description, opts=opts)


def admit(
    name: str,
    *,
    group: aws.ec2.SecurityGroup,
    eks: values.EKS,
    port: int,
    opts: pulumi.ResourceOptions,
) -> aws.vpc.SecurityGroupIngressRule:
    """Lets the nodes of a cluster, and the pods on them, connect to `port`.

    It is a resource of its own, because the store does not wait for the cluster: the two are made side by side.
    """
    return aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=group.id,
        referenced_security_group_id=eks.security_group_id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        description="nodes and pods of the EKS cluster",
        opts=opts,
    )


def final_snapshot(
    name: str,
    provider: pulumi_random.Provider,
    *,
    keepers: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """The name of the snapshot that a store leaves behind, which no other store ever gets.

    A name that was used once stays taken as long as its snapshot is kept, so a stack that is destroyed, made again and
    destroyed again needs another one each time. `keepers` is what replaces the store: each one gets a name of its own.
    """
    suffix = pulumi_random.RandomId(
        f"{name}-final-snapshot",
        byte_length=6,
        keepers=keepers,
        opts=pulumi.ResourceOptions(parent=parent, provider=provider),
    )
    return pulumi.Output.concat(f"{name}-final-", suffix.hex)
