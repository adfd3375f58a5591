"""The Pulumi CLI with this project's language host beside it, where the CLI looks for languages."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from . import cache

EXECUTOR = "pulumi-language-python-exec"
"""The script, part of Pulumi's Python support, in which a program runs."""
HOST = Path(__file__).resolve().parents[1] / "language_host.py"


def on_path(version: str) -> Path | None:
    """The folder of a `pulumi` on PATH of exactly this version with the executor beside it; None when there is none."""
    found = shutil.which("pulumi")
    if found is None:
        return None
    cli = Path(found).resolve()
    with cli.open("rb") as file:
        if file.read(2) == b"#!":  # a version manager's shim, which cannot be linked into another folder
            return None
    if not (cli.with_name(EXECUTOR)).is_file():
        return None
    quiet = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    answer = subprocess.run([cli, "version"], env=quiet, capture_output=True, text=True, check=False)
    return cli.parent if answer.stdout.strip() == version else None


def assemble(programs: Path, interpreter: Path) -> Path:
    """The path of a `pulumi` that runs Python programs with `interpreter`; `programs` has the CLI and the executor."""
    cli = programs / "pulumi"
    stat = cli.stat()
    key = cache.key(str(cli), f"{stat.st_size} {stat.st_mtime_ns}", str(interpreter), HOST, programs / EXECUTOR)
    folder = cache.root() / "engines" / key
    if not folder.is_dir():
        with cache.lock("engines"):
            if not folder.is_dir():
                _fill(folder, cli, interpreter)
    return folder / "pulumi"


def _fill(folder: Path, cli: Path, interpreter: Path) -> None:
    with cache.publish(folder) as partial:
        # The CLI resolves symbolic links before it looks beside itself, so it must really be in this folder.
        try:
            (partial / "pulumi").hardlink_to(cli)
        except OSError:  # another file system, or one without hard links
            shutil.copy2(cli, partial / "pulumi")
        shutil.copyfile(HOST, partial / HOST.name)
        shutil.copyfile(cli.with_name(EXECUTOR), partial / EXECUTOR)
        launcher = partial / "pulumi-language-python"
        launcher.write_text(f'#!/bin/sh\nexec {shlex.join([str(interpreter), str(folder / HOST.name)])} "$@"\n')
        launcher.chmod(0o755)
