"""Which changes only a new resource can have, and which differences are none.

The table `data/properties.json` was read from the Terraform provider's schemas (terraform-provider-aws 5.2, with the
later changes of its 6.x schemas for the types that this project uses), since the SDK does not say. Per type:

    replace   ForceNew: a change replaces the resource; `*` stands for any item of a list
    kept      Optional and Computed: dropped from the program it stays as it is, which is no change
    sets      the order of the items means nothing

A type that is not in the table is replaced by nothing but a changed name, and says so in `known`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.providers.base import Change
from rehearsal.providers.changes import Path as Steps
from rehearsal.providers.changes import changes, display, ignoring
from rehearsal.providers.values import UNKNOWN

_TABLE = Path(__file__).parent / "data" / "properties.json"
_REPLACING: dict[Change, Change] = {"add": "add-replace", "delete": "delete-replace", "update": "update-replace"}
_FALLBACK = ("name", "namePrefix")
_DOCUMENTS = frozenset(
    {"policy", "assumeRolePolicy", "accessPolicies", "configurationValues", "redrivePolicy", "eventPattern"}
)
"""JSON texts: the provider compares what they mean, not how they are written."""
_CONDITIONAL = {
    # terraform-provider-aws, internal/service/eks/cluster.go: envelope encryption cannot be disabled
    "aws:eks/cluster:Cluster": {"encryptionConfig": lambda old, new: bool(old) and not new},
    # internal/service/elasticache/replication_group.go: an engine or version that goes down replaces
    "aws:elasticache/replicationGroup:ReplicationGroup": {
        "engineVersion": lambda old, new: _version(new) < _version(old),
        "engine": lambda old, new: (old, new) == ("valkey", "redis"),
    },
    # internal/service/elasticache/cluster.go
    "aws:elasticache/cluster:Cluster": {"engineVersion": lambda old, new: _version(new) < _version(old)},
}


@dataclass(frozen=True)
class Rules:
    """What the table says of one type."""

    replace: tuple[str, ...]
    kept: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    known: bool = True


def rules(token: str) -> Rules:
    """The rules of a type; `known` is False where only names are assumed to be fixed."""
    row = _table().get(token)
    if row is None:
        return Rules(_FALLBACK, known=False)
    return Rules(tuple(row["replace"]), tuple(row.get("kept", ())), tuple(row.get("sets", ())))


def tokens() -> frozenset[str]:
    """The types in the table."""
    return frozenset(_table())


def differences(
    token: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    ignored: tuple[str, ...] = (),
    state: Mapping[str, Any] | None = None,
) -> dict[str, Change]:
    """Property paths that changed between two sets of inputs, as the engine spells them, without what is no change.

    `state` is the resource as it is: to ask for what it has already is no change.
    """
    told = rules(token)
    before, after, there = (_comparable(each, told, ()) for each in (old, new, state or {}))
    found: dict[str, Change] = {}
    for path, change in changes(before, after):
        wanted = _at(after, path)
        if change == "delete" and _matches(path, told.kept):
            continue
        if (_empty(_at(before, path)) and _empty(wanted)) or (change == "add" and _has(_at(there, path), wanted)):
            continue
        forced = _matches(path, told.replace) or _forced_now(token, before, after, path)
        found[display(path)] = _REPLACING[change] if forced else change
    return ignoring(found, ignored)


def _has(there: Any, wanted: Any) -> bool:
    """Whether `there` is what is wanted, or a block that holds it."""
    if isinstance(there, Mapping) and isinstance(wanted, Mapping):
        return all(_has(there.get(key), value) for key, value in wanted.items())
    return there is not None and there == wanted


def _forced_now(token: str, old: Mapping[str, Any], new: Mapping[str, Any], path: Steps) -> bool:
    test = _CONDITIONAL.get(token, {}).get(str(path[0]))
    return bool(test and test(old.get(path[0]), new.get(path[0])))


def _matches(path: Steps, patterns: Iterable[str]) -> bool:
    """Whether `path` is, or lies below, what a pattern names."""
    steps = ["*" if isinstance(step, int) else step for step in path]
    return any(steps[: len(wanted)] == wanted for wanted in (pattern.split(".") for pattern in patterns)) or any(
        # a whole block that comes or goes takes the fixed fields in it along
        wanted[: len(steps)] == steps and len(wanted) > len(steps)
        for wanted in (pattern.split(".") for pattern in patterns if "." in pattern)
        if len(steps) >= 1 and steps[-1] != "*"
    )


def _comparable(value: Any, told: Rules, path: tuple[str, ...]) -> Any:
    """`value` with sets in one order and JSON texts as what they mean."""
    if isinstance(value, Mapping):
        return {key: _comparable(item, told, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        items = [_comparable(item, told, (*path, "*")) for item in value]
        if ".".join(path) in told.sets:
            return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
        return items
    if isinstance(value, str) and path and path[-1] in _DOCUMENTS and value != UNKNOWN:
        try:
            return json.dumps(json.loads(value), sort_keys=True)
        except ValueError:
            return value
    return value


def _empty(value: Any) -> bool:
    """Terraform tells an empty text, list or map from none in no SDKv2 schema."""
    return value is None or value == "" or value == [] or value == {}


def _at(value: Any, path: Steps) -> Any:
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _version(text: Any) -> tuple[int, ...]:
    parts = str(text or "").split(".")
    return tuple(int(part) for part in parts if part.isdigit())


@functools.cache
def _table() -> Mapping[str, Mapping[str, list[str]]]:
    return json.loads(_TABLE.read_text(encoding="utf-8"))
