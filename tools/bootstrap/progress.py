"""Tells, on stderr, what goes on while a command takes its time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

QUIET_SECONDS = 30
"""Seconds between two lines about the same command where stderr is not a terminal."""


class BootstrapError(Exception):
    """Something that is needed could not be had; the text says what, why, and what to do."""


def say(text: str) -> None:
    """One line of progress."""
    print(f"bootstrap: {text}", file=sys.stderr, flush=True)


def run(
    command: Sequence[str | Path],
    *,
    label: str,
    expected_seconds: float,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Runs `command` with its output in `log`, saying how long it has taken and roughly will.

    The command ends with this call, whatever ends the call. Raises `BootstrapError` with the
    end of its output when it fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, label, expected_seconds, started)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)  # Go then ends its compilers too
                process.wait()
    if process.returncode:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BootstrapError(f"{label}: {command[0]} ended with code {process.returncode}\n{last}\n(all of it: {log})")
    say(f"{label}: done in {clock(time.monotonic() - started)}")


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 3:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _wait(process: subprocess.Popen[bytes], label: str, expected_seconds: float, started: float) -> None:
    terminal = sys.stderr.isatty()
    expected = f"about {clock(expected_seconds * max(1.0, 2 / (os.cpu_count() or 2)))}"
    say(f"{label}: takes {expected}")
    while True:
        try:
            process.wait(timeout=1 if terminal else QUIET_SECONDS)
        except subprocess.TimeoutExpired:
            line = f"bootstrap: {label}: {clock(time.monotonic() - started)} of {expected}"
            print(f"\r{line}\033[K" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)
            continue
        if terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        return
