"""What a user sees of a mistake: one report from the real CLI, before anything is registered.

The rules themselves are held in tests/pure and tests/cluster; here is whether they reach the user, and in time.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from rehearsal.control_plane import shut_down
from rehearsal.engine import Run
from rehearsal.lifecycle import Rehearsal
from rehearsal.progress import Progress
from rehearsal.state import PROJECT, State

GOOD = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())["config"]


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory, binaries: Mapping[str, Path]) -> Iterator[Rehearsal]:
    """A rehearsal of the project with a stack file of the tests' own."""
    project = tmp_path_factory.mktemp("project")
    for entry in PROJECT.iterdir():
        if not entry.name.startswith("."):
            (project / entry.name).symlink_to(entry)
    (project / "Pulumi.dev.yaml").unlink()
    write(project, {})
    state = State.of_stack("dev", project)
    made = Rehearsal(state, binaries, Progress(Console(file=io.StringIO())), project)
    made.control_plane.start()
    yield made
    shut_down(state)


def write(project: Path, changes: Mapping[str, Any]) -> None:
    config = GOOD | {f"wandb:{key}": value for key, value in changes.items()}
    (project / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))


def refused(rehearsal: Rehearsal, changes: Mapping[str, Any]) -> str:
    """The one report of an `up` that must fail before any resource of ours is touched.

    The engine alone runs: a whole rehearsal would first give the cluster what the settings expect to find there.
    """
    write(rehearsal.project, changes)
    rehearsal.engine.prepare()
    code, run = rehearsal.engine.run("up")
    assert code != 0
    assert touched(run) == []
    texts = {message for _, message in run.errors}
    assert len(texts) == 1, "one report, once"
    return texts.pop()


def touched(run: Run) -> list[str]:
    return [each.name for each in run.operations if each.types[-1] != "pulumi:pulumi:Stack" and each.op != "same"]


def test_every_mistake_in_the_settings_is_in_one_report(rehearsal: Rehearsal) -> None:
    report = refused(
        rehearsal,
        {
            "environment": "production",
            "host": "https://wandb_dev/",
            "clickhouse": {"kind": "managed", "keepers": 2, "volumeGiB": 50, "cacheGiB": 60},
            "redis": {"kind": "in-cluster", "volumeGib": 10},
        },
    )
    for key in ("host", "mysql.kind", "redis.kind", "redis.volumeGib", "clickhouse.keepers", "clickhouse.cacheGiB"):
        assert f"wandb:{key}: " in report
    assert "nothing was changed" in report
    assert "Traceback" not in report


def test_a_plan_whose_pods_do_not_fit_is_refused_with_what_would_do(rehearsal: Rehearsal) -> None:
    report = refused(rehearsal, {"sizing": {"nodes": {"count": 2, "cpu": 2, "memoryGiB": 8}}})
    assert "What would do" in report
    assert "node" in report


def test_a_cluster_that_does_not_answer_is_named_with_what_to_do(rehearsal: Rehearsal) -> None:
    kubeconfig = rehearsal.state.kubeconfig
    there = kubeconfig.read_text()
    gone = yaml.safe_load(there)
    gone["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    kubeconfig.write_text(yaml.safe_dump(gone))
    try:
        report = refused(rehearsal, {})
    finally:
        kubeconfig.write_text(there)
    assert "wandb:kubernetes.context" in report
    assert "refuses the connection" in report
    assert "kubectl --context" in report


def test_a_namespace_that_somebody_else_made_is_not_taken(rehearsal: Rehearsal) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "theirs"}}
    rehearsal.api.create(namespace)
    report = refused(rehearsal, {"namespaces": {"wandb": "theirs"}})
    assert "theirs" in report
    assert "wandb:namespaces" in report


def test_a_secret_that_is_not_there_is_named_with_its_key(rehearsal: Rehearsal) -> None:
    brought = {
        "namespaces": {"create": False},
        "redis": {
            "kind": "external",
            "host": "redis.example.com",
            "passwordSecret": {"name": "my-redis", "key": "password"},
        },
    }
    for name in ("wandb", "wandb-operator", "clickhouse"):
        rehearsal.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    report = refused(rehearsal, brought)
    assert "my-redis" in report
    assert "wandb:redis.passwordSecret" in report
