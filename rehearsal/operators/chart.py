"""The common parts of the charts: releases, values and their checking, labels."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


class ChartUnavailable(Exception):
    """The chart cannot be had: no such repository, chart or version, or a fault is played."""


class BadValues(Exception):
    """The chart's schema refuses the values."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart, as far as a rehearsal needs it."""

    name: str
    repositories: Sequence[str]
    versions: Sequence[str]
    """Ascending."""
    defaults: Mapping[str, Any]
    objects: Callable[[Release], list[Object]]
    schema: Mapping[str, type | tuple[type, ...]] | None = None
    """Dotted path -> type; None: the chart brings no schema."""

    def check(self, values: Mapping[str, Any]) -> None:
        """Raises BadValues, in Helm's words, listing every value of a wrong type."""
        problems = []
        for path, wanted in (self.schema or {}).items():
            found = _at(values, path)
            if found is not None and not _fits(found, wanted):
                names = " or ".join(_KINDS[kind] for kind in (wanted if isinstance(wanted, tuple) else (wanted,)))
                place = path.replace(".", "/").replace("~", ".")
                problems.append(f"- at '/{place}': got {_KINDS[type(found)]}, want {names}")
        if problems:
            heading = "values don't meet the specifications of the schema(s) in the following chart(s):"
            raise BadValues("\n".join([heading, f"{self.name}:", *sorted(problems)]))


@dataclass(frozen=True, kw_only=True)
class Release:
    """A chart being installed."""

    chart: Chart
    version: str
    name: str
    namespace: str
    values: Mapping[str, Any]

    @property
    def fullname(self) -> str:
        """Helm's customary name of a release's objects."""
        if override := self.values.get("fullnameOverride"):
            return str(override)[:63].rstrip("-")
        name = self.values.get("nameOverride") or self.chart.name
        return (self.name if name in self.name else f"{self.name}-{name}")[:63].rstrip("-")


_KINDS: Mapping[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Helm's merging of values: maps are merged, anything else replaces, null removes."""
    result = copy.deepcopy(dict(base))
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def without_empty(obj: Object) -> Object:
    """The mapping without keys that hold nothing, as an API server would store it."""
    return {key: value for key, value in obj.items() if value not in (None, "", [], {})}


def _at(values: Mapping[str, Any], path: str) -> Any:
    found: Any = values
    for part in path.split("."):
        # one key contains a dot of its own
        key = "config.yaml" if part == "config~yaml" else part
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _fits(value: Any, wanted: type | tuple[type, ...]) -> bool:
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, float) and value.is_integer() and int in kinds:
        return True
    return isinstance(value, kinds)
