"""Builds families of programs into the cache, each once."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from . import cache, engine, go, progress
from .families import FAMILIES, Family

SDK = "github.com/pulumi/pulumi/sdk/v3"
"""The Go module that carries, under python/cmd, the script in which Pulumi programs run."""


def ensure(families: Sequence[Family]) -> dict[Family, Path]:
    """For each of `families` the folder with its programs, built when it is missing. Raises `BootstrapError`."""
    folders = {family: found(family) for family in families}
    if not all(folders.values()):
        # One lock for all of them: a build uses every core, so a second one beside it gains nothing.
        with cache.lock("build"):
            _build_missing([family for family in families if not found(family)])
    return {family: place or folder(family) for family, place in folders.items()}


def found(family: Family) -> Path | None:
    """The folder with the programs of `family`, in the cache or, for Pulumi's, on PATH; None when there is none."""
    place = folder(family)
    if place.is_dir():
        return place
    return engine.on_path(family.version) if family.name == "pulumi" else None


def folder(family: Family) -> Path:
    """Where the programs of `family` are, or will be. Any change of version, checksum, flag or machine changes it."""
    machine = f"{sys.platform}-{platform.machine()}"
    key = cache.key(machine, *family.flags, *family.packages, *family.packages.values(), *family.pins)
    return cache.root() / "binaries" / f"{family.name}-{family.version}-{key}"


def _build_missing(missing: Sequence[Family]) -> None:
    if not missing:
        return
    names = ", ".join(family.name for family in missing)
    progress.say(f"to build, once, into {cache.root()}: {names}")
    toolchain = go.toolchain([family.folder for family in missing])
    for number, family in enumerate(missing, start=1):
        _build(family, folder(family), toolchain, f"{number} of {len(missing)}")
    if all(folder(family).is_dir() for family in FAMILIES):
        go.forget()


def _build(family: Family, target: Path, toolchain: go.Go, position: str) -> None:
    names = ", ".join(family.packages)
    packages = [f"{family.module}/{package}".rstrip("/") for package in family.packages.values()]
    with cache.publish(target) as partial:
        # With a folder for -o Go names programs after their packages, and that of etcd is called "server".
        output = partial / names if len(packages) == 1 else f"{partial}/"
        progress.run(
            [toolchain.executable, "build", *family.flags, "-o", output, *packages],
            label=f"{position}: {family.name} {family.version}" + (f" ({names})" if names != family.name else ""),
            expected_seconds=family.seconds,
            log=cache.root() / "logs" / f"build-{family.name}.log",
            cwd=family.folder,
            env=toolchain.env,
        )
        if family.name == "pulumi":
            scripts = go.module_folder(toolchain, SDK, within=family.folder) / "python" / "cmd"
            shutil.copyfile(scripts / engine.EXECUTOR, partial / engine.EXECUTOR)
