"""What a rehearsal puts on the cluster because a stack's settings say that it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal import surroundings
from rehearsal.engine.project import PLACEHOLDER


def names(stack: str) -> set[tuple[str, str]]:
    objects = surroundings.of_stack(stack).objects
    return {(obj["kind"], obj["metadata"]["name"]) for obj in objects}


def test_the_nodes_are_those_of_the_plan():
    (pool,) = surroundings.of_stack("dev").pools
    assert pool.count >= 3
    assert len(pool.zones) == 3


def test_classes_and_context_have_the_names_that_the_settings_use():
    found = surroundings.of_stack("production")
    assert (found.context, found.storage_class, found.ingress_class) == ("production", "fast-ssd", "traefik")


def test_namespaces_and_secrets_that_the_user_brings_are_there_with_placeholders():
    found = names("production")
    assert {("Namespace", "wandb"), ("Secret", "wandb-license"), ("Secret", "wandb-tls")} <= found
    secrets = [obj for obj in surroundings.of_stack("production").objects if obj["kind"] == "Secret"]
    assert {value for secret in secrets for value in secret["stringData"].values()} == {PLACEHOLDER}


def test_nothing_is_put_into_namespaces_that_the_stack_makes():
    assert {kind for kind, _ in names("dev")} == {"DaemonSet"}


@pytest.mark.parametrize("config", ["{}", "{'wandb:environment': staging}", "{'wandb:kubernetes': 3}"])
def test_settings_that_are_wrong_are_left_for_the_program_to_refuse(tmp_path: Path, config: str):
    (tmp_path / "Pulumi.yaml").write_text("name: wandb\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config: {config}\n")
    assert sum(pool.count for pool in surroundings.of_stack("dev", tmp_path).pools) == 3
