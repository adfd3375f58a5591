"""Facts that hold for every committed stack, and what each stack asks for, held in one file per stack.

The program runs from start to end under the recorder. What it cannot see: whether the cluster agrees, and what providers
and operators make of the requests; the layers after this one look there.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.runtime import rpc

from tests.harness import Recording, record_stack
from tests.harness.conversion import unconvertible
from tests.harness.recorder import Resource
from tests.harness.stacks import ROOT, stack_file

FOLDER = Path(__file__).parent / "stacks"
STACKS = sorted(
    file.name.removeprefix("Pulumi.").removesuffix(".yaml")
    for folder in (ROOT, ROOT / "examples")
    for file in folder.glob("Pulumi.*.yaml")
    if file.stem.count(".") == 1 and not file.name.endswith(".local.yaml")
)
GENERATED = re.compile(r"[a-z-]+-result")
"""What the recorder invents for the result of a RandomPassword named `<name>`."""
TAKES_SECRETS = {
    "aws:rds/cluster:Cluster masterPassword",
    "aws:elasticache/replicationGroup:ReplicationGroup authToken",
}
"""Beside Secrets, what has to be told a password: a store that AWS runs."""
HOLDS_DATA = ("ClickHouseInstallation", "ClickHouseKeeperInstallation", "WeightsAndBiases")

SINGLE = ("single-container",)
"""Stacks without W&B's operator."""

each_stack = pytest.mark.parametrize("stack", STACKS)
each_with_an_operator = pytest.mark.parametrize("stack", [each for each in STACKS if each not in SINGLE])


@cache
def recorded(stack: str) -> Recording:
    return record_stack(stack)


def production(stack: str) -> bool:
    return "wandb:environment: production" in stack_file(stack).read_text()


def on_aws(stack: str) -> bool:
    return "wandb:target: aws" in stack_file(stack).read_text()


def kind(resource: Resource) -> str:
    return resource.type.rpartition(":")[2]


def test_the_dev_stack_and_the_examples_are_among_the_stacks() -> None:
    assert "dev" in STACKS
    assert len(STACKS) > 1


@each_stack
def test_no_generated_or_given_secret_travels_in_clear_or_outside_a_secret(stack: str) -> None:
    for resource in recorded(stack).recorder.custom():
        for path, value, secret in resource.leaves():
            text = str(value)
            if "secret value of" in text or GENERATED.search(text):
                assert secret, f"{resource.name}: {path} is in clear"
                outside = kind(resource) != "Secret" and f"{resource.type} {path}" not in TAKES_SECRETS
                assert not outside, f"{resource.name}: {path} carries a secret outside a Secret"


@each_with_an_operator
def test_wandb_is_applied_after_its_operator_its_secrets_and_all_it_stands_on(stack: str) -> None:
    recorder = recorded(stack).recorder
    (instance,) = (each for each in recorder.custom() if kind(each) == "WeightsAndBiases")
    before = recorder.before(instance.urn)
    waits = {each.name for each in recorder.custom() if each.urn in before}
    assert any("wandb-operator" in name for name in waits)
    for resource in recorder.custom():
        namespace = (resource.inputs.get("metadata") or {}).get("namespace")
        if kind(resource) == "Secret" and namespace == "wandb" and "root" not in resource.name:
            assert resource.urn in before or "admin" in resource.name, f"W&B does not wait for Secret {resource.name}"


@each_with_an_operator
def test_up_ends_with_the_verification(stack: str) -> None:
    recorder = recorded(stack).recorder
    (job,) = (each for each in recorder.custom() if kind(each) == "Job" and "verification" in each.name)
    assert any(kind(each) == "WeightsAndBiases" for each in recorder.custom() if each.urn in recorder.before(job.urn))


@each_with_an_operator
def test_an_operator_of_the_next_generation_can_convert_what_a_stack_asks_for(stack: str) -> None:
    (instance,) = (each for each in recorded(stack).recorder.custom() if kind(each) == "WeightsAndBiases")
    assert unconvertible(instance.inputs["spec"]["values"]) == []


@each_stack
def test_what_holds_data_is_protected_in_production_and_not_in_tests(stack: str) -> None:
    for resource in recorded(stack).recorder.custom():
        if kind(resource) in HOLDS_DATA:
            assert resource.protected == production(stack), resource.name


def test_the_object_store_starts_anew_when_it_gets_another_bucket() -> None:
    with_weave = record_stack("models-only", changes={"wandb:products": ["models", "weave"]})
    assert object_store(with_weave) != object_store(recorded("models-only")), "it learns of new keys only as it starts"


