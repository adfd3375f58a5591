"""What the stand-in operators share: their life as processes, time, events, owner references."""

from __future__ import annotations

import asyncio
import datetime
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import kopf

from ..api import Api, ApiError
from ..kubelet.processes import READY_FILE

Object = Mapping[str, Any]
log = logging.getLogger(__name__)

TIME_SCALE = "WANDB_REHEARSAL_TIME_SCALE"
DEFAULT_SCALE = 30.0
"""How many times faster than real the operators' own time-outs and retries pass: 10 minutes take 20 seconds."""

_NOT_INHERITED = ("kubectl.kubernetes.io/last-applied-configuration",)


def scaled(seconds: float) -> float:
    """Seconds to wait in a rehearsal for what takes `seconds` in reality; never less than a tenth of a second."""
    return max(seconds / float(os.environ.get(TIME_SCALE) or DEFAULT_SCALE), 0.1)


def now() -> str:
    """RFC 3339, in UTC."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def owner_reference(owner: Object, *, controller: bool = True) -> dict[str, Any]:
    """The reference that makes the garbage collector remove an object with its owner."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
    return reference | ({"controller": True, "blockOwnerDeletion": True} if controller else {})


def inherited(owner: Object, exclude: tuple[str, ...] = ()) -> dict[str, str]:
    """The annotations of a custom resource that its operator copies to what it makes."""
    annotations = owner["metadata"].get("annotations") or {}
    return {key: value for key, value in annotations.items() if key not in (*_NOT_INHERITED, *exclude)}


def set_finalizer(api: Api, obj: Object, finalizer: str, *, present: bool) -> None:
    """Put a finalizer on a custom resource, or take it off; nothing happens when it is already so, or the object is gone."""
    meta = obj["metadata"]
    live = api.read(obj["apiVersion"], obj["kind"], meta["name"], meta["namespace"])
    if live is None or live["metadata"]["uid"] != meta["uid"]:
        return
    held = live["metadata"].get("finalizers") or []
    if present == (finalizer in held):
        return
    wanted = [*held, finalizer] if present else [name for name in held if name != finalizer]
    version = live["metadata"]["resourceVersion"]
    try:
        api.patch(
            obj["apiVersion"],
            obj["kind"],
            meta["name"],
            meta["namespace"],
            body={"metadata": {"finalizers": wanted, "resourceVersion": version}},
        )
    except ApiError as error:
        if error.status == 409:
            set_finalizer(api, obj, finalizer, present=present)
        elif error.status != 404:
            raise


class Workers:
    """Runs one reconcile at a time per object, in a thread, and again later when asked to.

    kopf hands over every event of a watched object; what is to be done is decided from the live object, never from what
    kopf remembers, so that nothing of kopf's is written into the objects.
    """

    def __init__(self, reconcile: Callable[[str, str, str], float | None]) -> None:
        """`reconcile(kind, namespace, name)` returns seconds until it wants to be called again, or None."""
        self._reconcile = reconcile
        self._again: dict[tuple[str, str, str], asyncio.Task[None]] = {}
        self._locks: dict[tuple[str, str, str], asyncio.Lock] = {}

    async def handle(self, kind: str, namespace: str, name: str) -> None:
        """Reconcile now, after a reconcile of the same object that may be under way."""
        key = (kind, namespace, name)
        async with self._locks.setdefault(key, asyncio.Lock()):
            if task := self._again.pop(key, None):
                task.cancel()
            try:
                delay = await asyncio.to_thread(self._reconcile, *key)
            except ApiError as error:
                log.warning("%s %s/%s: %s", *key, error)
                delay = 0.5
            except Exception:
                log.exception("%s %s/%s", *key)
                delay = 2.0
        if delay is not None and key not in self._again:
            self._again[key] = asyncio.create_task(self._later(key, delay))

    async def _later(self, key: tuple[str, str, str], delay: float) -> None:
        await asyncio.sleep(delay)
        self._again.pop(key, None)
        await self.handle(*key)


def run(
    name: str,
    register: Callable[[kopf.OperatorRegistry, Api], None],
    namespaces: tuple[str, ...],
    *,
    kinds: tuple[tuple[str, str], ...],
) -> int:
    """Be the operator `name` until SIGTERM, or until the process that started this one is gone. Returns the exit status.

    No namespaces: all of them. `kinds` are the (apiVersion, kind) that have to be served: like the real operators, this
    one ends with an error when their definitions are missing, and is started again.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for logger in ("kopf", "kopf.objects", "kopf._core", "kopf.activities"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    log.info("stand-in operator %s: it makes objects and statuses, nothing runs behind them", name)
    _end_with_parent()
    api = Api.from_kubeconfig(None)
    try:
        for api_version, kind in kinds:
            api.resource(api_version, kind)
    except ApiError as error:
        log.error("%s", error)
        return 1
    registry = kopf.OperatorRegistry()
    register(registry, api)
    _announce(registry)
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.queueing.exit_timeout = 1
    settings.watching.server_timeout = 300
    settings.process.ultimate_exiting_timeout = 3
    operator: Coroutine[Any, Any, None] = kopf.operator(
        registry=registry,
        settings=settings,
        standalone=True,
        clusterwide=not namespaces,
        namespaces=list(namespaces),
    )
    asyncio.run(operator)
    return 0


def _announce(registry: kopf.OperatorRegistry) -> None:
    """Log in with the pod's kubeconfig, and tell the kubelet stand-in that the pod is ready."""
    path = os.environ.get(READY_FILE)

    @kopf.on.login(registry=registry)
    async def login(**arguments: Any) -> Any:
        credentials = await asyncio.to_thread(kopf.login_with_kubeconfig, **arguments)
        if path and credentials:
            await asyncio.to_thread(Path(path).touch)
        return credentials


def _end_with_parent() -> None:
    if os.environ.get(READY_FILE) is None:
        return

    def wait() -> None:
        # nothing is ever written to it; it ends when the process that holds the other end does
        os.read(sys.stdin.fileno(), 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
