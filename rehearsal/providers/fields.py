"""Who owns which field of an object, as server-side apply keeps it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from rehearsal.api import Api
from rehearsal.providers.objects import Object, name, namespace

CREATOR = "pulumi-kubernetes"
"""The field manager of every creation; from the first update on a resource has a manager of its own."""


def field_manager(urn: str) -> str:
    """The field manager of a resource's updates.

    The real provider draws its last digits; here the URN makes them, so that an update that was interrupted before
    the state knew of it does not conflict with its own repetition.
    """
    return f"{CREATOR}-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"


def taken_over(api: Api, live: Object, manager: str) -> None:
    """Turn what was set when the object was created into what `manager` applied.

    Without this an apply would conflict with the creation, and could never remove a field that the creation set.
    """
    entries = live["metadata"].get("managedFields") or []
    merged = merged_entries(entries, manager)
    if merged == entries:
        return
    path = api.resource(live["apiVersion"], live["kind"]).path(namespace(live), name(live))
    steps = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": merged},
    ]
    api.call("PATCH", path, body=steps, content_type="application/json-patch+json")


def merged_entries(entries: list[dict[str, Any]], manager: str) -> list[dict[str, Any]]:
    """The entries of the creation joined with those of `manager` into one of the operation Apply."""

    def is_own(entry: Mapping[str, Any]) -> bool:
        created = entry.get("operation") == "Update" and entry.get("manager") in (CREATOR, manager)
        applied = entry.get("operation") == "Apply" and entry.get("manager") == manager
        return (created or applied) and not entry.get("subresource")

    own = [entry for entry in entries if is_own(entry)]
    if not any(entry.get("operation") == "Update" for entry in own):
        return entries
    fields: dict[str, Any] = {}
    for entry in own:
        fields = _union(fields, entry.get("fieldsV1") or {})
    joined = {**own[0], "manager": manager, "operation": "Apply", "fieldsV1": fields}
    return [entry for entry in entries if entry not in own] + [joined]


def _union(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(one)
    for key, below in other.items():
        joined[key] = _union(joined.get(key, {}), below)
    return joined
