"""When a container that runs to its end would end well: Jobs and init containers.

Nothing runs, so a container is taken to succeed once everything that it visibly waits for is there: each in-cluster
Service that its environment or command names has a ready endpoint on that port. The Job that verifies W&B also waits for
Deployments, and is understood by its variables. Everything else in a script is taken to succeed, which a rehearsal's
report has to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import services
from .cache import Cache

Object = Mapping[str, Any]
_VERIFICATION = {"INSTANCE", "REVISION", "COMPONENTS"}


def held_up(cache: Cache, pod: Object, container: Object) -> list[str]:
    """Why a Job's container would not end now; empty when it would."""
    texts = [*_literals(container).values(), *(container.get("command") or ()), *(container.get("args") or ())]
    waits = _unanswered(cache, pod, texts)
    variables = _literals(container)
    if variables.keys() >= _VERIFICATION:
        namespace = variables.get("NAMESPACE") or pod["metadata"]["namespace"]
        waits += unfinished(variables, cache.all("Deployment", namespace))
    return waits


def initializing(cache: Cache, pod: Object) -> tuple[str, str] | None:
    """The first init container that would not end now, and why.

    Init containers get the environment of the whole component, which names peers that they never call; so of theirs
    only bare hosts among their own variables count, such as MYSQL_HOST.
    """
    for entry in pod["spec"].get("initContainers") or ():
        hosts = [text for text in _literals(entry).values() if "://" not in text]
        for message in _unanswered(cache, pod, hosts):
            return entry["name"], message
    return None


def unfinished(variables: Mapping[str, str], deployments: Sequence[Object]) -> list[str]:
    """What W&B's verification would still wait for: components without a Deployment, Deployments of another revision,
    Deployments that are not rolled out."""
    instance = variables["INSTANCE"]
    label = "app.kubernetes.io/instance"
    ours = [one for one in deployments if (one["metadata"].get("labels") or {}).get(label) == instance]
    names = {one["metadata"]["labels"].get("app.kubernetes.io/name") for one in ours}
    waits = [f"component {name} has no Deployment" for name in variables["COMPONENTS"].split() if name not in names]
    return [*waits, *(reason for one in ours for reason in _rolling(one, variables["REVISION"]))]


def _rolling(deployment: Object, revision: str) -> Iterator[str]:
    meta, status = deployment["metadata"], deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    updated = status.get("updatedReplicas", 0)
    if revision not in (meta.get("annotations") or {}).values():
        yield f"Deployment {meta['name']} is of another revision"
    elif status.get("observedGeneration", 0) < meta["generation"] or updated < wanted:
        yield f"Deployment {meta['name']} is being rolled out"
    elif status.get("replicas", 0) > updated or status.get("availableReplicas", 0) < updated:
        yield f"Deployment {meta['name']} has {status.get('availableReplicas', 0)} of {wanted} pods ready"


def _literals(container: Object) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container.get("env") or () if entry.get("value")}


def _unanswered(cache: Cache, pod: Object, texts: list[str]) -> list[str]:
    known = {(one["metadata"]["namespace"], one["metadata"]["name"]): one for one in cache.all("Service")}
    targets = services.named(texts, pod["metadata"]["namespace"], set(known))
    if not targets:
        return []
    return list(services.unanswered(targets, known, services.ready_services(cache.all("EndpointSlice"))))
