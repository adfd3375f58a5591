"""Everything that a cluster holds, and what of it was not there before.

The proof that `destroy` leaves nothing: all objects of every kind that the API server serves, custom resources
included, against a list made before the first `up`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..api import Api, ApiError
from .nodes import MANAGED


@dataclass(frozen=True, order=True, kw_only=True)
class Item:
    """One object of a cluster."""

    group: str
    kind: str
    namespace: str
    name: str
    uid: str = field(compare=False, default="")
    finalizers: tuple[str, ...] = field(compare=False, default=())
    terminating: bool = field(compare=False, default=False)
    labels: tuple[tuple[str, str], ...] = field(compare=False, default=())
    kept_by_chart: bool = field(compare=False, default=False)

    def __str__(self) -> str:
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        held = f", held by finalizer {', '.join(self.finalizers)}" if self.finalizers else ""
        return f"{kind} {place}{', being deleted' if self.terminating else ''}{held}"


def everything(api: Api) -> set[Item]:
    """All objects of all listable kinds, each once whatever number of versions it is served in."""
    return {
        _item(group, kind, entry)
        for group, path, kind in _collections(api)
        for entry in _listed(api, path)
        if "uid" in entry["metadata"]  # a ComponentStatus is an answer, not an object
    }


def leftovers(api: Api, baseline: Iterable[Item]) -> list[Item]:
    """What is in the cluster and not in `baseline`, without what is no part of any stack."""
    known = set(baseline)
    return sorted(item for item in everything(api) if item not in known and not _housekeeping(item))


def settled_leftovers(
    api: Api,
    baseline: Iterable[Item],
    *,
    patience: float = 20,
    reason: Callable[[Item, list[Item]], str | None] | None = None,
) -> list[Item]:
    """`leftovers`, once there is a `reason` for each (`reason_to_stay`), or `patience` seconds brought no change.

    Garbage collection takes a while after the last deletion.
    """
    known = set(baseline)
    found = leftovers(api, known)
    last_change = time.monotonic()
    judge = reason or reason_to_stay
    while not all(judge(item, found) for item in found) and time.monotonic() - last_change < patience:
        time.sleep(0.5)
        before, found = found, leftovers(api, known)
        if found != before:
            last_change = time.monotonic()
    return found


def reason_to_stay(item: Item, found: Iterable[Item]) -> str | None:
    """Why `pulumi destroy` leaves this one of what was `found`; None when it should be gone."""
    if item.kind == "CustomResourceDefinition":
        return "Helm never deletes CRDs, with which all objects of their kinds would go"
    if item.kept_by_chart:
        return "its chart says so (helm.sh/resource-policy: keep)"
    if item.kind == "PersistentVolumeClaim" and not item.terminating:
        return "StatefulSets leave their data behind, in a namespace that is not the stack's"
    claims = {f"pvc-{other.uid}" for other in found if other.kind == "PersistentVolumeClaim"}
    if item.kind == "PersistentVolume" and item.name in claims:
        return "its claim stays"
    return None


def save(items: Iterable[Item], path: Path) -> None:
    """Write the list whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps([asdict(item) for item in sorted(items)]))
    fresh.replace(path)


def load(path: Path) -> set[Item]:
    """A list that `save` wrote."""
    rows = json.loads(path.read_text())
    return {Item(**(row | {"finalizers": tuple(row["finalizers"]), "labels": ()})) for row in rows}


def _housekeeping(item: Item) -> bool:
    """Objects that the control plane and the rehearsal make at their own time, stack or no stack."""
    of_controllers = item.kind == "ServiceAccount" and (item.namespace == "kube-system" or item.name == "default")
    of_namespaces = item.kind == "ConfigMap" and item.name == "kube-root-ca.crt"
    # one for each group and version of the CRDs that are there; the CRDs themselves are in the list.
    of_rehearsal = all(dict(item.labels).get(key) == value for key, value in MANAGED.items())
    of_crds = item.kind == "APIService" and dict(item.labels).get("kube-aggregator.kubernetes.io/automanaged")
    return (
        item.kind in ("Event", "Lease", "Node", "CSINode")
        or of_controllers
        or of_namespaces
        or of_rehearsal
        or bool(of_crds)
    )


def _collections(api: Api) -> Iterator[tuple[str, str, str]]:
    """(group, path of the collection, kind) of every kind that can be listed, in its preferred version."""
    roots = [("", "/api/v1")]
    for group in api.call("GET", "/apis")["groups"]:
        roots.append((group["name"], f"/apis/{group['preferredVersion']['groupVersion']}"))
    for group, root in roots:
        for entry in _resources(api, root):
            if "list" in entry["verbs"] and "/" not in entry["name"]:
                yield group, f"{root}/{entry['name']}", entry["kind"]


def _resources(api: Api, root: str) -> list[dict[str, Any]]:
    try:
        return api.call("GET", root)["resources"]
    except ApiError as error:
        if error.status == 404:  # the last CRD of the group went between the two questions
            return []
        raise


def _listed(api: Api, path: str) -> Iterator[dict[str, Any]]:
    query = {"limit": "500"}
    while True:
        try:
            page = api.call("GET", path, query=query)
        except ApiError as error:
            if error.status in (404, 405):
                return
            raise
        yield from page["items"]
        if not (more := page["metadata"].get("continue")):
            return
        query["continue"] = more


def _item(group: str, kind: str, entry: dict[str, Any]) -> Item:
    metadata = entry["metadata"]
    return Item(
        group=group,
        kind=kind,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata["uid"],
        finalizers=tuple(metadata.get("finalizers", ())),
        terminating="deletionTimestamp" in metadata,
        labels=tuple(sorted(metadata.get("labels", {}).items())),
        kept_by_chart=metadata.get("annotations", {}).get("helm.sh/resource-policy") == "keep",
    )
