"""What tests of rehearsals share: the programs, and rehearsals that leave nothing behind however a test ends."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from rehearsal.control_plane import BINARIES, processes, shut_down
from rehearsal.state import PROJECT, State
from tools import bootstrap

_BACKGROUND = """
import json, sys
from pathlib import Path
from rich.console import Console
from rehearsal.control_plane import ControlPlane, Surroundings
from rehearsal.lifecycle import Rehearsal
from rehearsal.progress import Progress
from rehearsal.state import PROJECT, State
operation, folder, project, binaries = json.loads(sys.argv[1])
paths = {name: Path(path) for name, path in binaries.items()}
if project:
    getattr(Rehearsal(State(Path(folder)), paths, Progress(Console()), Path(project)), operation)()
else:
    getattr(ControlPlane(State(Path(folder)), paths, kubelet=False), operation)()
"""


def background(
    operation: str, state: State, binaries: Mapping[str, Path], project: Path | None = None
) -> subprocess.Popen:
    """Another process that calls a method of the rehearsal of `project`, or without one of the control plane."""
    paths = {name: str(path) for name, path in binaries.items()}
    arguments = json.dumps([operation, str(state.folder), project and str(project), paths])
    return subprocess.Popen([sys.executable, "-c", _BACKGROUND, arguments], cwd=PROJECT, stdout=subprocess.DEVNULL)


def kill(running: subprocess.Popen, state: State) -> None:
    """End `running` and the Pulumi CLI that it started, as the kernel would: with no time to say goodbye."""
    running.kill()
    for process in processes.marked(state, "pulumi"):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name() == "pulumi":
                process.kill()
    running.wait()


@pytest.fixture(scope="session")
def binaries() -> Mapping[str, Path]:
    """The control plane's programs and the Pulumi CLI with its language host."""
    return bootstrap.ensure(["pulumi", "kubectl", *BINARIES])


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A rehearsal's state of its own; its processes are ended afterwards."""
    state = State((tmp_path / "dev").resolve())
    yield state
    shut_down(state)
