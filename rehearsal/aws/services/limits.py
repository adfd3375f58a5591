"""Small judgements that several services share: what is wrong with one value, said once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.providers.values import UNKNOWN

Network4 = ipaddress.IPv4Network


def known(value: Any) -> bool:
    """Whether a preview knows the value."""
    return value is not None and value != UNKNOWN


def text(inputs: Mapping[str, Any], key: str) -> str | None:
    """A known text, or None."""
    value = inputs.get(key)
    return value if isinstance(value, str) and value != UNKNOWN else None


def number(inputs: Mapping[str, Any], key: str) -> float | None:
    """A known number, or None."""
    value = inputs.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def matching(inputs: Mapping[str, Any], key: str, pattern: str, rule: str) -> Iterator[str]:
    """One sentence when a known text does not have the form."""
    value = text(inputs, key)
    if value is not None and not re.fullmatch(pattern, value):
        yield f"{key}: {value!r} is not allowed: {rule}"


def between(inputs: Mapping[str, Any], key: str, least: float, most: float, source: str) -> Iterator[str]:
    """One sentence when a known number is out of range."""
    value = number(inputs, key)
    if value is not None and not least <= value <= most:
        yield f"expected {key} to be in the range ({least:g} - {most:g}), got {value:g} ({source})"


def network(value: Any) -> Network4 | None:
    """An IPv4 network without host bits; None for anything else."""
    try:
        return ipaddress.IPv4Network(value)
    except (ValueError, TypeError):
        return None


def cidr(key: str, value: Any) -> Iterator[str]:
    """One sentence when a known text is no network address (Terraform: `ValidIPv4CIDRNetworkAddress`)."""
    if not isinstance(value, str) or value == UNKNOWN:
        return
    try:
        loose = ipaddress.ip_network(value, strict=False)
    except ValueError:
        yield f'"{key}" must contain a valid CIDR block, got: {value!r}'
        return
    if str(loose) != value:
        yield f'"{key}" must contain a valid network CIDR, expected "{loose}", got "{value}"'
