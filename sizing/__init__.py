"""How big an installation of W&B is: what W&B's tables say, planned for a request, and whether its pods fit the nodes.

    import sizing
    plan = sizing.plan(sizing.Request(environment="production", products={"models", "weave"}, cloud="aws"))
    report = sizing.fit(plan)

It knows nothing of Pulumi: numbers come in and go out as plain text and whole numbers.

reference   W&B's tables, with their sources         request     what a plan is asked for
catalogue   instance types of the clouds             model       what a plan is
kubelets    what a node leaves for pods              plan        from a request to a plan
chart       what W&B's chart runs                    fit         whether the pods fit, and what would make them
"""

from __future__ import annotations

from . import chart, reference
from .fit import Change, FitReport, NodeUse, fit
from .model import Cache, Capacity, ClickHouse, Component, Database, NodePool, Plan, Store
from .plan import failure, plan
from .request import COMPONENTS, InvalidRequest, Overrides, Request, components
from .resources import ResourceOverride, Resources
from .sources import Reason, Source

__all__ = [
    "COMPONENTS",
    "Cache",
    "Capacity",
    "Change",
    "ClickHouse",
    "Component",
    "Database",
    "FitReport",
    "InvalidRequest",
    "NodePool",
    "NodeUse",
    "Overrides",
    "Plan",
    "Reason",
    "Request",
    "ResourceOverride",
    "Resources",
    "Source",
    "Store",
    "chart",
    "components",
    "failure",
    "fit",
    "plan",
    "reference",
]
