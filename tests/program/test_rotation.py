"""A secret that is rotated starts anew whoever reads it, nobody else, and is told by nothing that the pods carry."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

import pytest

from rehearsal.operators.wandb.render import render
from tests.harness import Recording, aws_settings
from tests.harness.aws import World
from tests.harness.stacks import ROOT
from tests.harness.whole_program import record

OLD, NEW = "an-old-text-to-look-for", "a-new-text-to-look-for"
KAFKA = {"host": "kafka.example.com"}
GIVEN: dict[str, Any] = {
    "environment": "test",
    "host": "wandb.example.com",
    "license": OLD,
    "ingress": {"className": "nginx"},
    "kubernetes": {"preflight": False},
    "sizing": {"nodes": {"count": 4, "cpu": 16, "memoryGiB": 128}},
    "mysql": {"kind": "external", "host": "mysql.example.com", "password": OLD},
    "redis": {"kind": "external", "host": "redis.example.com", "password": OLD},
    "clickhouse": {"kind": "external", "host": "clickhouse.example.com", "password": OLD},
    "objectStore": {
        "kind": "external",
        "bucket": {"provider": "s3", "name": "files", "region": "r", "keysSecret": {"name": "bucket-keys"}},
    },
    "instance": {
        "oidc": {"issuer": "https://login.example.com", "clientId": "wandb", "secret": OLD},
        "smtp": {"host": "mail.example.com", "user": "wandb", "password": OLD},
        "slack": {"clientId": "1.2", "secret": OLD},
        "kafka": KAFKA,
        "optionalComponents": ["weave-trace-worker"],
        "weaveTokenRevision": 1,
    },
}
EVERY_POD = {
    "api", "app", "console", "executor", "frontend", "glue", "parquet", "weave", "weave-trace", "weave-trace-worker",
}  # fmt: skip
ROTATED: dict[str, tuple[str, Any, set[str]]] = {
    "licence": ("license", NEW, EVERY_POD),
    "mysql": ("mysql.password", NEW, EVERY_POD),
    "redis": ("redis.password", NEW, EVERY_POD),
    "clickhouse": ("clickhouse.password", NEW, EVERY_POD),
    "oidc": ("instance.oidc.secret", NEW, EVERY_POD),
    "smtp": ("instance.smtp.password", NEW, EVERY_POD),
    "slack": ("instance.slack.secret", NEW, EVERY_POD),
    "token of Weave's workers": ("instance.weaveTokenRevision", 2, {"api", "weave-trace", "weave-trace-worker"}),
}
"""By what it is for: the setting, its new value, and the components that start anew."""
ON_AWS: dict[str, tuple[str, Any]] = {
    "mysql": ("mysql.passwordRevision", 2),
    "redis": ("redis.passwordRevision", 2),
}


def rotated(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    result = copy.deepcopy(document)
    *parents, last = path.split(".")
    here = result
    for each in parents:
        here = here.setdefault(each, {})
    here[last] = value
    return result


def up(document: dict[str, Any]) -> Recording:
    config = {f"wandb:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in document.items()}
    secrets = frozenset(f"wandb:{key}" for key in ("license", "mysql", "redis", "clickhouse", "instance"))
    answer = World.of(config) if document.get("target") == "aws" else None
    return record(ROOT, stack="rotation", config=config, secret_keys=secrets & config.keys(), answer=answer)


def pods(recording: Recording) -> dict[str, str]:
    """The pod templates by component, with random texts that are others when what they are kept for is."""
    (instance,) = recording.recorder.of_type("kubernetes:apps.wandb.com/v1:WeightsAndBiases")
    text = json.dumps(instance.inputs["spec"]["values"], default=str)
    for made in recording.recorder.of_type("random:index/randomPassword:RandomPassword"):
        kept = json.dumps(made.inputs.get("keepers", {}), sort_keys=True)
        text = text.replace(f"{made.name}-result", hashlib.sha256(kept.encode()).hexdigest()[:8])
    values = json.loads(text, parse_float=lambda number: int(float(number)))
    return {
        each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]: json.dumps(each["spec"]["template"])
        for each in render(values, "wandb", "wandb")
        if each["kind"] == "Deployment"
    }


@pytest.fixture(scope="module")
def before() -> Recording:
    return up(GIVEN)


@pytest.mark.parametrize("secret", ROTATED)
def test_a_secret_of_the_stack_starts_anew_whoever_reads_it_and_nobody_else(before: Recording, secret: str) -> None:
    path, value, readers = ROTATED[secret]
    old, new = pods(before), pods(up(rotated(GIVEN, path, value)))
    assert old.keys() == new.keys() == EVERY_POD
    assert {name for name in old if old[name] != new[name]} == readers


@pytest.mark.parametrize("store", ON_AWS)
def test_a_password_that_the_stack_makes_starts_every_pod_anew(store: str) -> None:
    path, value = ON_AWS[store]
    made = aws_settings.MADE | {"kubernetes": {"preflight": False}}
    old, new = pods(up(made)), pods(up(rotated(made, path, value)))
    assert {name for name in old if old[name] != new[name]} == set(old)


def test_a_password_of_the_clickhouse_that_the_stack_makes_starts_every_pod_anew() -> None:
    made = GIVEN | {"clickhouse": {"kind": "managed"}, "objectStore": {"kind": "in-cluster"}}
    old, new = pods(up(made)), pods(up(rotated(made, "clickhouse.passwordRevision", 2)))
    assert {name for name in old if old[name] != new[name]} == EVERY_POD


@pytest.mark.parametrize("secret", ROTATED)
def test_nothing_that_a_pod_carries_tells_the_secret(before: Recording, secret: str) -> None:
    path, value, _ = ROTATED[secret]
    for recording, text in ((before, OLD), (up(rotated(GIVEN, path, value)), NEW)):
        for resource in recording.recorder.resources_by_urn.values():
            for where, found, hidden in resource.leaves():
                assert text not in str(found) or hidden, f"{resource.name}: {where}"
        assert text not in json.dumps(recording.exports, default=str)
        assert not any(text in said for _, said in recording.messages)


def test_what_is_brought_by_name_is_not_looked_into() -> None:
    brought: dict[str, Any] = copy.deepcopy(GIVEN) | {"licenseSecret": {"name": "licence"}}
    brought.pop("license")
    for store in ("mysql", "redis", "clickhouse"):
        without = {key: value for key, value in brought[store].items() if key != "password"}
        brought[store] = without | {"passwordSecret": {"name": store, "key": "password"}}
    brought["instance"] = {}
    recording = up(brought)
    assert not [each for each in pods(recording).values() if "wandb.pulumi/" in each]
    assert not [each for each in recording.recorder.of_type("kubernetes:core/v1:Secret") if "password" in each.name]
