"""How the operator merges specifications: the one given first wins.

Source: `pkg/utils/merge.go` of W&B's operator 1.22.0, errors included.
"""

from __future__ import annotations

import copy
from typing import Any


class TypeNotMatch(Exception):
    """The same key holds different kinds of JSON on the two sides."""

    def __init__(self, path: str) -> None:
        super().__init__("type not match")
        self.path = path


class Panic(Exception):
    """The real operator would panic: one side holds null where the other has the key too."""

    def __init__(self, path: str) -> None:
        super().__init__("runtime error: invalid memory address or nil pointer dereference")
        self.path = path


def merge(first: Any, second: Any, path: str = "") -> Any:
    """`first` over `second`: maps key by key, lists one after the other, of scalars the first.

    Raises TypeNotMatch and Panic with the path of the key.
    """
    if first is None or second is None:
        raise Panic(path)
    if _kind(first) != _kind(second):
        raise TypeNotMatch(path)
    if isinstance(first, dict):
        merged = copy.deepcopy(first)
        for key, value in second.items():
            here = f"{path}.{key}".lstrip(".")
            merged[key] = merge(first[key], value, here) if key in first else copy.deepcopy(value)
        return merged
    if isinstance(first, list):
        return copy.deepcopy(first) + copy.deepcopy(second)
    return first


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return {dict: "map", list: "slice", str: "string"}.get(type(value), type(value).__name__)
