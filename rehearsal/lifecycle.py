"""What the commands do: up, preview, destroy, stop. Each may be interrupted anywhere and run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import mirror, recovery, surroundings
from .api import Api
from .aws import remains
from .aws.account import Account
from .control_plane import ControlPlane, ControlPlaneError, inventory, processes, shut_down
from .control_plane.inventory import Item
from .engine import Engine, Run
from .progress import Progress
from .recovery import Mended
from .state import PROJECT, State


@dataclass(frozen=True, kw_only=True)
class Destroyed:
    """How a destroy ended."""

    code: int = 0
    run: Run | None = None
    """The engine's run, where it failed."""
    left: tuple[Item, ...] = ()
    """What is on the cluster, or in the account, although it should not be."""
    kept: Mapping[Item, str] = field(default_factory=dict)
    """What stays by design, and why."""


@dataclass(frozen=True)
class Rehearsal:
    """One stack's rehearsal and the means to carry it out."""

    state: State
    binaries: Mapping[str, Path]
    progress: Progress
    project: Path = PROJECT

    @classmethod
    def of(cls, stack: str, binaries: Mapping[str, Path], progress: Progress) -> Rehearsal:
        """The rehearsal of a stack of this project. Raises BadStackName."""
        return cls(State.of_stack(stack), binaries, progress)

    @property
    def engine(self) -> Engine:
        """The engine, to be prepared before its first run."""
        return Engine(self.state, self.binaries["pulumi"], self.project)

    @property
    def control_plane(self) -> ControlPlane:
        """Raises StackFileError when there is no such stack."""
        around = surroundings.of_stack(self.state.stack, self.project)
        return ControlPlane(self.state, self.binaries, around, say=self.progress.step)

    @property
    def api(self) -> Api:
        """The cluster as its administrator. Raises ValueError before the control plane's first start."""
        return Api.from_kubeconfig(self.state.kubeconfig)

    @property
    def account(self) -> Account | None:
        """The stack's AWS account; None where it has none."""
        return Account(self.state) if self.state.account.exists() else None

    def up(self) -> tuple[int, Run]:
        """`pulumi up`, on a control plane that is started when it does not run; exit code and event log."""
        self._ready()
        self.progress.step("pulumi up")
        return self.engine.run("up")

    def preview(self) -> tuple[int, Run]:
        """`pulumi preview`, on a control plane that is started when it does not run; exit code and event log."""
        self._ready()
        self.progress.step("pulumi preview")
        return self.engine.run("preview")

    def destroy(self) -> Destroyed:
        """`pulumi destroy`, then the proof that nothing is left.

        When nothing is left the control plane is stopped and every file removed; otherwise all stays to be looked at.
        """
        done = Destroyed()
        if self.state.baseline.exists() and not self.state.proven_empty.exists():
            done = self._destroy_stack()
            if done.code:
                return done
            self.state.proven_empty.touch()
        self._clear()
        return done

    def stop(self) -> None:
        """End every process; `up` goes on from there with all objects as they were."""
        recovery.end_orphans(self.state)
        shut_down(self.state)

    def _ready(self) -> Mended:
        if self.state.proven_empty.exists():
            self._clear()
        engine = self.engine
        stopped = recovery.end_orphans(self.state)
        plane = self.control_plane
        plane.start()
        if not self.state.baseline.exists():
            inventory.save(inventory.everything(plane.api), self.state.baseline)
        self._bring()
        self.progress.step("preparing Pulumi")
        engine.prepare()
        return self._recover(engine, stopped, destroying=False)

    def _bring(self) -> None:
        """The registry of the user's own, and the AWS account with what they bring, where the stack is to go into one."""
        read = surroundings.read_settings(self.state.stack, self.project)
        mirror.write(self.state, read)
        if read is None or read.aws is None:
            return
        # AWS's data take a second to load, and other stacks can do without
        from .aws import brought

        brought.seed(Account(self.state), read)

    def _recover(self, engine: Engine, stopped: int, *, destroying: bool) -> Mended:
        locks = recovery.unlock(engine)
        mended = recovery.mend(engine, self.api, destroying=destroying)
        self.progress.recovered(stopped, locks, mended)
        return mended

    def _destroy_stack(self) -> Destroyed:
        engine = self.engine
        stopped = recovery.end_orphans(self.state)
        self.control_plane.start()
        if engine.stack_exists:
            engine.prepare()
            self._recover(engine, stopped, destroying=True)
            self._lift_protection(engine)
            self.progress.step("pulumi destroy (what the stack protects goes too: nothing here is worth protecting)")
            code, run = engine.run("destroy", "--ignore-protect")
            if code:
                return Destroyed(code=code, run=run)
            engine.remove_stack()
        self.progress.step("looking for what is left")
        found = inventory.settled_leftovers(self.api, inventory.load(self.state.baseline))
        reasons = {item: inventory.reason_to_stay(item, found) for item in found}
        reasons |= remains.of_cluster(self.state) | remains.of_account(self.state)
        left = tuple(item for item, reason in reasons.items() if reason is None)
        kept = {item: reason for item, reason in reasons.items() if reason is not None}
        return Destroyed(code=1 if left else 0, left=left, kept=kept)

    def _lift_protection(self, engine: Engine) -> None:
        """What AWS itself protects is let go of by the program alone: `wandb:protect: false`, as docs/aws.md tells users.

        A stack that was never whole is destroyed as far as it got: its next `up` would first build the rest.
        """
        read = surroundings.read_settings(self.state.stack, self.project)
        if read is None or read.aws is None or not read.protect or not engine.outputs():
            return
        self.progress.step("pulumi up with wandb:protect: false (AWS protects what holds data, too)")
        engine.prepare({"protect": False})
        engine.run("up")

    def _clear(self) -> None:
        self.progress.step("stopping the control plane")
        self.stop()
        if left := processes.marked(self.state):
            raise ControlPlaneError(f"processes are left: {[process.pid for process in left]}")
        self.state.remove()
