"""Machines that come and go: nodes that join the cluster, are drained and leave it."""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...api import Api, ApiError
from ...control_plane.nodes import NODE_GROUP, ready_status
from .machines import Machine

Object = Mapping[str, Any]
log = logging.getLogger(__name__)

NO_NETWORK = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns "
    "error: cni plugin not initialized"
)


def join(api: Api, machine: Machine) -> None:
    """Register the machine's node, unready as its kubelet finds it: the network plugin has still to come."""
    version = f"v{machine.version}.0-eks-rehearsal"
    status = ready_status(machine.status(), version)
    status["conditions"] = [unready(NO_NETWORK), *(each for each in status["conditions"] if each["type"] != "Ready")]
    try:
        # with its status at once, as a kubelet does: the scheduler never sees a node without room
        api.create(machine.node() | {"status": status})
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise


def unready(message: str) -> dict[str, str]:
    """The condition of a node that no pod may be put on."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    return {"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": message} | times


def nodes_of(api: Api, group: str) -> list[dict[str, Any]]:
    """The nodes of a node group, oldest first."""
    return of_group(api.list("v1", "Node", label_selector=f"{NODE_GROUP}={group}"), group)


def of_group(nodes: Iterable[dict[str, Any]], group: str) -> list[dict[str, Any]]:
    """Those of `nodes` that are of a node group, oldest first."""
    found = [node for node in nodes if (node["metadata"].get("labels") or {}).get(NODE_GROUP) == group]
    return sorted(found, key=lambda node: (node["metadata"]["creationTimestamp"], node["metadata"]["name"]))


def is_ready(node: Object) -> bool:
    """Whether pods may be put on the node."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    held = any(taint["key"].startswith("node.kubernetes.io/not-ready") for taint in node["spec"].get("taints") or ())
    return ready and not held


def retire(api: Api, names: Iterable[str], *, wait: Callable[[float], None], patience: float) -> list[str]:
    """Drain the nodes and take them away; what could not be evicted within `patience` seconds (real) goes with its node.

    Returns the pods that were not evicted, which EKS reports as PodEvictionFailure and ends by force.
    """
    forced = []
    targets = list(names)
    for name in targets:
        _cordon(api, name)
    deadline = time.monotonic() + patience
    while (left := _evict(api, targets)) and time.monotonic() < deadline:
        wait(1)
        time.sleep(0.3)
    forced += left
    for name in targets:
        api.delete("v1", "Node", name, propagation="Background")
    for pod in api.list("v1", "Pod"):
        if pod["spec"].get("nodeName") in targets:
            _end(api, pod)
    return forced


def _cordon(api: Api, name: str) -> None:
    try:
        api.patch("v1", "Node", name, body={"spec": {"unschedulable": True}})
    except ApiError as error:
        if error.status != 404:
            raise


def _evict(api: Api, nodes: Iterable[str]) -> list[str]:
    """Ask each pod on the nodes to go, as disruption budgets allow; those that are still there."""
    left = []
    for pod in api.list("v1", "Pod"):
        if pod["spec"].get("nodeName") not in nodes or _of_daemon_set(pod) or _ended(pod):
            continue
        meta = pod["metadata"]
        left.append(f"{meta['namespace']}/{meta['name']}")
        if "deletionTimestamp" in meta:
            continue
        path = api.resource("v1", "Pod").path(meta["namespace"], meta["name"], "eviction")
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": meta["name"]}}
        try:
            api.call("POST", path, body=body)
        except ApiError as error:
            # 429: a disruption budget holds it; 404: it has gone by itself; 403: its namespace is on its way out
            if error.status not in (403, 404, 429):
                log.warning("evicting %s: %s", meta["name"], error)
    return left


def _end(api: Api, pod: Object) -> None:
    meta = pod["metadata"]
    path = api.resource("v1", "Pod").path(meta["namespace"], meta["name"])
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}}
    try:
        api.call("DELETE", path, body=body)
    except ApiError as error:
        if error.status not in (404, 409):
            raise


def _of_daemon_set(pod: Object) -> bool:
    return any(owner["kind"] == "DaemonSet" for owner in pod["metadata"].get("ownerReferences") or ())


def _ended(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
