"""What the stand-in knows about the programs inside some images; everything else is taken to start and to stay up."""

from __future__ import annotations

import re

from . import clickhouse_server, wandb_local

OPERATORS = {
    re.compile(r"(?:^|/)altinity/clickhouse-operator[:@]"): "rehearsal.operators.clickhouse",
    re.compile(r"(?:^|/)aws-load-balancer-controller[:@]"): "rehearsal.operators.load_balancer",
    re.compile(r"(?:^|/)cluster-autoscaler[:@]"): "rehearsal.operators.autoscaler",
    re.compile(r"(?:^|/)(?:wandb/controller|wandb_tools/wandb-k8s-operator)[:@]"): "rehearsal.operators.wandb",
}
"""Images, wherever they are mirrored, and the module that plays the program inside."""

WANDB_LOCAL = re.compile(r"(?:^|/)wandb/local[:@]")
CLICKHOUSE_SERVER = re.compile(r"(?:^|/)clickhouse-server[:@]")


def operator(image: str) -> str | None:
    """The module that plays the operator in this image; None for any other image."""
    return next((module for pattern, module in OPERATORS.items() if pattern.search(image)), None)


def is_clickhouse_server(image: str) -> bool:
    """Whether the image is ClickHouse's server, of whatever vendor and registry."""
    return bool(CLICKHOUSE_SERVER.search(image))


def is_wandb_local(image: str) -> bool:
    """Whether the image is W&B's server with all of it inside, of whatever registry."""
    return bool(WANDB_LOCAL.search(image))


__all__ = ["OPERATORS", "clickhouse_server", "is_clickhouse_server", "is_wandb_local", "operator", "wandb_local"]
