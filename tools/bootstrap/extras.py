"""What single tests and commands need besides the programs: an object store of Azure, a newer ClickHouse and its
client, W&B's migrations, W&B's command line.

Each is pinned by a folder in tools/, and appears whole in the cache when it is first asked for.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import cache, progress
from .families import TOOLS
from .progress import BootstrapError
from .venv import python_of

_PIP = ("-m", "pip", "install", "--no-compile", "--disable-pip-version-check", "--no-input")


def azurite() -> Path:
    """Microsoft's Azurite: the script that serves blobs, to be run with `node`. Raises `BootstrapError`."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        raise BootstrapError(
            f"Azurite needs {' and '.join(missing)}, which is not on PATH; install Node.js (any version from 10 on)"
        )

    def install(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(TOOLS / "azurite" / name, folder / name)
        # the lock file holds the checksum of every package; none of them is let run anything
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        _run(command, "Azurite", 40, cwd=folder)

    folder = _published("azurite", ("package.json", "package-lock.json"), install)
    return folder / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"


def clickhouse() -> Path:
    """The interpreter of an environment with a newer ClickHouse engine than this project's own. Raises `BootstrapError`."""
    return _environment("clickhouse", "newer ClickHouse", 30)


def clickhouse_client() -> Path:
    """The interpreter of an environment with the client by which Weave asks ClickHouse. Raises `BootstrapError`."""
    return _environment("clickhouse_client", "ClickHouse's client", 10)


def wandb() -> Path:
    """The interpreter of an environment with W&B's command line. Raises `BootstrapError`."""
    return _environment("wandb", "W&B's command line", 40)


def weave() -> Path:
    """The folder that holds W&B's package `weave`, files alone. Raises `BootstrapError`."""

    def install(folder: Path) -> None:
        requirements = TOOLS / "weave" / "requirements.txt"
        alone = ("--no-deps", "--require-hashes", "--target", folder, "-r", requirements)
        _run([sys.executable, *_PIP, *alone], "W&B's migrations", 5)

    return _published("weave", ("requirements.txt",), install) / "weave"


def _environment(name: str, label: str, seconds: float) -> Path:
    """The interpreter of an environment of its own with what tools/<name>/requirements.txt pins."""
    version = ".".join(map(str, sys.version_info[:3]))
    folder = cache.root() / "extras" / f"{name}-{_key(name, ['requirements.txt'], version)}"
    marker = folder / ".complete"
    with cache.lock(name):
        # in place, because scripts of an environment hold its path
        if not (marker.is_file() and python_of(folder).exists()):
            shutil.rmtree(folder, ignore_errors=True)
            _run([_base(), "-m", "venv", folder], f"environment of {label}", 5)
            _run([python_of(folder), *_PIP, "-r", TOOLS / name / "requirements.txt"], label, seconds)
            marker.touch()
    return python_of(folder)


def _published(name: str, pins: Sequence[str], install: Callable[[Path], None]) -> Path:
    folder = cache.root() / "extras" / f"{name}-{_key(name, pins)}"
    if not folder.is_dir():
        folder.parent.mkdir(exist_ok=True)
        with cache.lock("extras"):
            if not folder.is_dir():
                with cache.publish(folder) as partial:
                    install(partial)
    return folder


def _key(name: str, pins: Sequence[str], *more: str) -> str:
    return cache.key(sys.platform, os.uname().machine, *more, *(TOOLS / name / pin for pin in pins))


def _base() -> str:
    return getattr(sys, "_base_executable", sys.executable)


def _run(command: Sequence[str | Path], label: str, seconds: float, cwd: Path | None = None) -> None:
    log = cache.root() / "logs" / f"{label.replace(' ', '-')}.log"
    progress.run(command, label=label, expected_seconds=seconds, log=log, cwd=cwd)
