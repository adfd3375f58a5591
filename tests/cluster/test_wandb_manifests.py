"""The WeightsAndBiases resource, held against its definition and against what is known of W&B's chart.

The definition: with WANDB_CRDS naming the folder of the vendors' definitions, W&B's own; else the rehearsal's stand-in, and
the run says so. It leaves `spec.values` free, so it says nothing of the values. The chart has no schema either. What each
of its values does was found by rendering it; with WANDB_REFERENCE naming the folder of those tables
(operator-wandb-values.json, operator-wandb-requests.json), every value that is emitted is looked up there. Without it these
tests are skipped, and the run says so: then only the list of paths in tests/pure/test_wandb_values.py is held to.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from arguments.options import options
from components.wandb.inventory import COMPONENTS, Component
from components.wandb.values import NEVER_INSTALLED, ValuesArgs, values
from rehearsal import crds
from settings.instance import Instance
from tests.harness import instance_settings
from tests.harness import wandb_space as space
from tests.harness.crd_check import CrdCheck

REFERENCE = "WANDB_REFERENCE"
CHART = {"url": "https://charts.wandb.ai", "name": "operator-wandb", "version": "0.43.8"}
each_component = pytest.mark.parametrize("component", COMPONENTS, ids=[each.name for each in COMPONENTS])


def table(name: str) -> dict[str, Any]:
    folder = os.environ.get(REFERENCE)
    if not folder:
        reason = f"the values of W&B's chart are NOT looked up in the chart's tables: {REFERENCE} names no folder"
        warnings.warn(reason, stacklevel=2)
        pytest.skip(reason)
    return json.loads((Path(folder) / name).read_text())


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    return table("operator-wandb-values.json")


@pytest.fixture(scope="module")
def requests() -> dict[str, Any]:
    return table("operator-wandb-requests.json")


@pytest.fixture(scope="module")
def check() -> CrdCheck:
    if not os.environ.get(crds.FOLDER):
        warnings.warn(crds.source(), stacklevel=1)
    return CrdCheck(crds.manifests(*crds.WANDB))


def manifest(args: ValuesArgs) -> dict[str, Any]:
    spec = {"chart": CHART, "values": values(args)}
    return {"apiVersion": "apps.wandb.com/v1", "kind": "WeightsAndBiases", "metadata": {"name": "wandb"}, "spec": spec}


def test_an_api_server_takes_every_resource(check: CrdCheck) -> None:
    @given(space.installations())
    def holds(args: ValuesArgs) -> None:
        assert check(manifest(args)) == []

    holds()


@pytest.mark.parametrize(("field", "value"), [("values", []), ("chart", "operator-wandb")])
def test_a_resource_of_another_shape_would_be_refused(check: CrdCheck, field: str, value: Any) -> None:
    wrong = manifest(space.arguments())
    wrong["spec"][field] = value
    assert [finding.split(" ")[0] for finding in check(wrong)] == ["refused"]


def test_a_misspelt_field_would_be_dropped(check: CrdCheck) -> None:
    wrong = manifest(space.arguments())
    wrong["spec"]["value"] = {}
    assert check(wrong) == ["pruned spec.value"]


def entry(known: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    """What the tables say of a path: of itself, or of the nearest path above it that is open to any key."""
    if path[0] in known["components"] and (found := _lookup(known["componentPaths"], path[1:])):
        return found
    return _lookup(known["paths"] | known["operatorPaths"], path)


def _lookup(paths: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    for length in range(len(path), 0, -1):
        for name in _forms(path[:length]):
            if name in paths and (length == len(path) or paths[name].get("open")):
                return paths[name]
    return None


def _forms(path: tuple[str, ...]) -> list[str]:
    """A path as written, and with each of its inner keys replaced by the tables' `*`."""
    return [".".join(path), *(".".join((*path[:i], "*", *path[i + 1 :])) for i in range(1, len(path) - 1))]


def test_every_value_is_one_that_changes_what_the_chart_renders(known: dict[str, Any]) -> None:
    @given(space.installations())
    def holds(args: ValuesArgs) -> None:
        each_is_known(known, values(args))

    holds()


def test_every_value_that_an_option_sets_is_one_too(known: dict[str, Any]) -> None:
    settings = Instance.model_validate(instance_settings.SET)
    each_is_known(known, values(space.arguments(options=options(settings, {}))))


def each_is_known(known: dict[str, Any], tree: dict[str, Any]) -> None:
    for path, value in space.leaves(tree):
        reference = "valueFrom" in path
        found = entry(known, path[: path.index("valueFrom")] if reference else path)
        assert found is not None, f"{'.'.join(path)} is not a value of the chart"
        assert found.get("effect") not in ("none", "fails"), f"{'.'.join(path)} has no effect"
        assert not any(".".join(path).startswith(f"{dead}.") or ".".join(path) == dead for dead in known["stale"])
        assert not reference or "valueFrom" in found["type"], f"{'.'.join(path)} takes no reference"
        assert fits(value, found["type"]), f"{'.'.join(path)}: {value!r} is no {found['type']}"


def fits(value: Any, wanted: str) -> bool:
    """Whether a leaf has one of the types that the tables name; a map's own leaves are not described further."""
    names = {bool: ("bool",), int: ("int", "scalar"), str: ("string", "quantity", "scalar"), list: ("list",)}
    return "map" in wanted or any(name in wanted for name in names[type(value)])


def test_a_dead_value_would_be_found(known: dict[str, Any]) -> None:
    assert entry(known, ("global", "redis", "passwordSecret", "name")) is None
    assert entry(known, ("api", "install")) is None
    assert entry(known, ("sizing",)) is None


def test_the_tables_are_of_the_chart_that_is_installed(known: dict[str, Any], requests: dict[str, Any]) -> None:
    for each in (known, requests):
        assert (each["chart"], each["version"]) == (CHART["name"], CHART["version"])


@each_component
def test_a_component_is_what_the_chart_says_it_is(known: dict[str, Any], component: Component) -> None:
    facts = known["componentInfo"][component.name]
    assert facts["switch"] in component.switches
    assert all(entry(known, tuple(switch.split("."))) for switch in component.switches)
    assert component.opens_bucket is ("bucket" in facts["uses"])
    assert facts["serviceAccount"] == component.service_account
    if component.ready:
        assert int(component.ready.partition("/")[0]) in facts["services"][component.service_account]


@each_component
def test_a_component_serves_the_products_that_the_tables_say(requests: dict[str, Any], component: Component) -> None:
    rows = [each for each in requests["sizes"]["small"] if each["component"] == component.name]
    assert {each["product"] for each in rows if each["kind"] == "Deployment"} == {component.product or "both"}


def test_no_component_that_is_on_by_default_is_left_to_the_default(known: dict[str, Any]) -> None:
    ours = {each.name for each in COMPONENTS} | set(NEVER_INSTALLED)
    assert {name for name, facts in known["componentInfo"].items() if facts["on"]} <= ours
