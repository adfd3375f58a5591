"""Which dependencies nothing can avoid: by types, each with its reason. What is in no row could go.

A row says that the cloud, Kubernetes or the product needs the order, never that the program happens to have it.
"""

from __future__ import annotations

from . import needs_of_aws, needs_of_kubernetes
from .critical_path import Step
from .rules import Rule

RULES: tuple[Rule, ...] = (
    Rule("*", "pulumi:providers:*", "nothing is made before its provider has its settings"),
    *needs_of_aws.RULES,
    *needs_of_kubernetes.RULES,
)
"""In order: the first that matches gives the reason."""


def reason(step: Step, needs: Step) -> str | None:
    """Why `step` needs `needs` whatever the program says; None: it could do without."""
    return next((rule.because for rule in RULES if rule.holds(step, needs)), None)


def unavoidable(step: Step, needs: Step) -> bool:
    """Whether `step` needs `needs` whatever the program says."""
    return reason(step, needs) is not None
