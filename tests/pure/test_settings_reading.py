"""Reading settings from Pulumi's configuration, where every value is text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime import set_all_config

from settings import Settings
from settings.reading import document
from settings.stores import InClusterMySQL

CONFIGURATION = {
    "pulumi:disable-default-providers": '["*"]',
    "kubernetes:context": "not-ours",
    "wandb:environment": "test",
    "wandb:products": '["models"]',
    "wandb:host": "wandb.example.com",
    "wandb:license": "12345",
    "wandb:protect": "true",
    "wandb:ingress": '{"className":"nginx","annotations":{"a":"0"}}',
    "wandb:mysql": '{"kind":"in-cluster","volumeGiB":20}',
}


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PULUMI_CONFIG", raising=False)

    def configure(changes: Mapping[str, str], secret_keys: tuple[str, ...] = ("wandb:license",)) -> None:
        set_all_config(CONFIGURATION | dict(changes), list(secret_keys))

    yield configure
    set_all_config({}, [])


def test_text_becomes_what_was_written_in_the_stack_file():
    assert document(CONFIGURATION) == {
        "environment": "test",
        "products": ["models"],
        "host": "wandb.example.com",
        "license": "12345",
        "protect": True,
        "ingress": {"className": "nginx", "annotations": {"a": "0"}},
        "mysql": {"kind": "in-cluster", "volumeGiB": 20},
    }


def test_settings_are_read_from_pulumis_configuration(configured):
    configured({})
    found = Settings.load()
    assert found.products == ["models"]
    assert found.protect is True
    assert isinstance(found.mysql, InClusterMySQL)
    assert found.mysql.volume_gib == 20
    assert found.license is not None
    assert found.license.get_secret_value() == "12345"


def test_a_problem_ends_the_program_with_the_report_as_its_only_error(configured, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", shown.append)
    configured({"wandb:hots": "x", "wandb:mysql": '{"kind":"in-cluster","volumeGiB":"20"}'}, secret_keys=())
    with pytest.raises(SystemExit) as raised:
        Settings.load()
    assert raised.value.code == 32
    [text] = shown
    for key in ("wandb:license", "wandb:mysql.volumeGiB", "wandb:hots"):
        assert f"  {key}: " in text
    assert "12345" not in text


def test_a_section_that_is_no_section_is_named(configured, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", shown.append)
    configured({"wandb:ingress": "nginx", "wandb:protect": "yes"})
    with pytest.raises(SystemExit):
        Settings.load()
    assert "wandb:ingress: is not a section" in shown[0]
    assert 'wandb:protect: is not `true` or `false` (got the text "yes")' in shown[0]


def test_a_stack_whose_section_is_partly_encrypted_counts_as_encrypted(configured):
    mysql = {"kind": "external", "host": "db.example.com", "password": "abc"}
    configured({"wandb:mysql": json.dumps(mysql)}, secret_keys=("wandb:license", "wandb:mysql"))
    assert Settings.load().mysql.kind == "external"


def test_only_the_settings_look_at_pulumis_configuration():
    root = Path(__file__).resolve().parents[2]
    reading = {root / "settings" / "reading.py"}
    ours = [
        path for folder in ("settings", "preflight", "components", "sizing") for path in (root / folder).rglob("*.py")
    ]
    found = [
        path for path in ours if "pulumi.Config" in path.read_text() or "runtime import config" in path.read_text()
    ]
    assert set(found) <= reading
