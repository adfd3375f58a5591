"""The values that chart `operator-wandb` reads, and what is wrong with a tree of values for it.

The chart has no schema of its own: a key that it does not know is ignored without a word, and W&B's operator stops at a
value of another kind than the chart's. The list is in data/operator-wandb.json, with the version that it belongs to;
`python -m tools.chart_values` makes it from an unpacked chart.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi

DATA = Path(__file__).parent / "data" / "operator-wandb.json"
COMPONENT = "<component>"
"""Stands for any component of the chart in the list of keys that are read by none."""
_KINDS = {
    "string": "a text",
    "int": "a whole number",
    "number": "a number",
    "bool": "true or false",
    "quantity": 'an amount, such as "500m" or "2Gi"',
    "list": "a list",
    "map": "keys with values",
}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong in a tree of values."""

    path: str
    wrong: str
    """What is wrong, following the path: `is ...`. Ends without a full stop, and never shows the value."""
    right: str
    """What would be right: a whole sentence; empty where nothing is like it."""

    def __str__(self) -> str:
        return f"{self.path}: {self.wrong}. {self.right}".rstrip()


@dataclass(frozen=True, kw_only=True)
class Known:
    """What one version of the chart reads. A type is `string`, `int|string`, ...; with `*` anything may be below it."""

    chart: str
    version: str
    components: frozenset[str]
    values: Mapping[str, str]
    """By full path."""
    component: Mapping[str, str]
    """By the path below each component; the segment `*` is a name that the user chooses."""
    instead: Mapping[str, str]
    """Keys that were read once, or look as if they were: what to use in their place."""
    secret: Mapping[str, str] = field(default_factory=dict)
    """Keys that take a secret in clear text: what takes a reference in their place."""

    def type_of(self, path: tuple[str, ...]) -> str | None:
        """The type at `path`: `map` where keys below it are read; None where nothing is."""
        if path[0] not in self.components:
            return _lookup(_tree(self, "values"), path)
        if len(path) == 1:
            return "map"
        # a component may read single keys of its own below what every component may have anything below
        found = [_lookup(_tree(self, "values"), path), _lookup(_tree(self, "component"), path[1:])]
        return next((each for each in found if each and each.endswith("*")), found[0] or found[1])

    def replacement(self, path: tuple[str, ...]) -> str | None:
        """What to use for a key that is read by none."""
        direct = self.instead.get(".".join(path))
        if direct is None and path[0] in self.components:
            direct = self.instead.get(".".join((COMPONENT, *path[1:])))
        return direct.replace(COMPONENT, path[0]) if direct else None

    def paths_like(self, path: tuple[str, ...]) -> list[str]:
        """Every path that is read, those of components with the names that `path` has for what the user chooses."""
        found = [each for known_path in self.values for each in _prefixes(known_path)]
        if path[0] in self.components:
            below = [each for known_path in self.component for each in _prefixes(known_path)]
            found += [".".join((path[0], *_chosen(each.split("."), path[1:]))) for each in below]
        return list(dict.fromkeys(each for each in found if "*" not in each))


@functools.cache
def known() -> Known:
    """The list that belongs to this version of the program."""
    read = json.loads(DATA.read_text())
    return Known(**{name: read[name] for name in ("chart", "version", "values", "component", "instead", "secret")},
                 components=frozenset(read["components"]))  # fmt: skip


def problems(values: Mapping[str, Any], *, allow_unknown: bool = False, chart: Known | None = None) -> list[Problem]:
    """Everything that the chart would ignore or choke on in `values`, each with the nearest thing that would be right.

    `allow_unknown` passes over keys that the list does not have, not over values of the wrong kind. `pulumi.Output`s are
    taken as they are: their kind is not known before the stack runs.
    """
    chart = chart or known()
    return [each for key, value in values.items() for each in _check(chart, (key,), value, allow_unknown)]


def secrets_in_clear(values: Mapping[str, Any], *, chart: Known | None = None) -> list[Problem]:
    """The secrets that stand in `values` as texts. They would be copied into two Secrets and into the operator's log."""
    chart = chart or known()
    found = []
    for path, instead in chart.secret.items():
        value: Any = values
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value and not isinstance(value, Mapping):
            found.append(Problem(path=path, wrong="is a secret in clear text", right=f"Use {instead}."))
    return found


