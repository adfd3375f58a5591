"""Chart `altinity-clickhouse-operator` 0.25.x."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import yaml

from .. import crds
from .chart import Chart, Object, Release, without_empty

_OPERATOR_LOG = """\
<yandex>
    <{name} replace="1">
        <database>system</database>
        <table>{name}</table>
        <engine>Engine = MergeTree PARTITION BY event_date ORDER BY event_time TTL event_date + interval 30 day</engine>
        <flush_interval_milliseconds>7500</flush_interval_milliseconds>
    </{name}>
</yandex>
"""
_DEFAULTS: dict[str, Any] = {
    "crdHook": {
        "enabled": True,
        "image": {"repository": "bitnami/kubectl", "tag": "latest", "pullPolicy": "IfNotPresent"},
        "resources": {},
        "nodeSelector": {},
        "tolerations": [],
        "affinity": {},
    },
    "operator": {
        "image": {"repository": "altinity/clickhouse-operator", "tag": "", "pullPolicy": "IfNotPresent"},
        "containerSecurityContext": {},
        "resources": {},
        "priorityClassName": "",
        "env": [],
    },
    "metrics": {
        "enabled": True,
        "image": {"repository": "altinity/metrics-exporter", "tag": "", "pullPolicy": "IfNotPresent"},
        "containerSecurityContext": {},
        "resources": {},
        "env": [],
    },
    "deployment": {"strategy": {"type": "Recreate"}},
    "rbac": {"create": True, "namespaceScoped": False},
    "secret": {"create": True, "username": "clickhouse_operator", "password": "clickhouse_operator_password"},
    "serviceAccount": {"create": True, "annotations": {}},
    "serviceMonitor": {"enabled": False, "additionalLabels": {}},
    "dashboards": {"enabled": False, "additionalLabels": {"grafana_dashboard": ""}},
    "podAnnotations": {
        "prometheus.io/port": "8888",
        "prometheus.io/scrape": "true",
        "clickhouse-operator-metrics/port": "9999",
        "clickhouse-operator-metrics/scrape": "true",
    },
    "configs": {
        "files": {
            "config.yaml": {
                "watch": {"namespaces": []},
                "reconcile": {
                    "statefulSet": {
                        "create": {"onFailure": "ignore"},
                        "update": {"timeout": 300, "pollInterval": 5, "onFailure": "abort"},
                    },
                },
                "pod": {"terminationGracePeriod": 30},
            }
        },
        "configdFiles": {
            "01-clickhouse-01-listen.xml": (
                "<yandex>\n    <listen_host>::</listen_host>\n    <listen_host>0.0.0.0</listen_host>\n"
                "    <listen_try>1</listen_try>\n</yandex>\n"
            ),
            "01-clickhouse-02-logger.xml": (
                "<yandex>\n    <logger>\n        <level>debug</level>\n        <size>1000M</size>\n"
                "        <count>10</count>\n        <console>1</console>\n    </logger>\n</yandex>\n"
            ),
            "01-clickhouse-03-query_log.xml": _OPERATOR_LOG.format(name="query_log"),
            "01-clickhouse-04-part_log.xml": _OPERATOR_LOG.format(name="part_log"),
            "01-clickhouse-05-trace_log.xml": _OPERATOR_LOG.format(name="trace_log"),
        },
        "keeperConfigdFiles": {
            "01-keeper-02-readiness.xml": (
                "<clickhouse>\n    <keeper_server>\n        <http_control>\n            <port>9182</port>\n"
                "            <readiness>\n                <endpoint>/ready</endpoint>\n            </readiness>\n"
                "        </http_control>\n    </keeper_server>\n</clickhouse>\n"
            ),
        },
    },
}
_DASHBOARDS = (
    "Altinity_ClickHouse_Operator_dashboard.json",
    "ClickHouseKeeper_dashboard.json",
    "ClickHouse_Queries_dashboard.json",
    "Kafka_dashboard.json",
    "Zookeeper_dashboard.json",
)
_CONFIG = "configs.files.config~yaml"
_SCHEMA: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(
        ("additionalResources", "imagePullSecrets", "tolerations", "topologySpreadConstraints", "metrics.env",
         "operator.env", f"{_CONFIG}.watch.namespaces"),
        list,
    ),
    **dict.fromkeys(
        ("affinity", "commonAnnotations", "commonLabels", "configs", "configs.configdFiles", "configs.files", _CONFIG,
         f"{_CONFIG}.reconcile", f"{_CONFIG}.watch", "deployment", "metrics", "metrics.containerSecurityContext",
         "metrics.image", "metrics.resources", "nodeSelector", "operator", "operator.containerSecurityContext",
         "operator.image", "operator.resources", "podAnnotations", "podLabels", "podSecurityContext", "rbac", "secret",
         "serviceMonitor"),
        dict,
    ),
    **dict.fromkeys(
        ("dashboards.enabled", "metrics.enabled", "rbac.create", "rbac.namespaceScoped", "secret.create",
         "serviceAccount.create", "serviceMonitor.enabled"),
        bool,
    ),
    **dict.fromkeys(
        ("deployment.strategy.type", "fullnameOverride", "metrics.image.pullPolicy", "metrics.image.repository",
         "metrics.image.tag", "nameOverride", "namespaceOverride", "operator.image.pullPolicy",
         "operator.image.repository", "operator.image.tag", "operator.priorityClassName", "secret.password",
         "secret.username", f"{_CONFIG}.reconcile.statefulSet.create.onFailure",
         f"{_CONFIG}.reconcile.statefulSet.update.onFailure"),
        str,
    ),
    **dict.fromkeys(
        (f"{_CONFIG}.reconcile.statefulSet.update.timeout", f"{_CONFIG}.reconcile.statefulSet.update.pollInterval"), int
    ),
}  # fmt: skip
_FOLDERS = {
    # ConfigMap suffix -> key of `configs`, folder below /etc/clickhouse-operator
    "files": ("files", ""),
    "confd-files": ("confdFiles", "chi/conf.d"),
    "configd-files": ("configdFiles", "chi/config.d"),
    "templatesd-files": ("templatesdFiles", "chi/templates.d"),
    "usersd-files": ("usersdFiles", "chi/users.d"),
    "keeper-confd-files": ("keeperConfdFiles", "chk/conf.d"),
    "keeper-configd-files": ("keeperConfigdFiles", "chk/keeper_config.d"),
    "keeper-templatesd-files": ("keeperTemplatesdFiles", "chk/templates.d"),
    "keeper-usersd-files": ("keeperUsersdFiles", "chk/users.d"),
}


def _objects(release: Release) -> list[Object]:
    objects = crds.manifests(*crds.CLICKHOUSE)
    if release.values["crdHook"]["enabled"]:
        objects += _hook(release)
    watched = [*_monitor(release), *_dashboards(release)]
    return [*objects, *_accounts(release), *_config_maps(release), _service(release), _deployment(release), *watched]


def _namespace(release: Release) -> str:
    return release.values.get("namespaceOverride") or release.namespace


def _selector(release: Release) -> dict[str, str]:
    name = release.values.get("nameOverride") or release.chart.name
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": release.name}


def _labels(release: Release) -> dict[str, str]:
    return {
        "helm.sh/chart": f"{release.chart.name}-{release.version}",
        **_selector(release),
        "app.kubernetes.io/version": release.version,
        **(release.values.get("commonLabels") or {}),
        "app.kubernetes.io/managed-by": "Helm",
    }


def _metadata(release: Release, name: str, *, cluster_wide: bool = False, **annotations: str) -> Object:
    common = {
        "meta.helm.sh/release-name": release.name,
        "meta.helm.sh/release-namespace": release.namespace,
        **(release.values.get("commonAnnotations") or {}),
    }
    place = {} if cluster_wide else {"namespace": _namespace(release)}
    return {"name": name, **place, "labels": _labels(release), "annotations": {**common, **annotations}}


def _hook(release: Release) -> Iterator[Object]:
    """The pre-install, pre-upgrade hook that applies the definitions: a ConfigMap of them and a Job with kubectl."""
    name = f"{release.fullname}-crd-install"

    def metadata(object_name: str, weight: str, *, cluster_wide: bool = False) -> Object:
        annotations = {
            "helm.sh/hook": "pre-install,pre-upgrade",
            "helm.sh/hook-weight": weight,
            "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
        }
        place = {} if cluster_wide else {"namespace": _namespace(release)}
        labels = _labels(release) | {"app.kubernetes.io/component": "crd-install-hook"}
        return {"name": object_name, **place, "labels": labels, "annotations": annotations}

    files = {f"{crd['spec']['names']['plural']}.yaml": json.dumps(crd) for crd in crds.manifests(*crds.CLICKHOUSE)}
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(f"{release.fullname}-crds", "-7"),
        "data": files,
    }
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(name, "-6")}
    rules = [
        {
            "apiGroups": ["apiextensions.k8s.io"],
            "resources": ["customresourcedefinitions"],
            "verbs": ["get", "list", "create", "update", "patch"],
        }
    ]
    rbac = "rbac.authorization.k8s.io/v1"
    yield {
        "apiVersion": rbac,
        "kind": "ClusterRole",
        "metadata": metadata(name, "-6", cluster_wide=True),
        "rules": rules,
    }
    yield {
        "apiVersion": rbac,
        "kind": "ClusterRoleBinding",
        "metadata": metadata(name, "-6", cluster_wide=True),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": _namespace(release)}],
    }
    yield {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(name, "-5"),
        "spec": {"template": _hook_pod(release)},
    }


def _hook_pod(release: Release) -> Object:
    hook = release.values["crdHook"]
    name = f"{release.fullname}-crd-install"
    script = (
        'set -e\nfor file in /crds/*.yaml; do\n  kubectl apply --server-side=true --force-conflicts -f "$file"\ndone\n'
    )
    container = {
        "name": "crd-install",
        "image": f"{hook['image']['repository']}:{hook['image']['tag']}",
        "imagePullPolicy": hook["image"].get("pullPolicy") or "IfNotPresent",
        "command": ["/bin/sh", "-c", script],
        "volumeMounts": [{"name": "crds", "mountPath": "/crds", "readOnly": True}],
        "resources": hook["resources"],
    }
    spec = {
        "serviceAccountName": name,
        "restartPolicy": "OnFailure",
        "containers": [without_empty(container)],
        "volumes": [{"name": "crds", "configMap": {"name": f"{release.fullname}-crds"}}],
        **{key: hook[key] for key in ("nodeSelector", "affinity", "tolerations")},
    }
    labels = _labels(release) | {"app.kubernetes.io/component": "crd-install-hook"}
    return {"metadata": {"labels": labels}, "spec": without_empty(spec)}


def _account(release: Release) -> str:
    return (release.values.get("serviceAccount") or {}).get("name") or release.fullname


def _accounts(release: Release) -> Iterator[Object]:
    values = release.values
    if values["serviceAccount"]["create"]:
        annotations = values["serviceAccount"].get("annotations") or {}
        yield {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": _metadata(release, _account(release), **annotations),
        }
    if values["rbac"]["create"]:
        scoped = values["rbac"]["namespaceScoped"]
        kind, rbac = "Role" if scoped else "ClusterRole", "rbac.authorization.k8s.io"
        metadata = _metadata(release, release.fullname, cluster_wide=not scoped)
        yield {"apiVersion": f"{rbac}/v1", "kind": kind, "metadata": metadata, "rules": _rules(release)}
        yield {
            "apiVersion": f"{rbac}/v1",
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": rbac, "kind": kind, "name": release.fullname},
            "subjects": [{"kind": "ServiceAccount", "name": _account(release), "namespace": _namespace(release)}],
        }
    if values["secret"]["create"]:
        pairs = {key: values["secret"][key] for key in ("username", "password")}
        data = {key: base64.b64encode(value.encode()).decode() for key, value in pairs.items()}
        metadata = _metadata(release, release.fullname)
        yield {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}


def _rules(release: Release) -> list[Object]:
    def rule(group: str, resources: str, verbs: str, *names: str) -> Object:
        named = {"resourceNames": list(names)} if names else {}
        return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split(), **named}

    change = "get list patch update watch create delete"
    rules = [
        rule("", "configmaps services persistentvolumeclaims secrets", change),
        rule("", "endpoints", "get list watch"),
        rule("", "events", "create"),
        rule("", "persistentvolumes", "get list patch update watch"),
        rule("", "pods", "get list patch update watch delete"),
        rule("apps", "statefulsets", change),
        rule("apps", "replicasets", "get patch update delete"),
        rule("apps", "deployments", "get patch update delete", release.fullname),
        rule("policy", "poddisruptionbudgets", change),
        rule("discovery.k8s.io", "endpointslices", "get list watch"),
        rule("apiextensions.k8s.io", "customresourcedefinitions", "get list"),
    ]
    templates = "clickhouseinstallationtemplates clickhouseoperatorconfigurations"
    for group, plural in (
        ("clickhouse.altinity.com", "clickhouseinstallations"),
        ("clickhouse-keeper.altinity.com", "clickhousekeeperinstallations"),
    ):
        rules += [
            rule(group, plural, "get list watch patch update delete"),
            rule(group, f"{plural}/finalizers", "update"),
            rule(group, f"{plural}/status", "get update patch create delete"),
        ]
    return [*rules, rule("clickhouse.altinity.com", templates, "get list watch")]


def _config_maps(release: Release) -> Iterator[Object]:
    for suffix, (key, _) in _FOLDERS.items():
        content = release.values["configs"].get(key) or {}
        data = {
            name: text if isinstance(text, str) else yaml.safe_dump(text, sort_keys=False)
            for name, text in content.items()
            if text is not None
        }
        metadata = _metadata(release, f"{release.fullname}-{suffix}")
        yield without_empty({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def _service(release: Release) -> Object:
    ports = [{"port": 8888, "name": "ch-metrics"}] if release.values["metrics"]["enabled"] else []
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(release, f"{release.fullname}-metrics"),
        "spec": {"ports": [*ports, {"port": 9999, "name": "op-metrics"}], "selector": _selector(release)},
    }


def _monitor(release: Release) -> Iterator[Object]:
    asked = release.values["serviceMonitor"]
    if not asked["enabled"]:
        return
    metadata = _metadata(release, f"{release.fullname}-clickhouse-metrics")
    ports = ["ch-metrics", "op-metrics"] if release.values["metrics"]["enabled"] else ["op-metrics"]
    yield {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {**metadata, "labels": {**metadata["labels"], **(asked.get("additionalLabels") or {})}},
        "spec": {
            "endpoints": [{"port": port, "interval": "30s"} for port in ports],
            "selector": {"matchLabels": _selector(release)},
        },
    }


def _dashboards(release: Release) -> Iterator[Object]:
    asked = release.values["dashboards"]
    if not asked["enabled"]:
        return
    metadata = _metadata(release, f"{release.fullname}-dashboards")
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**metadata, "labels": {**metadata["labels"], **(asked.get("additionalLabels") or {})}},
        "data": dict.fromkeys(_DASHBOARDS, "{}"),
    }


def _container(release: Release, name: str, part: str, port: Object) -> Object:
    values = release.values[part]
    fields = {
        "OPERATOR_POD_NODE_NAME": "spec.nodeName",
        "OPERATOR_POD_NAME": "metadata.name",
        "OPERATOR_POD_NAMESPACE": "metadata.namespace",
        "OPERATOR_POD_IP": "status.podIP",
        "OPERATOR_POD_SERVICE_ACCOUNT": "spec.serviceAccountName",
    }
    mounts = [
        {"name": f"etc-{suffix}", "mountPath": f"/etc/clickhouse-operator/{folder}".rstrip("/")}
        for suffix, (_, folder) in _FOLDERS.items()
    ]
    env = [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()]
    return without_empty(
        {
            "name": name,
            "image": f"{values['image']['repository']}:{values['image']['tag'] or release.version}",
            "imagePullPolicy": values["image"]["pullPolicy"],
            "env": [*env, *values["env"]],
            "ports": [port],
            "volumeMounts": mounts,
            "resources": values["resources"],
            "securityContext": values["containerSecurityContext"],
        }
    )


def _deployment(release: Release) -> Object:
    values = release.values
    containers = [_container(release, release.chart.name, "operator", {"containerPort": 9999, "name": "op-metrics"})]
    if values["metrics"]["enabled"]:
        exporter = {"containerPort": 8888, "name": "ch-metrics"}
        containers.append(_container(release, "metrics-exporter", "metrics", exporter))
    maps = {suffix: f"{release.fullname}-{suffix}" for suffix in _FOLDERS}
    pod = {
        "serviceAccountName": _account(release),
        "containers": containers,
        "volumes": [{"name": f"etc-{suffix}", "configMap": {"name": name}} for suffix, name in maps.items()],
        "imagePullSecrets": values.get("imagePullSecrets"),
        "priorityClassName": values["operator"]["priorityClassName"],
        "nodeSelector": values.get("nodeSelector"),
        "affinity": values.get("affinity"),
        "tolerations": values.get("tolerations"),
        "securityContext": values.get("podSecurityContext"),
        "topologySpreadConstraints": values.get("topologySpreadConstraints"),
    }
    configuration = json.dumps(values["configs"], sort_keys=True)
    annotations = {
        **(values["podAnnotations"] or {}),
        "checksum/files": hashlib.sha256(configuration.encode()).hexdigest(),
    }
    template = {
        "metadata": {"labels": _labels(release) | (values.get("podLabels") or {}), "annotations": annotations},
        "spec": without_empty(pod),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(release, release.fullname),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": _selector(release)},
            "template": template,
            "strategy": values["deployment"]["strategy"],
        },
    }


CHART = Chart(
    name="altinity-clickhouse-operator",
    repositories=("https://helm.altinity.com", "https://docs.altinity.com/clickhouse-operator"),
    versions=tuple(f"0.25.{patch}" for patch in range(7)),
    defaults=_DEFAULTS,
    objects=_objects,
    schema=_SCHEMA,
)
