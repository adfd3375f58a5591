"""The nodes of an EKS cluster: one managed node group per zone and pool, because volumes belong to one zone.

Everything here changes in place, a group's nodes one after the other, but for what makes another machine (instance types,
the image's family, spot): then the new group is there before the old one goes, so pods always have somewhere to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from . import identity, values
from .account import Account
from .nodes import TEMPLATE_TAG, Group, NodePool, plan, sizes, template_tags, zones_of

if TYPE_CHECKING:
    from pulumi_aws.ec2 import LaunchTemplateBlockDeviceMappingEbsArgsDict

MANAGED_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
"""What a node must do itself. Its addresses are the network plug-in's matter, which has a role of its own."""
PREFIX_LIMIT = 37
"""A node group's name has at most 63 characters (Amazon EKS API reference), of which the provider's suffix takes 26."""


@dataclass(frozen=True, kw_only=True)
class NodePoolsArgs:
    """The nodes of one cluster."""

    account: Account
    cluster: pulumi.Input[str]
    """Its name, known once the control plane runs."""
    cluster_name: str
    """The same as text: what only carries the name waits for nothing."""
    version: str
    """The Kubernetes minor of the nodes: the control plane's, after which they follow."""
    network: values.Network
    key_arn: pulumi.Input[str]
    """The key of the root volumes."""
    pools: Sequence[NodePool]
    scaled: bool = False
    """True: the cluster autoscaler minds the number of nodes."""
    ready: Sequence[pulumi.Resource] = ()
    """What a node needs to become ready, such as the network plug-in."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """On instances, their volumes and interfaces, which the provider's default tags do not reach."""


@dataclass(frozen=True, kw_only=True)
class ScalingGroup:
    """The EC2 Auto Scaling group of a node group, with the limits that its pool sets it."""

    name: pulumi.Output[str]
    least: int
    most: int
    spot: bool = False


class NodePools(pulumi.ComponentResource):
    """Node groups of Amazon Linux 2023 in private subnets. Pods cannot reach their nodes' metadata, nor thereby their role."""

    groups: list[aws.eks.NodeGroup]
    scaling_groups: list[ScalingGroup]

    def __init__(self, name: str, args: NodePoolsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:NodePools", name, {}, opts)
        self._name, self._args = name, args
        self._opts = pulumi.ResourceOptions(parent=self, provider=args.account.provider)
        self._subnets = zones_of(args.network)
        trust = identity.text(identity.service_trust, "ec2.amazonaws.com")
        self._role_arn, granted = identity.role(
            f"{name}-node", account=args.account, trust=trust, managed_policies=MANAGED_POLICIES, parent=self
        )
        # also the other way round: a node that goes needs its role until it is gone
        self._needs = [*granted, *args.ready]
        self.groups, self.scaling_groups = [], []
        for pool in args.pools:
            planned = plan(pool, list(self._subnets), scaled=args.scaled)
            template = self._template(pool)
            for group in planned:
                self._add(group, template)
        self.register_outputs({})

    def _template(self, pool: NodePool) -> aws.ec2.LaunchTemplate:
        tags = {**self._args.tags, "Name": f"{self._args.cluster_name}-{pool.name}"}
        volume: LaunchTemplateBlockDeviceMappingEbsArgsDict = {
            "volume_type": "gp3",
            "volume_size": pool.disk_gib,
            "encrypted": "true",
            "kms_key_id": self._args.key_arn,
            "delete_on_termination": "true",
        }
        return aws.ec2.LaunchTemplate(
            f"{self._name}-{pool.name}",
            block_device_mappings=[{"device_name": "/dev/xvda", "ebs": volume}],
            # one hop ends at the node: no pod gets the node's role, unless it shares the node's network
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            tag_specifications=[
                {"resource_type": each, "tags": tags} for each in ("instance", "volume", "network-interface")
            ],
            opts=self._opts,
        )

    def _add(self, group: Group, template: aws.ec2.LaunchTemplate) -> None:
        args, pool = self._args, group.pool
        short = group.zone.removeprefix(args.account.region).strip("-")
        prefix = f"{pool.name}-{short}-"
        if len(prefix) > PREFIX_LIMIT:
            raise ValueError(f"node pool {pool.name!r}: {prefix!r} is too long for the name of a node group")
        made = aws.eks.NodeGroup(
            f"{self._name}-{pool.name}-{short}",
            cluster_name=args.cluster,
            # a prefix, so that another instance type can have its group before this one goes
            node_group_name_prefix=prefix,
            node_role_arn=self._role_arn,
            subnet_ids=self._subnets[group.zone],
            version=args.version,
            ami_type="AL2023_x86_64_STANDARD",
            capacity_type="SPOT" if pool.spot else "ON_DEMAND",
            instance_types=list(pool.instance_types),
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            scaling_config=sizes(group, scaled=args.scaled),
            update_config={"max_unavailable": 1},
            labels=pool.node_labels,
            taints=[{"key": pool.kept_for[0], "value": pool.kept_for[1], "effect": "NO_SCHEDULE"}]
            if pool.kept_for
            else None,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.account.provider,
                depends_on=self._needs,
                # the autoscaler's from the first minute on; a refresh would offer to take its nodes away
                ignore_changes=["scalingConfig.desiredSize"] if args.scaled else None,
            ),
        )
        self.groups.append(made)
        if args.scaled:
            name = made.resources.apply(_scaling_group)
            self.scaling_groups.append(ScalingGroup(name=name, least=group.least, most=group.most, spot=pool.spot))
            if group.least == 0:
                self._describe(f"{self._name}-{pool.name}-{short}", name, pool)

    def _describe(self, name: str, scaling_group: pulumi.Output[str], pool: NodePool) -> None:
        """Tells the autoscaler what a node would be like, for while there is none to look at."""
        for key, value in template_tags(pool).items():
            aws.autoscaling.Tag(
                f"{name}-{key.removeprefix(TEMPLATE_TAG + '/').replace('/', '-')}",
                autoscaling_group_name=scaling_group,
                tag={"key": key, "value": value, "propagate_at_launch": False},
                opts=self._opts,
            )


def _scaling_group(resources: Any) -> str:
    return resources[0].autoscaling_groups[0].name
