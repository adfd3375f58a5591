"""What `helm template` makes of chart `operator-wandb` 0.43.8 and the operator's merged values.

Source: the chart's templates and wandb-base 0.12.4. Requests, limits and replicas: `sizing.chart`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sizing import chart as sizing_chart

from ..chart import merged, without_empty
from . import configuration, environment, ingress
from .components import COMPONENTS, Component
from .defaults import DEFAULTS
from .environment import RenderError

Object = dict[str, Any]
VERSION = sizing_chart.VERSION
_BASE_VERSION = "0.12.4"
_TESTING = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "100m", "memory": "128Mi"}}
_SPREAD = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
_CONTAINER_SECURITY: Object = {
    "capabilities": {"add": [], "drop": []},
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": False,
    "privileged": False,
}


@dataclass(frozen=True, kw_only=True)
class Live:
    """What the templates look up in the cluster."""

    secret: Callable[[str], Mapping[str, str] | None]
    """Name -> the (encoded) data of a Secret of the release's namespace."""
    replicas: Callable[[str], int]
    """Name of an autoscaler -> its current replicas, 0 when there is none."""


NOTHING = Live(secret=lambda _: None, replicas=lambda _: 0)


def render(values: Mapping[str, Any], release: str, namespace: str, live: Live = NOTHING) -> list[Object]:
    """Every object of the release, in the order in which Helm creates them. Raises RenderError."""
    full = merged(DEFAULTS, values)
    full["global"] = _expanded(full["global"], release, namespace)
    objects = list(configuration.objects(full, release, namespace, live.secret))
    for component in COMPONENTS:
        if component.switched_on(full):
            objects += _Workload(component, full, release, namespace, live).objects()
    objects += ingress.objects(full, release)
    for obj in objects:
        if obj["kind"] not in ("ClusterRole", "ClusterRoleBinding"):
            obj["metadata"]["namespace"] = namespace
    return sorted(objects, key=lambda obj: _ORDER.index(obj["kind"]))


_ORDER = (
    "PodDisruptionBudget", "ServiceAccount", "Secret", "ConfigMap", "ClusterRole", "ClusterRoleBinding", "Role",
    "RoleBinding", "Service", "Deployment", "HorizontalPodAutoscaler", "Ingress",
)  # fmt: skip


