"""A rehearsal with a small program: killed, interrupted, resumed, taken down.

That it goes up, stays as it is, and is converged to wherever it was killed: test_dev_stack.py, with the real program.
"""

from __future__ import annotations

import dataclasses
import io
import json
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from rehearsal import report
from rehearsal.api import Api
from rehearsal.control_plane import processes, shut_down
from rehearsal.lifecycle import Rehearsal
from rehearsal.progress import Progress
from rehearsal.state import State
from tests.engine.conftest import background, kill

PROGRAM = """
import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random

cluster = kubernetes.Provider("cluster", cluster_identifier="test")
passwords = random.Provider("passwords")
namespace = kubernetes.core.v1.Namespace(
    "namespace", metadata={"name": "small"}, opts=pulumi.ResourceOptions(provider=cluster)
)
password = random.RandomPassword(
    "password", length=32, special=False, opts=pulumi.ResourceOptions(provider=passwords)
)
last = kubernetes.core.v1.Secret(
    "secret",
    metadata={"name": "secret", "namespace": namespace.metadata.name},
    string_data={"password": password.result},
    opts=pulumi.ResourceOptions(provider=cluster),
)
for number in range(4):
    name = f"server-{number}"
    variable = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "password"}}}
    container = {"name": "server", "image": "example.com/server:1", "env": [variable]}
    last = kubernetes.apps.v1.Deployment(
        name,
        metadata={"name": name, "namespace": namespace.metadata.name},
        spec={
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
        opts=pulumi.ResourceOptions(provider=cluster, depends_on=[last]),
    )
pulumi.export("url", "https://small.example.com")
pulumi.export("password", password.result)
"""
OBJECTS = {("Namespace", "small"), ("Secret", "secret"), *(("Deployment", f"server-{number}") for number in range(4))}


