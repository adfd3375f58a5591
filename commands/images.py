"""`make images STACK=...`: every image and every chart that a stack needs, and its place on the user's own registry.

Plain lines, made to be read by scripts, with tabs between:

    image   <where it is published>       <where the stack pulls it from>
    chart   <repository> <name> <version> <where the stack fetches it from>
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from arguments.supply import Supply, supply
from settings import InvalidSettings
from settings.stack_file import StackFileError, read_stack


class Format(StrEnum):
    """How the list is printed."""

    text = "text"
    json = "json"


def lines(found: Supply) -> Iterator[str]:
    """The list, a line each, in the form above."""
    for image in found.images:
        yield f"image\t{image.source}\t{image.target}"
    for chart in found.charts:
        yield "\t".join(("chart", chart.source, chart.name, chart.version, place(chart.target, chart.name)))


def place(repository: str, name: str) -> str:
    """What `helm pull` is given: the whole reference in an OCI registry, else the repository."""
    return f"{repository}/{name}" if repository.startswith("oci://") else repository


def main(
    stack: Annotated[str, typer.Option(help="Pulumi.<stack>.yaml, here or in examples/.")] = "dev",
    form: Annotated[Format, typer.Option("--format", help="Lines for scripts, or one JSON object.")] = Format.text,
) -> None:
    """Print every image and chart that the stack needs, for a registry of one's own. What cannot be listed goes to stderr."""
    try:
        found = supply(read_stack(stack))
    except (StackFileError, InvalidSettings) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if form is Format.json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        for line in lines(found):
            typer.echo(line)
    for each in found.unlisted:
        typer.echo(f"not in the list: {each}", err=True)


if __name__ == "__main__":
    typer.run(main)
