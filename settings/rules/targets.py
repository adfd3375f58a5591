"""Rules about which keys and kinds belong to which target."""

from __future__ import annotations

from ..aws import ExistingCluster
from ..base import Model
from ..cluster import Kubernetes
from ..model import Settings
from ..problems import problem
from ..stores import (
    InClusterMySQL,
    InClusterObjectStore,
    InClusterRedis,
    ManagedMySQL,
    ManagedObjectStore,
    ManagedRedis,
)
from ..surface import alias, full
from .registry import Problems, rule

_ON_AWS = {
    "context": f"Name the cluster under `{full('aws')}.cluster`: EKS itself is asked how to reach it.",
    "kubeconfig": f"Name the cluster under `{full('aws')}.cluster`: EKS itself is asked how to reach it.",
    "cluster_identifier": "Remove it: the cluster's ARN tells Pulumi which cluster this is.",
    "storage_class": f"Remove it; for a cluster that you bring it is `{full('aws')}.cluster.storageClass`.",
    "zones": f"Remove it: the zones are those of `{full('aws')}.network`.",
    "service_account_issuer": "Remove it: EKS itself is asked for it.",
}
"""What to do about a key of `kubernetes` where the cluster is on AWS."""

_MANAGED = (ManagedMySQL, ManagedRedis, ManagedObjectStore)
_IN_CLUSTER = (InClusterMySQL, InClusterRedis, InClusterObjectStore)


@rule
def _section_of_the_target(settings: Settings) -> Problems:
    if settings.target == "aws" and settings.aws is None:
        for key, what in (("region", "the region, such as eu-central-1"), ("accountId", "the account's twelve digits")):
            yield problem(f"aws.{key}", "is missing, and `target` is aws", f"Give {what}.")
    if settings.target != "aws" and settings.aws is not None:
        yield problem(
            "aws",
            f"is given, and `target` is {settings.target}",
            f"Set `{full('target')}` to aws, or remove the section.",
        )


@rule
def _cluster_of_the_target(settings: Settings) -> Problems:
    if settings.target != "aws":
        return
    for name, info in Kubernetes.model_fields.items():
        if name in _ON_AWS and name in settings.kubernetes.model_fields_set:
            yield problem(f"kubernetes.{alias(name, info)}", "has no meaning where `target` is aws", _ON_AWS[name])


@rule
def _ingress_of_the_target(settings: Settings) -> Problems:
    ingress = settings.ingress
    led = ingress is not None and (ingress.gateway is not None or ingress.controller == "none")
    missing = settings.target == "kubernetes" if ingress is None else ingress.class_name is None
    if missing and not led:
        yield problem(
            "ingress.className",
            "is missing",
            "Give the IngressClass of a controller that runs in the cluster (`kubectl get ingressclass`).",
        )


@rule
def _mysql_of_the_target(settings: Settings) -> Problems:
    yield from _kind(settings, "mysql", settings.mysql)


@rule
def _redis_of_the_target(settings: Settings) -> Problems:
    yield from _kind(settings, "redis", settings.redis)


@rule
def _object_store_of_the_target(settings: Settings) -> Problems:
    yield from _kind(settings, "objectStore", settings.object_store)


def _kind(settings: Settings, path: str, store: Model) -> Problems:
    if settings.target == "aws" and isinstance(store, _IN_CLUSTER):
        yield problem(
            f"{path}.kind",
            "is in-cluster, and `target` is aws, which has the service itself",
            "Use managed, also for a test: its default there is the smallest; or external and bring your own.",
        )
    if settings.target == "kubernetes" and isinstance(store, _MANAGED):
        yield problem(
            f"{path}.kind",
            "is managed, and `target` is kubernetes, where no cloud makes it",
            f"Use external and bring your own, in-cluster for a test, or set `{full('target')}` to aws.",
        )


@rule
def _described_nodes(settings: Settings) -> Problems:
    """What can be said of nodes that are made cannot be said of nodes that exist."""
    nodes, own = settings.sizing.nodes, settings.sizing.clickhouse_nodes
    if settings.target == "kubernetes":
        if nodes.type is not None:
            yield problem(
                "sizing.nodes.type", "is of a cloud, and `target` is kubernetes", "Give `cpu` and `memoryGiB` instead."
            )
        if nodes.disk_gib is not None:
            yield problem("sizing.nodes.diskGiB", "has no meaning for nodes that exist", "Remove it.")
        if own.count is not None or own.type is not None:
            yield problem(
                "sizing.clickhouseNodes",
                "has no meaning where `target` is kubernetes: there ClickHouse shares W&B's nodes",
                "Remove it, and count its nodes under `sizing.nodes`.",
            )
    elif nodes.disk_gib is not None and settings.aws is not None and isinstance(settings.aws.cluster, ExistingCluster):
        yield problem("sizing.nodes.diskGiB", "has no meaning for nodes that exist", "Remove it.")


@rule
def _type_or_size(settings: Settings) -> Problems:
    nodes = settings.sizing.nodes
    if nodes.type is not None and (nodes.cpu is not None or nodes.memory_gib is not None):
        yield problem(
            "sizing.nodes.type",
            f"is given, and `cpu` or `memoryGiB` too (got {nodes.type})",
            "Keep the type, or the size.",
        )
