"""Rules about the EKS cluster: who reaches its API, its nodes, and tags."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator

from ..aws import AWS, ExistingCluster, ExistingNetwork, ManagedCluster
from ..cidr import block
from ..clickhouse import ExternalClickHouse
from ..model import Settings
from ..problems import problem
from ..stores import ExternalMySQL, ExternalObjectStore, ExternalRedis
from ..surface import full
from .aws_base import aws_of
from .aws_network import PRIVATE
from .registry import Problems, rule

_WIDEST_ACCESS = 8
"""No company has more addresses than a /8. Wider blocks are a way to write "everybody"."""
_RESERVED = (*PRIVATE, *map(ipaddress.IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))
"""EKS refuses them for its public endpoint. Source: EKS user guide, "Configure network access to cluster API server endpoint"."""


@rule
def _api_access(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or not isinstance(aws.cluster, ManagedCluster):
        return
    cidrs = aws.cluster.public_access_cidrs
    for index, cidr in enumerate(cidrs):
        path, wanted = f"aws.cluster.publicAccessCidrs[{index}]", block(cidr)
        if wanted.prefixlen < _WIDEST_ACCESS:
            yield problem(
                path,
                f"opens the cluster's API to the internet (got {cidr})",
                "Give the addresses that administrators and pipelines come from, such as 203.0.113.0/24, or none.",
            )
        elif any(wanted.overlaps(each) for each in _RESERVED):
            yield problem(
                path,
                f"is no public address, and EKS refuses it (got {cidr})",
                "Remove it: from inside the VPC, and networks that are joined to it, the API is reached anyway.",
            )
    for cidr, count in Counter(cidrs).items():
        if count > 1:
            yield problem("aws.cluster.publicAccessCidrs", f"names {cidr} twice", "Name each block once.")


@rule
def _administrators(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or not isinstance(aws.cluster, ManagedCluster):
        return
    for principal, count in Counter(aws.cluster.admin_arns).items():
        if count > 1:
            yield problem("aws.cluster.adminArns", f"names {principal} twice", "Name each once: EKS refuses a second.")


@rule
def _cluster_stands_in_its_network(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws and isinstance(aws.cluster, ExistingCluster) and not isinstance(aws.network, ExistingNetwork):
        yield problem(
            "aws.network.kind",
            "is managed, and `aws.cluster.kind` is existing: a cluster that exists has its VPC already",
            "Use existing, and give that VPC with its zones and subnets.",
        )


@rule
def _nothing_is_there_before(settings: Settings) -> Problems:
    """In a cluster that the stack makes there is no Secret and no namespace when W&B's pods start."""
    aws = aws_of(settings)
    if aws is None or not isinstance(aws.cluster, ManagedCluster):
        return
    empty = "and the cluster is made by the stack, so nothing is in it before"
    if not settings.namespaces.create:
        yield problem("namespaces.create", f"is false, {empty}", "Leave it out: the stack makes the namespaces.")
    if settings.license_secret is not None:
        right = f"Run `pulumi config set --secret {full('license')}` instead, and remove it."
        yield problem("licenseSecret", f"names a Secret, {empty}", right)
    for section, path in _secrets(settings):
        right = f"Run `pulumi config set --secret --path {full(section)}.password` instead, and remove it."
        if path != f"{section}.passwordSecret":
            right = "Remove it: " + ("the pods' role opens the bucket." if "keys" in path else "make both beforehand.")
        yield problem(path, f"names a Secret, {empty}", right)


def _secrets(settings: Settings) -> Iterator[tuple[str, str]]:
    """Section and key of every Secret that is to be there before."""
    mysql, redis, store, clickhouse = settings.mysql, settings.redis, settings.object_store, settings.clickhouse
    for section, each in (("mysql", mysql), ("redis", redis), ("clickhouse", clickhouse)):
        if isinstance(each, ExternalMySQL | ExternalRedis | ExternalClickHouse) and each.password_secret is not None:
            yield section, f"{section}.passwordSecret"
    if isinstance(mysql, ExternalMySQL) and mysql.admin is not None:
        yield "mysql", "mysql.admin"
    if isinstance(store, ExternalObjectStore):
        for key, bucket in (("bucket", store.bucket), ("clickhouseBucket", store.clickhouse_bucket)):
            if bucket is not None and bucket.keys_secret is not None:
                yield "objectStore", f"objectStore.{key}.keysSecret"


@rule
def _spot(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or not isinstance(aws.cluster, ManagedCluster) or aws.cluster.spot is None:
        return
    if not aws.cluster.autoscaled(settings.environment):
        yield problem(
            "aws.cluster.spot",
            "is given, and no autoscaler runs that would add spot nodes",
            f"Set `{full('aws')}.cluster.autoscaler` to true, or remove the section.",
        )
    types = aws.cluster.spot.instance_types or []
    if len(set(types)) < len(types):
        yield problem("aws.cluster.spot.instanceTypes", "names a type twice", "Name each type once.")


@rule
def _clickhouse_nodes(settings: Settings) -> Problems:
    aws, own = aws_of(settings), settings.sizing.clickhouse_nodes
    if aws is None or (own.count is None and own.type is None):
        return
    if settings.managed_clickhouse is None:
        yield problem("sizing.clickhouseNodes", "is given, and no ClickHouse is made", "Remove it.")
    elif isinstance(aws.cluster, ExistingCluster) and aws.cluster.clickhouse_pool is None:
        yield problem(
            "sizing.clickhouseNodes",
            "is given, and the cluster has no nodes for ClickHouse alone",
            f"Name their label under `{full('aws')}.cluster.clickhousePool`, or remove it.",
        )
    elif own.count is not None and own.count < settings.managed_clickhouse.servers:
        yield problem(
            "sizing.clickhouseNodes.count",
            f"is too few for {settings.managed_clickhouse.servers} replicas (got {own.count})",
            "Each replica has a node of its own: use as many, or more.",
        )


@rule
def _tags(settings: Settings) -> Problems:
    aws = aws_of(settings)
    for key, value in _tags_of(aws).items():
        if key.lower().startswith("aws:"):
            yield problem(f"aws.tags.{key}", "begins with `aws:`, which AWS keeps for itself", "Use another name.")
        if not 1 <= len(key) <= 128 or len(value) > 256:
            yield problem(
                f"aws.tags.{key[:20]}", "is too long, or empty", "Names have 1 to 128 characters, values at most 256."
            )


def _tags_of(aws: AWS | None) -> dict[str, str]:
    return aws.tags if aws else {}
