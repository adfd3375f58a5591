"""`python -m standalone` prints what Docker, Compose or nginx read, from the settings of a stack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from components.wandb.container import RESOURCES
from settings import InvalidSettings, Settings
from sizing import quantity

from .documents import Server, compose, docker_run, env_file, nginx
from .stack import NoStack, read, server

DOCUMENTS: dict[str, Callable[[Server], str]] = {
    "compose": compose,
    "nginx": nginx,
    "env": env_file,
    "run": docker_run,
}


def main(
    document: Annotated[str, typer.Argument(help=f"One of {', '.join(DOCUMENTS)}.")],
    stack: Annotated[str, typer.Option(help="The stack whose settings are used.")] = "single-container",
) -> None:
    """compose.yaml, nginx.conf, the env-file to fill in, or the `docker run` of W&B's server in one container."""
    if document not in DOCUMENTS:
        typer.echo(f"{document}: is none of {', '.join(DOCUMENTS)}.", err=True)
        raise typer.Exit(2)
    try:
        settings = read(stack, Path.cwd())
    except (NoStack, InvalidSettings) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    typer.echo(DOCUMENTS[document](_server(settings)), nl=False)


def _server(settings: Settings) -> Server:
    wanted = settings.single_container.resources if settings.single_container else None
    cpu = (wanted.cpu_limit if wanted else None) or RESOURCES.cpu_limit or RESOURCES.cpu_request
    memory = (wanted.memory_limit if wanted else None) or RESOURCES.memory_limit or RESOURCES.memory_request
    image, registry = settings.single_container_image, settings.wandb_registry
    return Server(
        args=server(settings),
        image=f"{registry}/{image}" if registry else image,
        cpus=f"{quantity.cpu(cpu) / 1000:g}",
        memory=f"{quantity.memory(memory) // quantity.MI}m",
    )


if __name__ == "__main__":
    typer.run(main)
