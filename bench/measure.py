"""What a command costs: processor time, wall time and peak memory of its process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PEAK_UNIT = 1024 * 1024 if sys.platform == "darwin" else 1024
"""Peaks are bytes on macOS and KiB elsewhere, see getrusage(2)."""
_SHOWN = 3000
"""Characters of a failed command's output that are shown."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one run took, from the start of the process to its end."""

    cpu: float
    """Seconds of a processor, in the process's own code. What else runs on the machine changes it least."""
    seconds: float
    """Seconds by the clock."""
    mib: float
    """Peak resident memory."""
    output: str = ""


class CommandFailed(Exception):
    """What was to be measured does not work."""


def once(command: Sequence[str], *, say: bool = False) -> Cost:
    """Runs `command` in the project's folder; with `say`, its standard error goes to the terminal. Raises `CommandFailed`.

    Python keeps compiled modules, as it does unless told otherwise, so only a first run compiles. A command that is
    interrupted is waited for: it may have to clean up.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if say else errors,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        printed = output.read()
        if process.returncode:
            told = (errors.read() or printed)[-_SHOWN:]
            raise CommandFailed(f"{' '.join(command)} ended with code {process.returncode}\n{told}")
        return Cost(cpu=usage.ru_utime, seconds=seconds, mib=usage.ru_maxrss * 1024 / _PEAK_UNIT / 1024, output=printed)


def medians(commands: Sequence[Sequence[str]], runs: int, told: Callable[[int], None]) -> list[Cost]:
    """The medians of `runs` runs of each command, after one that does not count. `told` hears which round begins.

    The commands take turns, so that a machine that slows down slows all of them.
    """
    rounds = []
    for number in range(runs + 1):
        told(number)
        rounds.append([once(command) for command in commands])
    return [
        Cost(
            cpu=statistics.median(cost.cpu for cost in costs),
            seconds=statistics.median(cost.seconds for cost in costs),
            mib=statistics.median(cost.mib for cost in costs),
            output=costs[-1].output,
        )
        for costs in zip(*rounds[1:], strict=True)
    ]
