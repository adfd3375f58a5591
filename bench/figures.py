"""A measured figure, and how figures are told: one to a line, its ratio first, in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Something measured, and what it stands over."""

    what: str
    value: float
    unit: str
    """Of `value` and of `over`: "s", "MiB", "KiB" or "resources"."""
    over: float | None = None
    """What `value` is divided by; None: a figure that stands for itself."""
    limit: float | None = None
    """The ratio that this project promises to stay under."""

    @property
    def ratio(self) -> float | None:
        """`value` over `over`."""
        return None if self.over is None else self.value / self.over

    @property
    def kept(self) -> bool:
        """False where a promise is broken."""
        return self.limit is None or self.ratio is None or self.ratio <= self.limit


@dataclass(frozen=True, kw_only=True)
class Group:
    """Figures that one measurement gave."""

    title: str
    """What is measured over what."""
    figures: Sequence[Figure]
    commands: Sequence[str]
    """How to run what was measured."""


def show(console: Console, group: Group) -> None:
    """Prints the title, one line for each figure, and the commands."""
    console.print()
    for line in textwrap.wrap(group.title, console.width):
        console.print(Text(line, style="bold"))
    widest = max(len(figure.what) for figure in group.figures)
    for figure in group.figures:
        console.print(_line(figure, widest), no_wrap=True, overflow="ignore", crop=False)
    for command in group.commands:
        console.print(Text(f"  $ {command}", style="dim"), no_wrap=True, overflow="ignore", crop=False)


def _line(figure: Figure, widest: int) -> Text:
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    limit = "" if figure.limit is None else f"at most {figure.limit:g}"
    line = Text(f"  {figure.what:<{widest}}  ")
    line.append(f"{ratio:>6}", style="bold" if figure.kept else "bold red")
    line.append(f"  {limit:<12}")
    measured = _number(figure.value, figure.unit)
    if figure.over is not None:
        measured = f"{measured:>9} over {_number(figure.over, figure.unit)}"
    return line.append(measured.strip() if figure.over is None else measured)


def _number(value: float, unit: str) -> str:
    if unit == "resources":
        return f"{value:.0f}"
    return f"{value:.2f} s" if unit == "s" else f"{value:.0f} {unit}"
