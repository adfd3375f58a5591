"""Which nodes there are to be: pools, dealt out over the zones. No resources; those are in `node_groups`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

from . import values

if TYPE_CHECKING:
    from pulumi_aws.eks import NodeGroupScalingConfigArgsDict

POOL_LABEL = "wandb.pulumi/pool"
"""On every node; its value is the pool's name."""
SPOT_TAINT = "dedicated=spot:NoSchedule"
"""Of spot pools that name none. Nothing runs there but what tolerates it: see `contracts.Cluster.spot_pool`."""
CLICKHOUSE_POOL = "clickhouse"
"""The name of the pool that is ClickHouse's alone."""
ROOM = 100
"""The most nodes that a group may have while the autoscaler, which is told the pool's limits, minds its size.
AWS allows 450 (Amazon EKS service quotas)."""
TEMPLATE_TAG = "k8s.io/cluster-autoscaler/node-template"
"""How the autoscaler learns what a node of an empty group would be like."""


@dataclass(frozen=True, kw_only=True)
class NodePool:
    """Nodes of one kind, over all zones. Raises `ValueError` with every problem."""

    name: str
    instance_types: Sequence[str]
    """One, or for a spot pool several with as much CPU and memory. Another one replaces the pool's nodes."""
    count: int
    """Nodes over all zones; with the autoscaler, at least so many."""
    max_count: int
    """Nodes over all zones, at most; without the autoscaler nothing makes more than `count`."""
    disk_gib: int = 100
    """The root volume: images, logs and what pods write beside their volumes."""
    labels: Mapping[str, str] = field(default_factory=dict)
    taint: str | None = None
    """`key=value:NoSchedule`; the nodes carry `key=value` as a label too. None: any pod may run here, but see `spot`."""
    spot: bool = False
    """True: spare capacity that AWS may take back with two minutes' notice, kept apart by `taint` or else `SPOT_TAINT`."""

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise ValueError(f"node pool {self.name!r}: " + "; ".join(problems))

    @property
    def kept_for(self) -> tuple[str, str] | None:
        """Key and value of the taint; None: any pod may run here."""
        taint = self.taint or (SPOT_TAINT if self.spot else None)
        if taint is None:
            return None
        key, _, value = taint.removesuffix(":NoSchedule").partition("=")
        return key, value

    @property
    def node_labels(self) -> dict[str, str]:
        """Every label that the nodes carry on this package's behalf."""
        return {**self.labels, **dict([self.kept_for] if self.kept_for else []), POOL_LABEL: self.name}


def _problems(pool: NodePool) -> Iterator[str]:
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", pool.name):
        yield "the name must be 1 to 20 of a-z, 0-9 and -, beginning with a letter"
    if not pool.instance_types:
        yield "instance_types: none given; one is needed"
    if len(pool.instance_types) > 1 and not pool.spot:
        yield f"instance_types: {list(pool.instance_types)} given; one, because nodes of one pool are planned alike"
    if pool.count < 0 or pool.max_count < 1 or pool.max_count < pool.count:
        yield f"count {pool.count} and max_count {pool.max_count} given; 0 <= count <= max_count and 1 <= max_count"
    if pool.disk_gib < 20:
        yield f"disk_gib: {pool.disk_gib} given; at least 20, which is what the image needs"
    if pool.taint is not None and not re.fullmatch(r"[a-z0-9./-]+=[A-Za-z0-9._-]+:NoSchedule", pool.taint):
        yield f"taint: {pool.taint!r} given; key=value:NoSchedule is possible"


@dataclass(frozen=True, kw_only=True)
class Group:
    """One node group as it is planned: a pool's share in one zone."""

    pool: NodePool
    zone: str
    least: int
    most: int


def shares(count: int, zones: int) -> tuple[int, ...]:
    """`count` nodes dealt out over `zones` zones: none lost, and no zone with two more than another.

    The first zones get what is left over, so raising `count` takes no node from any zone.
    """
    each, left = divmod(count, zones)
    return tuple(each + (index < left) for index in range(zones))


def plan(pool: NodePool, zones: Sequence[str], *, scaled: bool) -> list[Group]:
    """The groups of `pool`, one per zone in which it can ever have a node; `scaled`: an autoscaler adds some."""
    dealt = zip(zones, shares(pool.count, len(zones)), shares(pool.max_count, len(zones)), strict=True)
    return [
        Group(pool=pool, zone=zone, least=least, most=most)
        for zone, least, most in dealt
        if (most if scaled else least)
    ]


def zones_of(network: values.Network) -> dict[str, list[pulumi.Input[str]]]:
    """The node subnets of each zone, in the network's order. Raises `ValueError` if a subnet has no zone."""
    if len(network.zones) != len(network.node_subnets):
        raise ValueError(
            f"network: {len(network.node_subnets)} node subnets and {len(network.zones)} zones given; "
            "each subnet needs its zone, because nodes and their volumes must be in the same"
        )
    found: dict[str, list[pulumi.Input[str]]] = {}
    for zone, subnet in zip(network.zones, network.node_subnets, strict=True):
        found.setdefault(zone, []).append(subnet)
    return found


def sizes(group: Group, *, scaled: bool) -> NodeGroupScalingConfigArgsDict:
    """The `scaling_config` of a group.

    With the autoscaler the group itself sets no limits, and its size is the autoscaler's: it is told the pool's limits and
    keeps them. Limits in the group would be in its way, for EKS refuses a `min_size` above the present size, and any
    change of them sends along a size, which would be the one at creation.
    """
    if scaled:
        return {"min_size": 0, "max_size": max(ROOM, group.most), "desired_size": group.least}
    return {"min_size": group.least, "max_size": max(group.most, group.least), "desired_size": group.least}


def template_tags(pool: NodePool) -> dict[str, str]:
    """The tags by which the autoscaler knows what a pod would find on a node of `pool`. Source: its AWS provider's README."""
    tags = {f"{TEMPLATE_TAG}/label/{key}": value for key, value in pool.node_labels.items()}
    if pool.kept_for:
        tags[f"{TEMPLATE_TAG}/taint/{pool.kept_for[0]}"] = f"{pool.kept_for[1]}:NoSchedule"
    return {**tags, f"{TEMPLATE_TAG}/resources/ephemeral-storage": f"{pool.disk_gib}Gi"}
