"""The list of values that W&B's chart reads: what it refuses, what it proposes, and how it is made."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.wandb import Versions
from components.wandb.chart_values import Known, known, problems, secrets_in_clear
from components.wandb.values import ValuesArgs, values
from sizing import chart as sizing_chart
from tests.harness import wandb_space as space
from tools.chart_values import chart_values, differences

ROOT = Path(__file__).resolve().parents[2]


def tree(path: str, value: Any) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return {first: tree(rest, value) if rest else value}


def said(values: dict[str, Any], **how: Any) -> list[str]:
    return [str(each) for each in problems(values, **how)]


@given(space.installations())
def test_all_that_this_program_emits_is_read_by_the_chart(args: ValuesArgs) -> None:
    assert problems(values(args)) == []
    assert secrets_in_clear(values(args)) == []


def test_the_list_belongs_to_the_chart_that_is_installed() -> None:
    assert known().version == Versions().chart == sizing_chart.VERSION


@pytest.mark.parametrize(
    ("path", "value", "near"),
    [
        ("global.redis.passwordSecret.name", "s", "global.redis.secret"),
        ("global.reddis.host", "r", "`global.redis`"),
        ("global.priorityClass", "high", "global.priorityClassName"),
        ("smtp.host", "mail", "`global.email.smtp`"),
        ("api.replicas", 3, "api.replicaCount"),
        ("api.enabled", True, "global.api.enabled"),
        ("weave-trace.nodeSelektor.a", "b", "weave-trace.nodeSelector"),
        ("glue.containers.glue.resouces.limits.cpu", "1", "glue.containers.glue.resources"),
        ("app.serviceAccount.labels.a", "b", "app.podLabels"),
        ("ingress.hosts", [], "ingress.additionalHosts"),
        ("otel.image", "i", "otel.daemonset.image"),
    ],
)
def test_a_key_that_nothing_reads_is_named_with_the_one_that_was_meant(path: str, value: Any, near: str) -> None:
    (found,) = said(tree(path, value))
    assert "is read by nothing in chart operator-wandb" in found
    assert near in found


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        ("global.mysql.port", True, "is true or false, and the chart wants a whole number or a text"),
        ("api.replicaCount", "2", "is a text, and the chart wants a whole number. Write it without quotes."),
        ("app.image.tag", 1, "is a whole number, and the chart wants a text. Put it in quotes."),
        ("global.env", ["A=1"], "is a list, and the chart wants keys with values"),
        ("global.customCACerts", "pem", "is a text, and the chart wants a list. Write it as a list"),
        ("global.redis", "redis.example.com", "is a text, and the chart wants keys with values"),
        ("global.redis.host", {"valueFrom": {}}, "is a section, and the chart wants a text"),
        ("mysql.install", "false", "is a text, and the chart wants true or false"),
        ("global.host", None, "is null, which stops W&B's operator"),
    ],
)
def test_a_value_of_another_kind_than_the_charts_is_refused(path: str, value: Any, wrong: str) -> None:
    (found,) = said(tree(path, value))
    assert wrong in found


def test_every_problem_is_told_at_once() -> None:
    assert len(said({"host": "a", "global": {"size": 1, "oidc": {}}, "api": {"install": True}})) == 4


def test_unknown_keys_can_be_let_through_but_no_stale_ones_and_no_wrong_kinds() -> None:
    assert said({"global": {"new": 1}}, allow_unknown=True) == []
    assert len(said({"global": {"redis": {"tls": True}, "size": 1}}, allow_unknown=True)) == 2


def test_no_message_shows_a_value() -> None:
    shown = " ".join(said({"global": {"license": ["hidden"], "x": "hidden", "host": {"hidden-key": 1}}}))
    assert "hidden" not in shown


@pytest.fixture
def loop() -> None:
    """An Output wants an event loop, also where nobody ever waits for it."""
    asyncio.set_event_loop(asyncio.new_event_loop())


@pytest.mark.usefixtures("loop")
def test_what_is_known_only_when_the_stack_runs_is_taken_as_it_is() -> None:
    later = pulumi.Output.from_input("a")
    assert said({"global": {"host": later, "mysql": {"port": later}}}) == []
    assert len(said({"global": {"hosst": later}})) == 1


@pytest.mark.parametrize("path", known().secret)
def test_a_secret_in_clear_text_is_found_and_its_reference_is_named(path: str) -> None:
    (found,) = secrets_in_clear(tree(path, "a secret"))
    assert (found.path, "`" in found.right, "a secret" in found.right) == (path, True, False)
    assert secrets_in_clear(tree(path, {"valueFrom": {"secretKeyRef": {"name": "n", "key": "k"}}})) == []


def test_what_is_proposed_is_read_itself() -> None:
    for advice in (*known().instead.values(), *known().secret.values()):
        for path in re.findall(r"`((?:[a-z][\w-]*\.)+\w+)`", advice.replace("<component>", "app")):
            assert path.startswith("valueFrom") or "is read by nothing" not in " ".join(said(tree(path, {}))), path


@given(st.sampled_from(sorted(known().values)))
def test_no_key_of_the_list_is_also_said_to_be_read_by_nothing(path: str) -> None:
    parts = path.split(".")
    assert not any(known().replacement(tuple(parts[:length])) for length in range(1, len(parts) + 1))


CHART = {
    "Chart.yaml": """
