"""`python -m tools.chart_values <unpacked chart>`: which values a version of chart `operator-wandb` reads.

Writes components/wandb/data/operator-wandb.json, by which the values of W&B's chart are checked before they are used.
For the next version: unpack the chart and `wandb-base` beside it (a clone of W&B's repository of charts has both under
`charts/`), run this, and read the difference that it prints.

Found by reading: the keys of values.yaml with the types of their defaults, and the keys that templates name. What cannot
be found so is kept by hand in `corrections`, and carried over: keys that a template reaches through a variable, types
that a default does not show, keys that nothing reads although values.yaml has them (`null`). Sub-charts other than
`wandb-base` are open: anything may be below them.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).resolve().parent.parent / "components" / "wandb" / "data" / "operator-wandb.json"
BASE = "wandb-base"
_NAMED = re.compile(r"\.Values((?:\.[A-Za-z][A-Za-z0-9_-]*)+)")
_INDEXED = re.compile(r'index \.Values((?: "[^"]+")+)')


def chart_values(chart: Path, base: Path, corrections: Mapping[str, Any]) -> dict[str, Any]:
    """The list for the chart in `chart`, whose components are instances of the chart in `base`.

    `corrections` has the keys `values` and `component`: types by path that win over what is found; None takes out a path
    and all below it.
    Raises FileNotFoundError where one of the folders is no chart.
    """
    about, of_base = _yaml(chart / "Chart.yaml"), _yaml(base / "Chart.yaml")
    parts = about.get("dependencies") or []
    components = sorted({each["alias"] for each in parts if each["name"] == BASE and "alias" in each})
    others = {each.get("alias", each["name"]) for each in parts if each["name"] != BASE}
    component = _corrected(
        # what is global belongs to the chart above
        {path: kind for path, kind in _found(base).items() if not path.startswith("global.")},
        corrections.get("component", {}),
    )
    found = _found(chart) | dict.fromkeys(others, "map*")
    own = {path: kind for path, kind in found.items() if not _covered(path, components, component)}
    own |= {each["condition"]: "bool" for each in parts if "condition" in each}
    return {
        "chart": about["name"],
        "version": about["version"],
        "base": {of_base["name"]: of_base["version"]},
        "components": components,
        "values": _corrected(own, corrections.get("values", {})),
        "component": component,
    }


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What changed from one list to the next, a line each; a correction of a path that is gone is among it."""
    for table in ("values", "component"):
        old, new = before.get(table, {}), after[table]
        yield from (f"- {table} {path}" for path in old if path not in new)
        yield from (f"+ {table} {path}: {kind}" for path, kind in new.items() if path not in old)
        yield from (
            f"~ {table} {path}: {old[path]} -> {new[path]}" for path in old if old[path] != new.get(path, old[path])
        )


def _found(chart: Path) -> dict[str, str]:
    values = _yaml(chart / "values.yaml")
    declared = dict(_leaves(values))
    named: dict[str, str] = {}
    for path in sorted({each for template in _templates(chart) for each in _references(template)}):
        if path.partition(".")[0] not in values:
            continue  # a template for one component, which is handed that component's values alone
        inside = any(each == path or each.startswith(f"{path}.") for each in declared)
        if not inside and not any(path.startswith(f"{each}.") for each, kind in declared.items() if kind.endswith("*")):
            named[path] = "string"
    inner = {each for each in named for other in named if other.startswith(f"{each}.")}
    return declared | {path: kind for path, kind in named.items() if path not in inner}


def _templates(chart: Path) -> Iterator[str]:
    for file in sorted((chart / "templates").rglob("*")):
        if file.is_file() and "tests" not in file.parts:
            yield file.read_text()


def _references(template: str) -> Iterator[str]:
    yield from (each[1].strip(".") for each in _NAMED.finditer(template))
    yield from (".".join(re.findall(r'"([^"]+)"', each[1])) for each in _INDEXED.finditer(template))


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf by its path, with the type of its default. An empty section may have anything below it."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif path:
        yield path, _type(tree)


def _type(default: Any) -> str:
    if isinstance(default, bool):
        return "bool"
    kinds = {int: "int", float: "number", list: "list*", dict: "map*"}
    return kinds.get(type(default), "string")


def _covered(path: str, components: list[str], component: Mapping[str, str]) -> bool:
    """Whether `path` is of a component, and a key that all components have says the same."""
    first, *rest = path.split(".")
    if first not in components or not rest:
        return False
    for pattern, kind in component.items():
        parts = pattern.split(".")
        same = all(one in ("*", other) for one, other in zip(parts, rest, strict=False))
        if same and (len(parts) == len(rest) or len(parts) < len(rest) and kind.endswith("*")):
            return True
    return False


def _corrected(found: Mapping[str, str], corrections: Mapping[str, str | None]) -> dict[str, str]:
    """`found` with the corrections; None takes out a path and all below it."""
    out = [path for path, kind in corrections.items() if kind is None]
    kept = {path: kind for path, kind in found.items() if not any(f"{path}.".startswith(f"{each}.") for each in out)}
    return dict(sorted({**kept, **{path: kind for path, kind in corrections.items() if kind is not None}}.items()))


def _yaml(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text()) or {}


def main() -> None:
    """Write the list anew from an unpacked chart, and say what changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chart", type=Path, help="folder of the unpacked chart operator-wandb")
    parser.add_argument("--base", type=Path, help="folder of wandb-base; default: beside the chart")
    parser.add_argument("--data", type=Path, default=DATA, help="the list to write")
    args = parser.parse_args()
    before = json.loads(args.data.read_text()) if args.data.exists() else {}
    kept = {name: before.get(name, {}) for name in ("provenance", "corrections", "instead", "secret")}
    made = chart_values(args.chart, args.base or args.chart.parent / BASE, kept["corrections"])
    args.data.write_text(json.dumps(made | kept, indent=1, ensure_ascii=False) + "\n")
    for line in differences(before, made):
        print(line)


if __name__ == "__main__":
    main()
