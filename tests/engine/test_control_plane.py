"""The control plane's life: started, found again, repaired, stopped."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from rehearsal.api import Api, ApiError
from rehearsal.control_plane import ControlPlane, ControlPlaneError, NodeShape, Surroundings, inventory, processes
from rehearsal.state import BadStackName, Busy, State
from tests.engine.conftest import background
from tests.harness.patience import until

POOL = NodeShape(count=3, cpu="3920m", memory="14Gi", zones=("a", "b", "c"))
ROLES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")

Binaries = Mapping[str, Path]


AROUND = Surroundings(pools=[POOL], context="a-context", storage_class="fast", ingress_class="traefik")


def plane(state: State, binaries: Binaries, around: Surroundings = AROUND) -> ControlPlane:
    return ControlPlane(state, binaries, around, kubelet=False)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, binaries: Binaries) -> Iterator[ControlPlane]:
    """A control plane that tests only look at."""
    control_plane = plane(State(tmp_path_factory.mktemp("shared") / "dev"), binaries)
    control_plane.start()
    yield control_plane
    control_plane.stop()


def pids(state: State) -> dict[str, int]:
    return {role: process.pid for role in ROLES for process in processes.marked(state, role)}


def test_a_cluster_has_what_a_stack_expects_to_find(shared: ControlPlane):
    api = shared.api
    nodes = {node["metadata"]["name"]: node for node in api.list("v1", "Node")}
    assert set(nodes) == {"node-0", "node-1", "node-2"}
    assert {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes.values()} == {"a", "b", "c"}
    assert {node["status"]["allocatable"]["cpu"] for node in nodes.values()} == {"3920m"}
    fast = api.read("storage.k8s.io/v1", "StorageClass", "fast")
    assert fast is not None
    assert fast["volumeBindingMode"] == "WaitForFirstConsumer"
    assert api.read("networking.k8s.io/v1", "IngressClass", "traefik") is not None
    assert shared.running


def test_a_second_start_changes_nothing(shared: ControlPlane):
    before, objects = pids(shared.state), inventory.everything(shared.api)
    shared.start()
    assert pids(shared.state) == before
    assert inventory.leftovers(shared.api, objects) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_killed_daemon_is_started_again_and_the_data_stays(state: State, binaries: Binaries, role: str):
    control_plane = plane(state, binaries)
    control_plane.start()
    control_plane.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mine"}})
    before = pids(state)
    psutil.Process(before[role]).kill()
    assert not control_plane.running
    control_plane.start()
    after = pids(state)
    assert after.pop(role) != before.pop(role)
    assert after == before
    assert control_plane.api.read("v1", "Namespace", "mine") is not None


@pytest.mark.parametrize("delay", [0.3, 1.0, 2.0, 3.0])
def test_a_start_that_is_killed_is_completed_by_the_next(state: State, binaries: Binaries, delay: float):
    control_plane = plane(state, binaries)
    starting = background("start", state, binaries)
    time.sleep(delay)
    starting.kill()
    starting.wait()
    control_plane.start()
    assert control_plane.running
    assert len(pids(state)) == len(processes.marked(state)) == len(ROLES)


def test_after_a_stop_no_process_is_left_and_a_start_finds_the_data(state: State, binaries: Binaries):
    control_plane = plane(state, binaries)
    control_plane.start()
    control_plane.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mine"}})
    server = control_plane.api.server
    control_plane.stop()
    assert processes.marked(state) == []
    control_plane.start()
    assert control_plane.api.server == server
    assert control_plane.api.read("v1", "Namespace", "mine") is not None


def test_children_of_daemons_are_ended_with_them(state: State):
    state.folder.mkdir(parents=True)
    script = (
        "import subprocess, sys, time; subprocess.Popen(['sleep', '1000'], start_new_session=True); time.sleep(1000)"
    )
    daemon = processes.Daemon(role="parent", command=(sys.executable, "-c", script))
    processes.ensure(state, daemon)
    until(lambda: len(processes.marked(state)) == 2, "both processes run")
    processes.end_all(state)
    assert processes.marked(state) == []


def test_a_process_without_the_mark_is_never_ended(state: State):
    stranger = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        processes.end_all(state)
        assert stranger.poll() is None
    finally:
        os.kill(stranger.pid, signal.SIGKILL)
        stranger.wait()


def test_two_rehearsals_run_side_by_side(tmp_path: Path, binaries: Binaries):
    planes = [plane(State(tmp_path / name), binaries) for name in ("one", "two")]
    try:
        for control_plane in planes:
            control_plane.start()
        one, two = (control_plane.api for control_plane in planes)
        assert one.server != two.server
        one.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mine"}})
        assert two.read("v1", "Namespace", "mine") is None
        planes[0].stop()
        assert planes[1].running
    finally:
        for control_plane in planes:
            control_plane.stop()


def test_it_listens_on_the_loopback_interface_alone(shared: ControlPlane):
    listening = [
        connection.laddr.ip
        for process in processes.marked(shared.state)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert set(listening) == {"127.0.0.1"}


def test_only_the_owner_can_read_keys_and_kubeconfig(shared: ControlPlane):
    state = shared.state
    secret = [shared.kubeconfig, *(state.cluster / "pki").iterdir(), *state.cluster.glob("*.kubeconfig")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}
    assert stat.S_IMODE(state.cluster.stat().st_mode) == 0o700


def test_the_kubeconfig_has_the_context_that_the_stack_names(shared: ControlPlane):
    assert Api.from_kubeconfig(shared.kubeconfig, "a-context").list("v1", "Node")


def test_nobody_is_let_in_without_a_token(shared: ControlPlane):
    text = shared.kubeconfig.read_text()
    token = (shared.state.cluster / "pki" / "tokens.csv").read_text().split(",")[0]
    with pytest.raises(ApiError) as refused:
        Api.from_kubeconfig(text.replace(token, "wrong")).list("v1", "Secret")
    assert refused.value.status == 401


def test_nodes_follow_the_plan(state: State, binaries: Binaries):
    plane(state, binaries).start()
    bigger = NodeShape(count=2, cpu="8", memory="30Gi", zones=("a", "b"))
    control_plane = plane(state, binaries, Surroundings(pools=[bigger]))
    control_plane.start()
    nodes = {
        node["metadata"]["name"]: node["status"]["allocatable"]["cpu"] for node in control_plane.api.list("v1", "Node")
    }
    assert nodes == {"node-0": "8", "node-1": "8"}


def test_a_port_that_was_taken_meanwhile_is_replaced(state: State, binaries: Binaries):
    control_plane = plane(state, binaries)
    control_plane.start()
    server = control_plane.api.server
    control_plane.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(server.rpartition(":")[2])))
        taken.listen()
        control_plane.start()
    assert control_plane.api.server != server


def test_a_daemon_that_cannot_run_is_named_with_what_it_logged(state: State, binaries: Binaries, tmp_path: Path):
    broken = tmp_path / "etcd"
    broken.write_text("#!/bin/sh\necho no such luck\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(ControlPlaneError, match=r"etcd does not run:\n.*no such luck"):
        plane(state, dict(binaries) | {"etcd": broken}).start()
    assert processes.marked(state) == []


def test_what_a_user_leaves_on_the_cluster_is_found(shared: ControlPlane, tmp_path: Path):
    api, saved = shared.api, tmp_path / "baseline"
    inventory.save(inventory.everything(api), saved)
    metadata = {"name": "stuck", "namespace": "default", "finalizers": ["example.com/never"]}
    api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    api.delete("v1", "ConfigMap", "stuck", "default", propagation="Background")
    (left,) = inventory.leftovers(api, inventory.load(saved))
    assert str(left) == "ConfigMap default/stuck, being deleted, held by finalizer example.com/never"


def test_one_command_at_a_time_works_on_a_rehearsal(state: State):
    with state.locked(), pytest.raises(Busy, match=str(os.getpid())), state.locked():
        pass
    with state.locked():
        pass


@pytest.mark.parametrize("name", ["..", "../../home", "", "a/b", ".hidden"])
def test_a_stack_name_never_leads_out_of_the_folder_of_rehearsals(name: str, tmp_path: Path):
    with pytest.raises(BadStackName):
        State.of_stack(name, tmp_path)
