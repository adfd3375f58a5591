"""Looking things up as data sources do: by id, filters and tags, with their words when nothing fits."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from rehearsal.providers.base import Refused
from rehearsal.providers.values import Properties

from .. import secrecy
from ..account import Record
from ..behaviour import Moment

_FILTERS = {
    "availability-zone": "availabilityZone",
    "cidr": "cidrBlock",
    "cidr-block": "cidrBlock",
    "group-id": "id",
    "group-name": "name",
    "subnet-id": "id",
    "vpc-id": "vpcId",
    "state": "state",
    "is-default": "isDefault",
}
"""EC2's names of filters, and the properties that they look at."""


def listed(at: Moment, token: str, arguments: Mapping[str, Any]) -> list[Record]:
    """Resources of the type in this region, by tags and filters."""
    found = at.find(token)
    for key, value in (arguments.get("tags") or {}).items():
        found = [each for each in found if _tags(each).get(key) == value]
    for each in arguments.get("filters") or ():
        found = [record for record in found if _fits(record, each["name"], each["values"])]
    return found


def one(at: Moment, what: str, named: str, found: list[Record]) -> Record:
    """The only one. Raises Refused as data sources do."""
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused(f"reading {what} ({named}): couldn't find resource")
    raise Refused(f"reading {what} ({named}): multiple results matched; use additional constraints to reduce matches")


def shown(record: Record, **more: Any) -> Properties:
    """The properties of a resource as a data source shows them."""
    outputs = {key: value for key, value in record.outputs.items() if not secrecy.is_veiled(value)}
    return {**outputs, "tags": _tags(record), "id": record.id, **more}


def _tags(record: Record) -> dict[str, str]:
    return dict(record.get("tagsAll") or record.get("tags") or {})


def _fits(record: Record, name: str, values: list[str]) -> bool:
    if name.startswith("tag:"):
        return any(fnmatchcase(_tags(record).get(name[4:], "\0"), value) for value in values)
    if name == "tag-key":
        return any(value in _tags(record) for value in values)
    if name not in _FILTERS:
        raise Refused(f"the rehearsal's stand-in for the aws provider does not know the filter {name}")
    actual = record.get(_FILTERS[name])
    if actual is None:
        # what exists is in a state in which it can be used
        actual = "available" if name == "state" else ""
    return any(fnmatchcase(str(actual).lower() if isinstance(actual, bool) else str(actual), value) for value in values)
