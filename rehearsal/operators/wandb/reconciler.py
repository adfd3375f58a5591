"""What the operator does for a WeightsAndBiases resource.

Source: `internal/controller/weightsandbiases_controller.go` of W&B's operator 1.22.0: order, wording of status and
events, requeueing. Waits are shortened, see `runtime.scaled`.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...api import Api, ApiError
from ...kubelet.events import event
from .. import charts
from ..runtime import owner_reference, scaled, set_finalizer
from . import sources
from .components import not_played
from .environment import RenderError
from .merge import Panic, TypeNotMatch, merge
from .release import Release, ReleaseFailed
from .render import Live, render

Object = dict[str, Any]
log = logging.getLogger(__name__)

API_VERSION, KIND = "apps.wandb.com/v1", "WeightsAndBiases"
FINALIZER = "finalizer.app.wandb.com"
LOADING, COMPLETED, INVALID_CONFIG = "Loading", "Completed", "Invalid Config"
_HOUR = 3600.0
_DEPLOYER_SECONDS = 160
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_OWNED = (
    ("apps/v1", "Deployment"),
    ("networking.k8s.io/v1", "Ingress"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
)


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A chart and the values for it."""

    chart: Mapping[str, Any]
    values: Mapping[str, Any]


class Reconciler:
    """One operator. `airgapped`: it never asks W&B's deployer."""

    def __init__(self, api: Api, *, airgapped: bool, namespace: str) -> None:
        self._api = api
        self._airgapped = airgapped
        self._namespace = namespace
        self._due: dict[str, tuple[int, float]] = {}

    def reconcile(self, _kind: str, namespace: str, name: str) -> float | None:
        """One pass for one object; returns seconds until the next one is wanted."""
        resource = self._api.read(API_VERSION, KIND, name, namespace)
        if resource is None:
            return None
        resource |= {"apiVersion": API_VERSION, "kind": KIND}
        uid, generation = resource["metadata"]["uid"], resource["metadata"]["generation"]
        seen, due = self._due.get(uid, (-1, 0.0))
        if seen == generation and time.monotonic() < due:
            # a change of the status alone: the real operator does not hear of it
            return due - time.monotonic()
        delay = self._pass(resource)
        self._due[uid] = (generation, time.monotonic() + (delay if delay is not None else _HOUR))
        return delay

    def _pass(self, resource: Object) -> float | None:
        deleting = bool(resource["metadata"].get("deletionTimestamp"))
        if deleting and FINALIZER not in (resource["metadata"].get("finalizers") or ()):
            return None
        self._event(resource, "Reconciling", "Reconciling")
        self._event(resource, "LoadingConfig", "Loading desired configuration")
        try:
            spec = self._desired(resource)
        except TypeNotMatch as error:
            log.error("Failed to merge: %s at %s", error, error.path)
            return scaled(60)
        except Panic as error:
            log.error("panic: %s [recovered], null at %s", error, error.path)
            return scaled(60)
        if deleting:
            return self._delete(resource, spec)
        return self._apply(resource, spec)

    def _desired(self, resource: Object) -> Spec:
        """The resource's own chart and values over the console's, the deployer's and the operator's own."""
        user = self._read_state(resource, "spec-user")
        if user is None:
            user = Spec(chart={}, values={})
            self._write_state(resource, "spec-user", user)
        specs = [Spec(chart=resource["spec"].get("chart") or {}, values=resource["spec"].get("values") or {}), user]
        if not self._airgapped and (released := self._ask_deployer(resource)):
            specs.append(released)
        operator = {"apiVersion": API_VERSION, "namespace": self._namespace}
        specs.append(Spec(chart={}, values={"global": {"operator": operator}}))
        values: Any = specs[0].values
        for spec in specs[1:]:
            values = merge(values, spec.values)
        chart = next((spec.chart for spec in specs if spec.chart), {})
        return Spec(chart=chart, values=values)

    def _ask_deployer(self, resource: Object) -> Spec | None:
        """The stand-in has no deployer: every call fails as on a network without the way to it."""
        self._event(
            resource,
            "RehearsalNotPlayed",
            "not airgapped: the rehearsal has no deployer, its call is played as failed; the cached release counts",
        )
        log.info("Failed to get spec from deployer: the rehearsal has none")
        time.sleep(scaled(_DEPLOYER_SECONDS))
        cached = self._read_state(resource, "latest-cached-release")
        if cached is None:
            log.info("No cached release found")
        return cached

    def _apply(self, resource: Object, spec: Spec) -> float:
        requeue = scaled(frequency(spec.values))
        namespace = resource["metadata"]["namespace"]
        active = self._read_state(resource, "spec-active")
        if active is not None and active == spec:
            self._phase(resource, COMPLETED)
            return requeue
        try:
            located = sources.locate(spec.chart, self._api, self._namespace, namespace) if spec.chart else None
        except charts.ChartUnavailable as error:
            located, problem = ("", ""), error
        else:
            problem = None
        if located is None:
            log.error("No release type was found in the spec")
            self._phase(resource, INVALID_CONFIG)
            return requeue
        self._phase(resource, LOADING)
        set_finalizer(self._api, resource, FINALIZER, present=True)
        try:
            if problem:
                raise ReleaseFailed(str(problem))
            self._install(resource, spec, *located)
        except (ReleaseFailed, RenderError) as error:
            log.error("Failed to apply config changes: %s", error)
            self._phase(resource, INVALID_CONFIG)
            self._event(resource, "ApplyFailed", f"Invalid config for apply (rehearsal: {error})")
            return requeue
        self._write_state(resource, "spec-active", spec)
        self._event(resource, "Completed", "Completed reconcile successfully")
        self._adopt(resource)
        self._phase(resource, COMPLETED)
        log.info("%s %s: %s", resource["metadata"]["namespace"], resource["metadata"]["name"], COMPLETED)
        return requeue

    def _install(self, resource: Object, spec: Spec, chart: str, version: str) -> None:
        name, namespace = resource["metadata"]["name"], resource["metadata"]["namespace"]
        for switch in not_played(spec.values):
            self._event(resource, "RehearsalNotPlayed", f"{switch} is on; the stand-in makes nothing for it")

        def secret(wanted: str) -> Mapping[str, str] | None:
            found = self._api.read("v1", "Secret", wanted, namespace)
            return (found.get("data") or {}) if found else None

        def replicas(wanted: str) -> int:
            found = self._api.read("autoscaling/v2", "HorizontalPodAutoscaler", wanted, namespace)
            return int(((found or {}).get("status") or {}).get("currentReplicas") or 0)

        objects = render(spec.values, name, namespace, Live(secret=secret, replicas=replicas))
        Release(self._api, name, namespace).upgrade(chart, version, spec.values, objects)

    def _adopt(self, resource: Object) -> None:
        """Make the resource an owner of what the chart labels as its own."""
        name, namespace = resource["metadata"]["name"], resource["metadata"]["namespace"]
        selector = f"app.kubernetes.io/managed-by=Helm,app.kubernetes.io/instance={name}"
        reference = owner_reference(resource, controller=False)
        for api_version, kind in _OWNED:
            for obj in self._api.list(api_version, kind, namespace, label_selector=selector):
                held = obj["metadata"].get("ownerReferences") or []
                if any(owner["uid"] == reference["uid"] for owner in held):
                    continue
                body = {"metadata": {"ownerReferences": [*held, reference]}}
                self._api.patch(api_version, kind, obj["metadata"]["name"], namespace, body=body)

    def _delete(self, resource: Object, spec: Spec) -> float | None:
        name, namespace = resource["metadata"]["name"], resource["metadata"]["namespace"]
        try:
            # a repository's chart is downloaded again for the removal, so an unreachable one holds it up
            if spec.chart and sources.locate(spec.chart, self._api, self._namespace, namespace):
                Release(self._api, name, namespace).uninstall()
        except (charts.ChartUnavailable, ReleaseFailed, ApiError) as error:
            log.error("Failed to cleanup deployment: %s", error)
            self._event(resource, "RehearsalWaiting", f"removal is tried again in a minute: {error}")
            return scaled(60)
        set_finalizer(self._api, resource, FINALIZER, present=False)
        return None

    def _phase(self, resource: Object, phase: str) -> None:
        meta = resource["metadata"]
        body = {"status": {"phase": phase}}
        try:
            self._api.patch(API_VERSION, KIND, meta["name"], meta["namespace"], body=body, subresource="status")
        except ApiError as error:
            if error.status != 404:
                raise

    def _event(self, resource: Object, reason: str, message: str) -> None:
        try:
            self._api.create(event(resource, "weightsandbiases-controller", reason, message))
        except ApiError as error:
            log.debug("event: %s", error)

    def _read_state(self, resource: Object, state: str) -> Spec | None:
        meta = resource["metadata"]
        found = self._api.read("v1", "Secret", f"{meta['name']}-{state}", meta["namespace"])
        if found is None:
            return None
        parts = {key: json.loads(base64.b64decode(text)) for key, text in (found.get("data") or {}).items()}
        return Spec(chart=parts.get("chart") or {}, values=parts.get("values") or {})

    def _write_state(self, resource: Object, state: str, spec: Spec) -> None:
        """Keep a specification in a Secret of the resource's, in clear text as the real operator does."""
        meta = resource["metadata"]
        parts = {"chart": spec.chart, "values": spec.values, "metadata": None}
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": f"{meta['name']}-{state}",
                "namespace": meta["namespace"],
                "ownerReferences": [owner_reference(resource)],
            },
            "data": {key: base64.b64encode(json.dumps(part).encode()).decode() for key, part in parts.items()},
        }
        self._api.apply(secret, field_manager="wandb-operator")


def frequency(values: Mapping[str, Any]) -> float:
    """Seconds between two reconciles: `reconcileFrequency`, a Go duration; an hour where it is absent or no duration."""
    text = values.get("reconcileFrequency")
    if not isinstance(text, str) or not text or _DURATION.sub("", text):
        return _HOUR
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
