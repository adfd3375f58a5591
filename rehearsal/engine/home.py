"""The private PULUMI_HOME: stand-in providers as plugins, and the environment that shuts everything else out."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from importlib import metadata
from pathlib import Path

from ..state import PROJECT, State

PROVIDERS = ("aws", "kubernetes", "random")
"""Packages played by `python -m rehearsal.providers`."""

ROLE = "pulumi"
"""Role of the CLI and of all that it starts."""

# Nothing of the user's own Pulumi, cluster or cloud may reach the run.
_SHUT_OUT = ("PULUMI_", "KUBE", "AWS_", "GOOGLE_", "ARM_", "AZURE_", "HELM_")


def install_plugins(state: State) -> None:
    """Put one executable per provider where the engine looks for exactly the installed SDK's version.

    Raises `importlib.metadata.PackageNotFoundError` when a provider's SDK is not installed.
    """
    for package in PROVIDERS:
        version = metadata.version(f"pulumi-{package}")
        folder = state.pulumi / "home" / "plugins" / f"resource-{package}-v{version}"
        folder.mkdir(parents=True, exist_ok=True)
        command = shlex.join([sys.executable, "-m", "rehearsal.providers", package, version])
        script = f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(PROJECT))} exec {command} "$@"\n'
        _write_executable(folder / f"pulumi-resource-{package}", script)


def install_commands(state: State) -> None:
    """Put the stand-in for `aws` where the engine, its providers and the program find it first."""
    commands(state).mkdir(parents=True, exist_ok=True)
    command = shlex.join([sys.executable, "-m", "rehearsal.aws.cli"])
    script = f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(PROJECT))} exec {command} "$@"\n'
    _write_executable(commands(state) / "aws", script)


def commands(state: State) -> Path:
    """The folder of stand-in commands."""
    return state.pulumi / "bin"


def environment(state: State, pulumi: Path) -> dict[str, str]:
    """The whole environment of a CLI run. `pulumi` is the CLI's path; its language host lies beside it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SHUT_OUT)}
    return {
        **kept,
        **state.marks(ROLE),
        "PATH": os.pathsep.join([str(commands(state)), str(pulumi.parent), os.environ.get("PATH", os.defpath)]),
        "NO_PROXY": ",".join(filter(None, [kept.get("NO_PROXY"), "127.0.0.1", "localhost"])),
        # In an AWS account there is no way to the cluster but the one that the program makes itself.
        "KUBECONFIG": os.devnull if state.account.exists() else str(state.kubeconfig),
        "PULUMI_HOME": str(state.pulumi / "home"),
        "PULUMI_BACKEND_URL": (state.pulumi / "backend").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(_passphrase(state)),
        "PULUMI_PYTHON_CMD": sys.executable,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        # An Output inside an f-string raises instead of printing a page of advice into a value.
        "PULUMI_ERROR_OUTPUT_STRING": "true",
        # The CLI takes --event-log only so.
        "PULUMI_DEBUG_COMMANDS": "true",
    }


def _passphrase(state: State) -> Path:
    path = state.pulumi / "passphrase"
    if not path.exists():
        state.pulumi.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name("passphrase.new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(32))
        fresh.replace(path)
    return path


def _write_executable(path: Path, content: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == content:
        return
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(content, encoding="utf-8")
    fresh.chmod(0o755)
    fresh.replace(path)