class _Workload:
    """One component: an instance of wandb-base."""

    def __init__(
        self, component: Component, values: Mapping[str, Any], release: str, namespace: str, live: Live
    ) -> None:
        self.component = component
        self.values = values
        self.config = values["global"]
        self.own: Mapping[str, Any] = values.get(component.name) or {}
        self.release = release
        self.namespace = namespace
        self.live = live
        # a release whose name contains the component's gives its own name to the objects, as Helm's charts do
        self.fullname = release if component.name in release else f"{release}-{component.name}"
        self.size = self.own.get("size") or self.config["size"]
        known = self.size in sizing_chart.SIZES
        self.workload = sizing_chart.workload(component.name, self.size if known else sizing_chart.SIZES[0])
        self.sized = known

    def objects(self) -> list[Object]:
        """What the component consists of, in no order that matters. Raises RenderError."""
        return [*self._accounts(), *self._budget(), *self._services(), *self._deployment(), *self._autoscaler()]

    @property
    def selector(self) -> dict[str, str]:
        """The labels by which the component's pods are found."""
        return {"app.kubernetes.io/name": self.component.name, "app.kubernetes.io/instance": self.release}

    def _image(self) -> Object:
        given = self.own.get("image") or {}
        tag = given.get("tag", self.component.tag)
        if not isinstance(tag, str):
            raise RenderError(f"{self.component.name}.image.tag: wrong type for value; expected string; got float64")
        return {"repository": self.component.image, "pullPolicy": "IfNotPresent", **given, "tag": tag}

    def _labels(self) -> dict[str, str]:
        image = self._image()
        version = str(image["digest"]).removeprefix("sha256:")[:12] if image.get("digest") else image["tag"][:63]
        common = (self.config["common"]["labels"] or {}) | ((self.own.get("common") or {}).get("labels") or {})
        return {
            "helm.sh/chart": f"{self.component.name}-{_BASE_VERSION}",
            **self.selector,
            **({"app.kubernetes.io/version": version} if version else {}),
            "app.kubernetes.io/managed-by": "Helm",
            **{key: str(value)[:63] for key, value in common.items()},
        }

    def _annotations(self, *more: Mapping[str, Any] | None) -> dict[str, str]:
        result = dict(self.config["common"]["annotations"]) | ((self.own.get("common") or {}).get("annotations") or {})
        for mapping in more:
            result |= mapping or {}
        return {key: str(value) for key, value in result.items()}

    def _metadata(self, name: str, *annotations: Mapping[str, Any] | None) -> Object:
        return without_empty({"name": name, "labels": self._labels(), "annotations": self._annotations(*annotations)})

    @property
    def _account(self) -> str:
        given = self.own.get("serviceAccount") or {}
        return given.get("name") or (self.fullname if given.get("create", True) else "default")

    def _accounts(self) -> Iterator[Object]:
        given = self.own.get("serviceAccount") or {}
        if given.get("create", True):
            yield {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": self._metadata(self._account, given.get("annotations")),
                "automountServiceAccountToken": given.get("automount", True),
            }
        if not self.component.role:
            return
        given = self.own.get("role") or {}
        kind = given.get("type") or ("ClusterRole" if self.component.cluster_role else "Role")
        group = "rbac.authorization.k8s.io"
        metadata = self._metadata(self.fullname)
        rules = [dict(rule) for rule in given.get("rules") or self.component.role]
        yield {"apiVersion": f"{group}/v1", "kind": kind, "metadata": dict(metadata), "rules": rules}
        yield {
            "apiVersion": f"{group}/v1",
            "kind": f"{kind}Binding",
            "metadata": dict(metadata),
            "roleRef": {"kind": kind, "name": self.fullname, "apiGroup": group},
            "subjects": [{"kind": "ServiceAccount", "name": self._account, "namespace": self.namespace}],
        }

    def _budget(self) -> Iterator[Object]:
        given: Object = {"enabled": True, "maxUnavailable": 1, **(self.own.get("podDisruptionBudget") or {})}
        if not given["enabled"]:
            return
        if given.get("minAvailable") and given.get("maxUnavailable"):
            raise RenderError("Cannot set both minAvailable and maxUnavailable in PodDisruptionBudget")
        jobs = {"key": "batch.kubernetes.io/job-name", "operator": "DoesNotExist"}
        limits = {key: given[key] for key in ("minAvailable", "maxUnavailable") if given.get(key)}
        yield {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": self._metadata(self.fullname, given.get("annotations")),
            "spec": {"selector": {"matchExpressions": [jobs], "matchLabels": self.selector}, **limits},
        }

    def _services(self) -> Iterator[Object]:
        if self.component.ports:
            given = self.own.get("service") or {}
            health = given.get("loadBalancerHealthCheckPath", self.component.health_check)
            extra = {}
            if self.config["cloudProvider"] == "aws" and health:
                extra = {"alb.ingress.kubernetes.io/healthcheck-path": health}
            annotations = (self.config["service"]["annotations"] or {}) | (given.get("annotations") or {}) | extra
            spec = {
                "type": given.get("type") or "ClusterIP",
                "ports": [port.service() for port in self.component.ports],
            }
            yield self._service(self.fullname, spec, annotations)
        if port := self.component.extra_service:
            spec = {"type": "ClusterIP", "clusterIP": "None", "ports": [port.service()]}
            yield self._service(f"{self.fullname}-{port.name}", spec, self.config["service"]["annotations"])

    def _service(self, name: str, spec: Object, annotations: Mapping[str, Any] | None) -> Object:
        metadata = self._metadata(name, annotations)
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {**spec, "selector": self.selector},
        }

    def _scaling(self) -> Object:
        preset: Object = {"enabled": False}
        if self.sized and self.workload.replicas.source == "hpa":
            least, most = self.workload.replicas.min, self.workload.replicas.max
            preset = {"enabled": True, "minReplicas": least, "maxReplicas": most}
        preset |= {"targetCPUUtilizationPercentage": 80, "targetMemoryUtilizationPercentage": 80}
        return preset | ((self.own.get("autoscaling") or {}).get("horizontal") or {})

    def _replicas(self) -> int:
        scaling = self._scaling()
        if not scaling["enabled"]:
            return int(self.own.get("replicaCount", 1))
        # an autoscaler that is there governs; the chart looks at it instead of resetting the number
        return self.live.replicas(self.fullname) or int(scaling.get("replicaCount") or self.own.get("replicaCount", 1))

    def _autoscaler(self) -> Iterator[Object]:
        scaling = self._scaling()
        if not scaling["enabled"]:
            return
        targets = {
            "cpu": scaling["targetCPUUtilizationPercentage"],
            "memory": scaling["targetMemoryUtilizationPercentage"],
        }
        metrics = [
            {
                "type": "Resource",
                "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": target}},
            }
            for name, target in targets.items()
            if target
        ]
        yield {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": self._metadata(self.fullname),
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": self._deployment_name},
                "minReplicas": scaling["minReplicas"],
                "maxReplicas": scaling["maxReplicas"],
                "metrics": metrics,
            },
        }

    @property
    def _deployment_name(self) -> str:
        postfix = self.own.get("deploymentPostfix", self.component.postfix)
        return f"{self.fullname}-{postfix}" if postfix else self.fullname

    def _deployment(self) -> Iterator[Object]:
        deployment = self.own.get("deployment") or {}
        annotations = {"reloader.stakater.com/auto": "true"} if self.own.get("addReloaderAnnotations", True) else {}
        metadata = self._metadata(
            self._deployment_name, annotations, deployment.get("annotations"), self.config["deployment"]["annotations"]
        )
        metadata["labels"] |= (self.config["deployment"]["labels"] or {}) | (deployment.get("labels") or {})
        strategy: Object = {"type": "Recreate" if self.component.recreate else "RollingUpdate"}
        strategy = merged(strategy, self.own.get("strategy") or {})
        if strategy["type"] == "RollingUpdate":
            strategy = merged({"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}, strategy)
        else:
            strategy = {"type": strategy["type"]}
        yield {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "replicas": self._replicas(),
                "strategy": strategy,
                "selector": {"matchLabels": self.selector},
                "template": self._pod(),
            },
        }

    def _pod(self) -> Object:
        pod = self.own.get("pod") or {}
        labels = self._labels() | (self.config["pod"]["labels"] or {}) | (pod.get("labels") or {})
        labels |= {key: str(value)[:63] for key, value in (self.own.get("podLabels") or {}).items()}
        annotations = self._annotations(
            self.config["pod"]["annotations"], pod.get("annotations"), self.own.get("podAnnotations")
        )
        security: Object = {
            "runAsNonRoot": True,
            "runAsUser": self.component.user,
            "runAsGroup": 0,
            "fsGroup": 0,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        spreads = [{"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway"} for key in _SPREAD]
        wanted = self.own.get("topologySpreadConstraints", spreads)
        init = [self._init_container(name) for name in self._init_containers()]
        spec: Object = {
            "containers": [self._container(container) for container in self.workload.containers],
            "initContainers": init,
            "serviceAccountName": self._account,
            "securityContext": merged(security, self.own.get("podSecurityContext") or {}),
            "terminationGracePeriodSeconds": self.own.get("terminationGracePeriodSeconds", 60),
            "topologySpreadConstraints": [{**one, "labelSelector": {"matchLabels": self.selector}} for one in wanted],
            "imagePullSecrets": self._pull_secrets(),
            "affinity": self.own.get("affinity"),
            "volumes": self._volumes(),
        }
        for key in ("nodeSelector", "tolerations", "priorityClassName"):
            spec[key] = self.own.get(key) or self.config.get(key)
        return {"metadata": without_empty({"labels": labels, "annotations": annotations}), "spec": without_empty(spec)}

    def _init_containers(self) -> tuple[str, ...]:
        # the table was made with api switched on, which migrates the schema; without it glue does
        if self.component.name == "glue" and not self.config["api"]["enabled"]:
            return ("migrate-db",)
        return self.workload.init_containers

    def _pull_secrets(self) -> list[Object]:
        listed = [*(self.own.get("imagePullSecrets") or ()), *(self.config["imagePullSecrets"] or ())]
        names = [one if isinstance(one, str) else one.get("name") for one in listed]
        return [{"name": name} for name in dict.fromkeys(names) if name]

    def _reference(self, image: Mapping[str, Any]) -> str:
        prefix = self.config["repositoryPrefix"]
        repository = f"{prefix}/{image['repository']}" if prefix else image["repository"]
        if image.get("digest"):
            return f"{repository}@{image['digest']}"
        return f"{repository}:{image['tag'] or 'latest'}"

    def _common(self, name: str, given: Mapping[str, Any]) -> Object:
        """What containers and init containers share."""
        image = given.get("image") or self._image()
        config_maps = [{"configMapRef": {"name": f"{self.release}-{part}-configmap"}} for part in self.component.config]
        secrets = [{"secretRef": {"name": f"{self.release}-{part}"}} for part in self.component.secrets]
        extra = {**(self.own.get("envFrom") or {}), **(given.get("envFrom") or {})}
        more = [{kind: {"name": self._tpl(source)}} for source, kind in extra.items()]
        security = given.get("securityContext") or merged(_CONTAINER_SECURITY, self.own.get("securityContext") or {})
        return {
            "name": name,
            "image": self._reference(image),
            "imagePullPolicy": image.get("pullPolicy") or "IfNotPresent",
            "envFrom": [*config_maps, *secrets, *more],
            "env": self._env(given),
            "securityContext": security,
            "volumeMounts": [*self._mounts(), *(given.get("volumeMounts") or ())],
        }

    def _container(self, container: sizing_chart.Container) -> Object:
        given = (self.own.get("containers") or {}).get(container.name) or {}
        main = container.name == self.component.name
        made = self._common(container.name, given)
        made["resources"] = self._resources(container, given)
        if main:
            ports = self.component.container_ports
            made["ports"] = [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in ports.items()]
            made |= {name: given.get(name) or dict(probe) for name, probe in self.component.probes.items()}
            made["args"] = given.get("args") or list(self.component.args)
            made["command"] = given.get("command")
        return without_empty(made)

    def _init_container(self, name: str) -> Object:
        given = (self.own.get("initContainers") or {}).get(name) or {}
        made = self._common(name, given)
        made["resources"] = given.get("resources")
        made["command"] = given.get("command")
        return without_empty(made)

    def _resources(self, container: sizing_chart.Container, given: Mapping[str, Any]) -> Object:
        """The container's own values over the component's over the size preset, field by field.

        A container to which the chart itself gives resources does not hear the component's.
        """
        table: Object = {"requests": dict(container.requests), "limits": dict(container.limits)}
        own = container.name in self.component.own_resources
        if not self.sized and not own:
            table = _TESTING if self.size == "testing" else {}
        chosen = table if own else merged(table, self.own.get("resources") or {})
        return without_empty(merged(chosen, given.get("resources") or {}))

    def _env(self, given: Mapping[str, Any]) -> list[Object]:
        """The chart's variables, less those that the values set, then the values' in alphabetical order."""
        listed = environment.groups(self.component.env, self.values, self.release)
        connections = self.workload.mysql_max_open_conns
        set_here: dict[str, Any] = {}
        if connections and self.sized:
            set_here["GORILLA_MYSQL_MAX_OPEN_CONNS"] = connections
        for mapping in (
            self.config["extraEnv"],
            self.config["env"],
            self.own.get("extraEnv"),
            self.component.own_env,
            self.own.get("env"),
            given.get("env"),
        ):
            set_here |= mapping or {}
        result = [variable for variable in listed if variable["name"] not in set_here]
        for name in sorted(set_here):
            value = set_here[name]
            if isinstance(value, Mapping):
                result.append({"name": name, **value})
            else:
                result.append({"name": name, "value": self._tpl(_text(value))})
        return result

    def _tpl(self, text: str) -> str:
        if text == "{executor task queue}":
            concurrency = self.own.get("workerConcurrency", 10)
            return f"{environment.redis_url(self.config)}&concurrency={concurrency}"
        return _expand(text, self.release, self.namespace)

    def _volumes(self) -> list[Object]:
        own = [_filled(volume, self.release, self.own) for volume in self.component.volumes]
        listed = [*own, *(self.own.get("volumes") or ()), *(self.config["volumes"] or ())]
        user = self.config["caCertsConfigMap"] or "noCertProvided"
        redis = environment.redis_secret(self.config, self.release)
        items = [{"key": "REDIS_CA_CERT", "path": "redis_ca.pem"}]
        certificates: list[Object] = [
            {"name": "wandb-ca-certs-root", "emptyDir": {}},
            {"name": "wandb-ca-certs", "configMap": {"name": f"{self.release}-ca-certs"}},
            {"name": "wandb-ca-certs-user", "configMap": {"name": user, "optional": True}},
            {"name": "redis-ca", "secret": {"secretName": redis, "items": items, "optional": True}},
        ]
        if self.config["mysql"].get("caCert"):
            items = [{"key": "MYSQL_CA_CERT", "path": "mysql_ca.pem"}]
            certificates.append(
                {"name": "mysql-ca", "secret": {"secretName": f"{self.release}-mysql-ca-cert", "items": items}}
            )
        return [*certificates, *listed]

    def _mounts(self) -> list[Object]:
        folder = "/usr/local/share/ca-certificates"
        mounts: list[Object] = [
            {"name": "wandb-ca-certs-root", "mountPath": f"{folder}/"},
            {"name": "wandb-ca-certs", "mountPath": f"{folder}/inline"},
            {"name": "wandb-ca-certs-user", "mountPath": f"{folder}/configmap"},
            {"name": "redis-ca", "mountPath": "/etc/ssl/certs/redis_ca.pem", "subPath": "redis_ca.pem"},
        ]
        if self.config["mysql"].get("caCert"):
            mounts.append({"name": "mysql-ca", "mountPath": "/etc/ssl/certs/mysql_ca.pem", "subPath": "mysql_ca.pem"})
        mounts += [dict(_MOUNTS[volume["name"]]) for volume in self.component.volumes]
        return [*mounts, *(self.config["volumeMounts"] or ())]


_MOUNTS: Mapping[str, Mapping[str, str]] = {
    "temp-dir": {"name": "temp-dir", "mountPath": "/tmp/"},
    "cache": {"name": "cache", "mountPath": "/vol/weave/cache"},
    "weave-trace-internal-jwt": {"name": "weave-trace-internal-jwt", "mountPath": "/tmp/weave-trace/internal-jwt"},
    "wandb-setup-scripts": {
        "name": "wandb-setup-scripts",
        "mountPath": "/docker-entrypoint.d/02_patch_env_js.sh",
        "subPath": "02_patch_env_js.sh",
    },
}


def _filled(volume: Mapping[str, Any], release: str, own: Mapping[str, Any]) -> Object:
    size = (own.get("cache") or {}).get("size") or DEFAULTS["weave"]["cache"]["size"]

    def fill(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: fill(part) for key, part in value.items()}
        if isinstance(value, list):
            return [fill(part) for part in value]
        if isinstance(value, str):
            return value.replace("{release}", release).replace("{cache.size}", size)
        return value

    return fill(volume)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _expand(text: str, release: str, namespace: str) -> str:
    """Templates in values: those that name the release. Raises RenderError for any other, which a rehearsal cannot run."""
    result = text.replace("{{ .Release.Name }}", release).replace("{{ .Release.Namespace }}", namespace)
    if "{{" in result:
        raise RenderError(f"the rehearsal does not evaluate the template in {text!r}")
    return result


def _expanded(config: Mapping[str, Any], release: str, namespace: str) -> dict[str, Any]:
    result = dict(config)
    host = config["clickhouse"]["host"]
    if isinstance(host, str):
        result["clickhouse"] = {**config["clickhouse"], "host": _expand(host, release, namespace)}
    return result
