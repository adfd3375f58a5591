"""The components of chart `operator-wandb` 0.43.8 whose workloads are Deployments: images, ports, probes, wiring.

Requests, limits and replicas are in `sizing.chart`; here is what that table does not say. Source: the chart's
values.yaml and templates, wandb-base 0.12.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Port:
    """One port of a Service and of its container."""

    name: str
    number: int
    target: int | str | None = None
    """None: the same number."""
    container: int | None = None
    """The container's port where it differs."""

    def service(self) -> Object:
        """As in a Service."""
        return {"name": self.name, "port": self.number, "targetPort": self.target or self.number, "protocol": "TCP"}


@dataclass(frozen=True, kw_only=True)
class Component:
    """One component, under its key in the chart's values."""

    name: str
    image: str
    tag: str = "latest"
    switch: str = ""
    """Path in the values; empty: `<name>.install`."""
    on: bool = False
    """The switch's default."""
    postfix: str = ""
    """Of the Deployment's name alone."""
    ports: tuple[Port, ...] = ()
    container_ports: Mapping[str, int] = field(default_factory=dict)
    """Of the main container, where they are not those of the Service."""
    extra_service: Port | None = None
    """A headless Service of its own, `<release>-<component>-<port name>`."""
    config: tuple[str, ...] = ()
    """ConfigMaps in `envFrom`, without `<release>-` and `-configmap`."""
    secrets: tuple[str, ...] = ()
    """Secrets in `envFrom`, without `<release>-`."""
    env: tuple[str, ...] = ()
    """Groups of variables, see `environment.GROUPS`."""
    own_env: Mapping[str, Any] = field(default_factory=dict)
    probes: Mapping[str, Object] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    recreate: bool = False
    user: int = 999
    volumes: tuple[Object, ...] = ()
    own_resources: tuple[str, ...] = ()
    """Containers whose resources the chart sets themselves, so that the component's `resources` do not reach them."""
    role: tuple[Object, ...] = ()
    cluster_role: bool = False
    health_check: str = ""
    """Path for an AWS load balancer."""

    def switched_on(self, values: Mapping[str, Any]) -> bool:
        """Whether the values install it."""
        found: Any = values
        for key in (self.switch or f"{self.name}.install").split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        return self.on if found is None else bool(found)


def _http(path: str, port: int | str, **times: int) -> Object:
    return {"httpGet": {"path": path, "port": port}, **times}


def _rule(groups: str, resources: str, verbs: str) -> Object:
    return {"apiGroups": [groups], "resources": resources.split(), "verbs": verbs.split()}


_SECRETS = (_rule("", "secrets", "get create update delete"), _rule("", "namespaces", "get"))
_LEASES = (
    _rule("coordination.k8s.io", "leases", "get list watch create update patch delete"),
    _rule("", "events", "create patch"),
)
_CONSOLE = (
    _rule("", "secrets", "get list watch patch create"),
    _rule("", "namespaces pods pods/log configmaps services serviceaccounts events", "get list"),
    _rule("apps", "deployments statefulsets daemonsets replicasets controllerrevisions", "get list"),
    _rule("apps", "deployments/status statefulsets/status daemonsets/status replicasets/status", "get"),
    _rule("apps.wandb.com", "weightsandbiases", "get"),
)
_TEMPORARY: Object = {"name": "temp-dir", "emptyDir": {}}
_TOKEN = {"serviceAccountToken": {"audience": "internal-service", "path": "token", "expirationSeconds": 600}}
_INTERNAL_TOKEN: Object = {"name": "weave-trace-internal-jwt", "projected": {"sources": [_TOKEN]}}
_COREWEAVE = {
    "GORILLA_COREWEAVE_OBSERVABILITY_API_KEY": {
        "valueFrom": {
            "secretKeyRef": {
                "name": "gorilla-coreweave-observability",
                "key": "GORILLA_COREWEAVE_OBSERVABILITY_API_KEY",
                "optional": True,
            }
        }
    }
}
_WORKER_TOKEN = {
    "WANDB_INTERNAL_SERVICE_TOKEN": {"valueFrom": {"secretKeyRef": {"name": "weave-worker-auth", "key": "key"}}}
}
_SERVER_CONFIG = ("bucket", "redis", "kafka", "global")
_SERVER_ENV = (
    "downward",
    "coreweave",
    "bucket",
    "mysql",
    "redis",
    "queue",
    "history",
    "statsig",
    "smtp",
    "license",
    "certificates",
)
_TASK_QUEUE = {"GORILLA_TASK_QUEUE": "{executor task queue}"}
_ONCE = {"initialDelaySeconds": 20, "periodSeconds": 5}
_APP_ENV = {
    "GORILLA_LICENSE_CERT_PATH": "/var/app/jwks.json",
    "GORILLA_GLUE_CONTAINER_PORT": "8083",
    "BUCKET_QUEUE": "internal://",
    "GORILLA_TASK_CONFIG_PATH": "/etc/service/gorilla-glue/glue_tasks_local.yaml",
}


