"""Where one rehearsal keeps its files, and the lock that lets one command at a time work on them.

A rehearsal is named by its stack and its folder is `.rehearsal/<stack>/` in the project. Every process that belongs
to it carries the folder's absolute path in its environment (`MARK`), which is how it is found again: a process id
that the system has given to someone else never carries the mark.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

MARK = "WANDB_REHEARSAL"
ROLE = "WANDB_REHEARSAL_ROLE"

PROJECT = Path(__file__).resolve().parent.parent
"""The Pulumi project that is rehearsed: the folder with Pulumi.yaml."""


_STACK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class BadStackName(ValueError):
    """Not a name that a stack can have."""


class Busy(Exception):
    """Another command works on the same rehearsal."""


@dataclass(frozen=True)
class State:
    """The paths of one rehearsal. Nothing is created by asking for a path."""

    folder: Path
    """Absolute path of `.rehearsal/<stack>`."""

    def __post_init__(self) -> None:
        _check(self.folder.name)

    @classmethod
    def of_stack(cls, stack: str, project: Path = PROJECT) -> State:
        """The rehearsal of `stack` of the project in `project`.

        Raises BadStackName for what would lead out of the folder of rehearsals.
        """
        _check(stack)
        return cls((project / ".rehearsal" / stack).resolve())

    @property
    def stack(self) -> str:
        """The stack's name, as in `Pulumi.<stack>.yaml`."""
        return self.folder.name

    @property
    def cluster(self) -> Path:
        """Certificates, tokens, ports and etcd's data."""
        return self.folder / "cluster"

    @property
    def kubeconfig(self) -> Path:
        """Opens the cluster as its administrator; readable by its owner alone."""
        return self.folder / "kubeconfig"

    @property
    def logs(self) -> Path:
        """One file per daemon, `<daemon>.log`."""
        return self.folder / "logs"

    @property
    def pulumi(self) -> Path:
        """PULUMI_HOME (`home`), the file backend (`backend`) and its passphrase."""
        return self.folder / "pulumi"

    @property
    def project(self) -> Path:
        """The copies of Pulumi.yaml and of the stack file that the engine works on."""
        return self.folder / "project"

    @property
    def faults(self) -> Path:
        """Faults to be played, as JSON; absent when there are none."""
        return self.folder / "faults.json"

    @property
    def mirror(self) -> Path:
        """The registry that everything comes from, as JSON; absent where the world is open."""
        return self.folder / "mirror.json"

    @property
    def account(self) -> Path:
        """What exists in the rehearsed AWS account; absent where there is none."""
        return self.folder / "aws" / "account.json"

    @property
    def baseline(self) -> Path:
        """What the cluster held before the first `up`."""
        return self.folder / "baseline.json"

    @property
    def proven_empty(self) -> Path:
        """There once `destroy` has proved that nothing is left; what remains is to stop daemons and drop files."""
        return self.folder / "proven-empty"

    def events(self, operation: str) -> Path:
        """The engine's event log of the last `operation`."""
        return self.folder / "logs" / f"pulumi-{operation}.events.jsonl"

    def marks(self, role: str) -> dict[str, str]:
        """The environment that makes a process recognisable as this rehearsal's, in the given role."""
        return {MARK: str(self.folder), ROLE: role}

    def remove(self) -> None:
        """Drop every file. Interrupted half-way it leaves only a `.removed-*` folder that the next call clears."""
        parent, stack = self.folder.parent, self.folder.name
        if self.folder.exists():
            self.folder.rename(parent / f".removed-{stack}-{os.getpid()}")
        for leftover in parent.glob(f".removed-{stack}-*"):
            shutil.rmtree(leftover, ignore_errors=True)

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Hold the rehearsal for one command. The system lets go of the lock when the process ends, however it ends.

        Raises Busy when another command holds it.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        path = self.folder.parent / f".lock-{self.folder.name}"
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise Busy(f"process {file.read().strip() or 'unknown'} works on {self.folder}") from None
            file.seek(0)
            file.truncate()
            file.write(str(os.getpid()))
            file.flush()
            yield


def _check(stack: str) -> None:
    if not _STACK.fullmatch(stack):
        raise BadStackName(f"{stack!r} is no name of a stack: use letters, digits, hyphens, underscores and dots")
