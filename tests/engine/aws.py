"""What tests of stacks on AWS share: a project whose stack file changes, and its rehearsal."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from rehearsal.lifecycle import Rehearsal
from rehearsal.progress import Progress
from rehearsal.state import PROJECT, State
from settings.stack_file import stack_file

SCALE = "0.1"
"""Seconds that a minute of AWS takes in these tests."""


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        result[key] = merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return result


class Project:
    """The project with a stack file that changes. The program is the real one."""

    def __init__(self, folder: Path, stack: str) -> None:
        self.folder = folder
        self.stack = stack
        definition = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump({**definition, "main": str(PROJECT)}))
        self.original = yaml.safe_load(stack_file(stack).read_text())
        self.write({})

    def write(self, changes: Mapping[str, Any]) -> None:
        """The stack file with these settings instead of its own."""
        changed = {**self.original, "config": merged(self.original["config"], changes)}
        (self.folder / f"Pulumi.{self.stack}.yaml").write_text(yaml.safe_dump(changed))


def rehearsal_of(project: Project, folder: Path, binaries: Mapping[str, Path]) -> Rehearsal:
    state = State((folder / project.stack).resolve())
    return Rehearsal(state, binaries, Progress(Console(file=io.StringIO())), project.folder)
