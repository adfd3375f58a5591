"""What is written from the settings, and the stack files that are in the repository."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from settings import InvalidSettings, parse
from settings.documents import REFERENCE_FILE, SCHEMA_FILE, reference, schema, schema_text
from settings.surface import surface

ROOT = Path(__file__).resolve().parents[2]
STACKS = [ROOT / "Pulumi.dev.yaml", ROOT / "Pulumi.prod.yaml", *sorted((ROOT / "examples").glob("Pulumi.*.yaml"))]
VALIDATOR = Draft202012Validator(schema())


def stack_document(path: Path) -> dict[str, Any]:
    config = yaml.safe_load(path.read_text())["config"]
    return {key.removeprefix("wandb:"): value for key, value in config.items() if key.startswith("wandb:")}


def with_licence(document: dict[str, Any]) -> dict[str, Any]:
    return document if "licenseSecret" in document else document | {"license": "text"}


def test_the_schema_of_stack_files_is_current():
    assert (ROOT / SCHEMA_FILE).read_text() == schema_text(), "run `make schema`"


def test_the_configuration_reference_is_current():
    assert (ROOT / REFERENCE_FILE).read_text() == reference(), "run `make schema`"


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(schema())


def test_the_reference_names_every_key():
    text = reference()
    assert [each.path for each in surface() if f"`{each.path}`" not in text] == []


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_every_stack_file_is_valid(path: Path):
    parse(with_licence(stack_document(path)), secret_keys=["wandb:license"])


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_every_stack_file_fits_the_schema(path: Path):
    assert [each.message for each in VALIDATOR.iter_errors(yaml.safe_load(path.read_text()))] == []


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_every_stack_file_names_the_schema_and_forbids_default_providers(path: Path):
    first = path.read_text().splitlines()[0]
    target = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / target).resolve() == ROOT / SCHEMA_FILE
    assert yaml.safe_load(path.read_text())["config"]["pulumi:disable-default-providers"] == ["*"]


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_no_stack_file_holds_a_secret(path: Path):
    assert not {"license", "password", "secure"} & set(_keys(yaml.safe_load(path.read_text())))


def _keys(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [name.removeprefix("wandb:") for name in node] + [key for value in node.values() for key in _keys(value)]
    return []


DEV = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("wandb:hosst", "wandb.example.com"),
        ("wandb:environment", "prod"),
        ("wandb:license", "in clear text"),
        ("wandb:mysql", {"kind": "external"}),
        ("wandb:mysql", {"host": "x"}),
        ("wandb:mysql", {"kind": "in-cluster", "host": "x"}),
        ("wandb:clickhouse", {"kind": "managed", "keepers": 2}),
        ("wandb:clickhouse", {"kind": "managed", "cluster": "weave_cluster"}),
        ("wandb:products", "weave"),
        ("wandb:versions", {"mysql": 8.4}),
        ("wandb:host", "https://wandb.example.com"),
        ("wandb:aws", {"region": "eu-central-1"}),
        ("wandb:aws", {"region": "eu-central1", "accountId": "123456789012"}),
        ("wandb:aws", {"region": "eu-central-1", "accountId": "123456789012", "kmsKeyArn": "alias/wandb"}),
        ("wandb:aws", {"region": "eu-central-1", "accountId": "123456789012", "network": {"kind": "existing"}}),
    ],
)
def test_an_editor_marks_what_the_program_would_refuse(key: str, value: Any):
    document = copy.deepcopy(DEV)
    document["config"][key] = value
    assert not VALIDATOR.is_valid(document)


def test_an_editor_accepts_an_encrypted_licence_and_other_configuration():
    document = copy.deepcopy(DEV)
    document["config"] |= {"wandb:license": {"secure": "v1:abc"}, "kubernetes:context": "x"}
    document["encryptionsalt"] = "v1:abc"
    assert VALIDATOR.is_valid(document)


_MUTATIONS = st.tuples(
    st.sampled_from([each.path for each in surface() if "<name>" not in each.path and not each.secret]),
    st.one_of(st.booleans(), st.integers(-2, 9), st.sampled_from(["", "x", "1.2.3", "a.b"]), st.just([])),
)


@limits(deadline=None)
@given(_MUTATIONS)
def test_the_schema_refuses_no_value_that_the_program_accepts(mutation: tuple[str, Any]):
    path, value = mutation
    document = with_licence(stack_document(ROOT / "Pulumi.dev.yaml"))
    here = document
    *parents, last = path.split(".")
    for parent in parents:
        here = here.setdefault(parent, {})
    here[last] = value
    try:
        parse(document, secret_keys=["wandb:license"])
    except InvalidSettings:
        return
    config = {f"wandb:{key}": each for key, each in document.items() if key != "license"}
    assert [each.message for each in VALIDATOR.iter_errors({"config": config})] == []
