"""Settings of what is installed: versions, and where images come from."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .base import Model, matching, refusal

_SEMANTIC = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?")
_CLICKHOUSE = re.compile(r"([0-9]+)\.([0-9]+)\.[0-9]+\.[0-9]+(\.[a-z]+)?")
_REPOSITORY = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?(:[0-9]+)?(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*")
CLICKHOUSE_MINIMUM = (25, 8)
"""The oldest ClickHouse that Weave's tables work on, and the first that reads Google's workload identity."""


def _line(prefix: str, product: str) -> AfterValidator:
    def check(value: str) -> str:
        if not value.startswith(prefix):
            raise refusal(f"is not a {product} {prefix}x", f"W&B needs {product} {prefix}x.")
        return value

    return AfterValidator(check)


def _clickhouse(value: str) -> str:
    parts = _CLICKHOUSE.fullmatch(value)
    if not parts:
        raise refusal(
            "is not a numeric ClickHouse tag",
            'Write all four numbers, as in "25.8.16.10002.altinitystable": the operator reads the version from the tag.',
        )
    if (int(parts[1]), int(parts[2])) < CLICKHOUSE_MINIMUM:
        raise refusal("is older than Weave's tables need", "Use ClickHouse 25.8 or newer.")
    return value


Version = Annotated[
    str,
    *matching(
        _SEMANTIC,
        "is not an exact version",
        'Write all three numbers in quotes, as in "1.4.8"; `latest` floats.',
    ),
]
Repository = Annotated[
    str,
    *matching(
        _REPOSITORY,
        "is not the name of an image repository",
        "Leave the tag to `versions` and the scheme out, as in `mirror.example.com/library/mysql`.",
    ),
]
ShortVersion = Annotated[
    str,
    *matching(re.compile(r"[0-9]+\.[0-9]+"), "is not an exact version", 'Write both numbers in quotes, as in "4.47".'),
]


class Versions(Model):
    """What is installed. The defaults are tried together; change one at a time."""

    wandb_operator_chart: Version = "1.4.8"
    """Helm chart `operator`, which installs W&B's operator."""
    wandb_controller: Version = "1.22.0"
    """Image tag of W&B's operator."""
    wandb_chart: Version = "0.43.8"
    """Helm chart `operator-wandb`, which W&B's operator installs."""
    wandb_server: Version = "0.82.2"
    """Image tag of W&B's own images."""
    clickhouse_operator_chart: Version = "0.25.6"
    """Helm chart `altinity-clickhouse-operator`. Its default is the one whose CustomResourceDefinitions were checked."""
    clickhouse: Annotated[str, AfterValidator(_clickhouse)] = "25.8.16.10002.altinitystable"
    """Image tag of ClickHouse's server and keeper."""
    mysql: Annotated[Version, _line("8.", "MySQL")] = "8.4.11"
    """Image tag of the in-cluster MySQL, and of the client that creates W&B's database."""
    redis: Annotated[Version, _line("7.", "Redis")] = "7.4.11"
    """Image tag of the in-cluster Redis."""
    seaweedfs: ShortVersion = "4.47"
    """Image tag of the in-cluster object store."""
    utility: Version = "1.35.8"
    """Image tag of the utility image: its minor version should be the cluster's."""
    load_balancer_controller_chart: Version = "3.5.0"
    """Helm chart `aws-load-balancer-controller`, where `target` is aws."""
    load_balancer_controller: Version = "3.5.0"
    """Image tag of the AWS Load Balancer Controller, without its `v`: the one that the chart was made for."""
    cluster_autoscaler_chart: Version = "9.59.0"
    """Helm chart `cluster-autoscaler`, where `target` is aws. The image's tag follows the cluster's version."""
    metrics_server_chart: Version = "3.13.1"
    """Helm chart `metrics-server`, where `target` is aws and EKS has no add-on of it: in GovCloud and China."""
    metrics_server: Version = "0.8.1"
    """Image tag of Metrics Server, without its `v`: the one that the chart was made for."""


class Images(Model):
    """Where images come from, without tag: one by one. For a registry of your own that has them all there is `airGapped`."""

    wandb_controller: Repository = "wandb/controller"
    """W&B's operator."""
    clickhouse_server: Repository = "altinity/clickhouse-server"
    """ClickHouse's server."""
    clickhouse_keeper: Repository = "altinity/clickhouse-keeper"
    """ClickHouse's keeper."""
    clickhouse_operator: Repository = "altinity/clickhouse-operator"
    """Altinity's operator. Its tag is the version of its chart."""
    clickhouse_metrics: Repository = "altinity/metrics-exporter"
    """The exporter of ClickHouse's metrics, beside Altinity's operator. Its tag is the version of the operator's chart."""
    mysql: Repository = "mysql"
    """The in-cluster MySQL."""
    redis: Repository = "redis"
    """The in-cluster Redis (Debian variant)."""
    seaweedfs: Repository = "chrislusf/seaweedfs"
    """The in-cluster object store."""
    utility: Repository = "alpine/k8s"
    """Shell, kubectl, curl and the AWS command line, for the Jobs that apply CustomResourceDefinitions, make buckets and
    verify."""
    load_balancer_controller: Repository = "public.ecr.aws/eks/aws-load-balancer-controller"
    """The AWS Load Balancer Controller."""
    cluster_autoscaler: Repository = "registry.k8s.io/autoscaling/cluster-autoscaler"
    """The cluster autoscaler."""
    metrics_server: Repository = "registry.k8s.io/metrics-server/metrics-server"
    """Metrics Server, where EKS has no add-on of it."""


ImageName = Literal[
    "wandb_controller",
    "clickhouse_server",
    "clickhouse_keeper",
    "clickhouse_operator",
    "clickhouse_metrics",
    "mysql",
    "redis",
    "seaweedfs",
    "utility",
    "load_balancer_controller",
    "metrics_server",
]
"""The images whose tag is among the versions. That of the cluster autoscaler follows the cluster."""
_TAGS: dict[ImageName, str] = {
    "clickhouse_server": "clickhouse",
    "clickhouse_keeper": "clickhouse",
    "clickhouse_operator": "clickhouse_operator_chart",
    "clickhouse_metrics": "clickhouse_operator_chart",
}
"""The version that is an image's tag, where it has another name."""
_WITH_V = ("load_balancer_controller", "metrics_server")


def tag(name: ImageName, versions: Versions) -> str:
    """The tag of an image."""
    version = getattr(versions, _TAGS.get(name, name))
    return f"v{version}" if name in _WITH_V else version


class Timeouts(Model):
    """How long `pulumi up` and `pulumi destroy` wait, in minutes."""

    clickhouse: int = Field(default=20, ge=1, le=240)
    """For ClickHouse, and for its keepers, to answer."""
    wandb: int = Field(default=30, ge=1, le=240)
    """For W&B to be installed and to answer. A fresh database is migrated in this time."""
    delete: int = Field(default=20, ge=15, le=240)
    """For an operator to take down what it made. W&B's needs up to ten minutes, then tries again."""
