"""What the sizing plan is asked for, and how a plan that cannot be is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

import sizing
from settings import Settings, stop
from settings.aws import AWS, ExistingCluster, ManagedCluster
from settings.base import ContainerResources
from settings.instance import Instance
from settings.problems import Problem, problem, report
from settings.stores import (
    InClusterMySQL,
    InClusterObjectStore,
    InClusterRedis,
    ManagedMySQL,
    ManagedRedis,
)

_KEYS = {
    "node_type": "sizing.nodes.type",
    "node_cpu": "sizing.nodes.cpu",
    "node_memory_gib": "sizing.nodes.memoryGiB",
    "clickhouse_node_type": "sizing.clickhouseNodes.type",
    "clickhouse_node_count": "sizing.clickhouseNodes.count",
    "mysql_class": "mysql.class",
    "redis_class": "redis.class",
    "spot_node_types": "aws.cluster.spot.instanceTypes",
    "spot_node_count": "aws.cluster.spot.maxNodes",
    "zones": "aws.network.zones",
}
"""The settings behind what a sizing plan is asked for, where the settings themselves cannot tell what is right."""


def fitting_plan(settings: Settings) -> sizing.Plan:
    """The sizing plan of the stack.

    A plan that cannot be made, or whose pods do not fit its nodes, ends the program with a report of what is wrong and of
    what would do (`SystemExit`), before any resource is registered.
    """
    try:
        plan = sizing.plan(sizing_request(settings))
    except sizing.InvalidRequest as error:
        stop(report(_problems(error), pulumi.get_stack()))
    if sizing.failure(plan):
        stop(
            f"wandb:sizing: {sizing.fit(plan).refusal()} Nothing was changed. The whole plan: `python -m sizing --help`."
        )
    return plan


def _problems(error: sizing.InvalidRequest) -> Iterator[Problem]:
    for each in error.problems:
        name, _, text = each.partition(": ")
        key = _KEYS.get(name, f"sizing.{name}")
        wrong, _, right = text.partition("; ")
        advice = (right or "Change it").rstrip(".")
        yield problem(key, f"cannot be planned: {wrong.rstrip('.')}", f"{advice[0].upper()}{advice[1:]}.")


def sizing_request(settings: Settings) -> sizing.Request:
    """What the sizing plan is asked for."""
    return sizing.Request(
        environment=settings.environment,
        products=settings.products,
        optional=settings.instance.optional_components,
        single_container=settings.single_container is not None,
        bundled=frozenset(bundled(settings.instance)),
        cloud=settings.target,
        scale=settings.sizing.scale,
        in_cluster_stores=frozenset(_in_cluster(settings)),
        managed_clickhouse=settings.managed_clickhouse is not None,
        overrides=sizing.Overrides(**_explicit(settings)),
        **(_on_aws(settings, settings.aws) if settings.aws else {"zones": settings.kubernetes.zones}),
    )


def _on_aws(settings: Settings, aws: AWS) -> dict[str, Any]:
    """What is asked for of the nodes, made or brought."""
    asked: dict[str, Any] = {"zones": len(aws.zones)}
    if isinstance(aws.cluster, ExistingCluster):
        own = aws.cluster.clickhouse_pool is not None and settings.managed_clickhouse is not None
        return asked | {"makes_nodes": False, "autoscaled": False, "clickhouse_pool": own}
    asked["autoscaled"] = aws.cluster.autoscaled(settings.environment)
    if settings.sizing.clickhouse_nodes.model_fields_set:
        asked["clickhouse_pool"] = True
    return asked


def bundled(instance: Instance) -> Iterator[str]:
    """What else W&B's chart brings along, in the words of sizing: the part of the chart, and how it runs if there are ways."""
    if instance.bufstream:
        yield "bufstream"
    if instance.prometheus:
        yield "prometheus"
    if instance.open_telemetry:
        yield f"otel-{instance.open_telemetry}"


def _in_cluster(settings: Settings) -> dict[str, InClusterMySQL | InClusterRedis | InClusterObjectStore]:
    stores = {"mysql": settings.mysql, "redis": settings.redis, "object-store": settings.object_store}
    kinds = (InClusterMySQL, InClusterRedis, InClusterObjectStore)
    return {name: store for name, store in stores.items() if isinstance(store, kinds)}


def _explicit(settings: Settings) -> dict[str, Any]:
    """What the settings say in place of the plan."""
    made, in_cluster = settings.managed_clickhouse, _in_cluster(settings)
    nodes, own = settings.sizing.nodes, settings.sizing.clickhouse_nodes
    return {
        "node_count": nodes.count,
        "node_type": nodes.type,
        "node_cpu": nodes.cpu,
        "node_memory_gib": nodes.memory_gib,
        "node_disk_gib": nodes.disk_gib,
        "clickhouse_node_count": own.count,
        "clickhouse_node_type": own.type,
        "chart_size": settings.sizing.chart_size,
        "mysql_class": settings.mysql.class_name if isinstance(settings.mysql, ManagedMySQL) else None,
        "redis_class": settings.redis.class_name if isinstance(settings.redis, ManagedRedis) else None,
        "components": {name: _override(each) for name, each in _components(settings).items()},
        "replicas": {
            name: (each.replicas, each.max_replicas or each.replicas)
            for name, each in settings.sizing.components.items()
            if each.replicas
        },
        "stores": {name: _override(store.resources) for name, store in in_cluster.items()},
        "store_volume_gib": {name: store.volume_gib for name, store in in_cluster.items()},
        "clickhouse_shards": made.shards if made and made.shards > 1 else None,
        "clickhouse_replicas": made.replicas if made else None,
        "clickhouse_keepers": made.keepers if made else None,
        "clickhouse": _override(made.resources if made else ContainerResources()),
        "keeper": _override(made.keeper_resources if made else ContainerResources()),
        "clickhouse_volume_gib": made.volume_gib if made else None,
        "clickhouse_cache_gib": made.cache_gib if made else None,
        "keeper_volume_gib": made.keeper_volume_gib if made else None,
        **_spot(settings.aws),
    }


def _components(settings: Settings) -> Mapping[str, ContainerResources]:
    single = settings.single_container
    return {"app": single.resources} if single else dict(settings.sizing.components.items())


def _spot(aws: AWS | None) -> dict[str, Any]:
    spot = aws.cluster.spot if aws and isinstance(aws.cluster, ManagedCluster) else None
    return {"spot_node_count": spot.max_nodes, "spot_node_types": tuple(spot.instance_types or ())} if spot else {}


def _override(resources: ContainerResources) -> sizing.ResourceOverride:
    return sizing.ResourceOverride(
        cpu_request=resources.cpu_request,
        memory_request=resources.memory_request,
        cpu_limit=resources.cpu_limit,
        memory_limit=resources.memory_limit,
    )
