"""Start, repair and stop one real Kubernetes control plane.

`start` may be called at any time: what runs and is healthy is left alone, what is missing is started, and the data
stays. It may be killed at any moment; the next call goes on from what it finds.
"""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import yaml

from ..api import Api, ApiError
from ..state import State
from . import certificates, daemons, kubeconfig, nodes, ports, processes
from .daemons import Blueprint
from .nodes import NodeShape
from .processes import Daemon

BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")

DEFAULT_CONTEXT = "rehearsal"

_START_UP = 90.0  # seconds; a healthy one needs five, on two busy cores three times that
_OURS = ",".join(f"{key}={value}" for key, value in nodes.MANAGED.items())
"""Nodes that the rehearsal made; those of a stack's own node groups become ready in their own time."""
_ATTEMPTS = 3  # a port that was free when chosen may be taken when the daemon gets to it


class ControlPlaneError(Exception):
    """The control plane does not come up or does not go away; the message ends with what the daemon logged."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the stack expects to find on the cluster."""

    pools: Sequence[NodeShape] = (NodeShape(count=3, cpu="4", memory="16Gi"),)
    """None of them where the stack makes its own nodes."""
    storage_class: str | None = nodes.DEFAULT_STORAGE_CLASS
    """None: there is none, or it is among `objects`."""
    ingress_class: str | None = nodes.DEFAULT_INGRESS_CLASS
    """None: there is none, or it is among `objects`."""
    context: str = DEFAULT_CONTEXT
    """Name of the kubeconfig's context."""
    issuer: str = daemons.SERVICE_ACCOUNT_ISSUER
    """Of the cluster's service-account tokens. Another one than last time makes the API server start again."""
    objects: Sequence[nodes.Manifest] = ()
    """What else is there, in an order in which it can be made."""


