"""A row of the table of dependencies that nothing can avoid.

A pattern is a type token, or `Component$token` for the resources directly in that component; `*` stands for any text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .critical_path import Step


@dataclass(frozen=True)
class Rule:
    """`step` needs `needs`, because of what `because` says."""

    step: str
    needs: str
    because: str

    def holds(self, step: Step, needs: Step) -> bool:
        """Whether this is the reason why `step` needs `needs`."""
        return _matches(self.step, step) and _matches(self.needs, needs)


def rules(step: str, *needs: tuple[str, str]) -> Iterator[Rule]:
    """One row for each of the needs of `step` and its reason."""
    return (Rule(step, need, because) for need, because in needs)


def _matches(pattern: str, step: Step) -> bool:
    return fnmatchcase(step.kind if "$" in pattern else step.type, pattern)
