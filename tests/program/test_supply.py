"""The list of a stack's images and charts against what its program and the charts of a rehearsal really ask for."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from arguments.supply import Supply, supply
from commands.images import place
from rehearsal import mirror
from rehearsal.mirror import Mirror
from rehearsal.operators import charts
from rehearsal.operators.wandb.render import render
from settings import parse
from settings.air_gap import whole
from settings.stack_file import PLACEHOLDER, filled
from tests.harness import Recording, record_stack
from tests.harness.stacks import stack_file
from tests.program.test_stacks import each_stack, kind

REGISTRY = "registry.corp.example.com/mirror"
HTTPS = "https://charts.corp.example.com"
PULL_SECRET = "registry-login"
WITH_A_LOGIN = {"registry": REGISTRY, "pullSecret": PULL_SECRET}
CLOSED = ("dev", "external-clickhouse", "models-only", "oidc-smtp", "prod", "aws-govcloud")
"""Stacks that between them run every image and install every chart."""


@cache
def recorded(stack: str, changes: str = "{}") -> Recording:
    return record_stack(stack, changes=json.loads(changes))


def listed(stack: str, changes: Mapping[str, Any] | None = None) -> Supply:
    config = {**yaml.safe_load(stack_file(stack).read_text())["config"], **(changes or {})}
    document = {key.partition(":")[2]: filled(value) for key, value in config.items() if key.startswith("wandb:")}
    if not {"license", "licenseSecret"} & document.keys():
        document["license"] = PLACEHOLDER
    secret_keys = {f"wandb:{key}" for key in document}
    return supply(parse(document, secret_keys=secret_keys, stack=stack))


def closed(stack: str, air_gap: Mapping[str, Any]) -> dict[str, Any]:
    """What a stack changes to run without a way out."""
    config = yaml.safe_load(stack_file(stack).read_text())["config"]
    changes: dict[str, Any] = {"wandb:airGapped": dict(air_gap)}
    weave = "weave" in config.get("wandb:products", ["weave"])
    if weave and "pullSecret" in air_gap and config.get("wandb:clickhouse", {}).get("kind", "managed") == "managed":
        changes["wandb:clickhouse"] = {"kind": "managed"} | config.get("wandb:clickhouse", {}) | {"crds": "external"}
    return changes


def pods(recording: Recording) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every pod's spec, with the namespace that it runs in: of the program, of its charts and of W&B's own."""
    for resource in recording.recorder.custom():
        if kind(resource) == "Release":
            for each in _installed(resource.inputs):
                yield from _pods(each, resource.inputs["namespace"])
        elif kind(resource) == "WeightsAndBiases":
            for each in render(copy.deepcopy(resource.inputs["spec"]["values"]), "wandb", "wandb"):
                yield from _pods(each, "wandb")
        else:
            yield from _pods(resource.inputs, "")


