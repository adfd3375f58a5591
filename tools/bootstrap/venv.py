"""The virtual environment with everything in requirements-dev.txt, and the clone's `.venv` that leads to it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from . import cache, progress

REPOSITORY = Path(__file__).resolve().parents[2]
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt", "constraints.txt")
MARKER = ".complete"
INSTALL_SECONDS = 60


def ensure() -> Path:
    """The folder of the environment, made when it is missing. Raises `BootstrapError`."""
    folder = _folder()
    if _usable(folder):
        return folder
    with cache.lock(f"venv-{folder.name}"):
        if not _usable(folder):
            _make(folder)
    return folder


def interpreter() -> Path:
    """The Python that runs Pulumi programs: this one when it has the Pulumi SDK, else the environment's."""
    if importlib.util.find_spec("pulumi") is not None:
        return Path(sys.executable)
    return python_of(ensure())


def python_of(folder: Path) -> Path:
    """The interpreter of the environment in `folder`."""
    return folder / "bin" / "python"


def link(folder: Path) -> None:
    """Lets the clone's `.venv` lead to `folder`; Pulumi.yaml and editors look there.

    A `.venv` that is a folder of its own (the Pulumi CLI makes one where none is) is left alone.
    """
    here = REPOSITORY / ".venv"
    if here.is_symlink() and here.readlink() == folder:
        return
    if here.exists() and not here.is_symlink():
        progress.say(f"{here} is a folder of its own and stays; this project's tools run from {folder}")
        return
    fresh = here.with_name(f".venv.{os.getpid()}")
    fresh.symlink_to(folder)
    fresh.replace(here)


def _folder() -> Path:
    base = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    version = ".".join(map(str, sys.version_info[:3]))
    files = [REPOSITORY / name for name in REQUIREMENTS]
    return cache.root() / "venvs" / cache.key(base, version, *files)


def _usable(folder: Path) -> bool:
    # The interpreter is a link to the one that made it, which an upgrade of Python may have removed since.
    return (folder / MARKER).is_file() and python_of(folder).exists()


def _make(folder: Path) -> None:
    """Installs in place and marks the end: scripts in an environment hold its path, so it cannot be renamed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = cache.root() / "logs" / f"venv-{folder.name}.log"
    base = getattr(sys, "_base_executable", sys.executable)
    # Byte-compiling everything costs more than compiling what is imported, when it is imported.
    install = ["-m", "pip", "install", "--no-compile", "--disable-pip-version-check", "--no-input"]
    requirements = REPOSITORY / "requirements-dev.txt"
    try:
        progress.run([base, "-m", "venv", folder], label="virtual environment", expected_seconds=5, log=log)
        progress.run(
            [python_of(folder), *install, "-r", requirements],
            label="Python packages",
            expected_seconds=INSTALL_SECONDS,
            log=log,
        )
    except progress.BootstrapError as failure:
        hint = "Debian and Ubuntu keep the module venv in a package of its own: apt install python3-venv"
        raise progress.BootstrapError(f"{failure}\n{hint}" if "ensurepip" in str(failure) else str(failure)) from None
    (folder / MARKER).touch()
