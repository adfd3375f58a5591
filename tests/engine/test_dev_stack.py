"""The dev stack, whole: the real program on a real control plane, from nothing to W&B and back to nothing.

The tests of a class share one rehearsal and run in the order in which they are written, as a user would go on.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rehearsal import report
from rehearsal.control_plane import processes, shut_down
from rehearsal.engine.events import read_log
from rehearsal.lifecycle import Rehearsal
from rehearsal.progress import Progress
from rehearsal.state import PROJECT, State
from tests.engine.conftest import background, kill

KILLS = 10


@pytest.fixture(scope="class")
def rehearsal(tmp_path_factory: pytest.TempPathFactory, binaries: Mapping[str, Path]) -> Iterator[Rehearsal]:
    state = State((tmp_path_factory.mktemp("dev-stack") / "dev").resolve())
    yield Rehearsal(state, binaries, Progress(Console(file=io.StringIO())), PROJECT)
    shut_down(state)


def everything(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    """Every object of a kind that could hold a password or a pod, and every object of the three operators' kinds."""
    kinds = {
        "v1": ("Secret", "ConfigMap", "Pod", "Service", "PersistentVolumeClaim", "Event", "Namespace"),
        "apps/v1": ("Deployment", "StatefulSet", "ReplicaSet", "ControllerRevision"),
        "batch/v1": ("Job",),
        "networking.k8s.io/v1": ("Ingress",),
        "clickhouse.altinity.com/v1": ("ClickHouseInstallation",),
        "clickhouse-keeper.altinity.com/v1": ("ClickHouseKeeperInstallation",),
        "apps.wandb.com/v1": ("WeightsAndBiases",),
    }
    return [each for version, names in kinds.items() for name in names for each in rehearsal.api.list(version, name)]


def passwords(objects: list[dict[str, Any]]) -> set[str]:
    """Every value that a Secret of ours keeps, hashes and configuration files aside."""
    kept = {
        base64.b64decode(text).decode(errors="replace")
        for each in objects
        if each["kind"] == "Secret" and each["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") == "wandb"
        for key, text in (each.get("data") or {}).items()
        if not key.endswith((".json", ".conf"))
    }
    return {value for value in kept if len(value) >= 20 and value.isalnum()}


def helm_values(secret: dict[str, Any]) -> str:
    """What Helm recorded of a release."""
    return gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))).decode()


