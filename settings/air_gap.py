"""Settings of an installation that reaches nothing but its owner's own registry."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from .base import Model, ObjectName, SecretText, matching
from .versions import Repository

ChartRepository = Annotated[
    str,
    *matching(
        re.compile(r"(oci|https)://[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:[0-9]+)?(/[A-Za-z0-9._-]+)*"),
        "is not the address of a repository of charts",
        "Begin with `oci://` or `https://` and leave out the charts' names, as in `oci://mirror.example.com/charts`.",
    ),
]


class AirGapped(Model):
    """Every image and every chart from a registry of your own. `make images STACK=...` lists what has to be in it."""

    registry: Repository
    """What stands before the name of every image, as in `mirror.example.com/wandb`: `altinity/clickhouse-server` is then pulled
    as `mirror.example.com/wandb/altinity/clickhouse-server`, and `mysql` as `.../library/mysql`. What is given under `images`
    and `instance.imageRegistry` stays as it is given."""
    charts: ChartRepository | None = None
    """Where every chart is, as in `oci://mirror.example.com/charts` or `https://charts.example.com`. Pulumi reads it from where
    it runs, W&B's operator from the cluster. Default: `oci://<registry>/charts`."""
    user: str | None = Field(default=None, min_length=1)
    """The user that images, and charts by `oci://`, are pulled as. The stack makes the Secrets. Default: none is needed."""
    password: SecretText | None = None
    """The user's password (`pulumi config set --secret --path`)."""
    pull_secret: ObjectName | None = None
    """In place of `user`: a Secret of type kubernetes.io/dockerconfigjson that is in each of `namespaces`."""
    charts_secret: ObjectName | None = None
    """In place of `user`: a Secret in W&B's namespace with the keys HELM_USERNAME and HELM_PASSWORD, by which W&B's operator
    reads charts by `oci://`."""

    @property
    def chart_repository(self) -> str:
        """`charts` with the default filled in."""
        return self.charts or f"oci://{self.registry}/charts"

    @property
    def has_login(self) -> bool:
        """Whether images are pulled with a Secret."""
        return self.user is not None or self.pull_secret is not None


def host_of(repository: str) -> str | None:
    """The registry that an image's name begins with; None where it begins with none, which is Docker Hub."""
    first, slash, _ = repository.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else None


def path_of(repository: str) -> str:
    """An image's name without its registry; official images of Docker Hub with the `library/` that they really have."""
    host = host_of(repository)
    path = repository.removeprefix(f"{host}/") if host else repository
    return f"library/{path}" if "/" not in path and host in (None, "docker.io") else path


def on_registry(repository: str, registry: str) -> str:
    """The name of an image's copy on another registry."""
    return f"{registry}/{path_of(repository)}"


def whole(repository: str) -> str:
    """The name with its registry, also where that is Docker Hub."""
    return f"{host_of(repository) or 'docker.io'}/{path_of(repository)}"
