"""The critical path of a rehearsed `up`, as plain data and as it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .critical_path import Graph, Step
from .figures import Figure, Group
from .unavoidable import reason, unavoidable

MAKESPAN_LIMIT = 1.05
"""The whole `up` over the longest chain of dependencies that nothing can avoid."""
_SHORT = 0.05
"""Seconds; steps of the chain that took and waited less are told in one line."""


@dataclass(frozen=True, kw_only=True)
class Waited:
    """One step of the chain that the `up` took."""

    name: str
    type: str
    seconds: float
    waited: float
    """Seconds before it that were nobody's work: the engine's, the program's, or in the queue for a free worker."""
    because: str | None
    """Why it needs the step before it; None: it could do without, or it is the first."""


@dataclass(frozen=True, kw_only=True)
class CriticalPath:
    """What one `up` waited for. Seconds."""

    makespan: float
    """From the begin of the first step to the end of the last."""
    longest: float
    """The longest chain of all dependencies that the program has."""
    unavoidable: float
    """The longest chain of those that nothing can avoid."""
    chain: tuple[Waited, ...]
    removable: tuple[str, ...]
    """Each dependency on the chain that could go, and what that would save."""

    @classmethod
    def of(cls, graph: Graph) -> CriticalPath:
        """The path through `graph`. Raises `ValueError` where steps need each other."""
        return cls(
            makespan=graph.makespan,
            longest=graph.longest()[0],
            unavoidable=graph.longest(unavoidable)[0],
            chain=tuple(
                Waited(
                    name=link.step.name,
                    type=link.step.type,
                    seconds=link.step.seconds,
                    waited=link.waited,
                    because=reason(link.step, link.before) if link.before else None,
                )
                for link in graph.taken()
            ),
            removable=tuple(
                f"{_told(each.step)} waits for {_told(each.needs)}; without that the longest chain is {each.saves:.1f} s "
                "shorter"
                for each in graph.removable(unavoidable)
            ),
        )

    @classmethod
    def read(cls, plain: dict[str, Any]) -> CriticalPath:
        """The path that `dataclasses.asdict` made plain."""
        chain = tuple(Waited(**link) for link in plain["chain"])
        values: dict[str, Any] = {**plain, "chain": chain, "removable": tuple(plain["removable"])}
        return cls(**values)


def _told(step: Step) -> str:
    return f"{step.name} ({step.type})"


def group(path: CriticalPath, stack: str, command: str) -> Group:
    """The figures of the path, with their limit."""
    return Group(
        title=f"Makespan of a rehearsed up ({stack}), in scaled time, over the longest chain that nothing can avoid",
        figures=[
            Figure(what="up", value=path.makespan, unit="s", over=path.unavoidable, limit=MAKESPAN_LIMIT),
            Figure(what="longest chain of the program", value=path.longest, unit="s", over=path.unavoidable),
        ],
        commands=[command],
    )


def show(console: Console, path: CriticalPath) -> None:
    """Prints the critical path, step by step, and what on it could go."""
    table = Table(box=None, pad_edge=False, title="  The path that it took:", title_justify="left", title_style="")
    for heading, how in (("  step", "left"), ("took", "right"), ("after", "right"), ("because", "left")):
        table.add_column(heading, justify="right" if how == "right" else "left", overflow="fold")
    short = [link for link in path.chain if _brief(link)]
    for link in path.chain:
        if not _brief(link):
            why = link.because or ("first" if link is path.chain[0] else "could go")
            table.add_row(f"  {escape(link.name)}", f"{link.seconds:.1f} s", f"{link.waited:.1f} s", escape(why))
    if short:
        seconds, waited = sum(link.seconds for link in short), sum(link.waited for link in short)
        table.add_row(f"  {len(short)} short ones", f"{seconds:.1f} s", f"{waited:.1f} s", "", style="dim")
    console.print(table)
    for each in path.removable:
        console.print(f"  [yellow]could go:[/yellow] {escape(each)}", highlight=False, soft_wrap=True)
    if not path.removable:
        console.print("  Every dependency on it is one that nothing can avoid.", style="dim")


def _brief(link: Waited) -> bool:
    return link.seconds < _SHORT and link.waited < _SHORT and link.because is not None
