"""The statuses that a pod goes through, as its kubelet would report them. Pure: time is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Pod = Mapping[str, Any]
Status = dict[str, Any]
Step = Literal["waiting", "initializing", "started", "ready", "succeeded", "failed"]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What to say about a pod."""

    step: Step
    now: str
    """RFC 3339, in UTC."""
    pod_ip: str
    host_ip: str
    reason: str = ""
    """Of the waiting state or of the failure."""
    message: str = ""
    container: str | None = None
    """The container that `reason` is about; None: all of them."""
    restarts: int = 0
    crashed: bool = False
    """The container that `reason` is about has run and ended with an error."""


def status(pod: Pod, report: Report) -> Status:
    """The pod's new status: conditions of others (the scheduler's, readiness gates) are kept, times only move on change."""
    held = pod.get("status") or {}
    ready = report.step == "ready" and all(
        _condition(held, gate["conditionType"]) == "True" for gate in pod["spec"].get("readinessGates") or ()
    )
    initialized = report.step not in ("waiting", "initializing") or not pod["spec"].get("initContainers")
    up = report.step == "ready"
    done = {"reason": "PodCompleted"} if report.step == "succeeded" else {}
    conditions = [
        _flag("PodReadyToStartContainers", report.step not in ("succeeded", "failed") and bool(report.pod_ip)),
        _flag("Initialized", initialized),
        _flag("Ready", ready, done or {"reason": "ContainersNotReady"}),
        _flag("ContainersReady", up, done or {"reason": "ContainersNotReady"}),
    ]
    new: Status = {
        "phase": _PHASES[report.step],
        "conditions": _merged(held.get("conditions") or [], conditions, report.now),
        "hostIP": report.host_ip,
        "hostIPs": [{"ip": report.host_ip}],
        "startTime": held.get("startTime") or report.now,
        "containerStatuses": [_container(pod, entry, held, report) for entry in pod["spec"]["containers"]],
    }
    if report.pod_ip:
        new |= {"podIP": report.pod_ip, "podIPs": [{"ip": report.pod_ip}]}
    if entries := pod["spec"].get("initContainers"):
        new["initContainerStatuses"] = [_init_container(pod, entry, held, report) for entry in entries]
    if report.step == "failed":
        new |= {"reason": report.reason, "message": report.message}
    return new


_PHASES = {
    "waiting": "Pending",
    "initializing": "Pending",
    "started": "Running",
    "ready": "Running",
    "succeeded": "Succeeded",
    "failed": "Failed",
}


def _container(pod: Pod, entry: Mapping[str, Any], held: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Containers wait until the init containers are done; one that cannot start does not keep its neighbours waiting."""
    before = _named(held.get("containerStatuses"), entry["name"])
    mine = report.container in (None, entry["name"])
    running = report.step in ("started", "ready") or (report.crashed and not mine)
    if report.step in ("succeeded", "failed"):
        state = _terminated(0 if report.step == "succeeded" else 1, before, report)
    elif running and not (report.crashed and mine):
        state = {
            "running": {"startedAt": ((before.get("state") or {}).get("running") or {}).get("startedAt") or report.now}
        }
    elif report.step == "initializing":
        state = {"waiting": {"reason": "PodInitializing"}}
    elif mine and report.reason:
        state = {"waiting": _without_empty({"reason": report.reason, "message": report.message})}
    else:
        state = {"waiting": {"reason": "ContainerCreating"}}
    last = _terminated(1, before, report) if report.crashed and mine else before.get("lastState") or {}
    up = "running" in state
    return {
        "name": entry["name"],
        "image": entry["image"],
        "imageID": f"rehearsal://{entry['image']}" if up or "terminated" in state else "",
        "containerID": f"rehearsal://{pod['metadata']['uid']}/{entry['name']}" if up or "terminated" in state else "",
        "ready": up and report.step == "ready",
        "started": up,
        "restartCount": report.restarts if mine else before.get("restartCount", 0),
        "state": state,
        "lastState": last,
    }


def _init_container(pod: Pod, entry: Mapping[str, Any], held: Mapping[str, Any], report: Report) -> dict[str, Any]:
    before = _named(held.get("initContainerStatuses"), entry["name"])
    done = report.step not in ("waiting", "initializing")
    mine = report.container == entry["name"]
    names = [item["name"] for item in pod["spec"]["initContainers"]]
    if report.step == "initializing" and report.container in names:
        done = names.index(entry["name"]) < names.index(report.container)
    if done:
        state = _terminated(0, before, report)
    elif mine and report.step == "initializing":
        state = {
            "running": {"startedAt": ((before.get("state") or {}).get("running") or {}).get("startedAt") or report.now}
        }
    elif mine and report.reason:
        state = {"waiting": _without_empty({"reason": report.reason, "message": report.message})}
    else:
        state = {"waiting": {"reason": "PodInitializing"}}
    return {
        "name": entry["name"],
        "image": entry["image"],
        "imageID": f"rehearsal://{entry['image']}" if "waiting" not in state else "",
        "ready": done,
        "started": "running" in state,
        "restartCount": 0,
        "state": state,
        "lastState": {},
    }


def _terminated(code: int, before: Mapping[str, Any], report: Report) -> dict[str, Any]:
    ended = (before.get("state") or {}).get("terminated") or {}
    started = ((before.get("state") or {}).get("running") or {}).get("startedAt")
    return {
        "terminated": _without_empty(
            {
                "exitCode": code,
                "reason": "Completed" if code == 0 else "Error",
                "message": report.message if code else "",
                "startedAt": ended.get("startedAt") or started or report.now,
                "finishedAt": ended.get("finishedAt") or report.now,
            }
        )
    }


def _flag(kind: str, value: bool, otherwise: Mapping[str, str] | None = None) -> dict[str, str]:
    return {"type": kind, "status": "True"} if value else {"type": kind, "status": "False", **(otherwise or {})}


def _merged(held: list[dict[str, Any]], new: list[dict[str, str]], now: str) -> list[dict[str, Any]]:
    kinds = {condition["type"]: condition for condition in new}
    merged = [dict(condition) for condition in held if condition["type"] not in kinds]
    for kind, condition in kinds.items():
        before = next((old for old in held if old["type"] == kind), {})
        same = before.get("status") == condition["status"]
        merged.append(condition | {"lastTransitionTime": before["lastTransitionTime"] if same else now})
    return merged


def _condition(held: Mapping[str, Any], kind: str) -> str:
    return next((item["status"] for item in held.get("conditions") or () if item["type"] == kind), "")


def _named(entries: Any, name: str) -> Mapping[str, Any]:
    return next((entry for entry in entries or () if entry["name"] == name), {})


def _without_empty(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item != ""}
