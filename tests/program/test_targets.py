"""The program picks its platform by the target, and says what it cannot plan or import."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import Any

import pytest

from tests.harness import aws_settings
from tests.harness.aws import World
from tests.harness.stacks import ROOT
from tests.harness.whole_program import Recording, record

from .test_settings_alive import changed


def recorded(document: dict[str, Any]) -> Recording:
    complete = changed(document, {"kubernetes.preflight": False})
    config = {f"wandb:{key}": each if isinstance(each, str) else json.dumps(each) for key, each in complete.items()}
    secret = frozenset({"wandb:license"})
    return record(ROOT, stack="target", config=config, secret_keys=secret, answer=World.of(config))


def kinds(found: Recording) -> set[str]:
    return {each.type for each in found.recorder.resources_by_urn.values()}


SEES_NO_CLOUD = """
import sys
from tests.harness.stacks import record_stack
record_stack({stack!r})
print(sorted(each for each in sys.modules if each.split(".")[0] in {{"pulumi_aws", "pulumi_gcp", "pulumi_azure_native"}}))
"""


@pytest.mark.parametrize("stack", ["dev", "production"])
def test_a_stack_in_a_cluster_that_exists_imports_no_clouds_sdk(stack: str) -> None:
    code = SEES_NO_CLOUD.format(stack=stack)
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_without_the_clouds_sdk_the_program_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pulumi_aws" else find(name))
    with pytest.raises(SystemExit):
        recorded(aws_settings.MADE)
    assert "pulumi-aws is not installed" in said[0]
    assert "pulumi install" in said[0]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Errors that the program shows."""
    import pulumi

    errors: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", lambda text, *_, **__: errors.append(text))
    return errors


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"sizing.nodes.type": "r6i.4xlrge"}, "wandb:sizing.nodes.type"),
        ({"sizing.nodes.type": "r6g.4xlarge"}, "wandb:sizing.nodes.type"),
        ({"sizing.clickhouseNodes.type": "x9.huge"}, "wandb:sizing.clickhouseNodes.type"),
        ({"mysql.class": "db.r6g.huge"}, "wandb:mysql.class"),
        ({"redis.class": "cache.m6g.huge"}, "wandb:redis.class"),
    ],
)
def test_a_machine_that_nobody_offers_is_refused_by_the_key_that_names_it(
    changes: dict[str, str], key: str, said: list[str]
) -> None:
    with pytest.raises(SystemExit):
        recorded(changed(aws_settings.MADE, changes))
    (report,) = said
    assert f"  {key}: cannot be planned: " in report
    assert next(iter(changes.values())) in report
    assert report.startswith("1 problem in the settings of stack target; nothing was changed:")


def test_a_controller_that_is_brought_makes_the_load_balancer_the_users_own() -> None:
    document = changed(aws_settings.MADE, {"aws.dns": None, "ingress": {"className": "nginx"}})
    found = recorded(document)
    assert not {each for each in kinds(found) if "wandb:aws:Ingress" in each or "LoadBalancer" in each}
    assert "loadBalancer" not in found.exports


def test_no_key_is_made_where_nothing_is_that_it_would_encrypt() -> None:
    stores = {
        "mysql": {"kind": "external", "host": "m.example.com", "passwordSecret": {"name": "m", "key": "p"}},
        "redis": {"kind": "external", "host": "r.example.com", "passwordSecret": {"name": "r", "key": "p"}},
        "objectStore": {
            "kind": "external",
            "bucket": {"provider": "s3", "name": "files"},
            "clickhouseBucket": {"name": "traces"},
        },
    }
    assert "wandb:aws:Key" in kinds(recorded(aws_settings.BROUGHT))
    assert "wandb:aws:Key" not in kinds(recorded(aws_settings.BROUGHT | stores))


def test_a_stack_on_aws_tells_where_everything_is() -> None:
    found = recorded(aws_settings.MADE)
    assert {"region", "cluster", "loadBalancer", "kubeconfig", "url", "endpoints"} <= found.exports.keys()
    assert "kubeconfig" in found.secret_exports
    assert found.exports["region"] == "eu-central-1"
    assert "nameServers" in recorded(aws_settings.BROUGHT).exports


def test_whatever_the_stack_makes_carries_its_name() -> None:
    found = recorded(changed(aws_settings.MADE, {"aws.tags": {"team": "ml"}}))
    (provider,) = (each for each in found.recorder.custom() if each.type == "pulumi:providers:aws")
    tags = json.loads(provider.inputs["defaultTags"])["tags"]
    assert tags == {"wandb.pulumi/stack": "wandb/target", "team": "ml"}
    assert json.loads(provider.inputs["allowedAccountIds"]) == ["123456789012"]
