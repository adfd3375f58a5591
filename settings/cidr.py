"""Blocks of IPv4 addresses in settings."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from .base import refusal

_PATTERN = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}")


def _cidr(value: str) -> str:
    if not _PATTERN.fullmatch(value):
        raise refusal("is not a block of IPv4 addresses", "Write address and length, as in `203.0.113.0/24`.")
    try:
        block = ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        raise refusal(
            "is not a block of IPv4 addresses",
            "Numbers go to 255, and the length from 0 to 32, as in `203.0.113.0/24`.",
        ) from None
    if str(block) != value:
        raise refusal("names an address inside the block", "Write the block's first address.", like=str(block))
    return value


Cidr = Annotated[str, AfterValidator(_cidr), Field(json_schema_extra={"pattern": f"^{_PATTERN.pattern}$"})]
"""A block of IPv4 addresses, written by its first address, such as `203.0.113.0/24`."""


def block(cidr: str) -> ipaddress.IPv4Network:
    """The block that a setting holds. Raises ValueError for any other text."""
    return ipaddress.IPv4Network(cidr)
