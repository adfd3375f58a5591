"""Checks of the account: who asks, which zones there are, what the account may have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from settings import Problem
from settings.arns import parts
from settings.problems import problem
from settings.regions import EKS_EXCLUDED_ZONE_IDS, REGIONS
from settings.surface import full

from ..findings import Found, Warned
from .look import Look
from .questions import QUOTAS

if TYPE_CHECKING:
    from sizing import NodePool

STANDARD_FAMILIES = "acdhimrtz"
"""First letters of the families whose vCPU one quota bounds together. Source: EC2 user guide, "On-Demand Instance quotas"."""


def identity(look: Look) -> Found:
    """The caller is of the account, and of the region's partition."""
    caller = look.found("caller")
    if caller is None:
        return
    stack, arn = look.stack, str(caller["arn"])
    if str(caller["accountId"]) != stack.aws.account_id:
        yield problem(
            "aws.accountId",
            f"is not the account that the credentials are of (got {stack.aws.account_id}; {arn} is of {caller['accountId']})",
            f"Use credentials of that account (`{full('aws.profile')}`, `{full('aws.assumeRoleArn')}`), or correct the id.",
        )
    partition = REGIONS[stack.region].partition
    if parts(arn).partition != partition:
        yield problem(
            "aws.region",
            f"is in the partition {partition}, and the credentials are of {parts(arn).partition} (got {stack.region})",
            "Use credentials of that partition, or a region of this one.",
        )


def administrators(look: Look) -> Found:
    """Whoever makes the cluster is not named as an administrator: EKS would refuse the second access entry for it."""
    caller, made = look.found("caller"), look.stack.made_cluster
    if caller is None or made is None or look.ours:
        return
    for index, arn in enumerate(made.admin_arns):
        if _principal(arn) == _principal(str(caller["arn"])):
            yield problem(
                f"aws.cluster.adminArns[{index}]",
                f"is the identity that makes the cluster, which EKS lets in by itself (got {arn})",
                "Remove it: EKS refuses a second access entry for it.",
            )


def _principal(arn: str) -> tuple[str, str, str]:
    """Account, kind and name of a role or user. A session counts as its role; a path counts for nothing, because names are
    unique in an account without it."""
    found = parts(arn)
    kind, *names = found.resource.split("/")
    if kind == "assumed-role" and names:
        return found.account, "role", names[0]
    return found.account, kind, names[-1] if names else ""


def zones(look: Look) -> Found:
    """Every zone is there for this account, and EKS can use it."""
    known = dict(zip(look.values("zones", "names"), look.values("zones", "zoneIds"), strict=False))
    if not known:
        return
    usable = [name for name, zone_id in sorted(known.items()) if zone_id not in EKS_EXCLUDED_ZONE_IDS]
    for zone in look.stack.zones:
        if zone not in known:
            yield problem(
                "aws.network.zones",
                f"names a zone that this account does not have (got {zone})",
                f"It has: {', '.join(usable)}.",
            )
        elif known[zone] in EKS_EXCLUDED_ZONE_IDS and look.stack.made_cluster:
            yield problem(
                "aws.network.zones",
                f"names a zone in which EKS has no control plane (got {zone}, which is {known[zone]} for this account)",
                f"Use others: {', '.join(usable)}.",
            )


def quotas(look: Look) -> Found:
    """The network and the nodes are within what the account may have.

    What is there already counts only where a list of it can be had, and what the stack itself made not at all.
    """
    made = look.stack.made_network
    if made:
        zones = max(1, len(look.stack.zones))
        yield from _quota(look, "vpcs", "VPCs", 1)
        single = made.nat_for(look.stack.settings.environment) == "single"
        yield from _quota(look, "addresses", "Elastic IP addresses", 1 if single else zones)
        yield from _quota(look, "nat", "NAT gateways in a zone", 1, shared_by=zones)
    yield from _cpus(look)


def _quota(look: Look, name: str, what: str, wanted: int, *, shared_by: int = 1) -> Iterator[Problem | Warned]:
    limit, listed = look.found(f"quota {name}"), look.found(f"all {name}")
    if limit is None or listed is None:
        return
    every, own = _count(listed), _count(look.found(f"own {name}") or {})
    if own:
        return  # made already, and then it is within the quota
    used = math.ceil(every / shared_by)
    if used + wanted > int(limit["value"]):
        found = problem(
            "aws.network",
            f"needs {wanted} more of the {what} than the account may have (quota {int(limit['value'])}, in use {used})",
            _raise(name),
        )
        # in which zone a NAT gateway is, its list does not say
        yield found if shared_by == 1 else Warned(found)


def _count(listed: Mapping[str, Any]) -> int:
    return len(listed.get("ids") or listed.get("allocationIds") or ())


def _raise(name: str) -> str:
    service, code = QUOTAS[name]
    return (
        f"Ask for more: `aws service-quotas request-service-quota-increase --service-code {service} --quota-code {code} "
        "--desired-value ...`."
    )


def _cpus(look: Look) -> Found:
    limit = look.found("quota cpus")
    pools = [pool for pool in look.stack.pools.values() if not pool.spot and _standard(pool.instance_types)]
    least, most = (
        sum(count * pool.cpu for pool, count in zip(pools, counts, strict=True)) for counts in _counts(pools)
    )
    if limit is None or most <= (allowed := int(limit["value"])):
        return
    if least > allowed:
        wrong = f"needs {least} vCPU of On-Demand instances, and the account may run {allowed}"
        yield problem("sizing.nodes", wrong, _raise("cpus"))
    else:
        wrong = f"comes to {most} vCPU with all nodes that the autoscaler may add, and the account may run {allowed}"
        yield Warned(problem("sizing.nodes", wrong, _raise("cpus")))


def _counts(pools: Sequence[NodePool]) -> tuple[list[int], list[int]]:
    return [pool.count for pool in pools], [pool.max_count for pool in pools]


def _standard(types: Sequence[str]) -> bool:
    return types[0][0] in STANDARD_FAMILIES
