"""The processes behind operators' pods: started when the pod starts, stopped when it goes, restarted when they end."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..api import Api, load_kubeconfig
from ..state import PROJECT, State

log = logging.getLogger(__name__)

READY_FILE = "REHEARSAL_READY_FILE"
"""Environment variable with the file that a stand-in operator writes once it watches."""

ARGUMENTS = "REHEARSAL_ARGUMENTS"
"""Environment variable with the container's command line, as a JSON list."""

_TOKEN_SECONDS = 10 * 365 * 24 * 3600
_STOP_SECONDS = 5


@dataclass
class Running:
    """One started process."""

    popen: subprocess.Popen[bytes]
    ready: Path
    folder: Path
    restarts: int = 0
    ended: float | None = field(default=None)
    """When it was found ended; None while it runs."""


class Processes:
    """By uid of the pod. A process ends by itself when this one does: its standard input is closed then."""

    def __init__(self, api: Api, state: State) -> None:
        self._api = api
        self._state = state
        self._running: dict[str, Running] = {}

    def ensure(self, pod: Mapping[str, Any], module: str, environment: Mapping[str, str]) -> Running:
        """The pod's process, started if it is not there, restarted a while after it ended."""
        uid = pod["metadata"]["uid"]
        held = self._running.get(uid)
        if held is None:
            held = self._running[uid] = self._start(pod, module, environment, restarts=0)
        elif held.popen.poll() is not None:
            now = time.monotonic()
            if held.ended is None:
                held.ended = now
                log.warning("%s of pod %s ended with %s", module, pod["metadata"]["name"], held.popen.returncode)
            elif now - held.ended > min(2.0**held.restarts, 30):
                held = self._running[uid] = self._start(pod, module, environment, restarts=held.restarts + 1)
        return held

    def uids(self) -> set[str]:
        """Uids of the pods that have a process, be it one that ended and waits for its restart."""
        return set(self._running)

    def stop(self, uid: str) -> None:
        """End the process of a pod and wait until it is gone."""
        held = self._running.pop(uid, None)
        if held is None:
            return
        if held.popen.poll() is None:
            held.popen.terminate()
            try:
                held.popen.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                held.popen.kill()
                held.popen.wait()
        for file in held.folder.iterdir():
            file.unlink()
        held.folder.rmdir()

    def stop_all(self) -> None:
        """As `stop`, with all of them told to end before the first is waited for."""
        for held in self._running.values():
            if held.popen.poll() is None:
                held.popen.terminate()
        for uid in list(self._running):
            self.stop(uid)

    def _start(self, pod: Mapping[str, Any], module: str, environment: Mapping[str, str], restarts: int) -> Running:
        name = pod["metadata"]["name"]
        folder = self._state.folder / "kubelet" / pod["metadata"]["uid"]
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        ready = folder / "ready"
        ready.unlink(missing_ok=True)
        kubeconfig = folder / "kubeconfig"
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(json.dumps(self._kubeconfig(pod)), encoding="utf-8")
        role = module.rpartition(".")[2] + "-operator"
        inherited = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
        marks = self._state.marks(role) | {"KUBECONFIG": str(kubeconfig), READY_FILE: str(ready)}
        self._state.logs.mkdir(parents=True, exist_ok=True)
        with (self._state.logs / f"{role}.log").open("ab") as output:
            popen = subprocess.Popen(
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT,
                env={**inherited, **environment, **marks},
                start_new_session=True,
            )
        log.info("pod %s runs %s as process %d", name, module, popen.pid)
        return Running(popen=popen, ready=ready, folder=folder, restarts=restarts)

    def _kubeconfig(self, pod: Mapping[str, Any]) -> dict[str, Any]:
        """A kubeconfig with the pod's own token: the operator may do what its chart's roles grant it, and no more."""
        namespace = pod["metadata"]["namespace"]
        account = pod["spec"].get("serviceAccountName", "default")
        bound = {"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": _TOKEN_SECONDS, "boundObjectRef": bound},
        }
        path = self._api.resource("v1", "ServiceAccount").path(namespace, account, "token")
        token = self._api.call("POST", path, body=request)["status"]["token"]
        cluster = load_kubeconfig(self._state.kubeconfig)["clusters"][0]["cluster"]
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "rehearsal", "cluster": cluster}],
            "users": [{"name": account, "user": {"token": token}}],
            "contexts": [
                {"name": "rehearsal", "context": {"cluster": "rehearsal", "user": account, "namespace": namespace}}
            ],
            "current-context": "rehearsal",
        }