def _check(chart: Known, path: tuple[str, ...], value: Any, allow_unknown: bool) -> Iterator[Problem]:
    text = ".".join(path)
    if replacement := chart.replacement(path):
        yield Problem(path=text, wrong=_unread(chart), right=f"Use {replacement}.")
        return
    expected = chart.type_of(path)
    if expected is None:
        if not allow_unknown:
            near = _nearest(chart, path)
            yield Problem(path=text, wrong=_unread(chart), right=f"Did you mean `{near}`?" if near else "Leave it out.")
        return
    if isinstance(value, pulumi.Output):
        return
    kinds = [each.rstrip("*") for each in expected.split("|")]
    if value is None:
        yield Problem(path=text, wrong="is null, which stops W&B's operator", right="Leave the key out.")
    elif not any(_is(kind, value) for kind in kinds):
        wanted = " or ".join(_KINDS[each] for each in kinds)
        yield Problem(path=text, wrong=f"is {_said(value)}, and the chart wants {wanted}", right=_how(kinds, value))
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from _check(chart, (*path, key), below, allow_unknown or expected.endswith("*"))


def _unread(chart: Known) -> str:
    return f"is read by nothing in chart {chart.chart} {chart.version}"


def _is(kind: str, value: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "bool":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "quantity":
            return isinstance(value, str | int | float) and not isinstance(value, bool)
        case "list":
            return isinstance(value, list | tuple)
        case "map":
            return isinstance(value, Mapping)
    raise ValueError(f"{kind}: the list of the chart's values has no such type")


def _said(value: Any) -> str:
    kinds = ("bool", "int", "number", "string", "list", "map")
    names = {"map": "a section"} | {kind: text for kind, text in _KINDS.items() if kind != "map"}
    return next((names[kind] for kind in kinds if _is(kind, value)), "of no kind that YAML has")


def _how(kinds: list[str], value: Any) -> str:
    if kinds == ["string"] and not isinstance(value, list | tuple | Mapping):
        return "Put it in quotes."
    if kinds == ["list"] and not isinstance(value, Mapping):
        return "Write it as a list, as in `[value]`."
    if isinstance(value, str) and set(kinds) & {"int", "number", "bool"}:
        return "Write it without quotes."
    return "Write its keys below it." if "map" in kinds else "Give it as the chart has it."


def _nearest(chart: Known, path: tuple[str, ...]) -> str | None:
    """The path that was probably meant: a neighbour, else one with the same end, else the one that reads most alike."""
    candidates, text = chart.paths_like(path), ".".join(path)
    beside = {each.rpartition(".")[2]: each for each in candidates if each.split(".")[:-1] == list(path[:-1])}
    if close := difflib.get_close_matches(path[-1], beside, n=1, cutoff=0.7):
        return beside[close[0]]
    for length in range(len(path), 0, -1):
        same_end = [each for each in candidates if each.split(".")[-length:] == list(path[-length:])]
        cutoff = 0.6 if length == 1 and len(same_end) > 1 else 0.0
        if close := difflib.get_close_matches(text, same_end, n=1, cutoff=cutoff):
            return close[0]
    close = difflib.get_close_matches(text, candidates, n=1, cutoff=0.6)
    return close[0] if close else None


def _chosen(pattern: list[str], names: tuple[str, ...]) -> Iterator[str]:
    for index, part in enumerate(pattern):
        yield names[index] if part == "*" and index < len(names) else part


def _prefixes(path: str) -> Iterator[str]:
    parts = path.split(".")
    yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


_TYPE = ""


@functools.cache
def _trees(version: str, table: str, paths: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, kind in paths:
        here = tree
        for part in path.split("."):
            here = here.setdefault(part, {})
        here[_TYPE] = kind
    return tree


def _tree(chart: Known, table: str) -> dict[str, Any]:
    return _trees(chart.version, table, tuple(getattr(chart, table).items()))


def _lookup(tree: Mapping[str, Any], path: tuple[str, ...]) -> str | None:
    here: Any = tree
    for part in path:
        here = here.get(part) if part in here else here.get("*")
        if here is None:
            return None
    return here.get(_TYPE) or "map"
