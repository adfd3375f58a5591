"""Every example stack on AWS: up, unchanged, and down to nothing but what stays by design."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rehearsal.aws import latency
from rehearsal.control_plane import shut_down
from rehearsal.state import PROJECT
from tests.engine.aws import SCALE, Project, rehearsal_of

EXAMPLES = sorted(path.name.split(".")[1] for path in (PROJECT / "examples").glob("Pulumi.aws-*.yaml"))


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(latency.SCALE, SCALE)


@pytest.mark.parametrize("stack", EXAMPLES)
def test_every_example_comes_up_stays_as_it_is_and_goes(
    stack: str, tmp_path: Path, binaries: Mapping[str, Path]
) -> None:
    rehearsal = rehearsal_of(Project(tmp_path / "project", stack), tmp_path, binaries)
    try:
        code, run = rehearsal.up()
        assert code == 0, run.errors
        code, run = rehearsal.up()
        assert run.unchanged, (code, run.errors, run.changes)
        done = rehearsal.destroy()
        assert done.code == 0, (done.run and done.run.errors, done.left)
    finally:
        shut_down(rehearsal.state)
