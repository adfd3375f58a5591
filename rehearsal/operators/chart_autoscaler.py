"""Chart `cluster-autoscaler` 9.5x of the Kubernetes autoscaler project, for AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .chart import Chart, Object, Release, without_empty

NAME = "cluster-autoscaler"
_RBAC = "rbac.authorization.k8s.io"
_READ = "get list watch"
_RULES: tuple[tuple[str, str, str], ...] = (
    ("", "events endpoints", "create patch"),
    ("", "pods/eviction", "create"),
    ("", "pods/status", "update"),
    ("", "nodes", "get list watch delete update patch"),
    (
        "",
        "namespaces pods services replicationcontrollers persistentvolumeclaims persistentvolumes configmaps",
        f"{_READ} create update",
    ),
    ("apps", "statefulsets replicasets daemonsets deployments", _READ),
    ("batch", "jobs cronjobs", f"{_READ} patch"),
    ("policy", "poddisruptionbudgets", _READ),
    ("storage.k8s.io", "storageclasses csinodes csidrivers csistoragecapacities volumeattachments", _READ),
    ("resource.k8s.io", "deviceclasses resourceclaims resourceslices", _READ),
    ("coordination.k8s.io", "leases", "create get update patch"),
)
_DEFAULTS: dict[str, Any] = {
    "affinity": {},
    "autoDiscovery": {},
    "autoscalingGroups": [],
    "awsRegion": "",
    "cloudProvider": "aws",
    "extraArgs": {"logtostderr": True, "stderrthreshold": "info", "v": 4},
    "image": {"repository": "registry.k8s.io/autoscaling/cluster-autoscaler", "tag": "v1.35.0"},
    "nodeSelector": {},
    "podDisruptionBudget": {"maxUnavailable": 1},
    "priorityClassName": "system-cluster-critical",
    "rbac": {"create": True, "serviceAccount": {"create": True, "annotations": {}}},
    "replicaCount": 1,
    "resources": {},
    "tolerations": [],
}


def _objects(release: Release) -> list[Object]:
    return [*_accounts(release), *_workload(release)]


def _fullname(release: Release) -> str:
    return release.values.get("fullnameOverride") or f"{release.name}-aws-{NAME}"


def _account(release: Release) -> str:
    given = release.values["rbac"]["serviceAccount"]
    return given.get("name") or (_fullname(release) if given["create"] else "default")


def _accounts(release: Release) -> Iterator[Object]:
    given, place = release.values["rbac"], {"namespace": release.namespace}
    if given["serviceAccount"]["create"]:
        annotations = given["serviceAccount"].get("annotations") or {}
        metadata = {"name": _account(release), **place, "annotations": annotations}
        yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    if not given["create"]:
        return
    name = _fullname(release)
    rules = [
        {"apiGroups": [group], "resources": kinds.split(), "verbs": verbs.split()} for group, kinds, verbs in _RULES
    ]
    yield {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
    yield {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": _account(release), **place}],
    }


def _arguments(values: Mapping[str, Any]) -> list[str]:
    found = ["./cluster-autoscaler", "--cloud-provider=aws"]
    for group in values["autoscalingGroups"]:
        found.append(f"--nodes={group['minSize']}:{group['maxSize']}:{group['name']}")
    if cluster := values["autoDiscovery"].get("clusterName"):
        tags = f"k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/{cluster}"
        found.append(f"--node-group-auto-discovery=asg:tag={tags}")
    for key, value in values["extraArgs"].items():
        text = str(value).lower() if isinstance(value, bool) else value
        found.append(f"--{key}={text}")
    return found


def _workload(release: Release) -> Iterator[Object]:
    values, name = release.values, _fullname(release)
    labels = {"app.kubernetes.io/instance": release.name, "app.kubernetes.io/name": f"aws-{NAME}"}
    container = {
        "name": f"aws-{NAME}",
        "image": f"{values['image']['repository']}:{values['image']['tag']}",
        "command": _arguments(values),
        "env": [{"name": "AWS_REGION", "value": values["awsRegion"]}] if values["awsRegion"] else [],
        "resources": values["resources"],
    }
    pod = {
        "serviceAccountName": _account(release),
        "priorityClassName": values["priorityClassName"],
        "containers": [without_empty(container)],
        **{key: values[key] for key in ("nodeSelector", "affinity", "tolerations")},
    }
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": release.namespace, "labels": labels},
        "spec": {
            "replicas": values["replicaCount"],
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": without_empty(pod)},
        },
    }
    if values["podDisruptionBudget"]:
        yield {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": name, "namespace": release.namespace},
            "spec": {**values["podDisruptionBudget"], "selector": {"matchLabels": labels}},
        }


CHART = Chart(
    name=NAME,
    repositories=("https://kubernetes.github.io/autoscaler",),
    versions=tuple(f"9.{minor}.{patch}" for minor in (50, 59) for patch in range(4)),
    defaults=_DEFAULTS,
    objects=_objects,
)
