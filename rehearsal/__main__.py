"""`python -m rehearsal`: the commands."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from settings.stack_file import StackFileError

from . import report
from .api import ApiError
from .control_plane import BINARIES, ControlPlaneError
from .engine import EngineError
from .lifecycle import Rehearsal
from .progress import Progress
from .recovery import RecoveryError
from .state import BadStackName, Busy, State

INTERRUPTED = 130
_PIPED_WIDTH = 140

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH)
Stack = Annotated[str, typer.Option(help="the stack: its settings are in Pulumi.<stack>.yaml, here or in examples/")]


@app.callback()
def rehearse() -> None:
    """`pulumi up` without a cloud: the real Pulumi CLI against a real Kubernetes control plane on this machine."""


@app.command()
def up(stack: Stack = "dev") -> None:
    """Bring the stack up with the real `pulumi up`, on a control plane of its own that then stays up."""
    with _rehearsal(stack) as rehearsal:
        code, run = rehearsal.up()
        if code:
            report.print_failure(console, run, rehearsal.api)
        else:
            outputs = rehearsal.engine.outputs()
            kubectl = rehearsal.binaries["kubectl"]
            kubeconfig, account = rehearsal.state.kubeconfig, rehearsal.account
            report.print_up(console, run, rehearsal.api, outputs, kubeconfig, kubectl, account)
    raise typer.Exit(code)


@app.command()
def preview(stack: Stack = "dev") -> None:
    """Show what `up` would change."""
    with _rehearsal(stack) as rehearsal:
        code, _ = rehearsal.preview()
    raise typer.Exit(code)


@app.command()
def destroy(stack: Stack = "dev") -> None:
    """Take the stack and its control plane down, and prove that nothing is left of either."""
    with _rehearsal(stack) as rehearsal:
        if not rehearsal.state.folder.exists():
            console.print(f"There is no rehearsal of {stack}: nothing to take down.")
            raise typer.Exit
        done = rehearsal.destroy()
        if done.run is not None:
            report.print_failure(console, done.run, rehearsal.api)
        report.print_left(console, done.left, done.kept)
        if not done.code:
            else_ = "else " if done.kept else ""
            console.print(f"Nothing {else_}is left: no object, no finalizer, no process, no file.")
    raise typer.Exit(done.code)


@app.command()
def stop(stack: Stack = "dev") -> None:
    """End the control plane's processes and keep its data: `up` goes on from there."""
    with _rehearsal(stack) as rehearsal:
        rehearsal.stop()
        console.print("Stopped; `up` goes on from here.")


@app.command()
def status(stack: Stack = "dev") -> None:
    """Say whether the control plane runs, and what runs on it."""
    with _rehearsal(stack, alone=False) as rehearsal:
        if not rehearsal.control_plane.running:
            console.print(f"The control plane of {stack} does not run.")
            raise typer.Exit(1)
        report.print_nodes(console, rehearsal.api)
        report.print_access(console, rehearsal.state.kubeconfig, rehearsal.binaries["kubectl"])


@contextlib.contextmanager
def _rehearsal(stack: str, *, alone: bool = True) -> Generator[Rehearsal]:
    """The rehearsal of a stack for one command (`alone`: with no other beside it).

    What goes wrong in a known way is said without a traceback, and ends the command.
    """
    from tools import bootstrap

    known = (
        *(ApiError, BadStackName, bootstrap.BootstrapError, Busy),
        *(ControlPlaneError, EngineError, RecoveryError, StackFileError),
    )
    try:
        binaries = bootstrap.ensure(["pulumi", "kubectl", *BINARIES])
        state = State.of_stack(stack)
        with state.locked() if alone else contextlib.nullcontext():
            yield Rehearsal(state, binaries, Progress(console))
    except KeyboardInterrupt:
        console.print("\nInterrupted. Running the same command again goes on from here.")
        raise typer.Exit(INTERRUPTED) from None
    except known as error:
        console.print(f"[bold red]error:[/bold red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
