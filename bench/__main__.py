"""`python -m bench`: measures everything and tells it as ratios. Ends with 1 where a promise is broken."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from .figures import Figure, Group, show
from .measure import CommandFailed, Cost, medians, once

TIME_LIMIT = 1.5
"""The whole program, recorded, over importing the SDK modules that it uses, in processor time."""
MEMORY_LIMIT = 1.2
"""The same, in peak memory."""
EXPECTED_MINUTES = 35
"""For everything, on two cores."""
STACKS = ("dev", "prod")
GROWTH = (1, 2, 4)
INTERRUPTED = 130

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    stack: Annotated[list[str] | None, typer.Option(help="a stack that is measured; may be given again")] = None,
    runs: Annotated[int, typer.Option(help="how often each is run; the median counts", min=1)] = 7,
    engine: Annotated[bool, typer.Option(help="measure the rehearsed preview and up too: some minutes")] = True,
) -> None:
    """Measure what this project claims about its speed and size."""
    console = Console()
    signal.signal(signal.SIGTERM, _interrupt)  # what is running has to clean up then, too
    kept = True
    try:
        for group in _groups(stack or STACKS, runs, engine, console):
            show(console, group)
            kept = kept and all(figure.kept for figure in group.figures)
    except KeyboardInterrupt:
        console.print("\nInterrupted.")
        raise typer.Exit(INTERRUPTED) from None
    except CommandFailed as error:
        console.print(f"[bold red]error:[/bold red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if not kept:
        console.print("\n[bold red]A promise is broken: a ratio is above its limit.[/bold red]")
        raise typer.Exit(1)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _groups(stacks: Sequence[str], runs: int, engine: bool, console: Console) -> Iterator[Group]:
    console.print(f"Medians of {runs} runs, each over another measured in turn with it.", style="dim")
    if engine:
        console.print(f"All of it takes up to {EXPECTED_MINUTES} minutes on two cores.", style="dim")
    for stack in stacks:
        yield from _program(stack, runs, console)
        yield from _zones_and_pools(stack, console)
    yield _growth(runs, console)
    if engine:
        # Only now: a process is said to have had the peak memory of the one that started it, too.
        from . import clickhouse, rehearsed

        yield from clickhouse.groups(console)
        for stack in stacks:
            yield from rehearsed.groups(stack, console)


def _measured(console: Console, what: str, commands: list[list[str]], runs: int) -> list[Cost]:
    """The medians of the commands, with a line that says how far it is."""
    with console.status(f"[dim]{what}[/dim]") as status:

        def told(number: int) -> None:
            at = f"run {number} of {runs}" if number else "warming up"
            status.update(f"[dim]{what}: {at}[/dim]")

        return medians(commands, runs, told)


def _subject(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bench.subjects", *arguments]


def _shown(*arguments: str) -> str:
    return shlex.join(["python", "-m", "bench.subjects", *arguments])


def _costs(
    cost: Cost, over: Cost, *, prefix: str = "", time: float | None = None, memory: float | None = None
) -> list[Figure]:
    """The figures of `cost`; `time` and `memory` are limits."""
    return [
        Figure(what=f"{prefix}processor time", value=cost.cpu, unit="s", over=over.cpu, limit=time),
        Figure(what=f"{prefix}wall time", value=cost.seconds, unit="s", over=over.seconds),
        Figure(what=f"{prefix}peak memory", value=cost.mib, unit="MiB", over=over.mib, limit=memory),
    ]


def _program(stack: str, runs: int, console: Console) -> Iterator[Group]:
    """The whole program under the recorder, over importing the SDK modules that it uses; and what it declares."""
    listed = once(_subject("modules", stack)).output.strip()
    commands = [_subject("program", stack), _subject("imports", listed)]
    whole, yardstick = _measured(console, f"the whole program, {stack}", commands, runs)
    yield Group(
        title=f"The whole program under the recorder ({stack}), over importing its {len(json.loads(listed))} SDK modules",
        figures=_costs(whole, yardstick, time=TIME_LIMIT, memory=MEMORY_LIMIT),
        commands=[
            _shown("program", stack),
            f'python -m bench.subjects imports "$(python -m bench.subjects modules {shlex.quote(stack)})"',
        ],
    )
    resources = json.loads(whole.output)
    total = sum(resources.values())
    counts = {
        package: sum(number for token, number in resources.items() if token.startswith(f"{package}:"))
        for package in ("aws", "kubernetes", "random", "wandb", "pulumi")
    }
    yield Group(
        title=f"Resources of {stack} by package, over all of them",
        figures=[
            Figure(what=package, value=count, unit="resources", over=total)
            for package, count in counts.items()
            if count
        ],
        commands=[_shown("program", stack)],
    )


def _zones_and_pools(stack: str, console: Console) -> Iterator[Group]:
    """An AWS stack in six zones over three, and with a node pool more over without."""
    with console.status(f"[dim]zones and pools of {stack}[/dim]"):
        found = json.loads(once(_subject("growth", stack)).output)
    if not found:
        return
    three, six, more = found
    figures = []
    for what, size, over in (
        (f"{six['zones']} zones over {three['zones']}", six, three),
        (f"{more['pools']} pools over {three['pools']}", more, three),
    ):
        figures += [
            Figure(what=f"{what}: resources", value=size["resources"], unit="resources", over=over["resources"]),
            Figure(what=f"{what}: inputs", value=size["input_kib"], unit="KiB", over=over["input_kib"]),
        ]
    yield Group(title=f"Zones and node pools of {stack}, recorded", figures=figures, commands=[_shown("growth", stack)])


def _growth(runs: int, console: Console) -> Group:
    """One program with several installations, over the same with one."""
    commands = [_subject("instances", str(number)) for number in GROWTH]
    one, *more = _measured(console, f"{', '.join(map(str, GROWTH))} installations in one program", commands, runs)
    figures = []
    for number, cost in zip(GROWTH[1:], more, strict=True):
        figures += _costs(cost, one, prefix=f"{number} installations: ")
        counts = int(cost.output), int(one.output)
        figures.append(
            Figure(what=f"{number} installations: resources", value=counts[0], unit="resources", over=counts[1])
        )
    return Group(
        title="Several installations in one program, recorded, over one",
        figures=figures,
        commands=[_shown("instances", str(number)) for number in GROWTH],
    )


if __name__ == "__main__":
    app()
