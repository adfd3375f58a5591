"""Functions of the SDK that only read, answered from the account and from what is known of AWS.

A function is answered or refused by name; a thing that is not there is an error in the real provider's words.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from ..behaviour import Moment

Answer = Callable[[Moment, Mapping[str, Any]], Properties]

_ANSWERS: dict[str, Answer] = {}
_MODULES = ("account", "network", "machines", "databases", "clusters", "stores")


def answers(function: str) -> Callable[[Answer], Answer]:
    """Decorator: answers a function such as `ec2/getVpc`."""

    def add(answer: Answer) -> Answer:
        _ANSWERS[f"aws:{function}:{function.rpartition('/')[2]}"] = answer
        return answer

    return add


def find(token: str) -> Answer | None:
    """What answers the function; None when nothing does."""
    # each time: a program asks many questions at once, and only the import itself waits for one that has begun
    for module in _MODULES:
        importlib.import_module(f"{__name__}.{module}")
    return _ANSWERS.get(token)


def known() -> frozenset[str]:
    """Tokens of the functions that are answered."""
    find("")
    return frozenset(_ANSWERS)
