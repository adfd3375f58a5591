"""What preflight finds, and how it is reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from settings import Problem
from settings.surface import full

SWITCH = "kubernetes.preflight"
"""The setting that switches preflight off, on every target."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What preflight found."""

    where: str
    """Which cluster or account was looked at."""
    what: str = "cluster"
    problems: Sequence[Problem] = field(default_factory=tuple)
    """What makes the stack fail. Nothing may be made before it is changed."""
    warnings: Sequence[Problem] = field(default_factory=tuple)
    """What may be right, or could not be looked at."""

    def report(self) -> str:
        """Every problem, one to a line."""
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = [f"{count} in the {self.what} ({self.where}); nothing was changed:"]
        lines += [f"  {each}" for each in self.problems]
        lines.append(f"To run without these checks: `pulumi config set --path {full(SWITCH)} false`.")
        return "\n".join(lines)


@dataclass(frozen=True)
class Warned:
    """A finding that does not stop the stack."""

    problem: Problem


Found = Iterator[Problem | Warned]
"""What a check yields."""
