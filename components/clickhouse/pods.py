"""What the pods of servers and Keeper nodes have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

USER_ID = 101
"""The user `clickhouse` of the official images and of Altinity's."""


@dataclass(frozen=True, kw_only=True)
class Ids:
    """Whom pods run as, and which group their volumes get. None: the platform picks one, as OpenShift wants it."""

    user: int | None
    group: int | None
    volumes: int | None


IMAGE = Ids(user=USER_ID, group=USER_ID, volumes=USER_ID)
"""As the images of server and Keeper are made for."""
PLATFORM = Ids(user=None, group=None, volumes=None)
"""Whatever the platform picks: the images' folders are open to any user."""

CONTAINER_SECURITY: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "privileged": False,
    "capabilities": {"drop": ["ALL"]},
}
"""A container securityContext that the `restricted` Pod Security Standard accepts."""


def pod_security(ids: Ids) -> dict[str, Any]:
    """A pod securityContext that the `restricted` Pod Security Standard accepts."""
    wanted = {"runAsUser": ids.user, "runAsGroup": ids.group, "fsGroup": ids.volumes}
    # OnRootMismatch: taking ownership of a large volume at every start takes minutes
    changes = {"runAsNonRoot": True, "fsGroupChangePolicy": "OnRootMismatch"}
    given = {name: value for name, value in wanted.items() if value is not None}
    return {**changes, **given, "seccompProfile": {"type": "RuntimeDefault"}}


def spread(label: str, value: str, zones: int, apart_by: str | None = None) -> dict[str, Any]:
    """Never two of these pods on one node; over the zones evenly, and from three zones on strictly so.

    `apart_by`: a label of theirs; those with the same value are spread evenly over the zones, whatever the others do.
    """
    selector = {"matchLabels": {label: value}}
    apart = {"topologyKey": "kubernetes.io/hostname", "labelSelector": selector}
    over_zones: dict[str, Any] = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule" if zones >= 3 else "ScheduleAnyway",
        "labelSelector": selector,
    }
    if apart_by is not None:
        over_zones["matchLabelKeys"] = [apart_by]
    return {
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}},
        "topologySpreadConstraints": [over_zones],
    }


def dedicated(pool: str | None) -> dict[str, Any]:
    """Only nodes with the label `key=value`, which taint others away by the same; `pool` None: any node.

    The operator and the Jobs are no matter of these nodes: they run wherever there is room.
    """
    if pool is None:
        return {}
    key, _, value = pool.partition("=")
    return {
        "nodeSelector": {key: value},
        "tolerations": [{"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"}],
    }


def pull_secrets(names: Sequence[str]) -> dict[str, Any]:
    """The `imagePullSecrets` of a pod, or nothing."""
    return {"imagePullSecrets": [{"name": name} for name in names]} if names else {}


def volumes(*given: Mapping[str, Any]) -> dict[str, Any]:
    """The `volumes` of a pod, or nothing."""
    return {"volumes": list(given)} if given else {}


def mounts(*given: Mapping[str, Any]) -> dict[str, Any]:
    """The `volumeMounts` of a container, or nothing."""
    return {"volumeMounts": list(given)} if given else {}


def volume_claim(gib: int, storage_class: str | None) -> dict[str, Any]:
    """The volumeClaimTemplate `data` of `gib` GiB, kept when its pod or the installation goes.

    Retain is not only about the volume: with Delete, the operator would also drop the tables, and with them the objects
    in the bucket.
    """
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": f"{gib}Gi"}}}
    return {
        "name": "data",
        "reclaimPolicy": "Retain",
        "spec": spec | ({"storageClassName": storage_class} if storage_class else {}),
    }


def metrics(port: int) -> dict[str, str]:
    """Settings by which ClickHouse and Keeper serve Prometheus metrics."""
    switches = {f"prometheus/{what}": "true" for what in ("metrics", "events", "asynchronous_metrics")}
    return {"prometheus/endpoint": "/metrics", "prometheus/port": str(port), **switches}


def labels(component: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The labels that Kubernetes recommends, for one component of ClickHouse."""
    return {"app.kubernetes.io/name": component, "app.kubernetes.io/part-of": "wandb", **(extra or {})}
