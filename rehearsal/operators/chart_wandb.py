"""Chart `operator` 1.4.x: W&B's operator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import crds
from .chart import Chart, Object, Release, without_empty

_CHANGE = "create delete get list patch update watch"
_READ = "get list watch"
_RULES: tuple[tuple[str, str, str], ...] = (
    ("", "configmaps persistentvolumeclaims secrets serviceaccounts services events", _CHANGE),
    (
        "",
        (
            "endpoints ingresses nodes nodes/metrics nodes/spec nodes/stats nodes/proxy namespaces namespaces/status pods "
            "pods/log pods/status resourcequotas replicationcontrollers replicationcontrollers/status"
        ),
        _READ,
    ),
    ("apps", "deployments statefulsets daemonsets replicasets controllerrevisions", _CHANGE),
    ("apps", "deployments/status statefulsets/status daemonsets/status replicasets/status", "get"),
    ("apps.wandb.com", "weightsandbiases", _CHANGE),
    ("apps.wandb.com", "weightsandbiases/finalizers", "update"),
    ("apps.wandb.com", "weightsandbiases/status", "get patch update"),
    ("autoscaling", "horizontalpodautoscalers", _CHANGE),
    ("keda.sh", "scaledobjects", _CHANGE),
    ("policy", "poddisruptionbudgets", _CHANGE),
    ("batch", "cronjobs jobs", _CHANGE),
    ("events.k8s.io", "events", "watch list"),
    ("extensions", "daemonsets deployments ingresses replicasets ingresses/status", _READ),
    ("networking.k8s.io", "ingresses networkpolicies", _CHANGE),
    ("networking.k8s.io", "ingresses/status", _READ),
    ("rbac.authorization.k8s.io", "roles rolebindings", _CHANGE),
    ("cloud.google.com", "backendconfigs", _CHANGE),
    ("scheduling.k8s.io", "priorityclasses", _CHANGE),
    ("coordination.k8s.io", "leases", _CHANGE),
)
_CLUSTER_RULES = (("rbac.authorization.k8s.io", "clusterroles clusterrolebindings", _CHANGE),)
_LEADER_RULES = (
    ("", "configmaps", _CHANGE),
    ("coordination.k8s.io", "leases", _CHANGE),
    ("", "events", "create patch"),
)


def _rules(rows: tuple[tuple[str, str, str], ...]) -> list[Object]:
    return [{"apiGroups": [group], "resources": kinds.split(), "verbs": verbs.split()} for group, kinds, verbs in rows]


_DEFAULTS: dict[str, Any] = {
    "image": {"repository": "wandb/controller", "tag": "latest", "pullPolicy": "Always", "pullSecrets": []},
    "extraEnv": [],
    "role": {"rules": _rules(_RULES)},
    "resources": {"limits": {"cpu": "1000m", "memory": "2Gi"}, "requests": {"cpu": "400m", "memory": "512Mi"}},
    "podAnnotations": {},
    "nameOverride": "wandb",
    "manager": {"serviceAccount": {"create": True}},
    "airgapped": False,
    "namespaceIsolation": {"enabled": False, "additionalNamespaces": []},
    "customCACerts": [],
    "caCertsConfigMap": "",
}
_RBAC = "rbac.authorization.k8s.io"


def _objects(release: Release) -> list[Object]:
    return [*crds.manifests(*crds.WANDB), *_accounts(release), *_certificates(release), _deployment(release)]


def _name(release: Release) -> str:
    return str(release.values.get("nameOverride") or release.chart.name)[:63].rstrip("-")


def _account(release: Release) -> str:
    account = release.values["manager"]["serviceAccount"]
    return account.get("name") or (f"{_name(release)}-manager" if account["create"] else "default")


def _bound(kind: str, name: str, namespace: str | None, rules: list[Object], release: Release) -> Iterator[Object]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    binding = name.removesuffix("role") + "rolebinding"
    yield {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": metadata, "rules": rules}
    yield {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": metadata | {"name": binding},
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": _account(release), "namespace": release.namespace}],
    }


def _accounts(release: Release) -> Iterator[Object]:
    name, namespace, values = _name(release), release.namespace, release.values
    if values["manager"]["serviceAccount"]["create"]:
        yield {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": _account(release), "namespace": namespace},
        }
    yield from _bound("Role", f"{name}-leader-election-role", namespace, _rules(_LEADER_RULES), release)
    rules = values["role"]["rules"]
    isolation = values["namespaceIsolation"]
    if isolation["enabled"]:
        for place in [namespace, *isolation["additionalNamespaces"]]:
            yield from _bound("Role", f"{name}-manager-role", place, rules, release)
    else:
        metrics = {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}
        everything = [*rules, *_rules(_CLUSTER_RULES), metrics]
        yield from _bound("ClusterRole", f"{name}-manager-role", None, everything, release)


def _certificates(release: Release) -> Iterator[Object]:
    if certificates := release.values["customCACerts"]:
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{release.fullname}-ca-certs", "namespace": release.namespace},
            "data": {f"customCA{index}.crt": pem for index, pem in enumerate(certificates)},
        }


def _container(release: Release) -> Object:
    values = release.values
    image, isolation = values["image"], values["namespaceIsolation"]
    arguments = ["--leader-elect", "--zap-devel=false"]
    if isolation["enabled"]:
        places = ",".join([*isolation["additionalNamespaces"], release.namespace])
        arguments.append(f"--isolation-namespaces={places}")
    ending = f"@{image['digest']}" if image.get("digest") else f":{image.get('tag') or 'latest'}"
    env = [
        *values["extraEnv"],
        {"name": "WANDB_MANAGER_SERVICE_ACCOUNT", "value": _account(release)},
        {"name": "OPERATOR_NAMESPACE", "value": release.namespace},
        {"name": "SERVICE_ACCOUNT_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.serviceAccountName"}}},
        {"name": "AIRGAPPED", "value": str(values["airgapped"]).lower()},
    ]
    mounts = [{"name": "helm-cache", "mountPath": "/helm"}]
    if values["airgapped"]:
        mounts.append({"name": f"{_name(release)}-charts", "mountPath": "/charts"})
    if values["customCACerts"] or values["caCertsConfigMap"]:
        env.append({"name": "SSL_CERT_DIR", "value": "/certs/"})
        mounts.append({"name": "wandb-ca-certs", "mountPath": "/certs/"})
    return without_empty(
        {
            "name": "manager",
            "image": image["repository"] + ending,
            "imagePullPolicy": image.get("pullPolicy"),
            "command": ["/manager"],
            "args": arguments,
            "env": env,
            "livenessProbe": {
                "httpGet": {"path": "/healthz", "port": 8081},
                "initialDelaySeconds": 15,
                "periodSeconds": 20,
            },
            "readinessProbe": {
                "httpGet": {"path": "/readyz", "port": 8081},
                "initialDelaySeconds": 5,
                "periodSeconds": 10,
            },
            "resources": values["resources"],
            "securityContext": values.get("securityContext"),
            "volumeMounts": mounts,
        }
    )


def _volumes(release: Release) -> list[Object]:
    values = release.values
    volumes: list[Object] = [{"name": "helm-cache", "emptyDir": {}}]
    if values["airgapped"]:
        name = f"{_name(release)}-charts"
        volumes.append({"name": name, "configMap": {"name": name, "optional": True}})
    sources = []
    if values["caCertsConfigMap"]:
        sources.append({"configMap": {"name": values["caCertsConfigMap"]}})
    if values["customCACerts"]:
        sources.append({"configMap": {"name": f"{release.fullname}-ca-certs"}})
    return [*volumes, {"name": "wandb-ca-certs", "projected": {"sources": sources}}]


def _deployment(release: Release) -> Object:
    values = release.values
    labels = {"control-plane": "controller-manager"}
    pod = {
        "securityContext": values.get("podSecurityContext") or {"seccompProfile": {"type": "RuntimeDefault"}},
        "imagePullSecrets": [{"name": name} for name in values["image"].get("pullSecrets") or ()],
        "containers": [_container(release)],
        "volumes": _volumes(release),
        "serviceAccountName": _account(release),
        "terminationGracePeriodSeconds": 10,
        **{key: values.get(key) for key in ("nodeSelector", "affinity", "tolerations")},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": f"{_name(release)}-controller-manager",
            "namespace": release.namespace,
            "labels": labels,
        },
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": without_empty({"labels": labels, "annotations": values["podAnnotations"]}),
                "spec": without_empty(pod),
            },
        },
    }


CHART = Chart(
    name="operator",
    repositories=("https://charts.wandb.ai", "oci://ghcr.io/wandb/helm-charts"),
    versions=tuple(f"1.4.{patch}" for patch in range(9)),
    defaults=_DEFAULTS,
    objects=_objects,
)
