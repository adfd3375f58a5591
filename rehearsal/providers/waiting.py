"""Waits until objects are ready or gone, and says what is wrong when they take too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from rehearsal.api import Api, ApiError
from rehearsal.providers.objects import Object, full_name, get_path, name, namespace
from rehearsal.providers.readiness import IngressJudge, Judge, Progress, ServiceJudge

_POLL = 0.25
_WATCH = 3
_EVENTS = 3


class NotReady(Exception):
    """The object did not become ready. `live` is how it was last seen, `reasons` say what was missing."""

    def __init__(self, message: str, live: Object, reasons: list[str]) -> None:
        super().__init__(message)
        self.live = live
        self.reasons = reasons


class NotGone(Exception):
    """The object is still there. `live` is how it was last seen, `reasons` say what holds it."""

    def __init__(self, message: str, live: Object, reasons: list[str]) -> None:
        super().__init__(message)
        self.live = live
        self.reasons = reasons


def until_ready(
    api: Api,
    obj: Object,
    judge: Judge,
    *,
    seconds: float,
    cancelled: threading.Event,
    report: Callable[[str], None] = lambda _: None,
) -> Object:
    """The object once `judge` calls it ready. Raises NotReady after `seconds`, when it failed for good, was deleted,
    or the user interrupted."""
    deadline = time.monotonic() + seconds
    progress, shown = Progress(False), ""
    # a Service or an Ingress becomes ready by other objects, which a watch of itself does not see
    by_polling = isinstance(judge, ServiceJudge | IngressJudge)
    for live in _states(api, obj, deadline, by_polling=by_polling):
        if live is None:
            raise NotReady(f"'{name(obj)}' was deleted while it was waited for", obj, [])
        obj = live
        progress = judge(obj)
        if progress.ready:
            if shown:
                report("")
            return obj
        if progress.failed:
            message = f"Resource '{name(obj)}' was created but failed to initialize"
            raise NotReady(message, obj, [progress.failed, *troubles(api, obj)])
        if cancelled.is_set():
            message = f'Resource operation was cancelled for "{name(obj)}"'
            raise NotReady(message, obj, list(progress.waiting_for))
        if progress.now != shown:
            shown = progress.now
            report(shown)
    message = f"'{name(obj)}' timed out waiting to be Ready after {seconds:g} s"
    raise NotReady(message, obj, [*progress.waiting_for, *troubles(api, obj)])


def until_gone(api: Api, obj: Object, *, seconds: float, cancelled: threading.Event) -> None:
    """Return once the object, or its kind, is gone. Raises NotGone after `seconds`, with the finalizers that hold it."""
    deadline = time.monotonic() + seconds
    uid = get_path(obj, "metadata", "uid")
    for live in _states(api, obj, deadline, by_polling=False):
        if live is None or (uid and live["metadata"].get("uid") != uid):
            return
        obj = live
        if cancelled.is_set():
            raise NotGone(f'Resource operation was cancelled for "{name(obj)}"', obj, _holders(obj))
    holders = _holders(obj)
    because = f" ({'; '.join(holders)})" if holders else ""
    message = f'timed out waiting for {obj["kind"]} "{full_name(obj)}" to be deleted after {seconds:g} s{because}'
    raise NotGone(message, obj, holders)


def _states(api: Api, obj: Object, deadline: float, *, by_polling: bool) -> Iterator[Object | None]:
    """The object as it changes, at least every few seconds, and once more at the deadline; None when it is gone."""
    kind = (obj["apiVersion"], obj["kind"])
    while (left := deadline - time.monotonic()) > 0:
        yield api.read(*kind, name(obj), namespace(obj))
        if by_polling:
            time.sleep(min(_POLL, left))
            continue
        selector = f"metadata.name={name(obj)}"
        try:
            for event, live in api.watch(
                *kind, namespace(obj), timeout_seconds=min(_WATCH, left), field_selector=selector
            ):
                yield None if event == "DELETED" else live
        except ApiError as error:
            if error.reason == "NoMatch":
                yield None
            time.sleep(_POLL)
    yield api.read(*kind, name(obj), namespace(obj))


def _holders(obj: Object) -> list[str]:
    """What keeps a deleted object: its finalizers, and what a namespace says about its content."""
    found = []
    if finalizers := obj["metadata"].get("finalizers"):
        found.append(f"finalizers might be preventing deletion ({', '.join(finalizers)})")
    for condition in get_path(obj, "status", "conditions") or ():
        if obj["kind"] == "Namespace" and condition.get("status") == "True":
            found.append(condition.get("message", condition["type"]))
    return found


def troubles(api: Api, obj: Object) -> list[str]:
    """What the pods of a workload wait for, and the last warnings about it and them. Empty when nothing is known."""
    try:
        pods = [pod for pod in _pods(api, obj) if not _is_ready(pod)]
        found = [text for pod in pods for text in pod_troubles(pod)]
        found += [text for each in (obj, *pods[:_EVENTS]) for text in _warnings(api, each)]
    except ApiError as error:
        return [f"what is wrong could not be read: {error}"]
    return list(dict.fromkeys(found))


def pod_troubles(pod: Object) -> list[str]:
    """Why a pod does not run, in the scheduler's and the kubelet's own words."""
    status = pod.get("status") or {}
    found = []
    for condition in status.get("conditions") or ():
        unscheduled = condition["type"] == "PodScheduled" and condition.get("status") != "True"
        if unscheduled and condition.get("message"):
            found.append(condition["message"])
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(key) or ():
            found += _container_troubles(container)
    return [f"[Pod {full_name(pod)}]: {text}" for text in found]


def _container_troubles(container: dict[str, Any]) -> Iterator[str]:
    if container.get("ready"):
        return
    state = container.get("state") or {}
    waiting, ended = state.get("waiting"), state.get("terminated")
    if waiting and waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
        yield f"[{waiting['reason']}] {waiting.get('message', '')}".rstrip()
    if ended and ended.get("exitCode"):
        said = f"[{ended['reason']}] {ended['message']}" if ended.get("message") else ""
        yield said or f'container "{container["name"]}" completed with exit code {ended["exitCode"]}'
    if last := get_path(container, "lastState", "terminated"):
        yield (
            f'container "{container["name"]}" terminated at {last.get("finishedAt")} '
            f"({last.get('reason')}: exit code {last.get('exitCode')})"
        )


def _pods(api: Api, obj: Object) -> list[Object]:
    if obj["kind"] == "Pod":
        return [obj]
    labels = get_path(obj, "spec", "selector", "matchLabels")
    if obj["kind"] not in ("Deployment", "StatefulSet", "DaemonSet", "Job") or not labels:
        return []
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    return api.list("v1", "Pod", namespace(obj), label_selector=selector)


def _is_ready(pod: Object) -> bool:
    conditions = get_path(pod, "status", "conditions") or ()
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _warnings(api: Api, obj: Object) -> list[str]:
    selector = f"involvedObject.uid={obj['metadata'].get('uid')},type=Warning"
    events = api.list("v1", "Event", namespace(obj), field_selector=selector)
    events.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    return [
        f"[{obj['kind']} {full_name(obj)}]: {event.get('reason')}: {event.get('message', '').strip()}"
        for event in events[-_EVENTS:]
    ]
