"""Checks of a brought VPC and its subnets."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from settings import Problem
from settings.aws import ExistingNetwork
from settings.problems import problem
from settings.stores import ManagedMySQL, ManagedRedis

from ..findings import Found, Warned
from .look import Look

BALANCER_ADDRESSES = 8
"""Free addresses that a load balancer asks of each of its subnets. Source: Elastic Load Balancing, "Subnets for your load
balancer"."""


def vpc(look: Look) -> Found:
    """The VPC exists and answers DNS as EKS, endpoints and data stores need."""
    network = look.stack.brought_network
    if network is None:
        return
    if look.missing("vpc"):
        yield problem(
            "aws.network.vpcId",
            f"names a VPC that does not exist in {look.stack.region} (got {network.vpc_id})",
            f"`aws ec2 describe-vpcs --region {look.stack.region}` lists those that do.",
        )
    found = look.found("vpc")
    if found is None:
        return
    off = [text for key, text in _DNS.items() if found.get(key) is False]
    for text in off:
        yield problem(
            "aws.network.vpcId",
            f"names a VPC without {text} (got {network.vpc_id})",
            f"Run `aws ec2 modify-vpc-attribute --vpc-id {network.vpc_id} --enable-{text.replace(' ', '-').lower()} "
            "'{\"Value\": true}'`: nodes cannot join without it.",
        )


_DNS = {"enableDnsSupport": "DNS support", "enableDnsHostnames": "DNS hostnames"}


def _subnets(network: ExistingNetwork) -> Iterator[tuple[str, str]]:
    """Every subnet with the setting that names it."""
    kinds = (
        ("privateSubnetIds", network.private_subnet_ids),
        ("publicSubnetIds", network.public_subnet_ids),
        ("databaseSubnetIds", network.database_subnet_ids or ()),
    )
    for key, ids in kinds:
        for index, each in enumerate(ids):
            yield f"aws.network.{key}[{index}]", each


def subnets(look: Look) -> Found:
    """Every subnet exists, in the VPC, and in the zone that is said of it."""
    network = look.stack.brought_network
    if network is None:
        return
    for path, each in _subnets(network):
        if look.missing(f"subnet {each}"):
            yield problem(
                path,
                f"names a subnet that does not exist in {look.stack.region} (got {each})",
                f"`aws ec2 describe-subnets --filters Name=vpc-id,Values={network.vpc_id}` lists those of the VPC.",
            )
        found = look.found(f"subnet {each}")
        if found and found.get("vpcId") != network.vpc_id:
            yield problem(
                path,
                f"names a subnet of another VPC (got {each}, which is in {found.get('vpcId')})",
                f"Use subnets of {network.vpc_id}.",
            )
    for index, (said, each) in enumerate(zip(network.zones, network.private_subnet_ids, strict=False)):
        there = (look.found(f"subnet {each}") or {}).get("availabilityZone")
        if there and there != said:
            yield problem(
                f"aws.network.zones[{index}]",
                f"is not the zone of {each} (got {said})",
                f"The subnet is in {there}.",
            )


def spread(look: Look) -> Found:
    """Nodes, databases and an internet-facing load balancer have subnets in two zones or more."""
    network = look.stack.brought_network
    if network is None:
        return
    if look.stack.made_cluster:
        yield from _two_zones(look, "privateSubnetIds", network.private_subnet_ids, "EKS needs")
    if isinstance(look.stack.settings.mysql, ManagedMySQL) or isinstance(look.stack.settings.redis, ManagedRedis):
        path = "databaseSubnetIds" if network.database_subnet_ids else "privateSubnetIds"
        yield from _two_zones(look, path, network.database_subnets, "Aurora and ElastiCache need")
    scheme = look.stack.aws.load_balancer.scheme
    if look.stack.settings.ingress is None:
        public = scheme == "internet-facing"
        path = "publicSubnetIds" if public else "privateSubnetIds"
        ids = network.public_subnet_ids if public else network.private_subnet_ids
        yield from _two_zones(look, path, ids, f"A load balancer that is {scheme} needs")
        yield from _room_for_balancer(look, path, ids)