name: operator-wandb
version: 1.2.3
dependencies:
  - {name: wandb-base, alias: app, condition: app.install}
  - {name: wandb-base, alias: api, condition: global.api.enabled}
  - {name: redis, condition: redis.install}
""",
    "values.yaml": """
global: {host: "http://localhost", env: {}, hosts: [], redis: {port: 6379, tls: false}}
app: {replicaCount: 3, extra: {depth: 2}}
redis: {install: true}
""",
    "templates/a.yaml": '{{ .Values.global.bucket.name }} {{ index .Values "app" "cors" }} {{ .Values.own.thing }}',
    "templates/tests/a.yaml": "{{ .Values.global.onlyInTests }}",
}
BASE = {
    "Chart.yaml": "{name: wandb-base, version: 0.1.0}",
    "values.yaml": "{replicaCount: 1, env: {}, image: {tag: ''}}",
    "templates/a.yaml": "{{ .Values.image.digest }} {{ .Values.global.size }}",
}
CORRECTIONS = {"values": {"global.redis.port": "int|string", "global.redis.tls": None}, "component": {}}


def unpacked(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_list_is_made_from_values_templates_and_what_is_kept_by_hand(tmp_path: Path) -> None:
    chart, base = unpacked(tmp_path / "chart", CHART), unpacked(tmp_path / "wandb-base", BASE)
    made = chart_values(chart, base, CORRECTIONS)
    assert (made["chart"], made["version"], made["base"]) == ("operator-wandb", "1.2.3", {"wandb-base": "0.1.0"})
    assert made["components"] == ["api", "app"]
    assert made["component"] == {
        "env": "map*", "image.digest": "string", "image.tag": "string", "replicaCount": "int",
    }  # fmt: skip
    assert made["values"] == {
        "app.cors": "string",
        "app.extra.depth": "int",
        "app.install": "bool",
        "global.api.enabled": "bool",
        "global.bucket.name": "string",
        "global.env": "map*",
        "global.host": "string",
        "global.hosts": "list*",
        "global.redis.port": "int|string",
        "redis": "map*",
        "redis.install": "bool",
    }
    assert next(iter(differences(made | {"values": {"gone": "int"}}, made))) == "- values gone"


def test_a_made_list_is_one_that_values_can_be_held_against(tmp_path: Path) -> None:
    chart, base = unpacked(tmp_path / "chart", CHART), unpacked(tmp_path / "wandb-base", BASE)
    made = chart_values(chart, base, CORRECTIONS)
    listed = Known(
        chart=made["chart"],
        version=made["version"],
        components=frozenset(made["components"]),
        values=made["values"],
        component=made["component"],
        instead={},
    )
    given = {"app": {"image": {"tag": "1"}, "extra": {"deep": 1}}, "redis": {"anything": 1, "install": 1}}
    assert [each.path for each in problems(given, chart=listed)] == ["app.extra.deep", "redis.install"]


def test_the_script_keeps_what_was_written_by_hand(tmp_path: Path) -> None:
    chart = unpacked(tmp_path / "chart", CHART)
    unpacked(tmp_path / "wandb-base", BASE)
    data = tmp_path / "data.json"
    by_hand = {"provenance": ["read"], "corrections": CORRECTIONS, "instead": {"host": "global.host"}, "secret": {}}
    data.write_text(json.dumps(by_hand))
    command = [sys.executable, "-m", "tools.chart_values", str(chart), "--data", str(data)]
    first = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert "+ values global.host: string" in first.stdout
    written = json.loads(data.read_text())
    assert {key: written[key] for key in by_hand} == by_hand
    again = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert again.stdout == ""
