"""Where a stack's images and charts come from, and the list of all of them.

The components are handed what this module says, and the list is read from the same: `make images` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from components.clickhouse.operator import Chart as ClickHouseChart
from components.namespaces import PULL_SECRET
from components.wandb.images import chart_images
from components.wandb.wandb import CHART_REPOSITORY
from settings import Settings
from settings.air_gap import whole
from settings.aws import AWS, ExistingCluster, ManagedCluster
from settings.stores import ExternalMySQL, InClusterMySQL, InClusterObjectStore, InClusterRedis, ManagedMySQL
from settings.versions import ImageName, Images, tag

from .plan import bundled

ChartName = Literal[
    "operator",
    "operator-wandb",
    "altinity-clickhouse-operator",
    "aws-load-balancer-controller",
    "cluster-autoscaler",
    "metrics-server",
]


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image: where its makers publish it, and where the stack pulls it from."""

    source: str
    """With registry and tag."""
    target: str
    """The same, where the stack pulls it from where it is published."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One version of a chart: where its makers publish it, and where the stack fetches it from."""

    name: str
    version: str
    source: str
    """The repository."""
    target: str
    """The same, where the stack fetches it from where it is published."""


@dataclass(frozen=True, kw_only=True)
class Supply:
    """All that a stack needs from registries."""

    images: tuple[Image, ...]
    charts: tuple[Chart, ...]
    unlisted: tuple[str, ...]
    """What else the stack runs whose images cannot be told from its settings, each a sentence."""


def chart_source(settings: Settings, name: ChartName) -> dict[str, Any]:
    """`chart` and `repository` of a component's arguments; nothing where the component's own defaults hold."""
    if settings.air_gapped is None:
        return {}
    repository = settings.air_gapped.chart_repository
    if repository.startswith("oci://"):
        return {"chart": f"{repository}/{name}", "repository": None}
    return {"repository": repository}


def pull_secrets(settings: Settings) -> tuple[str, ...]:
    """The Secrets by which images are pulled, in each of the stack's namespaces, made or brought."""
    asked = settings.air_gapped
    return (asked.pull_secret or PULL_SECRET,) if asked and asked.has_login else ()


def unlike_the_charts(settings: Settings, name: ImageName) -> str | None:
    """An image whose own chart names it as `images` does: None where that is what is wanted."""
    unchanged = settings.repository(name) == Images.model_fields[name].default
    return None if unchanged else settings.image(name)


def makes_load_balancer_controller(aws: AWS) -> bool:
    """Whether the AWS Load Balancer Controller is the stack's to install, where it makes the load balancer."""
    return not (isinstance(aws.cluster, ExistingCluster) and aws.cluster.load_balancer_controller == "installed")


def supply(settings: Settings) -> Supply:
    """Every image and chart that the stack needs, each once, in alphabetical order.

    Not among them is what a cloud installs of itself: EKS' add-ons come from ECR registries of AWS' in each region.
    """
    images = [*_images(settings)]
    unlisted = []
    if settings.single_container:
        images.append(_server(settings))
    elif settings.follow_release_channel:
        unlisted.append("W&B's release channel decides on the day which images of W&B run (`followReleaseChannel`).")
    else:
        made, unknown = _of_wandb(settings)
        images += made
        unlisted += [
            f"{name} of W&B's chart is on, whose images this program does not know: look at its chart."
            for name in unknown
        ]
    return Supply(
        images=tuple(sorted(dict.fromkeys(images), key=lambda each: each.source)),
        charts=tuple(sorted(_charts(settings), key=lambda each: each.name)),
        unlisted=tuple(unlisted),
    )


def _images(settings: Settings) -> Iterator[Image]:
    for name in _image_names(settings):
        source = f"{Images.model_fields[name].default}:{tag(name, settings.versions)}"
        yield Image(source=whole(source), target=whole(settings.image(name)))
    if _autoscaled(settings):
        from components.aws.autoscaler import Autoscaler  # AWS' SDK is that target's alone

        version = _made_cluster(settings).version
        release = Autoscaler().image_tag(version)
        yield Image(
            source=f"{Images.model_fields['cluster_autoscaler'].default}:{release}",
            target=whole(f"{settings.repository('cluster_autoscaler')}:{release}"),
        )