def _two_zones(look: Look, path: str, ids: Sequence[str], who: str) -> Iterator[Problem]:
    found = [look.found(f"subnet {each}") for each in ids]
    if not all(found):
        return  # a subnet that is not there has a problem of its own
    there = sorted({str(each.get("availabilityZone")) for each in found if each})
    if len(there) < 2:
        got = f"{len(ids)}, in {there[0]}" if there else "none"
        yield problem(
            f"aws.network.{path}",
            f"has subnets in fewer than two zones (got {got})",
            f"{who} subnets in two zones or more.",
        )


def _free(subnet: Mapping[str, Any] | None) -> int | None:
    """Addresses that nobody has yet; None where the answer does not say."""
    return (
        None
        if subnet is None or subnet.get("availableIpAddressCount") is None
        else int(subnet["availableIpAddressCount"])
    )


def _room_for_balancer(look: Look, path: str, ids: Sequence[str]) -> Found:
    for index, each in enumerate(ids):
        free = _free(look.found(f"subnet {each}"))
        if free is not None and free < BALANCER_ADDRESSES:
            # on a stack that runs, its own load balancer may be what took them
            yield Warned(
                problem(
                    f"aws.network.{path}[{index}]",
                    f"has too few free addresses for a load balancer (got {each}, with {free})",
                    f"It asks for {BALANCER_ADDRESSES} in each of its subnets.",
                )
            )


def room(look: Look) -> Found:
    """The private subnets have addresses for the nodes and pods that the plan begins with.

    Not looked at once the cluster is there: what is taken then is the stack's own.
    """
    network = look.stack.brought_network
    if network is None or not look.stack.pools or look.found("cluster"):
        return
    wanted = _addresses(look)
    share = math.ceil(wanted / len(network.private_subnet_ids))
    for index, each in enumerate(network.private_subnet_ids):
        free = _free(look.found(f"subnet {each}"))
        if free is not None and free < share:
            yield problem(
                f"aws.network.privateSubnetIds[{index}]",
                f"has too few free addresses for nodes and pods (got {each}, with {free})",
                f"The plan begins with {_count(look)} nodes, which take about {wanted} addresses, {share} in each subnet: use "
                "larger subnets, or more of them.",
            )


def _count(look: Look) -> int:
    return sum(pool.count for pool in look.stack.pools.values())


def _addresses(look: Look) -> int:
    """Addresses that the planned nodes hold: with the VPC CNI every pod takes one, and a node takes those of a whole
    interface at once, and those of a spare one."""
    from sizing import pods
    from sizing.aws import NODES

    by_name = {each.name: each for each in NODES}
    held = sum(
        pool.count * 2 * (by_name[kind].ips_per_eni or 0)
        for pool in look.stack.pools.values()
        if (kind := pool.instance_types[0]) in by_name
    )
    planned = pods.of(look.stack.plan)
    return max(held, len(planned.base) + len(planned.surge) + _count(look))


def overlaps(look: Look) -> Found:
    """The addresses of the VPC that is made are no other VPC's here: two such can never be joined."""
    made = look.stack.made_network
    if made is None or look.values("own vpcs", "ids"):
        return
    block = ipaddress.IPv4Network(made.cidr)
    for name in look.answers:
        cidrs = (
            [each["cidrBlock"] for each in look.values(name, "cidrBlockAssociations")]
            if name.startswith("vpc ")
            else []
        )
        taken = [cidr for cidr in cidrs if ipaddress.IPv4Network(cidr).overlaps(block)]
        if taken:
            yield Warned(
                problem(
                    "aws.network.cidr",
                    f"has addresses that {name.removeprefix('vpc ')} has too, in the same region (got {made.cidr}; "
                    f"{', '.join(taken)})",
                    "The two can never be peered, nor joined by one transit gateway: choose other addresses unless that is "
                    "as you want it. They cannot be changed later.",
                )
            )
