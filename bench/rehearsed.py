"""Preview and up on the real engine, over those of an empty program on the same engine.

    python -m bench.rehearsed dev      prints the seconds of each as JSON; the last line counts

The rehearsal is one of its own, in a temporary folder: one that runs is neither used nor touched.
"""

from __future__ import annotations

import json
import shlex
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from rich.console import Console

from rehearsal.control_plane import BINARIES
from rehearsal.engine import Engine
from rehearsal.lifecycle import Rehearsal
from rehearsal.progress import Progress
from rehearsal.state import State
from tools import bootstrap

from .figures import Figure, Group
from .measure import once

EMPTY_RUNS = 3
EMPTY = {
    "Pulumi.yaml": "name: empty\nruntime: python\n",
    "Pulumi.empty.yaml": "config: {}\n",
    "__main__.py": '"""Declares nothing."""\n',
}


def figures(stack: str, console: Console) -> Group:
    """Runs the rehearsal in a process of its own, which says what it is doing, and tells what its steps took."""
    console.print(f"\nRehearsing {stack} for its times: some minutes, and all of it is taken down again.", style="dim")
    cost = once([sys.executable, "-m", "bench.rehearsed", stack], say=True)
    seconds: dict[str, float] = json.loads(cost.output.splitlines()[-1])
    return Group(
        title=f"Rehearsed, wall time ({stack}), over an empty program on the same engine; each once",
        figures=[
            Figure(what=step, value=seconds[step], unit="s", over=seconds[f"empty {step.partition(',')[0]}"])
            for step in ("preview", "up", "preview, unchanged", "up, unchanged")
        ],
        commands=[f"python -m bench.rehearsed {shlex.quote(stack)}"],
    )


def measured(stack: str) -> dict[str, float]:
    """Seconds of each step. Raises `RuntimeError` when a step fails. However it ends, nothing of the rehearsal is left."""
    binaries = bootstrap.ensure(["pulumi", "kubectl", *BINARIES])
    with tempfile.TemporaryDirectory(prefix="wandb-bench-") as temporary:
        rehearsal = Rehearsal(State(Path(temporary) / stack), binaries, Progress(Console(stderr=True)))
        try:
            # The first call also starts the control plane, which a warm rehearsal does not.
            rehearsal.state.folder.mkdir(parents=True)
            rehearsal.control_plane.start()
            found = _empty(Path(temporary), binaries["pulumi"])
            for step in ("preview", "up"):
                found[step] = _timed(getattr(rehearsal, step))
            for step in ("preview", "up"):
                found[f"{step}, unchanged"] = _timed(getattr(rehearsal, step))
        finally:
            _take_down(rehearsal)
    return found


def _take_down(rehearsal: Rehearsal) -> None:
    """Destroys the stack, then ends every process, even where the destroy fails. Once begun it is not interrupted."""
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
        name: statistics.median(_timed(lambda step=step: engine.run(step)) for _ in range(EMPTY_RUNS))
        for name, step in steps.items()
    }


def _timed(step: Callable[[], tuple[int, object]]) -> float:
    started = time.perf_counter()
    code, _ = step()
    if code:
        raise RuntimeError(f"the step ended with code {code}")
    return time.perf_counter() - started


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        print(json.dumps(measured(sys.argv[1] if len(sys.argv) > 1 else "dev")))
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as failure:  # also what is left of an interrupted step
        sys.exit(f"error: {failure}")