def _server(name: str, *, config: tuple[str, ...] | None = None, **more: Any) -> Component:
    """A component that runs one of the sub-programs of W&B's server."""
    own = (name,) if config is None else config
    given: dict[str, Any] = {
        "image": "wandb/megabinary",
        "config": (*_SERVER_CONFIG, *own),
        "secrets": ("global-secret",),
        "env": _SERVER_ENV,
        "args": (name,),
    }
    return Component(name=name, **(given | more))


def _worker(name: str, module: str) -> Component:
    return Component(
        name=name,
        image="wandb/weave-trace",
        postfix="bc",
        config=("weave-trace",),
        secrets=("global-secret",),
        env=("clickhouse", "certificates"),
        own_env=_WORKER_TOKEN,
        args=("python", "-m", module),
        container_ports={"http": 8080},
        volumes=(_INTERNAL_TOKEN,),
    )


COMPONENTS: tuple[Component, ...] = (
    _server(
        "api",
        switch="global.api.enabled",
        secrets=("global-secret", "gorilla-session-key"),
        env=(*_SERVER_ENV, "oidc"),
        own_env=_COREWEAVE,
        args=("gorilla",),
        ports=(Port(name="http", number=8081, target="api"),),
        container_ports={"api": 8081},
        probes={
            "livenessProbe": _http("/healthz", 8081, initialDelaySeconds=30, periodSeconds=5, failureThreshold=3),
            "readinessProbe": _http("/ready", "api", periodSeconds=5, failureThreshold=5),
        },
        volumes=(_TEMPORARY,),
        role=_SECRETS,
        health_check="/ready",
    ),
    _server(
        "app",
        image="wandb/local",
        on=True,
        postfix="bc",
        config=("api", "glue", "frontend", "app", "local"),
        secrets=("global-secret", "gorilla-session-key"),
        env=(*_SERVER_ENV, "oidc"),
        own_env=_APP_ENV | _COREWEAVE,
        args=(),
        ports=(
            Port(name="app", number=8080),
            Port(name="prometheus", number=8181),
            Port(name="anaconda", number=8082),
            Port(name="local", number=8083),
        ),
        container_ports={"http": 8080, "prometheus": 8181, "anaconda": 8082, "local": 8083, "gorilla-statsd": 8125},
        probes={
            "livenessProbe": _http("/healthz", "http"),
            "readinessProbe": _http("/ready", "http", **_ONCE),
            "startupProbe": _http("/ready", "http", **_ONCE, failureThreshold=120),
        },
        role=_SECRETS,
    ),
    Component(
        name="console",
        image="wandb/console",
        on=True,
        postfix="bc",
        config=("console",),
        ports=(Port(name="console", number=8082),),
        container_ports={"http": 8082},
        probes={
            "livenessProbe": _http("/console/api/healthz", "http"),
            "readinessProbe": _http("/console/api/ready", "http", **_ONCE),
            "startupProbe": _http("/console/api/ready", "http", **_ONCE, failureThreshold=120),
        },
        own_resources=("console",),
        role=_CONSOLE,
        cluster_role=True,
        health_check="/console/api/healthz",
    ),
    _server("executor", postfix="bc", recreate=True, own_env=_TASK_QUEUE),
    Component(
        name="frontend",
        image="wandb/frontend-nginx",
        config=("global", "frontend"),
        secrets=("global-secret",),
        env=("certificates",),
        ports=(Port(name="http", number=8080, target="frontend"),),
        container_ports={"frontend": 8080},
        user=101,
        volumes=({"name": "wandb-setup-scripts", "configMap": {"name": "{release}-frontend-patch-env-js"}},),
        health_check="/ready",
    ),
    _server(
        "glue",
        switch="global.glue.enabled",
        recreate=True,
        container_ports={"http": 8080},
        probes={"livenessProbe": _http("/healthz", 8080, initialDelaySeconds=30, periodSeconds=1, failureThreshold=3)},
        volumes=(_TEMPORARY,),
        role=(*_SECRETS, *_LEASES),
    ),
    _server(
        "parquet",
        on=True,
        postfix="bc",
        ports=(Port(name="parquet", number=8087),),
        container_ports={"parquet": 8087},
        extra_service=Port(name="grpc", number=8088),
        probes={
            "livenessProbe": _http("/healthz", 8087, initialDelaySeconds=30, periodSeconds=30, timeoutSeconds=30),
            "readinessProbe": _http("/ready", 8087, initialDelaySeconds=30, periodSeconds=30, timeoutSeconds=30),
        },
    ),
    Component(
        name="weave",
        image="wandb/weave-python",
        on=True,
        postfix="bc",
        config=("weave",),
        env=("certificates",),
        ports=(Port(name="weave", number=9994),),
        container_ports={"http": 9994},
        probes={
            "livenessProbe": _http("/__weave/hello", "http"),
            "readinessProbe": _http("/__weave/hello", "http"),
            "startupProbe": _http("/__weave/hello", "http", failureThreshold=12, periodSeconds=10),
        },
        volumes=(_TEMPORARY, {"name": "cache", "emptyDir": {"sizeLimit": "{cache.size}"}}),
        own_resources=("weave-cache-clear",),
    ),
    Component(
        name="weave-trace",
        image="wandb/weave-trace",
        postfix="bc",
        config=("global", "weave-trace"),
        secrets=("global-secret",),
        env=("clickhouse", "certificates"),
        args=("uvicorn", "src.trace_server:app", "--host", "0.0.0.0", "--port", "8080"),
        ports=(Port(name="http", number=8722, target=8080),),
        container_ports={"http": 8080},
        probes={
            "livenessProbe": _http("/traces/health", "http", timeoutSeconds=2, failureThreshold=5),
            "readinessProbe": _http("/traces/health", "http", timeoutSeconds=2, failureThreshold=5),
            "startupProbe": _http("/traces/health", "http", failureThreshold=12, periodSeconds=10),
        },
        volumes=(_TEMPORARY, _INTERNAL_TOKEN),
        health_check="/traces/health",
    ),
    _worker("weave-trace-worker", "src.workers.scoring_worker"),
    _worker("weave-evaluate-model-worker", "src.workers.evaluate_model_worker.evaluate_model_worker"),
    _worker("weave-trace-agent-scoring-worker", "src.workers.agent_scoring_worker"),
    _server("filemeta", config=()),
    _server("filestream", postfix="bc"),
    _server("flat-run-fields-updater", postfix="bc"),
    _server("history-updater"),
    _server("metric-observer", config=("flat-run-fields-updater",), role=(_rule("", "secrets namespaces", "get"),)),
    _server(
        "parquet-metadata-cache",
        ports=(Port(name="metadata-cache", number=9091),),
        container_ports={"metadata-cache": 9091},
    ),
    Component(
        name="anaconda2",
        image="wandb/anaconda2",
        config=("anaconda2",),
        env=("certificates",),
        ports=(Port(name="http", number=8082),),
        container_ports={"http": 8082},
    ),
    Component(
        name="mcp-server",
        image="wandb/mcp-server",
        tag="0.3.5",
        config=("global",),
        env=("certificates", "statsig"),
        ports=(Port(name="http", number=8080),),
        container_ports={"http": 8080},
        probes={
            "livenessProbe": _http("/mcp/health", 8080, initialDelaySeconds=10, periodSeconds=30),
            "readinessProbe": _http("/mcp/health", 8080, initialDelaySeconds=5, periodSeconds=10),
        },
        user=1000,
        own_resources=("mcp-server",),
        volumes=(_TEMPORARY,),
    ),
)

NOT_PLAYED: Mapping[str, bool] = {
    "appRenamePreHook.install": True,
    "appRenamePostHook.install": True,
    "mysql.install": False,
    "redis.install": True,
    "prometheus.install": True,
    "otel.install": True,
    "kafka.install": False,
    "bufstream.install": False,
    "clickhouse.install": False,
    "nginx.install": False,
    "yace.install": False,
    "stackdriver.install": False,
    "reloader.install": False,
    "lumen-agent.install": False,
    "history-reader.install": False,
    "settingsMigrationJob.install": False,
    "clickhouseMigrationJob.install": False,
    "global.olap.registrySearch.enabled": False,
    "global.olap.runStoreAccelerator.enabled": False,
    "global.olap.history.enabled": False,
    "global.localService.bypass": False,
    "ingress.issuer.create": False,
    "ingress.secondary.create": False,
}
"""Switches of parts that the stand-in does not make, and their defaults. Where one is on, it says so in an event."""


def not_played(values: Mapping[str, Any]) -> list[str]:
    """The switches that are on and have no effect in a rehearsal."""
    found = []
    for path, default in NOT_PLAYED.items():
        value: Any = values
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if default if value is None else value:
            found.append(path)
    return found