@dataclass(frozen=True)
class ControlPlane:
    """The control plane of one rehearsal, whether it runs or not."""

    state: State
    binaries: Mapping[str, Path]
    surroundings: Surroundings = field(default_factory=Surroundings)
    kubelet: bool = True
    """Whether `python -m rehearsal.kubelet` runs beside it."""
    say: Callable[[str], None] = field(default=lambda _: None, compare=False)
    """Called with each step of progress."""

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig; there from the first `start` on."""
        return self.state.kubeconfig

    @property
    def api(self) -> Api:
        """The cluster as its administrator. Raises ValueError before the first `start`."""
        return Api.from_kubeconfig(self.kubeconfig)

    @property
    def running(self) -> bool:
        """True when every daemon runs and the API server calls itself ready."""
        if not self.kubeconfig.exists() or not (self.state.cluster / "ports.json").exists():
            return False
        plan = self._plan()
        everyone = [daemons.etcd(plan), daemons.apiserver(plan), *self._clients(plan)]
        return all(processes.running(self.state, daemon) for daemon in everyone) and self._ready(plan)

    def start(self) -> None:
        """Bring the control plane up and make the cluster's surroundings.

        Raises ControlPlaneError when a daemon ends or does not become ready in time.
        """
        self.state.cluster.mkdir(parents=True, exist_ok=True, mode=0o700)
        plan = self._serving()
        for daemon in self._clients(plan):
            processes.ensure(self.state, daemon)
        if self.surroundings.pools:
            self.say("making nodes, StorageClass and IngressClass")
        self._furnish()

    def stop(self) -> None:
        """`shut_down` for this rehearsal."""
        shut_down(self.state)

    def _plan(self, *, fresh_ports: bool = False) -> Blueprint:
        cluster = self.state.cluster
        return Blueprint(
            state=self.state,
            binaries=self.binaries,
            credentials=certificates.ensure(cluster / "pki", service_address=daemons.KUBERNETES_SERVICE),
            ports=ports.remembered(cluster / "ports.json", daemons.PORTS, forget=fresh_ports),
            issuer=self.surroundings.issuer,
        )

    def _serving(self) -> Blueprint:
        plan = self._plan()
        for attempt in range(_ATTEMPTS):
            servers = [daemons.etcd(plan), daemons.apiserver(plan)]
            if not all(processes.running(self.state, daemon) for daemon in servers):
                self.say("starting etcd and kube-apiserver")
            self._write_kubeconfigs(plan)
            started = [processes.ensure(self.state, daemon) for daemon in servers]
            fallen = self._wait_until_ready(plan, servers, started)
            if fallen is None:
                return plan
            last = attempt == _ATTEMPTS - 1
            processes.end_all(self.state)
            if last or "address already in use" not in processes.log_tail(self.state, fallen.role, lines=40):
                break
            plan = self._plan(fresh_ports=True)
        raise ControlPlaneError(f"{fallen.role} does not run:\n{processes.log_tail(self.state, fallen.role)}")

    def _wait_until_ready(
        self, plan: Blueprint, servers: Sequence[Daemon], started: Sequence[psutil.Process]
    ) -> Daemon | None:
        """None once the API server is ready, else the daemon that ended or that is late."""
        deadline = time.monotonic() + _START_UP
        while not self._ready(plan):
            for daemon, process in zip(servers, started, strict=True):
                if not processes.alive(process):
                    return daemon
            if time.monotonic() > deadline:
                return servers[-1]
            time.sleep(0.1)
        return None

    def _ready(self, plan: Blueprint) -> bool:
        context = ssl.create_default_context(cafile=str(plan.credentials.authority))
        request = urllib.request.Request(
            f"https://{ports.LOOPBACK}:{plan.ports['apiserver']}/readyz",
            headers={"Authorization": f"Bearer {plan.credentials.token('kubernetes-admin')}"},
        )
        try:
            with urllib.request.urlopen(request, context=context, timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def _write_kubeconfigs(self, plan: Blueprint) -> None:
        def write(path: Path, user: str, context: str) -> None:
            config = kubeconfig.kubeconfig(
                server=f"https://{ports.LOOPBACK}:{plan.ports['apiserver']}",
                authority=plan.credentials.authority,
                token=plan.credentials.token(user),
                context=context,
            )
            kubeconfig.write(path, config)

        for user in certificates.USERS:
            write(plan.kubeconfig(user), user, DEFAULT_CONTEXT)
        write(self.kubeconfig, "kubernetes-admin", self.surroundings.context)

    def _clients(self, plan: Blueprint) -> list[Daemon]:
        stages = self.state.cluster / "stages.yaml"
        content = yaml.safe_dump_all(nodes.stages(), sort_keys=False)
        if not stages.exists() or stages.read_text() != content:
            stages.write_text(content)
        clients = [daemons.controller_manager(plan), daemons.scheduler(plan), daemons.kwok(plan, stages)]
        return clients + ([daemons.kubelet(self.state)] if self.kubelet else [])

    def _furnish(self) -> None:
        api = self.api
        version = api.call("GET", "/version")["gitVersion"]
        _make_nodes(api, nodes.all_nodes(self.surroundings.pools), version)
        if self.surroundings.storage_class:
            api.apply(nodes.storage_class(self.surroundings.storage_class))
        if self.surroundings.ingress_class:
            api.apply(nodes.ingress_class(self.surroundings.ingress_class))
        for obj in self.surroundings.objects:
            # a kind is served a moment after its definition is applied
            _wait_until(partial(_served, api, obj), f"the API server does not serve {obj['kind']}")
            api.apply(obj)
        _wait_until(
            lambda: _untainted(api) and api.read("v1", "ServiceAccount", "default", "default") is not None,
            "the nodes are not ready",
        )


def _served(api: Api, obj: nodes.Manifest) -> bool:
    try:
        api.resource(obj["apiVersion"], obj["kind"])
    except ApiError as error:
        if error.status != 404:
            raise
        return False
    return True


def shut_down(state: State) -> None:
    """End every process of the rehearsal, children included, and prove that none is left; data stays.

    Raises ControlPlaneError naming the processes that would not go.
    """
    try:
        # etcd goes last, or the others spend their grace on reconnecting to it
        stores = {process.pid for process in processes.marked(state, "etcd")}
        processes.end(process for process in processes.marked(state) if process.pid not in stores)
        processes.end_all(state)
    except RuntimeError as error:
        raise ControlPlaneError(str(error)) from error


def _make_nodes(api: Api, wanted: Sequence[nodes.Manifest], version: str) -> None:
    names = {node["metadata"]["name"] for node in wanted}
    for node in wanted:
        status = node.pop("status")
        live = api.apply(node)
        if any(live["status"].get(key) != value for key, value in status.items()) or not _is_ready(live):
            body = {"status": nodes.ready_status(status, version)}
            api.patch("v1", "Node", node["metadata"]["name"], body=body, subresource="status")
    for node in api.list("v1", "Node", label_selector=_OURS):
        if node["metadata"]["name"] not in names:
            api.delete("v1", "Node", node["metadata"]["name"], propagation="Background")


def _is_ready(node: nodes.Manifest) -> bool:
    conditions = node["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _untainted(api: Api) -> bool:
    unready = "node.kubernetes.io/"
    return all(
        _is_ready(node) and not any(taint["key"].startswith(unready) for taint in node["spec"].get("taints", ()))
        for node in api.list("v1", "Node", label_selector=_OURS)
    )


def _wait_until(condition: Callable[[], bool], otherwise: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except ApiError as error:
            if not error.unreachable:
                raise
        if time.monotonic() > deadline:
            raise ControlPlaneError(f"{otherwise} after {seconds:.0f} s")
        time.sleep(0.1)
