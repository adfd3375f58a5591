"""Moving every scheduled pod one step on, from what the cluster holds at this moment."""

from __future__ import annotations

import datetime
import ipaddress
import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from .. import faults, mirror
from ..api import Api, ApiError
from ..state import State
from . import crd_hook, environment, gate, images, jobs, lifecycle
from .cache import Cache
from .events import Events
from .identity import Identities
from .processes import ARGUMENTS, Processes

Object = Mapping[str, Any]
log = logging.getLogger(__name__)

POD_RANGE = ipaddress.ip_network("10.244.0.0/16")
KINDS = (
    ("v1", "Pod"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("apps/v1", "Deployment"),
)

_START_SECONDS = 0.2
_READY_SECONDS = 0.2
_STOP_SECONDS = 0.2
_NODE_IP = "192.0.2.1"


@dataclass
class Memory:
    """What is remembered of one pod between two looks; lost and found again when this process restarts."""

    seen: float
    """When it was first seen on its node, monotonic."""
    started: float | None = None
    restarts: int = 0
    next_try: float = 0.0
    done: set[str] = field(default_factory=set)
    """Init containers and hooks that have run."""


class Pods:
    """All pods that have a node."""

    def __init__(
        self, api: Api, cache: Cache, state: State, processes: Processes, events: Events, whoever: Identities
    ) -> None:
        self._api = api
        self._cache = cache
        self._state = state
        self._processes = processes
        self._events = events
        self._identities = whoever
        self._memory: dict[str, Memory] = {}
        self._addresses = POD_RANGE.hosts()
        self._faults = faults.Faults()
        self._mirror: mirror.Mirror | None = None

    def sync(self) -> bool:
        """One look at every pod; True when another look is wanted soon, without anything having changed."""
        self._faults = faults.read(self._state)
        self._mirror = mirror.read(self._state)
        pods = [pod for pod in self._cache.all("Pod") if pod["spec"].get("nodeName")]
        uids = {pod["metadata"]["uid"] for pod in pods}
        for uid in self._processes.uids() - uids:
            self._processes.stop(uid)
        self._memory = {uid: held for uid, held in self._memory.items() if uid in uids}
        soon = False
        for pod in pods:
            try:
                soon |= self._step(pod)
            except ApiError as error:
                # gone, or changed under our hands: the watch will tell
                if error.status not in (404, 409):
                    log.warning("pod %s: %s", pod["metadata"]["name"], error)
                soon = True
        return soon

    def _step(self, pod: Object) -> bool:
        held = self._memory.setdefault(pod["metadata"]["uid"], Memory(seen=time.monotonic()))
        phase = (pod.get("status") or {}).get("phase", "Pending")
        if pod["metadata"].get("deletionTimestamp"):
            return self._terminate(pod, held, ended=phase in ("Succeeded", "Failed"))
        if phase in ("Succeeded", "Failed"):
            return False
        if held.started is None and (phase != "Running" or _waits(pod)):
            return self._admit(pod, held)
        if held.started is None:
            held.started = time.monotonic() - _READY_SECONDS
        return self._run(pod, held)

    def _admit(self, pod: Object, held: Memory) -> bool:
        """From scheduled to started."""
        namespace = pod["metadata"]["namespace"]

        def lookup(kind: str, name: str) -> Object | None:
            return self._cache.get(kind, name, namespace)

        if obstacle := self._obstacle(pod, lookup):
            self._events.warn(pod, obstacle.event, obstacle.message)
            crashed = obstacle.reason == "CrashLoopBackOff"
            if crashed and held.next_try <= time.monotonic():
                held.restarts += 1
                held.next_try = time.monotonic() + min(2.0**held.restarts, 30)
            self._report(
                pod,
                step="started" if crashed else "waiting",
                reason=obstacle.reason,
                message=obstacle.message,
                container=obstacle.container,
                restarts=held.restarts,
                crashed=crashed,
            )
            return crashed
        if time.monotonic() - held.seen < _START_SECONDS:
            self._report(pod, step="waiting", reason="ContainerCreating")
            return True
        if waiting := jobs.initializing(self._cache, pod):
            name, message = waiting
            self._events.warn(pod, "RehearsalWaiting", f"init container {name}: {message}")
            self._report(pod, step="initializing", container=name)
            return False
        held.started = time.monotonic()
        self._report(pod, step="started", restarts=held.restarts)
        return True

    def _run(self, pod: Object, held: Memory) -> bool:
        """From started to ready, or to the end of a Job's pod."""
        if self._is_job(pod):
            return self._finish(pod, held)
        delay = _READY_SECONDS + self._faults.start_delay(pod["metadata"]["name"])
        if time.monotonic() - (held.started or 0) < delay:
            self._report(pod, step="started", restarts=held.restarts)
            return True
        if faults.matches(self._faults.never_ready, pod["metadata"]["name"]):
            self._events.warn(pod, "Unhealthy", "Readiness probe failed: played by faults.json (never-ready)")
            self._report(pod, step="started", restarts=held.restarts)
            return False
        return self._serve(pod, held)

    def _serve(self, pod: Object, held: Memory) -> bool:
        container = next((c for c in pod["spec"]["containers"] if images.operator(c["image"])), None)
        if container is None:
            self._report(pod, step="ready", restarts=held.restarts)
            return False
        namespace = pod["metadata"]["namespace"]
        values = environment.resolve(pod, container, lambda kind, name: self._cache.get(kind, name, namespace))
        values[ARGUMENTS] = json.dumps([*(container.get("command") or ()), *(container.get("args") or ())])
        process = self._processes.ensure(pod, images.operator(container["image"]) or "", values)
        held.restarts = process.restarts
        ended = process.popen.poll() is not None
        self._report(
            pod,
            step="ready" if process.ready.exists() and not ended else "started",
            container=container["name"],
            reason="CrashLoopBackOff" if ended else "",
            message=f"the stand-in operator ended with {process.popen.returncode}" if ended else "",
            restarts=held.restarts,
            crashed=ended,
        )
        # the file and the process are not watched
        return not process.ready.exists() or ended

    def _finish(self, pod: Object, held: Memory) -> bool:
        job = _owner(pod)
        namespace = pod["metadata"]["namespace"]
        if time.monotonic() - (held.started or 0) < _READY_SECONDS + self._faults.start_delay(pod["metadata"]["name"]):
            self._report(pod, step="ready")
            return True
        if faults.matches(self._faults.job_fails, job):
            self._report(pod, step="failed", reason="Error", message="played by faults.json (job-fails)")
            return False
        waits = [message for entry in pod["spec"]["containers"] for message in jobs.held_up(self._cache, pod, entry)]
        if waits:
            self._events.warn(pod, "RehearsalWaiting", f"Job {job} is held up: {waits[0]}")
            self._report(pod, step="ready")
            return False
        if "hook" not in held.done:
            for applied in crd_hook.apply(pod, self._api, lambda kind, name: self._cache.get(kind, name, namespace)):
                log.info("Job %s applied %s", job, applied)
            held.done.add("hook")
        self._report(pod, step="succeeded")
        return False

    def _obstacle(self, pod: Object, lookup: gate.Lookup) -> gate.Obstacle | None:
        for entry in [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]:
            if faults.matches(self._faults.image_unavailable, entry["image"]):
                text = f'Back-off pulling image "{entry["image"]}"'
                return gate.Obstacle(reason="ImagePullBackOff", message=text, container=entry["name"], event="BackOff")
            if self._mirror and (refusal := self._mirror.refusal(pod, entry["image"])):
                return gate.Obstacle(reason="ErrImagePull", message=refusal, container=entry["name"], event="Failed")
        return gate.obstacle(pod, lookup) or self._identities.obstacle(pod) or _refused(pod, lookup)

    def _terminate(self, pod: Object, held: Memory, *, ended: bool) -> bool:
        uid = pod["metadata"]["uid"]
        self._processes.stop(uid)
        if "deleting" not in held.done:
            held.done.add("deleting")
            held.seen = time.monotonic()
        if time.monotonic() - held.seen < _STOP_SECONDS:
            return True
        if pod["metadata"].get("finalizers") and not ended:
            # the Job controller counts a pod, and lets go of it, once it has ended
            self._report(pod, step="failed", reason="Terminated", message="deleted while running")
        if "deleted" not in held.done:
            path = self._api.resource("v1", "Pod").path(pod["metadata"]["namespace"], pod["metadata"]["name"])
            options = {
                "kind": "DeleteOptions",
                "apiVersion": "v1",
                "gracePeriodSeconds": 0,
                "preconditions": {"uid": uid},
            }
            self._api.call("DELETE", path, body=options)
            held.done.add("deleted")
        return False

    def _is_job(self, pod: Object) -> bool:
        return pod["spec"].get("restartPolicy", "Always") in ("Never", "OnFailure")

    def _report(self, pod: Object, **what: Any) -> None:
        """Write the status where it differs from what the cluster holds."""
        held = pod.get("status") or {}
        node = self._cache.get("Node", pod["spec"]["nodeName"]) or {}
        addresses = (node.get("status") or {}).get("addresses") or ()
        host = next((a["address"] for a in addresses if a["type"] == "InternalIP"), _NODE_IP)
        address = host if pod["spec"].get("hostNetwork") else held.get("podIP") or self._address()
        report = lifecycle.Report(now=_now(), pod_ip=address, host_ip=host, **what)
        new = lifecycle.status(pod, report)
        if _without_nothing({key: held.get(key) for key in new}) == _without_nothing(new):
            return
        meta = pod["metadata"]
        written = self._api.patch(
            "v1",
            "Pod",
            meta["name"],
            meta["namespace"],
            body={"metadata": {"uid": meta["uid"]}, "status": new},
            subresource="status",
        )
        self._cache.put("Pod", written)

    def _address(self) -> str:
        used = {(pod.get("status") or {}).get("podIP") for pod in self._cache.all("Pod")}
        for _ in range(2):
            for address in self._addresses:
                if str(address) not in used:
                    return str(address)
            self._addresses = POD_RANGE.hosts()
        raise RuntimeError(f"no free address in {POD_RANGE}")


def _without_nothing(value: Any) -> Any:
    """`value` without empty texts and nulls, which the API server leaves out of what it is given, or puts into it."""
    if isinstance(value, Mapping):
        return {key: _without_nothing(item) for key, item in value.items() if item not in (None, "")}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value


def _refused(pod: Object, lookup: gate.Lookup) -> gate.Obstacle | None:
    """A server of ClickHouse or W&B that would end at once because of its configuration."""
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    for entry in pod["spec"]["containers"]:
        message = None
        if images.is_clickhouse_server(entry["image"]):
            mounts = entry.get("volumeMounts") or ()
            room = partial(_capacity, mounts, volumes, lookup)
            message = images.clickhouse_server.refusal(_configuration(mounts, volumes, lookup), room)
        elif images.is_wandb_local(entry["image"]):
            message = images.wandb_local.refusal(pod, environment.resolve(pod, entry, lookup))
        if message:
            text = f"back-off 10s restarting failed container={entry['name']}: {message}"
            return gate.Obstacle(reason="CrashLoopBackOff", message=text, container=entry["name"], event="BackOff")
    return None


def _configuration(mounts: Iterable[Object], volumes: Mapping[str, Object], lookup: gate.Lookup) -> dict[str, str]:
    """The files that a ClickHouse server merges into its configuration; users.d is none of them."""
    root = "/etc/clickhouse-server/"
    files: dict[str, str] = {}
    for mount in mounts:
        source = (volumes.get(mount["name"]) or {}).get("configMap")
        folder = mount["mountPath"].removeprefix(root).strip("/")
        if source and mount["mountPath"].startswith(root) and folder != "users.d":
            content = (lookup("ConfigMap", source["name"]) or {}).get("data") or {}
            files |= {f"{folder}/{name}": text for name, text in content.items()}
    return files


def _capacity(mounts: Iterable[Object], volumes: Mapping[str, Object], lookup: gate.Lookup, path: str) -> int | None:
    """Bytes of the claimed volume that a path of the container is on; None when it is on no claimed volume."""
    above = [mount for mount in mounts if f"{path}/".startswith(mount["mountPath"].rstrip("/") + "/")]
    if not above:
        return None
    nearest = max(above, key=lambda mount: len(mount["mountPath"]))
    claim = ((volumes.get(nearest["name"]) or {}).get("persistentVolumeClaim") or {}).get("claimName")
    found = lookup("PersistentVolumeClaim", claim) if claim else None
    if found is None:
        return None
    held = (found.get("status") or {}).get("capacity") or found["spec"]["resources"]["requests"]
    return int(parse_quantity(held["storage"]))


def _waits(pod: Object) -> bool:
    """Whether a container of a pod that has started waits to be started again."""
    return any("waiting" in (entry.get("state") or {}) for entry in pod["status"].get("containerStatuses") or ())


def _owner(pod: Object) -> str:
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((owner["name"] for owner in owners if owner.get("controller")), pod["metadata"]["name"])


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
