"""Preview and up on the real engine, over those of an empty program on the same engine; the critical path; the state.

    python -m bench.rehearsed dev      prints what it found as JSON; the last line counts

The rehearsal is one of its own, in a temporary folder: one that runs is neither used nor touched.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from rehearsal.control_plane import BINARIES
from rehearsal.engine import Engine, Run
from rehearsal.lifecycle import Rehearsal
from rehearsal.progress import Progress
from rehearsal.state import State
from tools import bootstrap

from . import told_path
from .critical_path import graph
from .figures import Figure, Group
from .measure import once
from .told_path import CriticalPath

SCALE = "REHEARSAL_SECONDS_PER_MINUTE"
"""What a minute of a cloud takes, in seconds: see `rehearsal.aws.latency`."""
SECONDS_PER_MINUTE = "10"
"""More than a rehearsal's default, so that what this machine adds to a step is small beside the step."""
PARALLEL = "64"
"""Steps that the `up` may do at once. Pulumi's default is four for each core: on two cores interface endpoints and NAT gateways
would fill them all, and EKS would wait for a free one instead of for what it needs."""
EXPECTED_MINUTES = 10
"""For one stack."""

EMPTY_RUNS = 3
EMPTY = {
    "Pulumi.yaml": "name: empty\nruntime: python\n",
    "Pulumi.empty.yaml": "config: {}\n",
    "__main__.py": '"""Declares nothing."""\n',
}


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """What one rehearsal was measured to be."""

    seconds: dict[str, float]
    """Wall time of each step."""
    path: CriticalPath
    resources: int
    """In the state, after the `up`."""
    state_kib: float
    """The state as it is exported."""

    @classmethod
    def read(cls, plain: dict[str, Any]) -> Rehearsed:
        """What `dataclasses.asdict` made plain."""
        values: dict[str, Any] = {**plain, "path": CriticalPath.read(plain["path"])}
        return cls(**values)


def groups(stack: str, console: Console) -> Iterator[Group]:
    """Runs the rehearsal in a process of its own, which says what it is doing, and tells what its steps took."""
    told = f"\nRehearsing {stack}: up to {EXPECTED_MINUTES} minutes, and all of it is taken down again."
    console.print(told, style="dim")
    cost = once([sys.executable, "-m", "bench.rehearsed", stack], say=True)
    found = Rehearsed.read(json.loads(cost.output.splitlines()[-1]))
    seconds, command = found.seconds, f"python -m bench.rehearsed {shlex.quote(stack)}"
    yield Group(
        title=f"Rehearsed, wall time ({stack}), over an empty program on the same engine; each once",
        figures=[
            Figure(what=step, value=seconds[step], unit="s", over=seconds[f"empty {step.partition(',')[0]}"])
            for step in ("preview", "up", "preview, unchanged", "up, unchanged")
        ],
        commands=[command],
    )
    yield Group(
        title=f"State of {stack} after its up",
        figures=[
            Figure(what="resources", value=found.resources, unit="resources"),
            Figure(what="size", value=found.state_kib, unit="KiB"),
            Figure(what="size of one resource", value=found.state_kib / max(1, found.resources), unit="KiB"),
        ],
        commands=[command],
    )
    yield told_path.group(found.path, stack, command)
    told_path.show(console, found.path)


def measured(stack: str) -> Rehearsed:
    """What the steps took. Raises `RuntimeError` when a step fails. However it ends, nothing of the rehearsal is left."""
    os.environ.setdefault(SCALE, SECONDS_PER_MINUTE)
    binaries = bootstrap.ensure(["pulumi", "kubectl", *BINARIES])
    with tempfile.TemporaryDirectory(prefix="wandb-bench-") as temporary:
        rehearsal = Rehearsal(State(Path(temporary) / stack), binaries, Progress(Console(stderr=True)))
        try:
            # The first call also starts the control plane, which a warm rehearsal does not.
            rehearsal.state.folder.mkdir(parents=True)
            rehearsal.control_plane.start()
            seconds = _empty(Path(temporary), binaries["pulumi"])
            seconds["preview"], _ = _timed(rehearsal.preview)
            seconds["up"], run = _timed(lambda: rehearsal.engine.run("up", "--parallel", PARALLEL))
            exported = rehearsal.engine.export()
            for step in ("preview", "up"):
                seconds[f"{step}, unchanged"], _ = _timed(getattr(rehearsal, step))
        finally:
            _take_down(rehearsal)
    resources = exported["deployment"]["resources"]
    return Rehearsed(
        seconds=seconds,
        path=CriticalPath.of(graph(run.operations, resources)),
        resources=len(resources),
        state_kib=len(json.dumps(exported)) / 1024,
    )


def _take_down(rehearsal: Rehearsal) -> None:
    """Destroys the stack, then ends every process, even where the destroy fails. Once begun it is not interrupted."""
    os.environ[SCALE] = "0"  # what is measured is over: nobody waits for a cloud's delays any more
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, signal.SIG_IGN) for each in signals]
    try:
        done = rehearsal.destroy()
        if done.code:
            raise RuntimeError(f"the destroy ended with code {done.code}; left: {', '.join(map(str, done.left))}")
    finally:
        rehearsal.stop()
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _empty(temporary: Path, pulumi: Path) -> dict[str, float]:
    project = temporary / "project"
    project.mkdir()
    for name, text in EMPTY.items():
        (project / name).write_text(text)
    engine = Engine(State(temporary / "empty"), pulumi, project)
    engine.prepare()
    steps = {"empty preview": "preview", "empty up": "up"}
    return {
        name: statistics.median(_timed(lambda step=step: engine.run(step))[0] for _ in range(EMPTY_RUNS))
        for name, step in steps.items()
    }


def _timed(step: Callable[[], tuple[int, Run]]) -> tuple[float, Run]:
    started = time.perf_counter()
    code, run = step()
    if code:
        raise RuntimeError(f"the step ended with code {code}")
    return time.perf_counter() - started, run


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        print(json.dumps(asdict(measured(sys.argv[1] if len(sys.argv) > 1 else "dev"))))
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as failure:  # also what is left of an interrupted step
        sys.exit(f"error: {failure}")