@pytest.fixture
def rehearsal(tmp_path: Path, binaries: Mapping[str, Path]) -> Iterator[Rehearsal]:
    (tmp_path / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    state = State.of_stack("dev", tmp_path)
    yield Rehearsal(state, binaries, Progress(Console(file=io.StringIO())), tmp_path)
    shut_down(state)


def objects(rehearsal: Rehearsal) -> set[tuple[str, str]]:
    api = Api.from_kubeconfig(rehearsal.state.kubeconfig)
    found = api.list("apps/v1", "Deployment") + api.list("v1", "Secret")
    found += [
        item for item in api.list("v1", "Namespace") if not item["metadata"]["name"].startswith(("kube-", "default"))
    ]
    return {(item["kind"], item["metadata"]["name"]) for item in found}


def killed(rehearsal: Rehearsal, operation: str, after: float) -> None:
    """Kill the CLI and the process that started it `after` seconds after the first event of `operation`."""
    log = rehearsal.state.events(operation)
    log.unlink(missing_ok=True)
    running = background(operation, rehearsal.state, rehearsal.binaries, rehearsal.project)
    while running.poll() is None and not (log.exists() and log.stat().st_size):
        time.sleep(0.02)
    time.sleep(after)
    kill(running, rehearsal.state)


def forget_what_was_created(rehearsal: Rehearsal, kind: str = "") -> int:
    """Make the state what it is when the CLI dies as all objects are created and none is noted; how many those are."""
    path = rehearsal.engine.state_file
    content = json.loads(path.read_text())
    latest = content["checkpoint"]["latest"]
    wanted = [each for each in latest["resources"] if each["type"].startswith("kubernetes:") and kind in each["type"]]
    latest["resources"] = [resource for resource in latest["resources"] if resource not in wanted]
    latest["pending_operations"] = [
        {"type": "creating", "resource": {key: value for key, value in each.items() if key not in ("id", "outputs")}}
        for each in wanted
    ]
    path.write_text(json.dumps(content))
    return len(wanted)


def test_objects_that_were_created_and_not_noted_are_adopted(rehearsal: Rehearsal):
    assert rehearsal.up()[0] == 0
    before = {item["metadata"]["uid"] for item in rehearsal.api.list("apps/v1", "Deployment")}
    for _ in range(2):
        number = forget_what_was_created(rehearsal)
        code, run = rehearsal.up()
        assert code == 0
        assert run.changes.get("update") == number
        assert {item["metadata"]["uid"] for item in rehearsal.api.list("apps/v1", "Deployment")} == before
    assert rehearsal.up()[1].unchanged


def test_somebody_elses_object_is_not_adopted(rehearsal: Rehearsal):
    assert rehearsal.up()[0] == 0
    mine = rehearsal.api.read("apps/v1", "Deployment", "server-3", "small")
    assert mine is not None
    rehearsal.api.delete("apps/v1", "Deployment", "server-3", "small", propagation="Background")
    metadata = {"name": "server-3", "namespace": "small", "labels": {"of": "somebody-else"}}
    rehearsal.api.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": mine["spec"]})
    forget_what_was_created(rehearsal, "Deployment")
    code, run = rehearsal.up()
    assert code != 0
    assert [operation.name for operation in run.failed] == ["server-3"]
    theirs = rehearsal.api.read("apps/v1", "Deployment", "server-3", "small")
    assert theirs is not None
    assert theirs["metadata"]["labels"] == {"of": "somebody-else"}


def test_after_a_destroy_that_was_killed_the_stack_goes_up_again_or_down(rehearsal: Rehearsal):
    assert rehearsal.up()[0] == 0
    killed(rehearsal, "destroy", 1)
    assert rehearsal.up()[0] == 0
    assert objects(rehearsal) == OBJECTS
    for after in (0.2, 0.8, 1.5):
        killed(rehearsal, "destroy", after)
    done = rehearsal.destroy()
    assert (done.code, done.left) == (0, ())
    assert processes.marked(rehearsal.state) == []
    assert not rehearsal.state.folder.exists()
    assert rehearsal.destroy().code == 0


def test_an_interrupt_ends_the_run_in_good_order(rehearsal: Rehearsal):
    log = rehearsal.state.events("up")
    running = background("up", rehearsal.state, rehearsal.binaries, rehearsal.project)
    while running.poll() is None and "server-0" not in (log.read_text() if log.exists() else ""):
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    running.wait()
    state = json.loads(rehearsal.engine.state_file.read_text())["checkpoint"]["latest"]
    assert not state.get("pending_operations")
    assert processes.marked(rehearsal.state, "pulumi") == []
    assert rehearsal.up()[0] == 0
    assert objects(rehearsal) == OBJECTS


def test_what_is_left_on_the_cluster_is_named_and_the_cluster_stays(rehearsal: Rehearsal):
    assert rehearsal.up()[0] == 0
    metadata = {"name": "left", "namespace": "default"}
    rehearsal.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    done = rehearsal.destroy()
    assert done.code == 1
    assert [str(item) for item in done.left] == ["ConfigMap default/left"]
    assert rehearsal.control_plane.running
    rehearsal.api.delete("v1", "ConfigMap", "left", "default")
    assert rehearsal.destroy().code == 0


def test_a_failure_names_the_resource_and_why_its_pods_wait(rehearsal: Rehearsal):
    program = rehearsal.project / "__main__.py"
    impatient = PROGRAM.replace('"key": "password"', '"key": "missing"').replace(
        '"namespace": namespace.metadata.name},\n        spec',
        '"namespace": namespace.metadata.name, "annotations": {"pulumi.com/timeoutSeconds": "5"}},\n        spec',
    )
    program.write_text(impatient)
    code, run = rehearsal.up()
    assert code != 0
    assert [operation.name for operation in run.failed] == ["server-0"]
    printed = io.StringIO()
    report.print_failure(Console(file=printed, width=200), run, rehearsal.api)
    assert "CreateContainerConfigError" in printed.getvalue()
    program.write_text(PROGRAM)
    assert rehearsal.up()[0] == 0


def test_a_stack_and_its_clone_are_rehearsed_side_by_side(rehearsal: Rehearsal):
    other = dataclasses.replace(rehearsal, state=State.of_stack("other", rehearsal.project))
    (rehearsal.project / "Pulumi.other.yaml").write_text("config: {}\n")
    try:
        assert rehearsal.up()[0] == 0
        assert other.up()[0] == 0
        assert other.destroy().code == 0
        assert objects(rehearsal) == OBJECTS
    finally:
        shut_down(other.state)
