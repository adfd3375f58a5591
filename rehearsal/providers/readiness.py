"""When an object counts as ready, by its kind and its annotations, and what it waits for while it is not.

The rules and the wording are those of pulumi-kubernetes 4.34 (`provider/pkg/await`). Two differences, both noted at
their place: a Service settles sooner, and a Deployment is judged by its own status, as `kubectl rollout status` does.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.providers.objects import (
    SKIP_AWAIT,
    WAIT_FOR,
    Object,
    annotation,
    full_name,
    get_path,
    is_set,
    name,
    namespace,
)

Reader = Callable[[str, str, str, "str | None"], "Object | None"]
"""Reads a live object by apiVersion, kind, name and namespace."""


@dataclass(frozen=True)
class Progress:
    """How far an object is."""

    ready: bool
    waiting_for: tuple[str, ...] = ()
    """What is missing, one sentence each: what the user reads when time is up."""
    failed: str = ""
    """Why it can never become ready; empty while it can."""
    step: str = ""
    """What goes on just now, while all is well; empty: what is missing says it."""

    @property
    def now(self) -> str:
        """What the CLI shows meanwhile."""
        return self.step or "; ".join(self.waiting_for)


READY = Progress(True)
Judge = Callable[[Object], Progress]


def judge_for(inputs: Object, read: Reader) -> Judge | None:
    """How to tell that the object is ready; None when nothing is waited for. `inputs` carry the annotations.

    Raises ValueError for an annotation `pulumi.com/waitFor` that cannot be understood.
    """
    if is_set(inputs, SKIP_AWAIT):
        return None
    if expressions := annotation(inputs, WAIT_FOR):
        return _all(expressions)
    match inputs.get("apiVersion"), inputs.get("kind"):
        case "v1", "Service":
            return ServiceJudge(read)
        case "networking.k8s.io/v1", "Ingress":
            return IngressJudge(read)
        case "v1", "PersistentVolumeClaim":
            return lambda claim: persistent_volume_claim(claim, read)
        case kind:
            return _JUDGES.get(kind)


def deployment(obj: Object) -> Progress:
    """Rolled out: observed, all replicas of the new revision available and those of older ones gone."""
    wanted = get_path(obj, "spec", "replicas")
    wanted = 1 if wanted is None else wanted
    status = obj.get("status") or {}
    conditions = _conditions(obj)
    missing = [
        f"[{condition.get('reason')}] {condition.get('message')}"
        for kind in ("Progressing", "Available")
        if (condition := conditions.get(kind)) and condition["status"] != "True" and condition.get("message")
    ]
    available = _is_true(conditions, "Available")
    updated = status.get("updatedReplicas", 0) >= wanted
    settled = status.get("replicas", 0) <= status.get("updatedReplicas", 0)
    if _observed(obj) and available and updated and settled and status.get("availableReplicas", 0) >= wanted:
        return READY
    if not available:
        missing.append("Minimum number of live Pods was not attained")
    elif not updated or not settled:
        missing.append("Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live")
    else:
        missing.append("Minimum number of Pods to consider the application live was not attained")
    counts = f"({status.get('availableReplicas', 0)}/{wanted} Pods available)"
    return Progress(False, tuple(missing), step=f"Waiting for app ReplicaSet to be available {counts}")


def stateful_set(obj: Object) -> Progress:
    """All replicas ready and of the current revision."""
    wanted = get_path(obj, "spec", "replicas")
    wanted = 1 if wanted is None else wanted
    status = obj.get("status") or {}
    by_hand = get_path(obj, "spec", "updateStrategy", "type") == "OnDelete" and obj["metadata"].get("generation", 1) > 1
    counted = ("replicas", "readyReplicas") if by_hand else ("replicas", "readyReplicas", "currentReplicas")
    replicas_ready = _observed(obj) and all(status.get(key, 0) == wanted for key in counted)
    current, target = status.get("currentRevision", ""), status.get("updateRevision", "")
    revision_ready = _observed(obj) and (by_hand or (current != "" and current == target))
    missing = []
    if not replicas_ready:
        missing.append(f"{status.get('readyReplicas', 0)} out of {wanted} replicas succeeded readiness checks")
    if not revision_ready:
        missing.append(f'StatefulSet controller failed to advance from revision "{current}" to revision "{target}"')
    counts = f"({status.get('readyReplicas', 0)}/{wanted} Pods ready)"
    return Progress(not missing, tuple(missing), step=f"Waiting for StatefulSet to create Pods {counts}")


def daemon_set(obj: Object) -> Progress:
    """Scheduled, updated and available on every node that wants it."""
    status = obj.get("status") or {}
    wanted = status.get("desiredNumberScheduled", 0)
    for key, text in (
        ("currentNumberScheduled", "Current"),
        ("updatedNumberScheduled", "Updated"),
        ("numberAvailable", "Available"),
        ("numberReady", "Ready"),
    ):
        if _observed(obj) and status.get(key, 0) < wanted:
            return Progress(False, (f"{text}: {status.get(key, 0)}/{wanted}",))
    return READY if _observed(obj) else Progress(False, ("DaemonSet has not been seen by its controller",))


def job(obj: Object) -> Progress:
    """Complete. Failed for good when its retries or its time are used up."""
    conditions = _conditions(obj)
    failed = conditions.get("Failed") or {}
    if failed.get("status") == "True" and failed.get("reason") in ("BackoffLimitExceeded", "DeadlineExceeded"):
        return Progress(False, failed=f"[{failed['reason']}] {failed.get('message', '')}")
    if _is_true(conditions, "Complete"):
        return READY
    status = obj.get("status") or {}
    if not status.get("startTime"):
        return Progress(False, (f'Waiting for Job "{full_name(obj)}" to start',))
    counts = " | ".join(f"{key.title()}: {status.get(key, 0)}" for key in ("active", "succeeded", "failed"))
    return Progress(False, (f'Waiting for Job "{full_name(obj)}" to succeed ({counts})',))


def pod(obj: Object) -> Progress:
    """Ready, or run to its end."""
    if get_path(obj, "status", "phase") == "Succeeded" or _is_true(_conditions(obj), "Ready"):
        return READY
    return Progress(False, (f'Waiting for Pod "{full_name(obj)}" to be ready',))


def persistent_volume(obj: Object) -> Progress:
    """Available or bound."""
    ready = get_path(obj, "status", "phase") in ("Available", "Bound")
    return READY if ready else Progress(False, ("PersistentVolume is neither available nor bound",))


def persistent_volume_claim(obj: Object, read: Reader) -> Progress:
    """Bound; a claim whose class waits for its first consumer is as far as it gets once it is pending."""
    phase = get_path(obj, "status", "phase")
    if phase == "Bound":
        return READY
    class_name = get_path(obj, "spec", "storageClassName")
    if not class_name:
        return Progress(False, (f'no storage class found for "{name(obj)}"',))
    storage_class = read("storage.k8s.io/v1", "StorageClass", class_name, None)
    if storage_class is None:
        return Progress(False, (f'getting storageclass "{class_name}": not found',))
    if storage_class.get("volumeBindingMode") == "WaitForFirstConsumer" and phase == "Pending":
        return READY
    return Progress(False, (f"PersistentVolumeClaim: [{name(obj)}] is not ready. status.phase currently at: {phase}",))


def resource_quota(obj: Object) -> Progress:
    """The quota controller has taken notice of every limit."""
    known = get_path(obj, "spec", "hard") == get_path(obj, "status", "hard")
    return READY if known else Progress(False, ("ResourceQuota is not yet enforced",))


def secret(obj: Object) -> Progress:
    """A service-account token has been issued; other Secrets are ready as they are."""
    if obj.get("type") != "kubernetes.io/service-account-token" or obj.get("data"):
        return READY
    return Progress(False, ("no token has been issued",))


_JUDGES: dict[Any, Judge] = {
    ("apps/v1", "Deployment"): deployment,
    ("apps/v1", "StatefulSet"): stateful_set,
    ("apps/v1", "DaemonSet"): daemon_set,
    ("batch/v1", "Job"): job,
    ("v1", "Pod"): pod,
    ("v1", "PersistentVolume"): persistent_volume,
    ("v1", "ResourceQuota"): resource_quota,
    ("v1", "Secret"): secret,
}
SNAPSHOT = {
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("v1", "Pod"),
    ("v1", "Service"),
    ("networking.k8s.io/v1", "Ingress"),
}
"""Kinds that a refresh also asks whether they are ready."""


class ServiceJudge:
    """A Service whose endpoints have not changed for a while and none of which is still starting.

    The real provider lets endpoints settle for ten seconds; here it is `settle` seconds, since nothing real starts.
    """

    def __init__(self, read: Reader, settle: float = 1.0) -> None:
        self._read = read
        self._settle = settle
        self._seen: tuple[Any, float] | None = None

    def __call__(self, service: Object) -> Progress:
        spec = service.get("spec") or {}
        missing = []
        if spec.get("type") == "LoadBalancer" and not get_path(service, "status", "loadBalancer", "ingress"):
            missing.append("Service was not allocated an IP address; does your cloud provider support this?")
        waits = spec.get("selector") and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName"
        if waits and not self._endpoints_ready(service):
            missing.append(
                "Service does not target any Pods. Selected Pods may not be ready, or "
                "field '.spec.selector' may not match labels on any Pods"
            )
        return Progress(not missing, tuple(missing), step="Finding Pods to direct traffic to")

    def at_once(self, service: Object) -> Progress:
        """Judged without waiting for endpoints to settle."""
        self._settle = 0
        return self(service)

    def _endpoints_ready(self, service: Object) -> bool:
        endpoints = self._read("v1", "Endpoints", name(service), namespace(service))
        if endpoints is None:
            return False
        subsets = endpoints.get("subsets") or []
        if self._seen is None or self._seen[0] != subsets:
            self._seen = (subsets, time.monotonic())
        pending = any(subset.get("notReadyAddresses") for subset in subsets)
        return not pending and time.monotonic() - self._seen[1] >= self._settle


class IngressJudge:
    """An Ingress with an address, whose Services all have endpoints, or had `grace` seconds to get some."""

    def __init__(self, read: Reader, grace: float = 60.0) -> None:
        self._read = read
        self._until = time.monotonic() + grace

    def __call__(self, ingress: Object) -> Progress:
        missing = []
        if time.monotonic() < self._until and (unserved := self._unserved(ingress)):
            missing.append("Ingress has at least one rule with an unavailable target endpoint.")
            missing += [f"No matching service found for ingress rule: {rule}" for rule in unserved]
        if not get_path(ingress, "status", "loadBalancer", "ingress"):
            missing.append(
                "Ingress .status.loadBalancer field was not updated with a hostname/IP address. "
                "\n    for more information about this error, see https://pulumi.io/xdv72s"
            )
        step = "Finding a matching service for each Ingress path, and waiting for an address"
        return Progress(not missing, tuple(missing), step=step)

    def _unserved(self, ingress: Object) -> list[str]:
        found = []
        for rule in get_path(ingress, "spec", "rules") or ():
            for path in get_path(rule, "http", "paths") or ():
                service = get_path(path, "backend", "service", "name")
                if service and self._read("v1", "Endpoints", service, namespace(ingress)) is None:
                    shown = f'"{rule.get("host", "")}{path.get("path", "")}"'
                    found.append(f'{shown} -> "{service}"')
        return found


def _all(expressions: str) -> Judge:
    try:
        parsed = json.loads(expressions)
    except ValueError:
        parsed = expressions
    values = parsed if isinstance(parsed, list) else [expressions]
    if not values:
        raise ValueError("at least one condition must be specified")
    judges = [_expression(value) for value in values]

    def judge(obj: Object) -> Progress:
        found = [each(obj) for each in judges]
        return Progress(all(p.ready for p in found), tuple(text for p in found for text in p.waiting_for))

    return judge


def _expression(text: str) -> Judge:
    if text.startswith("jsonpath="):
        return _json_path(text.removeprefix("jsonpath="))
    if text.startswith("condition="):
        kind, _, status = text.removeprefix("condition=").partition("=")
        return lambda obj: _condition(obj, kind, status or "True")
    raise ValueError(f'expected a "jsonpath=" or "condition=" prefix, got "{text}"')


def _json_path(text: str) -> Judge:
    path, equals, wanted = text.partition("=")
    if equals and not wanted:
        raise ValueError(f"{path}= requires a value")
    if (inside := re.fullmatch(r"\{\s*(.*?)\s*\}", path)) is None:
        raise ValueError(f"{path} should be wrapped in brackets {{ ... }}")
    steps = _steps(inside[1])

    def judge(obj: Object) -> Progress:
        if not _observed(obj, absent=True):
            return Progress(False, (f"Waiting for {text} (of generation {obj['metadata']['generation']})",))
        found = get_path(obj, *steps)
        if found is None:
            return Progress(False, (f"Waiting for {text} ({path} selected nothing)",))
        if not wanted:
            return READY
        if isinstance(found, Mapping | list):
            return Progress(False, failed=f'"{path}" has a non-primitive value ({found})')
        shown = str(found).lower() if isinstance(found, bool) else str(found)
        return READY if shown == wanted else Progress(False, (f'Waiting for {text} (found "{shown}")',))

    return judge


_STEP = re.compile(r"""\.([A-Za-z0-9_\-]+)|\[(\d+)\]|\[['"]([^'"]+)['"]\]""")


def _steps(path: str) -> list[str | int]:
    """Keys and indices of a path. Filters and wildcards, which the real provider knows, are refused."""
    rest, steps = path.removeprefix("$"), []
    while rest:
        if (found := _STEP.match(rest)) is None:
            raise ValueError(f"the rehearsal reads only keys and indices in a JSONPath, not {path!r}")
        key, index, quoted = found.groups()
        steps.append(int(index) if index else key or quoted)
        rest = rest[found.end() :]
    return steps


def _condition(obj: Object, kind: str, wanted: str) -> Progress:
    found = {key.lower(): condition for key, condition in _conditions(obj).items()}.get(kind.lower())
    if found is None:
        return Progress(False, (f"Waiting for condition {kind}={wanted} (there is no such condition)",))
    generation = obj["metadata"].get("generation")
    observed = found.get("observedGeneration", get_path(obj, "status", "observedGeneration"))
    if generation is not None and observed is not None and observed < generation:
        return Progress(False, (f"Generation {observed} is less than expected {generation}",))
    if str(found.get("status")).lower() == wanted.lower():
        return READY
    because = f": {found['message']}" if found.get("message") else ""
    return Progress(False, (f"Resource has condition {kind}={found.get('status')} (want {wanted}){because}",))


def _conditions(obj: Object) -> dict[str, Mapping[str, Any]]:
    return {condition["type"]: condition for condition in get_path(obj, "status", "conditions") or ()}


def _is_true(conditions: Mapping[str, Mapping[str, Any]], kind: str) -> bool:
    return conditions.get(kind, {}).get("status") == "True"


def _observed(obj: Object, *, absent: bool = False) -> bool:
    """True when the controller has seen the latest spec; `absent` is the answer when it does not say."""
    observed = get_path(obj, "status", "observedGeneration")
    generation = obj["metadata"].get("generation")
    return absent if observed is None or generation is None else observed >= generation
