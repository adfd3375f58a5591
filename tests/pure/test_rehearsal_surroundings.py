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


def test_of_a_cluster_that_the_stack_makes_there_is_nothing_but_its_issuer():
    found = surroundings.of_stack("prod")
    assert (found.pools, found.storage_class, found.ingress_class, found.objects) == ((), None, None, ())
    assert found.issuer.startswith("https://oidc.eks.eu-central-1.amazonaws.com/id/")


def test_a_brought_eks_cluster_has_the_planned_nodes_in_aws_zones_and_what_the_settings_say_runs_in_it():
    found = surroundings.of_stack("aws-existing-cluster")
    assert {zone for pool in found.pools for zone in pool.zones} == {f"eu-central-1{letter}" for letter in "abc"}
    (own,) = [pool for pool in found.pools if pool.taints]
    assert (own.labels["dedicated"], own.taints[0]["value"]) == ("clickhouse", "clickhouse")
    assert ("Deployment", "aws-load-balancer-controller") in names("aws-existing-cluster")
    assert found.storage_class == "gp3"
