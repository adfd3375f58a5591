"""AWS fails in the middle of an `up`, and the next one goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from rehearsal.aws import latency
from rehearsal.aws.account import Account
from rehearsal.aws.eks.tokens import CLUSTER
from rehearsal.control_plane import shut_down
from rehearsal.lifecycle import Rehearsal
from tests.engine.aws import SCALE, Project, rehearsal_of
from tests.engine.conftest import background, kill
from tests.harness.patience import until


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(latency.SCALE, SCALE)


@pytest.fixture
def test_stack(tmp_path: Path, binaries: Mapping[str, Path]) -> Iterator[Rehearsal]:
    found = rehearsal_of(Project(tmp_path / "project", "aws-test"), tmp_path, binaries)
    yield found
    shut_down(found.state)


class TestWhenAwsFails:
    """A failure in the middle, and the next `up`."""

    def play(self, test_stack: Rehearsal, *faults: Mapping[str, Any]) -> None:
        test_stack.state.faults.parent.mkdir(parents=True, exist_ok=True)
        test_stack.state.faults.write_text(json.dumps({"aws": list(faults)}))

    def test_the_next_up_goes_on_where_the_failed_one_stopped(self, test_stack: Rehearsal) -> None:
        self.play(
            test_stack, {"operation": "create", "type": "aws:eks/nodeGroup:NodeGroup", "error": "quota", "times": 1}
        )
        code, run = test_stack.up()
        assert code != 0
        assert any("quota" in message.lower() or "limit" in message.lower() for _, message in run.errors), run.errors
        code, run = test_stack.up()
        assert code == 0, run.errors
        (cluster,) = Account(test_stack.state).all(CLUSTER)
        assert cluster["status"] == "ACTIVE"
        assert test_stack.up()[1].unchanged

    def test_a_stack_that_was_never_whole_is_destroyed(self, test_stack: Rehearsal) -> None:
        self.play(
            test_stack, {"operation": "create", "type": "aws:eks/nodeGroup:NodeGroup", "error": "timeout", "times": 9}
        )
        code, _ = test_stack.up()
        assert code != 0
        test_stack.state.faults.unlink()
        done = test_stack.destroy()
        assert done.code == 0, (done.run and done.run.errors, done.left)

    def test_a_killed_up_is_gone_on_from_and_makes_nothing_twice(
        self, test_stack: Rehearsal, binaries: Mapping[str, Path]
    ) -> None:
        account = Account(test_stack.state)
        running = background("up", test_stack.state, binaries, test_stack.project)
        until(lambda: account.all(CLUSTER), "the cluster is begun")
        kill(running, test_stack.state)
        code, run = test_stack.up()
        assert code == 0, run.errors
        assert test_stack.up()[1].unchanged
        kinds = [record.token for record in account.all() if not record.brought]
        assert (kinds.count(CLUSTER), kinds.count("aws:ec2/vpc:Vpc"), kinds.count("aws:kms/key:Key")) == (1, 1, 1)
        done = test_stack.destroy()
        assert done.code == 0, (done.run and done.run.errors, done.left)
