"""Functions of values that may be known now or only during the deployment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pulumi

T = TypeVar("T")


def lift(function: Callable[..., T], *values: Any) -> pulumi.Input[T]:
    """`function(*values)`: at once if all values are plain, however nested, else an Output of it."""
    if any(_is_later(value) for value in values):
        return pulumi.Output.all(*values).apply(lambda known: function(*known))
    return function(*values)


def _is_later(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_is_later(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_is_later(each) for each in value)
    return not isinstance(value, str | int | float | None)
