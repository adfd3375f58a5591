"""Chart `metrics-server` 3.13 of the Kubernetes project, without the APIService: nothing would answer behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .chart import Chart, Object, Release, without_empty

NAME = "metrics-server"
_DEFAULTS: dict[str, Any] = {
    "image": {"repository": "registry.k8s.io/metrics-server/metrics-server", "tag": "v0.8.1"},
    "serviceAccount": {"create": True, "annotations": {}},
    "priorityClassName": "system-cluster-critical",
    "replicas": 1,
    "podDisruptionBudget": {"enabled": False},
    "resources": {"requests": {"cpu": "100m", "memory": "200Mi"}},
    "nodeSelector": {},
    "tolerations": [],
    "affinity": {},
    "topologySpreadConstraints": [],
}


def _objects(release: Release) -> list[Object]:
    return list(_made(release))


def _made(release: Release) -> Iterator[Object]:
    values = release.values
    name = values.get("fullnameOverride") or release.fullname
    place = {"name": name, "namespace": release.namespace}
    labels = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": release.name}
    annotations = values["serviceAccount"]["annotations"]
    yield {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": without_empty({**place, "annotations": annotations}),
    }
    port = {"name": "https", "port": 443, "targetPort": "https", "protocol": "TCP"}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": place, "spec": {"selector": labels, "ports": [port]}}
    container = {
        "name": NAME,
        "image": f"{values['image']['repository']}:{values['image']['tag']}",
        "ports": [{"name": "https", "containerPort": 10250, "protocol": "TCP"}],
        "resources": values["resources"],
    }
    kept = ("priorityClassName", "nodeSelector", "tolerations", "affinity", "topologySpreadConstraints")
    pod = {"serviceAccountName": name, "containers": [container], **{key: values[key] for key in kept}}
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**place, "labels": labels},
        "spec": {
            "replicas": values["replicas"],
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": without_empty(pod)},
        },
    }
    budget = dict(values["podDisruptionBudget"])
    if budget.pop("enabled"):
        spec = {**budget, "selector": {"matchLabels": labels}}
        yield {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": place, "spec": spec}


CHART = Chart(
    name=NAME,
    repositories=("https://kubernetes-sigs.github.io/metrics-server",),
    versions=tuple(f"3.13.{patch}" for patch in range(2)),
    defaults=_DEFAULTS,
    objects=_objects,
)
