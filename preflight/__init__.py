"""Preflight: reads the cluster before anything is registered, and says what is not as the settings need it.

    lookup    reading the cluster's API, behind a protocol that tests implement with plain data
    checks    what is looked at, each as a generator of problems

It only reads, and never a Secret's values. `require` is what the program calls.
"""

from __future__ import annotations

import pulumi

from settings import Settings, stop

from .checks import Findings, PlannedNodes, check
from .lookup import Denied, Lookup, Unreachable, connect

__all__ = ["Denied", "Findings", "Lookup", "PlannedNodes", "Unreachable", "check", "connect", "require"]


def require(settings: Settings, *, nodes: PlannedNodes | None = None, lookup: Lookup | None = None) -> None:
    """Check the cluster for this stack, unless the settings switch that off.

    Problems end the program with one report (`SystemExit`), before any resource is registered; warnings are logged.
    `nodes` is what the sizing plan counts on; None: nothing is said about the nodes' size.
    """
    if not settings.kubernetes.preflight:
        return
    owner = f"{pulumi.get_project()}/{pulumi.get_stack()}"
    found = check(settings, owner=owner, nodes=nodes, lookup=lookup)
    for warning in found.warnings:
        pulumi.log.warn(str(warning))
    if found.problems:
        stop(found.report())
