"""Preflight: looks at the cluster or the account before anything is registered, and says what is not as the settings need it.

    lookup    reading a cluster's API, behind a protocol that tests implement with plain data
    checks    what is looked at in a cluster that exists, each as a generator of problems
    aws       the same for an AWS account; imported for stacks of that target alone
    findings  what is found, and its report

It only reads, and never a Secret's values. `require` is what the program calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from settings import Settings, stop

from .checks import PlannedNodes, check
from .findings import Findings
from .lookup import Denied, Lookup, Unreachable, connect

if TYPE_CHECKING:
    import pulumi_aws

    from sizing import Plan

    from . import aws

__all__ = ["Denied", "Findings", "Lookup", "PlannedNodes", "Unreachable", "check", "connect", "require"]


def require(
    settings: Settings,
    plan: Plan,
    *,
    provider: pulumi_aws.Provider | None = None,
    lookup: Lookup | aws.Lookup | None = None,
) -> None:
    """Check the cluster, or the account that `provider` reaches, for this stack, unless the settings switch that off.

    Problems end the program with one report (`SystemExit`), before any resource but `provider` is registered; warnings
    are logged. `lookup` answers in place of the cluster or the account. Raises ValueError for a stack on AWS without
    either.
    """
    if not settings.kubernetes.preflight:
        return
    owner = f"{pulumi.get_project()}/{pulumi.get_stack()}"
    find = _in_cluster if settings.target == "kubernetes" else _in_account
    found = find(settings, plan, owner, provider, lookup)
    for warning in found.warnings:
        pulumi.log.warn(str(warning))
    if found.problems:
        stop(found.report())


def _in_cluster(settings: Settings, plan: Plan, owner: str, _: Any, lookup: Any) -> Findings:
    return check(settings, owner=owner, nodes=PlannedNodes.of(plan.nodes), lookup=lookup)


def _in_account(settings: Settings, plan: Plan, owner: str, provider: Any, lookup: Any) -> Findings:
    from . import aws  # a stack of another target has no use for it

    if provider is None and lookup is None:
        raise ValueError(f"the target {settings.target} is looked at through its provider, and none is given")
    return aws.check(settings, plan, owner=owner, lookup=lookup or aws.ProviderLookup(provider))