def _installed(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    repository = (given.get("repositoryOpts") or {}).get("repo")
    source = repository or given["chart"].rpartition("/")[0]
    own = "corp.example.com" in source
    there = Mirror(images=(), charts=source, pull_secret=None, charts_need_login=False) if own else None
    with patch.object(mirror, "read", lambda: there):
        return charts.install(
            given["chart"],
            given["version"],
            repository,
            given["values"],
            given["name"],
            given["namespace"],
            skip_crds=bool(given.get("skipCrds")),
        )


def _pods(obj: Any, namespace: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Whatever has containers: the specs of pods in workloads, in templates of custom resources, in Jobs of schedules."""
    if isinstance(obj, Mapping):
        namespace = (obj.get("metadata") or {}).get("namespace") or namespace if "metadata" in obj else namespace
        if isinstance(obj.get("containers"), list):
            yield str(namespace), obj
            return
        for value in obj.values():
            yield from _pods(value, namespace)
    elif isinstance(obj, list):
        for value in obj:
            yield from _pods(value, namespace)


def images(recording: Recording) -> set[str]:
    return {
        container["image"]
        for _, pod in pods(recording)
        for container in [*pod["containers"], *(pod.get("initContainers") or ())]
    }


def fetched(recording: Recording) -> set[tuple[str, str, str]]:
    """Repository, or the whole reference in an OCI registry, name and version of every chart."""
    found = set()
    for resource in recording.recorder.custom():
        given = resource.inputs
        if kind(resource) == "Release":
            chart, repository = given["chart"], (given.get("repositoryOpts") or {}).get("repo")
            found.add((repository or chart, chart.rpartition("/")[2], given["version"]))
        elif kind(resource) == "WeightsAndBiases" and (chart := given["spec"].get("chart")):
            found.add((chart["url"], chart.get("name") or chart["url"].rpartition("/")[2], chart["version"]))
    return found


@each_stack
def test_the_list_has_every_image_that_a_stack_runs_and_no_other(stack: str) -> None:
    assert {whole(each) for each in images(recorded(stack))} == {each.target for each in listed(stack).images}


@each_stack
def test_the_list_has_every_chart_that_a_stack_installs_and_no_other(stack: str) -> None:
    expected = {(place(each.target, each.name), each.name, each.version) for each in listed(stack).charts}
    assert fetched(recorded(stack)) == expected


@pytest.mark.parametrize(("stack", "repository"), [*((each, None) for each in CLOSED), ("dev", HTTPS), ("prod", HTTPS)])
def test_without_a_way_out_every_image_and_chart_comes_from_the_users_own_registry(
    stack: str, repository: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = closed(stack, {"registry": REGISTRY} | ({"charts": repository} if repository else {}))
    found = listed(stack, changes)
    opened = Mirror(
        images=(), charts=repository or f"oci://{REGISTRY}/charts", pull_secret=None, charts_need_login=False
    )
    monkeypatch.setattr(mirror, "read", lambda state=None: opened)
    recording = recorded(stack, json.dumps(changes))
    assert images(recording) == {each.target for each in found.images}
    assert all(each.startswith(f"{REGISTRY}/") for each in images(recording))
    charts_there = {(place(each.target, each.name), each.name, each.version) for each in found.charts}
    assert fetched(recording) == charts_there
    assert all(each.target == (repository or f"oci://{REGISTRY}/charts") for each in found.charts)
    assert [each.source for each in found.images] == [each.source for each in listed(stack).images]


@pytest.mark.parametrize("stack", ["dev", "oidc-smtp", "production"])
def test_with_a_login_every_pod_in_the_stacks_namespaces_names_its_secret(stack: str) -> None:
    found = list(pods(recorded(stack, json.dumps(closed(stack, WITH_A_LOGIN)))))
    assert found
    for _, pod in found:
        named = pod.get("imagePullSecrets") or ()
        assert PULL_SECRET in [each["name"] for each in named], pod["containers"][0]["name"]


@pytest.mark.parametrize("stack", ["dev", "models-only"])
def test_a_user_of_the_registry_becomes_a_secret_in_every_namespace_before_anything_runs_there(stack: str) -> None:
    login = {"registry": REGISTRY, "user": "robot", "password": "s3cret-of-the-registry"}
    changes = closed(stack, {**login, "pullSecret": "x"})
    recording = record_stack(
        stack,
        changes={**changes, "wandb:airGapped": login},
        secret_keys=frozenset({"wandb:airGapped"}),
    )
    recorder = recording.recorder
    made = {
        each.inputs["metadata"]["namespace"]: each
        for each in recorder.custom()
        if kind(each) == "Secret" and each.inputs.get("type") == "kubernetes.io/dockerconfigjson"
    }
    namespaces = {each.inputs["metadata"]["name"] for each in recorder.custom() if kind(each) == "Namespace"}
    assert made.keys() == namespaces
    content = json.loads(next(iter(made.values())).inputs["stringData"][".dockerconfigjson"])
    assert content["auths"]["registry.corp.example.com"]["username"] == "robot"
    for each in recorder.custom():
        namespace = each.inputs.get("namespace") or (each.inputs.get("metadata") or {}).get("namespace")
        if kind(each) in ("Release", "StatefulSet", "Job", "WeightsAndBiases") and namespace in made:
            assert made[namespace].urn in recorder.before(each.urn), f"{each.name} may run before it can pull its image"
    (instance,) = (each for each in recorder.custom() if kind(each) == "WeightsAndBiases")
    credentials = instance.inputs["spec"]["chart"]["credentialSecret"]["name"]
    (secret,) = (
        each for each in recorder.custom() if kind(each) == "Secret" and each.inputs["metadata"]["name"] == credentials
    )
    assert secret.inputs["stringData"] == {"HELM_USERNAME": "robot", "HELM_PASSWORD": "s3cret-of-the-registry"}
    for each in recorder.custom():
        for path, value, is_secret in each.leaves():
            if "s3cret-of-the-registry" in str(value):
                assert is_secret, f"{each.name}: {path}"
                assert kind(each) == "Secret", f"{each.name}: {path}"
