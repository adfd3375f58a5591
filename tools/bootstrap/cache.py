"""The cache folder: where it is, how things appear in it whole, and how runs keep out of each other's way."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from . import progress


def root() -> Path:
    """`wandb-selfhosted` in $XDG_CACHE_HOME, else in ~/.cache; made when it is missing."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG base directory specification has relative paths ignored.
    folder = (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "wandb-selfhosted"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def key(*parts: str | bytes | Path) -> str:
    """A short name that changes with any of `parts`: texts, or files by their contents."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()[:16]


@contextmanager
def lock(name: str) -> Generator[None]:
    """Holds the lock `name` among all runs of this user; it falls with the process, however that ends."""
    folder = root() / "locks"
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(f"{name}: another run is at it; waiting for that one")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def publish(target: Path) -> Generator[Path]:
    """A new folder to fill; it becomes `target` when the block ends well, and is thrown away otherwise.

    Hold the lock of the folder around it: what killed runs left there under temporary names is removed first.
    """
    for left in target.parent.glob("*.partial-*"):
        shutil.rmtree(left, ignore_errors=True)
    # A name of its own: a compiler that outlived a killed run may still write to the old one.
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        yield partial
        if not target.exists():  # a run of another user of this cache may have been faster, with the same content
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
