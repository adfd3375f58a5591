"""What is still in a cluster when it goes, and how the embedded control plane becomes empty for the next one."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...api import Api, ApiError
from ...control_plane import inventory
from ...control_plane.inventory import Item
from ...state import State
from .addon_objects import OWNER
from .plane import Plane

_PATIENCE = 60.0
_WITH_THE_CLUSTER = {
    "PersistentVolume": "its EBS volume is kept (reclaim policy Retain)",
    "CSIDriver": "of the EBS add-on, which goes with the cluster",
    "VolumeAttachment": "of a volume whose node is gone",
}
_NEVER = ("Event", "Lease", "Node", "CSINode", "Pod", "EndpointSlice", "Endpoints", "ControllerRevision", "ReplicaSet")
"""Made by controllers at their own time, or gone with the nodes: no finding."""


def baseline(state: State) -> Path:
    """What the cluster held when EKS handed it out."""
    return state.folder / "aws" / "cluster-baseline.json"


def findings(state: State) -> Path:
    """What a cluster held that was deleted."""
    return state.folder / "aws" / "left-in-cluster.json"


def note(plane: Plane) -> None:
    """Write down what the stack left in the cluster. The file is there afterwards, whether anything was left or not."""
    path = baseline(plane.state)
    known = inventory.load(path) if path.exists() else plane.pristine()
    found = [item for item in inventory.settled_leftovers(plane.api, known, reason=reason) if item.kind not in _NEVER]
    rows = [{"item": asdict(item), "reason": reason(item, found)} for item in found]
    findings(plane.state).write_text(json.dumps(rows))


def noted(state: State) -> dict[Item, str | None] | None:
    """What `note` wrote: each object with the reason why it may be there. None: no cluster was deleted."""
    try:
        rows = json.loads(findings(state).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return {_item(row["item"]): row["reason"] for row in rows}


def reason(item: Item, found: list[Item]) -> str | None:
    """Why an object may be in a cluster that goes; None when the stack should have taken it away first."""
    if item.kind in _NEVER:
        return "gone with the nodes"
    if dict(item.labels).get(OWNER):
        return "of an add-on that keeps its objects (preserve)"
    if item.kind in _WITH_THE_CLUSTER:
        return _WITH_THE_CLUSTER[item.kind]
    return inventory.reason_to_stay(item, found)


def wipe(plane: Plane) -> None:
    """Take away all that the control plane did not hold at first. Finalizers do not hold it: nobody is left to lift them.

    Raises TimeoutError when something keeps coming back.
    """
    api, pristine = plane.api, plane.pristine()
    deadline = time.monotonic() + _PATIENCE
    while left := [each for each in inventory.leftovers(api, pristine) if each.kind not in ("Event", "Lease")]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the control plane does not become empty: {', '.join(map(str, left[:5]))}")
        for item in left:
            _remove(api, item)
        time.sleep(0.3)
    for node in api.list("v1", "Node"):
        api.delete("v1", "Node", node["metadata"]["name"], propagation="Background")
    findings_of_next = baseline(plane.state)
    findings_of_next.unlink(missing_ok=True)


def _remove(api: Api, item: Item) -> None:
    version = _served(api, item.group)
    space = item.namespace or None
    try:
        if item.finalizers:
            api.patch(version, item.kind, item.name, space, body={"metadata": {"finalizers": None}})
        if not item.terminating:
            api.delete(version, item.kind, item.name, space, propagation="Background")
    except ApiError as error:
        # gone meanwhile, or of a kind that went with its definition
        if error.status not in (404, 405, 409):
            raise


def _served(api: Api, group: str) -> str:
    if not group:
        return "v1"
    for served in api.call("GET", "/apis")["groups"]:
        if served["name"] == group:
            return served["preferredVersion"]["groupVersion"]
    return f"{group}/v1"


def _item(row: Mapping[str, Any]) -> Item:
    known = dict(row)
    known["finalizers"] = tuple(known.get("finalizers") or ())
    known["labels"] = tuple((key, value) for key, value in known.get("labels") or ())
    return Item(**known)