class TestTheDevStack:
    """From nothing to W&B, again, and back to nothing."""

    def test_comes_up_with_every_operator_satisfied_and_every_pod_on_a_planned_node(self, rehearsal: Rehearsal) -> None:
        code, run = rehearsal.up()
        assert code == 0, run.errors
        objects = everything(rehearsal)
        custom = {each["kind"]: each["status"] for each in objects if "status" in each and "spec" in each}
        assert custom["ClickHouseKeeperInstallation"]["status"] == "Completed"
        assert custom["ClickHouseInstallation"]["status"] == "Completed"
        assert custom["WeightsAndBiases"]["phase"] == "Completed"
        pods = [each for each in objects if each["kind"] == "Pod"]
        assert {each["status"]["phase"] for each in pods} == {"Running", "Succeeded"}
        nodes = rehearsal.api.list("v1", "Node")
        assert {each["spec"]["nodeName"] for each in pods} == {each["metadata"]["name"] for each in nodes}
        assert {each["status"]["capacity"]["cpu"] for each in nodes} == {"4"}, "nodes are those of the sizing plan"

    def test_spreads_replicas_over_nodes_and_zones(self, rehearsal: Rehearsal) -> None:
        zones = {
            each["metadata"]["name"]: each["metadata"]["labels"]["topology.kubernetes.io/zone"]
            for each in rehearsal.api.list("v1", "Node")
        }
        for label in ("clickhouse.altinity.com/chi=wandb", "clickhouse-keeper.altinity.com/chk=wandb"):
            pods = rehearsal.api.list("v1", "Pod", "clickhouse", label_selector=label)
            running = [each for each in pods if each["status"]["phase"] == "Running"]
            assert len({zones[each["spec"]["nodeName"]] for each in running}) == 3

    def test_ends_with_a_report_of_all_that_a_user_needs(self, rehearsal: Rehearsal) -> None:
        shown = io.StringIO()
        run = read_log(rehearsal.state.events("up"))
        kubectl = rehearsal.binaries["kubectl"]
        outputs, console = rehearsal.engine.outputs(), Console(file=shown, width=200)
        report.print_up(console, run, rehearsal.api, outputs, rehearsal.state.kubeconfig, kubectl)
        text = shown.getvalue()
        for part in (
            "https://wandb.dev.example.com",
            "KUBECONFIG",
            "general-0",
            "verification",
            "Not proved",
            "sizingPlan",
        ):
            assert part in text

    def test_keeps_every_password_in_secrets_alone(self, rehearsal: Rehearsal) -> None:
        objects = everything(rehearsal)
        secrets = passwords(objects)
        assert len(secrets) > 8
        for each in objects:
            if each["kind"] == "Secret":
                text = helm_values(each) if each.get("type") == "helm.sh/release.v1" else ""
            else:
                text = json.dumps(each)
            found = [value for value in secrets if value in text]
            assert not found, f"{each['kind']} {each['metadata']['name']} shows a password"
        forms = {form for value in secrets for form in (value.encode(), base64.b64encode(value.encode()))}
        files = [path for path in rehearsal.state.folder.rglob("*") if path.is_file()]
        for path in files:
            if not path.is_relative_to(rehearsal.state.cluster / "etcd"):
                content = path.read_bytes()
                assert not any(form in content for form in forms), f"{path} shows a password"

    def test_changes_nothing_when_brought_up_again(self, rehearsal: Rehearsal) -> None:
        before = versions(everything(rehearsal))
        code, run = rehearsal.up()
        assert code == 0
        assert run.unchanged
        assert versions(everything(rehearsal)) == before

    def test_previews_nothing_when_it_is_up(self, rehearsal: Rehearsal) -> None:
        code, run = rehearsal.preview()
        assert code == 0
        assert run.unchanged

    def test_leaves_nothing_when_destroyed(self, rehearsal: Rehearsal) -> None:
        done = rehearsal.destroy()
        assert (done.code, done.left) == (0, ())
        assert {each.kind for each in done.kept} == {"CustomResourceDefinition"}
        assert processes.marked(rehearsal.state) == []
        assert not rehearsal.state.folder.exists()


class TestTheDevStackKilledOnItsWay:
    """The CLI is killed, as the kernel would, again and again; each run goes on from where the last one was."""

    def test_converges_with_no_duplicate_and_no_orphan(self, rehearsal: Rehearsal) -> None:
        kills = 0
        while kills < KILLS:
            if kill_after_progress(rehearsal, steps=4):
                kills += 1
            else:  # on a busy machine a run gets further before it is killed: begin again for the kills that are left
                done = rehearsal.destroy()
                assert (done.code, done.left) == (0, ())
        code, run = rehearsal.up()
        assert code == 0, run.errors
        state = rehearsal.engine.export()["deployment"]
        urns = [each["urn"] for each in state["resources"]]
        assert len(urns) == len(set(urns))
        assert not state.get("pending_operations")
        assert rehearsal.up()[1].unchanged

    def test_leaves_nothing_when_destroyed(self, rehearsal: Rehearsal) -> None:
        done = rehearsal.destroy()
        assert (done.code, done.left) == (0, ())


def versions(objects: list[dict[str, Any]]) -> dict[tuple[str, str, str], str]:
    """The generation of every object that has one, and its UID: a replaced or changed object shows."""
    return {
        (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]): (
            f"{each['metadata']['uid']} {each['metadata'].get('generation')}"
        )
        for each in objects
        if each["kind"] not in ("Event",)
    }


def kill_after_progress(rehearsal: Rehearsal, *, steps: int) -> bool:
    """Kill the CLI, as the kernel would, once `steps` more resources are there; False when the run ended before."""
    log = rehearsal.state.events("up")
    log.unlink(missing_ok=True)
    running = background("up", rehearsal.state, rehearsal.binaries, rehearsal.project)
    while running.poll() is None:
        done = [each for each in read_log(log).operations if each.op == "create" and each.end]
        if len(done) >= steps:
            break
        time.sleep(0.05)
    ended = running.poll() is not None
    kill(running, rehearsal.state)
    return not ended
