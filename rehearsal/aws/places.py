"""Partitions, zones, and which instance types are offered where.

Partitions are botocore's (`partitions.json`); zones and offerings are those that moto took from EC2
(DescribeInstanceTypeOfferings), which leave out GovCloud and China: there every type that exists counts as offered in
every zone, so a type that such a region lacks is not noticed.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings import regions


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A part of AWS with identities and ARNs of its own."""

    name: str
    dns_suffix: str
    fallback_region: str
    """Where its global services are spoken to."""


@functools.cache
def partition(region: str) -> Partition:
    """The partition of a region, known or of the right form. Raises ValueError for what is no region."""
    for each in json.loads((_package("botocore") / "data" / "partitions.json").read_text(encoding="utf-8"))[
        "partitions"
    ]:
        if region in each["regions"] or re.fullmatch(each["regionRegex"].removeprefix("^").removesuffix("$"), region):
            outputs = each["outputs"]
            return Partition(
                name=each["id"], dns_suffix=outputs["dnsSuffix"], fallback_region=outputs["implicitGlobalRegion"]
            )
    raise ValueError(f"{region!r} is not a region of AWS")


def known_regions() -> frozenset[str]:
    """Every region's name."""
    return frozenset(regions.REGIONS)


@functools.cache
def zones(region: str) -> tuple[str, ...]:
    """The region's availability zones, by name, in order."""
    if found := _zones_with_types(region):
        return tuple(sorted(found))
    known = regions.REGIONS.get(region)
    return (known.default_zones if known else ()) or tuple(f"{region}{letter}" for letter in "abc")


def zone_id(zone: str) -> str:
    """An id of the usual form; which letter is which id differs from account to account."""
    region, letter = zone[:-1], zone[-1]
    parts = region.split("-")
    if region == "us-east-1":
        # the order that leaves use1-az3, where EKS has no room, to zone e: as in moto and many accounts
        return f"use1-az{ {'a': 6, 'b': 1, 'c': 2, 'd': 4, 'e': 3, 'f': 5}.get(letter, 1) }"
    short = parts[0] + "".join(part[0] for part in parts[1:-1]) + parts[-1]
    return f"{short}-az{zones(region).index(zone) + 1 if zone in zones(region) else 1}"


def offered(instance_type: str, region: str, zone: str | None = None) -> bool:
    """Whether EC2 has the type in that region, or in that zone."""
    found = _zones_with_types(region)
    if not found:
        return instance_type in instance_types()
    return any(instance_type in types for name, types in found.items() if zone in (None, name))


def zones_offering(instance_type: str, region: str) -> tuple[str, ...]:
    """The zones of the region that have the type."""
    return tuple(zone for zone in zones(region) if offered(instance_type, region, zone))


@functools.cache
def instance_types() -> Mapping[str, Mapping[str, Any]]:
    """What EC2 says of each type (DescribeInstanceTypes), by name."""
    with gzip.open(_package("moto") / "ec2" / "resources" / "instance_types.json.gz") as file:
        return json.load(file)


def region_types(region: str) -> frozenset[str]:
    """Types that the region has in some zone."""
    found = _zones_with_types(region)
    return frozenset().union(*found.values()) if found else frozenset(instance_types())


@functools.cache
def _zones_with_types(region: str) -> Mapping[str, frozenset[str]]:
    folder = _package("moto") / "ec2" / "resources" / "instance_type_offerings" / "availability-zone"
    try:
        with gzip.open(folder / f"{region}.json.gz") as file:
            rows = json.load(file)
    except FileNotFoundError:
        return {}
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["Location"], set()).add(row["InstanceType"])
    return {zone: frozenset(types) for zone, types in sorted(found.items())}


def _package(name: str) -> Path:
    # found without importing it: moto takes a second, and is not run here
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.origin:
        raise ModuleNotFoundError(f"the rehearsal of AWS needs the package {name}: pip install -r requirements-dev.txt")
    return Path(spec.origin).parent