def _image_names(settings: Settings) -> Iterator[ImageName]:
    if not settings.single_container:
        yield "wandb_controller"
    if not settings.single_container or isinstance(settings.object_store, InClusterObjectStore):
        yield "utility"
    if settings.managed_clickhouse:
        yield from ("clickhouse_server", "clickhouse_keeper", "clickhouse_operator", "clickhouse_metrics")
    mysql = settings.mysql
    if isinstance(mysql, InClusterMySQL | ManagedMySQL) or (isinstance(mysql, ExternalMySQL) and mysql.admin):
        yield "mysql"
    if isinstance(settings.redis, InClusterRedis):
        yield "redis"
    if isinstance(settings.object_store, InClusterObjectStore):
        yield "seaweedfs"
    if _balanced(settings):
        yield "load_balancer_controller"
    if _measured(settings):
        yield "metrics_server"


def _server(settings: Settings) -> Image:
    """W&B's server in one container."""
    written, registry = settings.single_container_image, settings.wandb_registry
    return Image(source=whole(written), target=f"{registry}/{written}" if registry else whole(written))


def _of_wandb(settings: Settings) -> tuple[list[Image], tuple[str, ...]]:
    instance = settings.instance
    found = chart_images(
        settings.products,
        settings.versions.wandb_server,
        instance.extra_values,
        optional=instance.optional_components,
        bundled={name.partition("-")[0] for name in bundled(settings.instance)},
    )
    registry = (instance.extra_values.get("global") or {}).get("repositoryPrefix") or settings.wandb_registry
    made = []
    for repository, release in found.images:
        joined = "@" if release.startswith("sha256:") else ":"
        # W&B's chart puts the registry before the name as it is, without Docker Hub's `library/`
        target = f"{registry}/{repository}" if registry else whole(repository)
        made.append(Image(source=f"{whole(repository)}{joined}{release}", target=f"{target}{joined}{release}"))
    return made, found.unknown


def _charts(settings: Settings) -> Iterator[Chart]:
    versions = settings.versions
    if not settings.single_container:
        yield _chart(settings, "operator", versions.wandb_operator_chart, CHART_REPOSITORY)
    if not settings.single_container and not settings.follow_release_channel:
        yield _chart(settings, "operator-wandb", versions.wandb_chart, CHART_REPOSITORY)
    if settings.managed_clickhouse:
        clickhouse = ClickHouseChart()
        yield _chart(
            settings, "altinity-clickhouse-operator", versions.clickhouse_operator_chart, str(clickhouse.repository)
        )
    if settings.target == "aws":
        yield from _charts_on_aws(settings)


def _charts_on_aws(settings: Settings) -> Iterator[Chart]:
    from components.aws.autoscaler import Autoscaler
    from components.aws.load_balancer import REPOSITORY
    from components.aws.metrics_server import MetricsServerChart

    versions = settings.versions
    if _balanced(settings):
        yield _chart(settings, "aws-load-balancer-controller", versions.load_balancer_controller_chart, REPOSITORY)
    if _autoscaled(settings):
        yield _chart(settings, "cluster-autoscaler", versions.cluster_autoscaler_chart, str(Autoscaler().repository))
    if _measured(settings):
        yield _chart(settings, "metrics-server", versions.metrics_server_chart, str(MetricsServerChart().repository))


def _chart(settings: Settings, name: ChartName, version: str, repository: str) -> Chart:
    target = settings.air_gapped.chart_repository if settings.air_gapped else repository
    return Chart(name=name, version=version, source=repository, target=target)


def _balanced(settings: Settings) -> bool:
    return settings.aws is not None and settings.ingress is None and makes_load_balancer_controller(settings.aws)


def _made_cluster(settings: Settings) -> ManagedCluster:
    cluster = settings.aws.cluster if settings.aws else None
    if not isinstance(cluster, ManagedCluster):
        raise ValueError("aws.cluster: none is made")  # noqa: TRY004 - what is wrong is a setting
    return cluster


def _makes_cluster(settings: Settings) -> bool:
    return settings.aws is not None and isinstance(settings.aws.cluster, ManagedCluster)


def _autoscaled(settings: Settings) -> bool:
    return _makes_cluster(settings) and _made_cluster(settings).autoscaled(settings.environment)


def _measured(settings: Settings) -> bool:
    if settings.aws is None or not _makes_cluster(settings):
        return False
    from components.aws.arns import partition_of
    from components.aws.offered import metrics_server

    return not metrics_server(partition_of(settings.aws.region))
