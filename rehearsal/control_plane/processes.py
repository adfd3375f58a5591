"""Daemons that outlive the command that started them, and are found again whatever happened in between.

There is no pid file to go stale. A daemon carries marks in its environment (see `rehearsal.state`), its children
inherit them, and the process table is the only record of what runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ..state import MARK, ROLE, State


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """One long-running process of a rehearsal."""

    role: str
    """What it is, as in `etcd`; names its log too."""
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment of the command that starts it."""
    folder: Path | None = None
    """Working directory; None: the rehearsal's folder."""


def marked(state: State, *roles: str) -> list[psutil.Process]:
    """The live processes of this rehearsal, children included; with `roles`, those in one of them. Never this one."""
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            environment = process.environ()
            if environment.get(MARK) != str(state.folder) or process.status() == psutil.STATUS_ZOMBIE:
                continue
        except (psutil.Error, OSError):
            continue
        if not roles or environment.get(ROLE) in roles:
            found.append(process)
    return found


def running(state: State, daemon: Daemon) -> psutil.Process | None:
    """The process of this daemon if it runs with exactly this command line."""
    for process in marked(state, daemon.role):
        try:
            if process.cmdline() == list(daemon.command):
                return process
        except psutil.Error:
            continue
    return None


def ensure(state: State, daemon: Daemon) -> psutil.Process:
    """The running daemon, started when it is not there.

    A process in the same role with another command line (of another version, on another port) is ended first.
    """
    if process := running(state, daemon):
        return process
    end(marked(state, daemon.role))
    return _start(state, daemon)


def _start(state: State, daemon: Daemon) -> psutil.Process:
    state.logs.mkdir(parents=True, exist_ok=True)
    with (state.logs / f"{daemon.role}.log").open("ab") as log:
        process = subprocess.Popen(
            list(daemon.command),
            cwd=daemon.folder or state.folder,
            env=os.environ | dict(daemon.environment) | state.marks(daemon.role),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # The daemon is meant to outlive this object; without this the interpreter warns that it still runs.
    process.returncode = 0
    return psutil.Process(process.pid)


def alive(process: psutil.Process) -> bool:
    """Whether the process still runs. One that has ended and was not yet collected by its parent does not."""
    try:
        if process.status() != psutil.STATUS_ZOMBIE:
            return process.is_running()
        if process.ppid() == os.getpid():
            os.waitpid(process.pid, os.WNOHANG)
    except (psutil.Error, ChildProcessError):
        pass
    return False


def interrupt(processes: Iterable[psutil.Process], *, grace: float) -> None:
    """Ask the processes to finish what they are at and end (SIGINT), and give them `grace` seconds for it."""
    left = list(processes)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + grace
    while any(alive(process) for process in left) and time.monotonic() < deadline:
        time.sleep(0.05)


def end(processes: Iterable[psutil.Process], *, grace: float = 10) -> None:
    """Ask the processes to end (SIGTERM), and kill those that are still there after `grace` seconds.

    Returns when none of them runs any more.
    """
    left = list(processes)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        deadline = time.monotonic() + grace
        while (left := [process for process in left if alive(process)]) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not left:
            return
    raise RuntimeError(f"processes {[process.pid for process in left]} do not end, not even by SIGKILL")


def end_all(state: State, *roles: str, grace: float = 10) -> None:
    """End every process of the rehearsal (in one of the roles), also those that appear meanwhile."""
    while processes := marked(state, *roles):
        end(processes, grace=grace)


def log_tail(state: State, role: str, lines: int = 15) -> str:
    """The last lines that the daemon logged."""
    path = state.logs / f"{role}.log"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else "(no log)"


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """The command line that runs a module with this interpreter."""
    # The one interpreter may be called by several paths: through a link to its environment, for one.
    called = Path(sys.executable)
    return (str(called.parent.resolve() / called.name), "-m", module, *arguments)
