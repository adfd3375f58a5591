"""`python -m sizing`: the plan as a table or JSON, and the exit code."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from sizing.__main__ import main

COMMAND = typer.Typer()
COMMAND.command()(main)


def _run(*arguments: str):
    return CliRunner().invoke(COMMAND, arguments)


def test_the_command_of_the_documentation_prints_the_plan_and_that_it_fits():
    result = _run("--environment", "production", "--products", "models,weave", "--cloud", "aws")
    assert result.exit_code == 0
    for text in ("r6i.4xlarge", "db.r6g.2xlarge", "cache.m6g.xlarge", "W&B Reference Architecture", "The pods fit"):
        assert text in result.output


def test_a_plan_that_does_not_fit_ends_with_1_and_what_would_do():
    result = _run("--environment", "production", "--chart-size", "medium", "--cloud", "aws", "--nodes", "3")
    assert result.exit_code == 1
    assert "The pods do not fit" in result.output
    assert "What would do:" in " ".join(result.output.split())


def test_bad_input_ends_with_2_and_every_problem():
    result = _run("--environment", "dev", "--products", "launch", "--cloud", "mars")
    assert result.exit_code == 2
    for name in ("environment", "products", "cloud"):
        assert f"{name}: " in result.stderr


@pytest.mark.parametrize("environment", ["test", "production"])
def test_json_has_every_number_with_its_reason_and_source(environment):
    result = _run("--environment", environment, "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["fit"]["fits"]
    assert document["plan"]["nodes"]["count"] == 3
    assert all(each["value"] and each["reason"] and each["source"] for each in document["numbers"])


def test_stores_can_be_planned_outside_the_cluster():
    inside = json.loads(_run("--environment", "test", "--json").stdout)
    outside = json.loads(_run("--environment", "test", "--in-cluster", "none", "--json").stdout)
    assert set(inside["plan"]["stores"]) == {"mysql", "redis", "object-store"}
    assert outside["plan"]["stores"] == {}
    assert outside["plan"]["mysql"]["memory_gib"] == 16
