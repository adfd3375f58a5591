"""Settings that overrule the sizing plan."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from .base import ContainerResources, InstanceTypeName, Model

OptionalComponentName = Literal[
    "anaconda2",
    "filemeta",
    "filestream",
    "flat-run-fields-updater",
    "history-updater",
    "mcp-server",
    "metric-observer",
    "parquet-metadata-cache",
    "weave-evaluate-model-worker",
    "weave-trace-agent-scoring-worker",
    "weave-trace-worker",
]
"""The workloads of W&B's chart that run only where they are asked for, by the chart's names."""

ComponentName = Literal[
    "api",
    "app",
    "console",
    "executor",
    "frontend",
    "glue",
    "parquet",
    "weave",
    "weave-trace",
    "anaconda2",
    "filemeta",
    "filestream",
    "flat-run-fields-updater",
    "history-updater",
    "mcp-server",
    "metric-observer",
    "parquet-metadata-cache",
    "weave-evaluate-model-worker",
    "weave-trace-agent-scoring-worker",
    "weave-trace-worker",
]
"""The workloads of W&B's chart that this program switches on, by the chart's names."""

OPTIONAL: tuple[str, ...] = get_args(OptionalComponentName)
ONLY_FOR = {
    "executor": "models",
    "parquet": "models",
    "weave": "models",
    "weave-trace": "weave",
    "anaconda2": "models",
    "filemeta": "models",
    "filestream": "models",
    "flat-run-fields-updater": "models",
    "history-updater": "models",
    "metric-observer": "models",
    "parquet-metadata-cache": "models",
    "weave-evaluate-model-worker": "weave",
    "weave-trace-agent-scoring-worker": "weave",
    "weave-trace-worker": "weave",
}
"""Those that run for one product alone."""
READS_RUN_UPDATES = ("flat-run-fields-updater", "history-updater", "metric-observer")
"""Optional ones that read the topic of run updates, for which W&B's chart knows no port but 9092."""
READS_QUEUE = (
    *READS_RUN_UPDATES,
    "weave-evaluate-model-worker",
    "weave-trace-agent-scoring-worker",
    "weave-trace-worker",
)
"""Optional ones that take their work from Kafka, or from bufstream."""


class ComponentResources(ContainerResources):
    """What one of W&B's workloads asks for, and how many pods of it run."""

    replicas: int | None = Field(default=None, ge=1, le=100)
    """Pods; with `maxReplicas` the least of them. Default: from the sizing plan."""
    max_replicas: int | None = Field(default=None, ge=1, le=100)
    """Most pods that an autoscaler may run; it needs metrics-server. Default: the same as `replicas`, no autoscaler."""
    cpu_percent: int | None = Field(default=None, ge=1, le=100)
    """Part of the requested CPU in use at which the autoscaler adds pods. Default: 80."""
    memory_percent: int | None = Field(default=None, ge=1, le=100)
    """Part of the requested memory in use at which the autoscaler adds pods. Default: 80."""


class Nodes(Model):
    """The cluster's nodes, as far as W&B may use them."""

    count: int | None = Field(default=None, ge=1, le=1000)
    """Number of nodes. Default: from the sizing plan (3 or more)."""
    cpu: int | None = Field(default=None, ge=1, le=1024)
    """Cores of one node. Default: from the sizing plan."""
    memory_gib: int | None = Field(default=None, ge=1, le=24576)
    """Memory of one node in GiB. Default: from the sizing plan."""
    type: InstanceTypeName | None = None
    """Instance type, where the stack makes the nodes: in place of `cpu` and `memoryGiB`. Default: from the sizing plan."""
    disk_gib: int | None = Field(default=None, ge=20, le=16384)
    """Disk of one node in GiB, where the stack makes the nodes. Default: from the sizing plan."""


class ClickHouseNodes(Model):
    """The nodes that are ClickHouse's alone, where the stack makes the nodes."""

    count: int | None = Field(default=None, ge=1, le=100)
    """Number of nodes. Default: from the sizing plan."""
    type: InstanceTypeName | None = None
    """Instance type. Default: from the sizing plan."""


class Sizing(Model):
    """How big the installation is. What is left out is planned from `environment` and `products`."""

    scale: Literal["small", "medium", "large"] | None = None
    """Users to plan for: `small` under 50, `medium` 50 to 200, `large` over 200. Default: W&B's reference tables for
    the environment alone."""
    chart_size: Literal["small", "medium", "large", "xlarge", "xxlarge"] | None = None
    """Size preset of W&B's chart, which sets requests, limits and replicas of its workloads. Default: from the sizing
    plan."""
    nodes: Nodes = Field(default_factory=Nodes)
    """The nodes that the pods must fit on. On a cluster that exists this describes them; it makes none."""
    clickhouse_nodes: ClickHouseNodes = Field(default_factory=ClickHouseNodes)
    """The nodes that are ClickHouse's alone: in production, where the stack makes the nodes."""
    components: dict[ComponentName, Annotated[ComponentResources, Field()]] = Field(default_factory=dict)
    """Requests, limits and replicas of single W&B workloads, by their name in W&B's chart."""
