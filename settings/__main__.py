"""`python -m settings --write` writes the JSON Schema of stack files and the configuration reference.

`python -m settings --check` writes nothing and fails where either is out of date.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .documents import REFERENCE_FILE, SCHEMA_FILE, reference, schema_text, write

ROOT = Path(__file__).resolve().parent.parent


def main(
    write_files: Annotated[bool, typer.Option("--write", help=f"Write {SCHEMA_FILE} and {REFERENCE_FILE}.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Fail where one of them is out of date.")] = False,
) -> None:
    """Keep what is written from the settings current."""
    if write_files:
        for path in write(ROOT):
            typer.echo(f"wrote {path.relative_to(ROOT)}")
        return
    if not check:
        raise typer.BadParameter("say --write or --check")
    stale = [name for name, text in _made().items() if not _is(ROOT / name, text)]
    for name in stale:
        typer.echo(f"{name} is out of date: run `make schema`", err=True)
    raise typer.Exit(1 if stale else 0)


def _made() -> dict[str, str]:
    return {SCHEMA_FILE: schema_text(), REFERENCE_FILE: reference()}


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    typer.run(main)
