"""Runs the Pulumi CLI for one rehearsal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from ..state import PROJECT, State
from . import home
from .events import Run, read_log, receiver
from .project import PLACEHOLDER, Copied, copy_project, finish, project_name

AT_ONCE = 32
"""Steps at once. The CLI's default is four for each core; most steps only wait, for a cloud or for pods."""


class EngineError(Exception):
    """A CLI command that prepares a run failed; the message is what the CLI said."""


@dataclass(frozen=True)
class Engine:
    """The Pulumi CLI in the rehearsal's private home, working on the copies of the project's files."""

    state: State
    pulumi: Path
    """The CLI, with the language host beside it."""
    project: Path = PROJECT
    """The project that is rehearsed."""

    def prepare(self, overrides: Mapping[str, Any] | None = None) -> Copied:
        """Install the plugins, copy the project's files, make the stack. Cheap when nothing changed since.

        `overrides` are settings that take the place of the stack file's, for this run and until the next preparation.
        Raises EngineError, or StackFileError when there is no such stack file.
        """
        (self.state.pulumi / "backend").mkdir(parents=True, exist_ok=True)
        home.install_plugins(self.state)
        home.install_commands(self.state)
        copied = copy_project(self.state, self.project, overrides)
        if not self.stack_exists:
            self._quiet("stack", "init", self.state.stack, "--secrets-provider", "passphrase")
        if copied.changed and copied.secrets:
            values = [part for path in copied.secrets for part in ("--secret", f"{path}={PLACEHOLDER}")]
            self._quiet("config", "set-all", "--stack", self.state.stack, "--path", *values)
        finish(self.state, copied)
        return copied

    @property
    def backend(self) -> Path:
        """The file backend's own folder, with `stacks` and `locks`."""
        return self.state.pulumi / "backend" / ".pulumi"

    @property
    def state_file(self) -> Path:
        """Where the file backend keeps the stack's state."""
        name = project_name(self.state)
        return self.backend / "stacks" / name / f"{self.state.stack}.json"

    @property
    def stack_exists(self) -> bool:
        """Whether the backend has the stack, told by its files alone: the CLI is not run."""
        return (self.state.project / "Pulumi.yaml").exists() and self.state_file.exists()

    def run(self, operation: str, *arguments: str, preview_first: bool = False) -> tuple[int, Run]:
        """Run `preview`, `up` or `destroy` with its output on the terminal; its exit code, and what its log says.

        With `preview_first` nothing is done where the preview fails, as when a user runs it without further arguments.
        An interrupt of this process is passed on: the engine then finishes what it is doing and stops.
        """
        log = self.state.events(operation)
        agreed: tuple[str, ...] = () if operation == "preview" else ("--yes", "--skip-preview")
        agreed = agreed[:1] if preview_first else agreed
        with receiver(log) as address:
            command = [
                *(str(self.pulumi), operation, "--stack", self.state.stack, "--non-interactive", *agreed),
                *("--event-log", address, "--suppress-outputs", "--parallel", str(AT_ONCE), *arguments),
            ]
            code = self._streamed(command)
        return code, read_log(log)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; secret ones read "[secret]"."""
        return json.loads(self._quiet("stack", "output", "--json", "--stack", self.state.stack))

    def export(self) -> dict[str, Any]:
        """The stack's state, secrets encrypted."""
        return json.loads(self._quiet("stack", "export", "--stack", self.state.stack))

    def replace_state(self, deployment: dict[str, Any]) -> None:
        """Import a state in `export`'s form. The CLI checks its integrity and drops pending operations."""
        self._quiet("stack", "import", "--stack", self.state.stack, given=json.dumps(deployment))

    def remove_stack(self) -> None:
        """Remove the stack. Raises EngineError while it has resources."""
        if self.stack_exists:
            self._quiet("stack", "rm", self.state.stack, "--yes", "--preserve-config")

    def _quiet(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [str(self.pulumi), *arguments, "--non-interactive", "--color", "never"],
            cwd=self.state.project,
            env=home.environment(self.state, self.pulumi),
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EngineError(f"pulumi {' '.join(arguments[:2])}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def _streamed(self, command: Sequence[str]) -> int:
        # In a session of its own: from the terminal's process group the engine would get an interrupt twice, once
        # from the terminal and once from here, and would take the second for "terminate at once".
        with _interrupts_passed_on() as started:
            process = subprocess.Popen(
                command,
                cwd=self.state.project,
                env=home.environment(self.state, self.pulumi),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            started.append(process)
            code = process.wait()
        return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _interrupts_passed_on() -> Generator[list[subprocess.Popen[bytes]]]:
    """While the block runs, interrupts go, one for one, to the processes that it puts into the list."""
    started: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if not started:
            early.append(number)
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGINT)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield started
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if early:
        raise KeyboardInterrupt
