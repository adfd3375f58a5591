"""A stack that sets up W&B itself: secrets stay secret, what changes restarts the pods, what cannot be stops at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.harness import Recording
from tests.harness.stacks import ROOT
from tests.harness.whole_program import record

HIDDEN = {"oidc": "an-oidc-text-to-look-for", "smtp": "a-mail-text-to-look-for", "slack": "a-slack-text-to-look-for"}
CONFIG: dict[str, Any] = {
    "environment": "test",
    "host": "wandb.example.com",
    "licenseSecret": {"name": "licence"},
    "ingress": {"className": "nginx"},
    "kubernetes": {"preflight": False},
}
INSTANCE: dict[str, Any] = {
    "oidc": {"issuer": "https://login.example.com", "clientId": "wandb", "secret": HIDDEN["oidc"]},
    "smtp": {"host": "mail.example.com", "user": "wandb", "password": HIDDEN["smtp"]},
    "slack": {"clientId": "1234.5678", "secret": HIDDEN["slack"]},
    "proxy": {"https": "http://proxy.example.com:3128"},
}
WANDB = "kubernetes:apps.wandb.com/v1:WeightsAndBiases"


def run(instance: dict[str, Any], **more: Any) -> Recording:
    config = {
        f"wandb:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in (CONFIG | {"instance": instance} | more).items()
    }
    return record(ROOT, stack="options", config=config, secret_keys=frozenset({"wandb:instance"}))


@pytest.fixture(scope="module")
def up() -> Recording:
    return run(INSTANCE)


def values(recording: Recording) -> dict[str, Any]:
    (instance,) = recording.recorder.of_type(WANDB)
    return instance.inputs["spec"]["values"]


def test_a_secret_travels_as_one_wherever_it_goes_and_never_to_the_chart(up: Recording) -> None:
    for text in HIDDEN.values():
        where = {
            resource.type: secret
            for resource in up.recorder.resources_by_urn.values()
            for _, value, secret in resource.leaves()
            if text in str(value)
        }
        assert where == {"kubernetes:core/v1:Secret": True, "random:index/randomPassword:RandomPassword": True}
    assert not any(text in json.dumps(up.exports, default=str) + str(up.messages) for text in HIDDEN.values())


def test_the_chart_is_told_where_each_secret_is(up: Recording) -> None:
    config = values(up)["global"]
    assert config["auth"]["oidc"]["oidcSecret"] == {"name": "oidc-password", "secretKey": "password"}
    mail = {"secretKeyRef": {"name": "smtp-password", "key": "password"}}
    assert config["email"]["smtp"]["password"] == {"valueFrom": mail}
    slack = {"secretKeyRef": {"name": "slack-password", "key": "password"}}
    assert config["env"]["SLACK_SECRET"] == {"valueFrom": slack}


def test_w_and_b_is_installed_after_the_secrets_that_it_reads(up: Recording) -> None:
    (instance,) = up.recorder.of_type(WANDB)
    secrets = {each.inputs["metadata"]["name"]: each.urn for each in up.recorder.of_type("kubernetes:core/v1:Secret")}
    assert {secrets[f"{name}-password"] for name in HIDDEN} <= instance.waits_for


def test_another_secret_restarts_the_pods_by_a_text_that_says_nothing_of_it(up: Recording) -> None:
    marks = values(up)["global"]["pod"]["annotations"]
    assert {f"wandb.pulumi/{name}-password" for name in HIDDEN} <= marks.keys()
    versions = {each.inputs["keepers"]["password"] for each in up.recorder.of_type("random:index/randomPassword:RandomPassword") if "keepers" in each.inputs}  # fmt: skip
    assert versions >= set(HIDDEN.values()), "a new one makes a new random text"


def test_the_operator_is_told_of_the_proxy(up: Recording) -> None:
    (operator,) = [
        each for each in up.recorder.of_type("kubernetes:helm.sh/v3:Release") if each.inputs["name"] == "wandb-operator"
    ]
    variables = {each["name"]: each["value"] for each in operator.inputs["values"]["extraEnv"]}
    assert variables["HTTPS_PROXY"] == "http://proxy.example.com:3128"


def test_values_that_the_chart_does_not_read_end_the_program_before_anything_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr("pulumi.log.error", said.append)
    wrong = {"global": {"redis": {"passwordSecret": {"name": "x"}}, "size": 1}}
    with pytest.raises(SystemExit):
        run({"extraValues": wrong})
    (report,) = said
    assert "2 problems in the settings of stack options; nothing was changed:" in report
    assert "wandb:instance.extraValues.global.redis.passwordSecret: is read by nothing" in report
