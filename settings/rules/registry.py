"""What a rule is, and the list of all rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..model import Settings
from ..problems import Problem

Problems = Iterator[Problem]
Rule = Callable[[Settings], Problems]
RULES: list[Rule] = []


def rule(each: Rule) -> Rule:
    """Add a rule to the list."""
    RULES.append(each)
    return each


def given(value: object) -> bool:
    """Whether a setting without default has a value."""
    return value is not None
