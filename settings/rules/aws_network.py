"""Rules about the VPC: zones, addresses, subnets."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Sequence

from ..aws import ExistingNetwork, ManagedNetwork
from ..cidr import block
from ..model import Settings
from ..problems import problem
from ..regions import REGIONS, is_zone_of
from ..surface import full
from .aws_base import aws_of
from .registry import Problems, rule

WIDEST, NARROWEST = 16, 20
"""Prefix lengths of a VPC: AWS makes none wider, and in a narrower one a zone would not hold three nodes full of pods."""
PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
"""Addresses that nobody on the internet has: RFC 1918 and RFC 6598."""
TAKEN = {
    "172.17.0.0/16": "Docker's bridge, which AWS' services use on nodes",
    "172.20.0.0/16": "the cluster's Services",
    "10.100.0.0/16": "the cluster's Services",
}
"""Blocks inside the cluster that a VPC must not overlap, else pods cannot reach part of it. EKS gives Services one of the two
blocks when none is asked for. Source: EKS user guide, "View Amazon EKS networking requirements for VPC and subnets"."""
EKS_ZONES = 2
"""EKS takes subnets in two zones or more. Source: the same."""
PRODUCTION_ZONES = 3
"""ClickHouse's replicas and keepers outlive a zone only if no zone has two of three. W&B Reference Architecture: workers in
three zones."""


@rule
def _zones_of_the_region(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or aws.network.zones is None:
        return
    for index, zone in enumerate(aws.network.zones):
        if not is_zone_of(zone, aws.region):
            yield problem(
                f"aws.network.zones[{index}]",
                f"is not a zone of region {aws.region} (got {zone})",
                f"Name zones such as {aws.region}a, or another `{full('aws')}.region`.",
            )
    yield from _twice("aws.network.zones", aws.network.zones, "Name each zone once.")


@rule
def _zones_named(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws and aws.network.zones is None and aws.region in REGIONS and not aws.zones:
        yield problem(
            "aws.network.zones",
            f"is missing, and region {aws.region} has no three zones that every account sees",
            f"Name the zones: `aws ec2 describe-availability-zones --region {aws.region}` lists yours.",
        )


@rule
def _enough_zones(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or not aws.zones:
        return
    count = len(aws.zones)
    if count < EKS_ZONES:
        yield problem(
            "aws.network.zones", f"has too few zones (got {count})", "EKS needs subnets in two zones or more."
        )
    elif settings.environment == "production" and settings.managed_clickhouse and count < PRODUCTION_ZONES:
        yield problem(
            "aws.network.zones",
            f"has too few zones for production (got {count})",
            "Use three: ClickHouse's replicas and keepers outlive a zone only if each is in another one.",
        )


@rule
def _nat(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or not isinstance(aws.network, ManagedNetwork):
        return
    if settings.environment == "production" and aws.network.nat == "single":
        yield problem(
            "aws.network.nat",
            "is single, and `environment` is production: every zone would be offline when its zone is",
            "Use per-zone, or leave the key out.",
        )


@rule
def _addresses(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or not isinstance(aws.network, ManagedNetwork):
        return
    wanted = block(aws.network.cidr)
    if not WIDEST <= wanted.prefixlen <= NARROWEST:
        size = "wider than AWS makes a VPC" if wanted.prefixlen < WIDEST else "too small: every pod takes an address"
        right = f"Use /{WIDEST} to /{NARROWEST}; /16 leaves room to grow."
        yield problem("aws.network.cidr", f"is {size} (got {wanted})", right)
    if not any(wanted.subnet_of(each) for each in PRIVATE):
        yield problem(
            "aws.network.cidr",
            f"has public addresses, which belong to others (got {wanted})",
            "Use a part of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.",
        )
    for taken, whose in TAKEN.items():
        if wanted.overlaps(block(taken)):
            yield problem(
                "aws.network.cidr",
                f"overlaps {taken}, the addresses of {whose} (got {wanted})",
                "Use another block, such as 10.20.0.0/16.",
            )


@rule
def _existing_subnets(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or not isinstance(aws.network, ExistingNetwork):
        return
    network = aws.network
    if len(network.private_subnet_ids) != len(network.zones):
        yield problem(
            "aws.network.privateSubnetIds",
            f"has {len(network.private_subnet_ids)} subnets, and `zones` has {len(network.zones)} zones",
            "Give one private subnet for each zone, in the same order.",
        )
    for key, ids in _subnets(network):
        yield from _twice(f"aws.network.{key}", ids, "Name each subnet once.")
    both = set(network.private_subnet_ids) & set(network.public_subnet_ids)
    for each in sorted(both):
        yield problem(
            "aws.network.publicSubnetIds",
            f"names a subnet that `privateSubnetIds` names too (got {each})",
            "A subnet is public where its route table leads to an internet gateway, else private.",
        )


@rule
def _database_subnets(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or not isinstance(aws.network, ExistingNetwork) or aws.network.database_subnet_ids is None:
        return
    if len(aws.network.database_subnet_ids) < EKS_ZONES:
        yield problem(
            "aws.network.databaseSubnetIds",
            "has too few subnets (got 1)",
            "Aurora needs subnets in two zones or more. Left out, the private ones are used.",
        )


@rule
def _public_subnets(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or not isinstance(aws.network, ExistingNetwork) or settings.ingress is not None:
        return
    count = len(aws.network.public_subnet_ids)
    if aws.load_balancer.scheme == "internet-facing" and count < EKS_ZONES:
        yield problem(
            "aws.network.publicSubnetIds",
            f"has too few subnets for an internet-facing load balancer (got {count})",
            f"Give public subnets in two zones or more, or set `{full('aws')}.loadBalancer.scheme` to internal.",
        )


def _subnets(network: ExistingNetwork) -> Iterable[tuple[str, Sequence[str]]]:
    yield "privateSubnetIds", network.private_subnet_ids
    yield "publicSubnetIds", network.public_subnet_ids
    yield "databaseSubnetIds", network.database_subnet_ids or []


def _twice(path: str, values: Sequence[str], right: str) -> Problems:
    for value, count in Counter(values).items():
        if count > 1:
            yield problem(path, f"names {value} {'twice' if count == 2 else f'{count} times'}", right)
