"""The values of W&B's chart on each cloud, with each mix of products, in each environment: reviewed, alive, convertible.

A reviewed file per cloud has what all of its installations share, and what each has of its own. After a change that is meant:
UPDATE_STACKS=1 pytest tests/pure/test_wandb_installations.py, then review the difference.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from components.wandb.chart_values import problems, secrets_in_clear
from components.wandb.values import ValuesArgs, values
from rehearsal.operators.wandb.components import not_played
from rehearsal.operators.wandb.render import Live, RenderError, render
from tests.harness import wandb_space as space
from tests.harness.conversion import unconvertible
from tests.harness.installations import CLOUDS, ENVIRONMENTS, EVERY, MIXES, arguments

FOLDER = Path(__file__).parent / "values"
INERT = {
    "reconcileFrequency": "W&B's operator reads it, not the chart",
    "global.cloudProvider": "on Google the chart adds objects that the stand-in does not play",
}
"""Leaves that change nothing of what the chart renders here, and why."""


@cache
def emitted(cloud: str, mix: str, environment: str) -> dict[str, Any]:
    return values(arguments(cloud, mix, environment))


def flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {".".join(path): value for path, value in space.leaves(tree)}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_values_of_each_installation_are_those_that_were_reviewed(cloud: str) -> None:
    every = {f"{mix}, {each}": flat(emitted(cloud, mix, each)) for mix in MIXES for each in ENVIRONMENTS}
    first, *others = every.values()
    shared = {path: value for path, value in first.items() if all(each.get(path) == value for each in others)}
    own = {name: {path: value for path, value in each.items() if path not in shared} for name, each in every.items()}
    found = yaml.safe_dump({"every installation": shared, **own}, sort_keys=True, width=120)
    file = FOLDER / f"{cloud}.yaml"
    if os.environ.get("UPDATE_STACKS"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(found)
    assert found == file.read_text(), "if that is meant: see the head of this file, then review the difference"


@pytest.mark.parametrize(("cloud", "mix", "environment"), EVERY)
def test_each_installation_is_one_that_the_chart_reads_and_the_next_operator_can_convert(
    cloud: str, mix: str, environment: str
) -> None:
    tree = emitted(cloud, mix, environment)
    assert problems(tree) == []
    assert secrets_in_clear(tree) == []
    assert unconvertible(tree) == []


@given(space.installations())
def test_any_installation_can_be_converted_by_the_next_operator(args: ValuesArgs) -> None:
    wrong = unconvertible(values(args))
    if args.image_tag is None:
        wrong.remove("app.image.tag: becomes the version, and is not one")
    assert wrong == []


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("app.image.tag", "latest", "becomes the version"),
        ("global.size", "huge", "is none that it knows"),
        ("ingress.tls", [{}, {}], "only the first is kept"),
        ("global.mysql.password", {"valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}, "only secretKeyRef"),
        ("ingress.annotations", {"a": 1}, "something else than texts"),
        ("global.host", None, "is null"),
    ],
)
def test_what_the_next_operator_cannot_convert_is_noticed(path: str, value: Any, words: str) -> None:
    tree = copy.deepcopy(emitted("kubernetes", "both", "production"))
    put(tree, path, value)
    assert any(words in each for each in unconvertible(tree))


def put(tree: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for each in parents:
        tree = tree.setdefault(each, {})
    tree[last] = value


def otherwise(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return {"small": "medium", "true": "false"}.get(value, f"{value}1")
    if isinstance(value, Mapping):
        return {key: otherwise(each) for key, each in value.items()}
    return [*value, otherwise(value[0])]


def changes(tree: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, value in space.leaves(tree):
        other = copy.deepcopy(tree)
        here: Any = other
        for each in path[:-1]:
            here = here[each]
        here[path[-1]] = otherwise(value)
        yield ".".join(path), other


GENERATED = dict.fromkeys(("GORILLA_SESSION_KEY", "MYSQL_PASSWORD", "CLICKHOUSE_PASSWORD"), "aGVsZA==")
"""What the chart keeps where it is there, so that it is not made up anew at each rendering."""
LIVE = Live(secret=lambda _: GENERATED, replicas=lambda _: 0)


def made_of(tree: dict[str, Any]) -> str:
    return json.dumps([render(tree, "wandb", "wandb", LIVE), not_played(tree)], sort_keys=True)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_leaf_is_alive(cloud: str) -> None:
    tree = emitted(cloud, "both", "test")
    before, dead = made_of(tree), []
    assert made_of(tree) == before, "or every comparison here would find a difference"
    for path, other in changes(tree):
        try:
            if made_of(other) == before:
                dead.append(path)
        except (RenderError, KeyError, ValueError):
            continue  # the chart chokes on it, so it reads it
    assert set(dead) <= INERT.keys()
    assert "reconcileFrequency" in dead, "what is dead is noticed"