def object_store(recording: Recording) -> Any:
    (server,) = (each for each in recording.recorder.custom() if each.name == "platform-object-store-server")
    return server.inputs["spec"]["template"]


@each_stack
def test_every_image_is_pinned(stack: str) -> None:
    for resource in recorded(stack).recorder.custom():
        for path, value, _ in resource.leaves():
            if path.endswith(".image") and isinstance(value, str):
                tag = value.rpartition(":")[2]
                assert re.search(r"\d+\.\d+", tag), f"{resource.name}: {path} is {value}"
            assert value != "latest", f"{resource.name}: {path}"


@each_stack
def test_a_first_preview_knows_all_but_what_only_the_deployment_can(stack: str) -> None:
    seen = {
        f"{resource.name} {path}"
        for resource in record_stack(stack, preview=True).recorder.custom()
        for path, value, secret in resource.leaves()
        if value == rpc.UNKNOWN and not secret and not (on_aws(stack) and _told_by_aws(resource, path))
    }
    # what follows from generated passwords: the Secrets with them, and the digests that roll pods when they change
    allowed = re.compile(r"taskID|revision|stringData|annotations|clickhouse-ready .*env\[0\]\.value", re.IGNORECASE)
    assert [each for each in sorted(seen) if not allowed.search(each)] == []


REFERS = re.compile(
    r"""(Id|Arn|Name|Identifier|Names|Ids|Arns|version|bucket|role|url|destination|logDestination)(\[\d+\])?$
    | ^(policy|assumeRolePolicy|masterPassword|authToken)$
    | ^(name|records\[\d+\]|aliases\[\d+\]\.name|validationRecordFqdns\[\d+\])$""",
    re.VERBOSE,
)
"""Inputs by which one resource of AWS refers to another, whose id AWS gives."""
FROM_AWS = re.compile(
    r"""eks\.amazonaws\.com/role-arn | internalJWTMap\[\d+\]\.issuer | global\.bucket\.(name|kmsKey) | global\.(mysql|redis)\.host
    | ^parameters\.kmsKeyId | ^kubeconfig | ^spec\.certificateArn | autoscalingGroups\[\d+\]\.name | expanderPriorities | ^keepers\.key
    | storage_configuration\.xml | env\[\d+\]\.value | ^values\.(vpcId|clusterName) | ^spec\.subnets\.ids""",
    re.VERBOSE,
)
"""What objects in the cluster are told of what AWS makes: keys, roles, hosts, buckets."""


def _told_by_aws(resource: Resource, path: str) -> bool:
    if resource.type.startswith("aws:"):
        return bool(REFERS.search(path))
    return bool(FROM_AWS.search(path))


@each_stack
def test_what_a_stack_asks_for_is_what_was_reviewed(stack: str) -> None:
    file = FOLDER / f"{stack}.yaml"
    found = yaml.safe_dump(summary(recorded(stack)), sort_keys=True, width=120)
    if os.environ.get("UPDATE_STACKS"):
        file.write_text(found)
    assert file.is_file(), "new stack: UPDATE_STACKS=1 pytest tests/program/test_stacks.py, then review the file"
    assert found == file.read_text(), (
        f"what stack {stack} asks for has changed. If that is meant: UPDATE_STACKS=1 pytest tests/program/test_stacks.py, "
        "then review the difference as you would a `pulumi preview`"
    )


def summary(recording: Recording) -> dict[str, Any]:
    """Every resource by type and name: whose child it is, what it waits for, what it asks for; secrets masked."""
    resources = recording.recorder.resources_by_urn
    names = {urn: short(urn) for urn in resources}
    return {
        names[resource.urn]: {
            "parent": names.get(resource.parent, ""),
            "protected": resource.protected,
            "waits for": sorted(names[urn] for urn in resource.waits_for - {resource.parent} if urn in names),
            "inputs": masked(resource.inputs, "", resource.secrets),
        }
        for resource in resources.values()
    }


def short(urn: str) -> str:
    kinds, _, name = urn.split("::", 2)[2].partition("::")
    return f"{kinds.rpartition('$')[2]} {name}"


def masked(value: Any, path: str, secrets: frozenset[str]) -> Any:
    if path in secrets:
        return "[secret]"
    if isinstance(value, dict):
        return {key: masked(item, f"{path}.{key}".lstrip("."), secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, f"{path}[{index}]", secrets) for index, item in enumerate(value)]
    return value
