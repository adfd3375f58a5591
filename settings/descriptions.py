"""What the models say about their fields: the text below each field, read from the source when somebody asks.

Pydantic can do the same (`use_attribute_docstrings`), but for every model at its definition: that reads and parses the
source once for each, and was half the time of importing the settings, in which a program without mistakes needs no
description.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections.abc import Iterator
from itertools import pairwise

from pydantic import BaseModel


def description(model: type[BaseModel], field: str) -> str:
    """What stands below `field` in `model` or in the model that it inherits the field from, in one line; else nothing."""
    for each in model.__mro__:
        found = _of_module(each.__module__).get(each.__qualname__, {}) if issubclass(each, BaseModel) else {}
        if field in found:
            return found[field]
    return ""


@functools.cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    """By class and field."""
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {node.name: dict(_of_class(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _of_class(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(node.body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            yield field.target.id, " ".join(text.value.value.split())
