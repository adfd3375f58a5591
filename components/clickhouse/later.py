"""Texts and fingerprints made of values that may be known now or only during the deployment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pulumi

from ..later import lift


def text(*parts: pulumi.Input[str]) -> pulumi.Input[str]:
    """The parts joined to one text."""
    return lift(lambda *known: "".join(known), *parts)


def task_id(spec: Mapping[str, Any], *digests: pulumi.Input[str]) -> pulumi.Input[str]:
    """The `taskID` of a custom resource of the Altinity operator: changes exactly when `spec` or a digest does.

    The operator reconciles whenever it changes and repeats it in the status, so a status is known to be about this
    spec and not about the one before. (One that starts with `auto-` would be taken for the operator's own.)
    """
    return lift(_fingerprint, spec, *digests)


def wait_for(task: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """The annotation that makes Pulumi wait until the operator has completed `task`."""
    return {"pulumi.com/waitFor": lift(_conditions, task)}


def _conditions(task: str) -> str:
    return json.dumps([f"jsonpath={{.status.taskID}}={task}", "jsonpath={.status.status}=Completed"])


def _fingerprint(*values: Any) -> str:
    return "task-" + hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:24]
