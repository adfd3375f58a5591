"""Checks of the cluster and its machines."""

from __future__ import annotations

from collections.abc import Iterator

from settings import Problem
from settings.arns import parts
from settings.aws import ExistingCluster
from settings.problems import problem
from settings.surface import full

from ..checks import MINIMUM_VERSION
from ..findings import Found, Warned
from .look import OWNER_TAG, Look
from .questions import oidc_issuer

STANDARD, EXTENDED = "STANDARD_SUPPORT", "EXTENDED_SUPPORT"


def name(look: Look) -> Found:
    """No cluster but the stack's own has the name."""
    taken = look.found("cluster")
    if look.stack.made_cluster and taken is not None and not look.ours:
        maker = (taken.get("tags") or {}).get(OWNER_TAG)
        whose = f"stack {maker} made that cluster" if maker else "the cluster is not this stack's"
        yield problem(
            "aws.cluster.name",
            f"is taken: {whose} (got {look.stack.cluster_name})",
            "Choose another name, or bring the cluster with `kind: existing`.",
        )


def reachable(look: Look) -> Found:
    """A first `up` can reach the API of a cluster whose network it makes itself."""
    made, network = look.stack.made_cluster, look.stack.made_network
    taken = look.values("clusters", "names")
    if (
        look.found("clusters") is None
        or made is None
        or network is None
        or made.public_access_cidrs
        or look.stack.cluster_name in taken
    ):
        return
    yield problem(
        "aws.cluster.publicAccessCidrs",
        "is empty: the cluster could be reached from within its network alone, which is only being made",
        "Name the addresses that Pulumi connects from, as in `[203.0.113.0/24]`, and empty the list once there is a way into "
        "the network; or bring a network that Pulumi runs in or is connected to.",
    )


def version(look: Look) -> Found:
    """EKS offers the version, in standard support."""
    made, offered = look.stack.made_cluster, look.values("versions", "clusterVersions")
    if made is None or not offered:
        return
    by_version = {str(each["clusterVersion"]): each for each in offered}
    standard = [each for each in by_version if _status(by_version[each]) == STANDARD]
    found = by_version.get(made.version)
    right = f"In standard support here: {', '.join(sorted(standard, key=_number))}."
    if found is None or _status(found) not in (STANDARD, EXTENDED):
        yield problem("aws.cluster.version", f"is not a version that EKS offers here (got {made.version})", right)
    elif _status(found) == EXTENDED:
        ended = str(found.get("endOfStandardSupportDate") or "")[:10]
        since = f" since {ended}" if ended else ""
        yield Warned(
            problem(
                "aws.cluster.version",
                f"is out of standard support{since}, and costs more per hour (got {made.version})",
                right,
            )
        )


def _status(version: dict) -> str:
    return str(version.get("versionStatus") or version.get("status") or "")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def machines(look: Look) -> Found:
    """Every zone offers the nodes' types."""
    if look.found("offerings") is None:
        return
    pairs = zip(look.values("offerings", "instanceTypes"), look.values("offerings", "locations"), strict=True)
    offered: dict[str, set[str]] = {}
    for kind, zone in pairs:
        offered.setdefault(zone, set()).add(kind)
    for path, pool in look.stack.pools.items():
        lacking = {
            each: [zone for zone in look.stack.zones if each not in offered.get(zone, ())]
            for each in pool.instance_types
        }
        for kind, where in lacking.items():
            if not where:
                continue
            wrong = problem(
                f"{path}.type" if not pool.spot else f"{path}.instanceTypes",
                f"is not offered in {', '.join(where)} (got {kind})",
                f"`aws ec2 describe-instance-type-offerings --region {look.stack.region} --location-type availability-zone` "
                f"lists what is: choose another type, or other zones (`{full('aws.network.zones')}`).",
            )
            # the types of a spot pool stand in for each other, as long as one is there
            yield Warned(wrong) if pool.spot and any(not each for each in lacking.values()) else wrong


def brought(look: Look) -> Found:
    """A brought cluster exists, runs, is new enough, stands in the VPC and lets pods have roles."""
    settings = look.stack.brought_cluster
    if settings is None:
        return
    if look.missing("cluster"):
        yield problem(
            "aws.cluster.name",
            f"names a cluster that does not exist in {look.stack.region} (got {settings.name})",
            f"`aws eks list-clusters --region {look.stack.region}` lists those that do.",
        )
    found = look.found("cluster")
    if found is None:
        return
    if found.get("status") != "ACTIVE":
        yield problem(
            "aws.cluster.name",
            f"names a cluster that is not active (got {settings.name}, {found.get('status')})",
            "Wait until it is.",
        )
    if _number(str(found.get("version") or "")) < MINIMUM_VERSION:
        wanted = ".".join(map(str, MINIMUM_VERSION))
        yield problem(
            "aws.cluster.name",
            f"names a cluster that is too old (got Kubernetes {found.get('version')})",
            f"W&B needs {wanted} or newer: upgrade the cluster, or use another.",
        )
    network = look.stack.brought_network
    vpc = (found.get("vpcConfig") or {}).get("vpcId")
    if network and vpc and vpc != network.vpc_id:
        yield problem(
            "aws.network.vpcId",
            f"is not the VPC of the cluster {settings.name} (got {network.vpc_id})",
            f"The cluster stands in {vpc}: use that, and its subnets.",
        )
    yield from _trust(look, settings)


def _trust(look: Look, settings: ExistingCluster) -> Iterator[Problem]:
    """IAM trusts the issuer of the cluster's tokens: without that no pod gets a role."""
    issuer, given = oidc_issuer(look.found("cluster") or {}), settings.oidc_provider_arn
    if issuer is None:
        return
    if given and parts(given).resource.partition("/")[2] != issuer.removeprefix("https://"):
        yield problem(
            "aws.cluster.oidcProviderArn",
            f"is not of the cluster {settings.name} (got {given})",
            f"Its issuer is {issuer}.",
        )
    elif look.missing("oidc"):
        yield problem(
            "aws.cluster.oidcProviderArn" if given else "aws.cluster.name",
            f"leads to no OIDC provider in IAM (the issuer of {settings.name} is {issuer})",
            f"Run `eksctl utils associate-iam-oidc-provider --cluster {settings.name} --region {look.stack.region} --approve`: "
            "without it no pod gets a role.",
        )
