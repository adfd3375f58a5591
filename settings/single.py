"""Settings of W&B's server in one container."""

from __future__ import annotations

from pydantic import Field

from .base import ContainerResources, GiB, Model

UNSUPPORTED = (
    "kafka",
    "bufstream",
    "optional_components",
    "olap",
    "weave_token_revision",
    "executor_concurrency",
    "panel_cache_gib",
    "prometheus",
    "open_telemetry",
    "topology_spread",
    "components",
    "extra_values",
    "allow_unknown_values",
)
"""Settings of `instance` that only the components of W&B's chart have."""


class SingleContainer(Model):
    """W&B's server in one container, without operator and chart, for a cluster that allows no operator. Models alone; one pod,
    so W&B is away while it is replaced. W&B advises its operator for everything else, and so do we. Data stores, Ingress and
    licence are set as for any stack."""

    volume_gib: GiB = 20
    """GiB of the volume for what the server keeps beside its data stores."""
    resources: ContainerResources = Field(default_factory=ContainerResources)
    """Of the container. Default: 2 CPU and 4 GiB, at most 4 CPU and 8 GiB."""
