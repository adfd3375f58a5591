"""Weave added to a Models stack that runs: what is new, what changes, which of W&B's pods start anew, and why."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from rehearsal.operators.wandb.render import render
from tests.harness import Recording, Resource, record_stack
from tests.harness.stacks import stack_file

STACK = "weave-later"
MEANT_TO_CHANGE = {
    "kubernetes:apps.wandb.com/v1:WeightsAndBiases",
    "kubernetes:batch/v1:Job",
    "kubernetes:core/v1:ConfigMap",
}
"""W&B's resource and its verification."""


def config(key: str) -> Any:
    return yaml.safe_load(stack_file(STACK).read_text())["config"][key]


@pytest.fixture(scope="module")
def before() -> Recording:
    store = config("wandb:objectStore")
    store.pop("clickhouseBucket")
    changes = {"wandb:products": ["models"], "wandb:clickhouse": {"kind": "none"}, "wandb:objectStore": store}
    return record_stack(STACK, changes=changes)


@pytest.fixture(scope="module")
def after() -> Recording:
    return record_stack(STACK)


def resources(recording: Recording) -> dict[str, Resource]:
    return recording.recorder.resources_by_urn


def asked(resource: Resource) -> str:
    return json.dumps([resource.inputs, resource.protected, resource.parent], sort_keys=True, default=str)


def test_nothing_goes_and_all_that_is_new_belongs_to_weave(before: Recording, after: Recording) -> None:
    old, new = resources(before), resources(after)
    gone = old.keys() - new.keys()
    assert not gone
    added = [new[urn] for urn in new.keys() - old.keys()]
    assert added
    strangers = [each.urn for each in added if not any(word in each.urn for word in ("clickhouse", "weave", "random"))]
    assert not strangers


def test_nothing_changes_but_w_and_bs_resource_and_its_verification(before: Recording, after: Recording) -> None:
    old, new = resources(before), resources(after)
    changed = [new[urn] for urn in old if asked(old[urn]) != asked(new[urn])]
    assert {each.type for each in changed} <= MEANT_TO_CHANGE
    assert all("verification" in each.name for each in changed if "WeightsAndBiases" not in each.type)
    assert any("WeightsAndBiases" in each.type for each in changed)


def values(recording: Recording) -> dict[str, Any]:
    (instance,) = recording.recorder.of_type("kubernetes:apps.wandb.com/v1:WeightsAndBiases")
    return json.loads(json.dumps(instance.inputs["spec"]["values"]), parse_float=_whole)


def _whole(text: str) -> float | int:
    return int(float(text)) if float(text).is_integer() else float(text)


def pods(recording: Recording) -> dict[str, dict[str, Any]]:
    objects = render(values(recording), "wandb", "wandb")
    return {each["metadata"]["name"]: each["spec"]["template"] for each in objects if each["kind"] == "Deployment"}


def variables(template: dict[str, Any]) -> dict[str, str]:
    spec = template["spec"]
    every = [*spec["containers"], *spec.get("initContainers", ())]
    return {f"{each['name']} {one['name']}": json.dumps(one) for each in every for one in each.get("env", ())}


def test_every_component_rolls_for_one_variable_and_only_the_trace_server_is_new(
    before: Recording, after: Recording
) -> None:
    old, new = pods(before), pods(after)
    assert new.keys() - old.keys() == {"wandb-weave-trace-bc"}
    assert not old.keys() - new.keys()
    for name in old:
        first, second = variables(old[name]), variables(new[name])
        different = {each for each in first.keys() | second.keys() if first.get(each) != second.get(each)}
        assert {each.split()[1] for each in different} == {"WF_CLICKHOUSE_REPLICATED_CLUSTER"}, name
        for template in (old[name], new[name]):
            template["metadata"].pop("annotations", None)
            for container in (*template["spec"]["containers"], *template["spec"].get("initContainers", ())):
                container.pop("env", None)
        assert old[name] == new[name], "nothing but its environment is another"


def test_the_users_settings_of_models_stay_word_for_word(before: Recording, after: Recording) -> None:
    old, new = values(before)["global"], values(after)["global"]
    for section in ("host", "size", "mysql", "redis", "bucket", "licenseSecret"):
        assert old[section] == new[section]
