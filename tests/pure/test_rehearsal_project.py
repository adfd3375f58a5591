"""The copies of Pulumi.yaml and stack files that a rehearsal works on."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rehearsal.engine import project
from rehearsal.engine.project import PLACEHOLDER
from rehearsal.state import State
from settings.stack_file import StackFileError

ENCRYPTED = {"secure": "v1:abc:def"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(
        yaml.safe_dump({"name": "wandb", "runtime": {"name": "python", "options": {"virtualenv": ".venv"}}})
    )
    return tmp_path


def stack(root: Path, config: dict, **more) -> State:
    (root / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config} | more))
    return State.of_stack("dev", root)


def copied(state: State) -> dict:
    return yaml.safe_load((state.project / "Pulumi.dev.yaml").read_text())


def test_the_program_runs_where_it_is(root: Path):
    state = stack(root, {})
    project.copy_project(state, root)
    assert yaml.safe_load((state.project / "Pulumi.yaml").read_text()) == {
        "name": "wandb",
        "runtime": "python",
        "main": str(root),
    }


def test_encrypted_values_become_placeholders_wherever_they_are(root: Path):
    config = {
        "wandb:license": ENCRYPTED,
        "wandb:redis": {"kind": "external", "password": ENCRYPTED},
        "wandb:list": ["a", ENCRYPTED],
    }
    state = stack(root, config, encryptionsalt="v1:of-the-user", secretsprovider="awskms://key")
    done = project.copy_project(state, root)
    assert set(done.secrets) == {"wandb:license", "wandb:redis.password", "wandb:list[1]"}
    assert "secure" not in (state.project / "Pulumi.dev.yaml").read_text()
    assert copied(state) == {"config": {"wandb:redis": {"kind": "external"}, "wandb:list": ["a", PLACEHOLDER]}}


def test_a_missing_licence_gets_a_placeholder(root: Path):
    assert project.copy_project(stack(root, {}), root).secrets == ("wandb:license",)


def test_a_licence_in_a_secret_of_the_cluster_needs_none(root: Path):
    assert project.copy_project(stack(root, {"wandb:licenseSecret": {"name": "mine"}}), root).secrets == ()


def test_the_users_kubeconfig_is_never_used(root: Path):
    state = stack(root, {"wandb:kubernetes": {"kubeconfig": "~/.kube/production", "context": "prod"}})
    project.copy_project(state, root)
    assert copied(state)["config"]["wandb:kubernetes"] == {"context": "prod"}


def test_the_users_file_is_not_touched(root: Path):
    state = stack(root, {"wandb:license": ENCRYPTED})
    before = (root / "Pulumi.dev.yaml").read_bytes()
    project.copy_project(state, root)
    assert (root / "Pulumi.dev.yaml").read_bytes() == before


def test_an_unchanged_file_is_copied_once(root: Path):
    state = stack(root, {"wandb:host": "a.example.com"})
    first = project.copy_project(state, root)
    assert first.changed
    assert project.copy_project(state, root).changed, "the first copy was not finished"
    project.finish(state, first)
    assert not project.copy_project(state, root).changed


def test_an_edit_is_copied_and_the_rehearsals_salt_stays(root: Path):
    state = stack(root, {"wandb:host": "a.example.com"})
    project.finish(state, project.copy_project(state, root))
    path = state.project / "Pulumi.dev.yaml"
    path.write_text(path.read_text() + "encryptionsalt: v1:of-the-rehearsal\n")
    stack(root, {"wandb:host": "b.example.com"})
    assert project.copy_project(state, root).changed
    assert copied(state) == {"config": {"wandb:host": "b.example.com"}, "encryptionsalt": "v1:of-the-rehearsal"}


def test_settings_have_placeholders_for_secrets(root: Path):
    stack(root, {"wandb:redis": {"password": ENCRYPTED}, "wandb:host": "a.example.com", "other:key": 1})
    assert project.settings("dev", root) == {
        "host": "a.example.com",
        "license": PLACEHOLDER,
        "redis": {"password": PLACEHOLDER},
    }


def test_an_example_can_be_rehearsed_by_its_name(root: Path):
    (root / "examples").mkdir()
    (root / "examples" / "Pulumi.big.yaml").write_text("config: {}")
    assert project.stack_file("big", root) == root / "examples" / "Pulumi.big.yaml"


def test_an_unknown_stack_is_refused_with_those_there_are(root: Path):
    stack(root, {})
    with pytest.raises(StackFileError, match=r"no Pulumi\.prod\.yaml; stacks here: dev"):
        project.copy_project(State.of_stack("prod", root), root)
