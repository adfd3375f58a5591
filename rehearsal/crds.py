"""The CustomResourceDefinitions that the operators' charts bring.

With WANDB_CRDS naming a folder of the vendors' own YAML files, those are used. Without it, the project's own stand-ins
are: the same names, versions, scopes and status subresources, and schemas that refuse what the vendors' refuse in the
fields this project writes. A stand-in prunes what it does not describe, as the vendors' schemas prune what they do not
know; it cannot prove that a field which it describes exists under exactly that name in another operator version.

Source of names, types and patterns: CRDs of Altinity's clickhouse-operator 0.25.6 and of W&B's operator 1.22.0.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = "WANDB_CRDS"
Schema = dict[str, Any]

_BOOLEANS = ("", "0", "1", *(word for pair in (
    ("False", "false"), ("True", "true"), ("No", "no"), ("Yes", "yes"), ("Off", "off"), ("On", "on"),
    ("Disable", "disable"), ("Enable", "enable"), ("Disabled", "disabled"), ("Enabled", "enabled"),
) for word in pair))  # fmt: skip
_ENUMS = {
    "boolean": _BOOLEANS,
    "restart": ("", "RollingUpdate"),
    "wait": ("", "wait", "nowait"),
    "cleanup": ("", "Retain", "Delete"),
    "provisioner": ("", "StatefulSet", "Operator"),
    "distribution": ("", "Unspecified", "OnePerHost"),
    "scheme": ("internal", "internet-facing"),
    "target type": ("instance", "ip"),
}
_TEMPLATE_NAMES = {
    **dict.fromkeys(
        ("hostTemplate", "podTemplate", "dataVolumeClaimTemplate", "logVolumeClaimTemplate", "serviceTemplate",
         "clusterServiceTemplate", "shardServiceTemplate", "replicaServiceTemplate", "volumeClaimTemplate"),
        "string",
    ),
    "serviceTemplates": ["string"],
}  # fmt: skip
_OBJECT_POLICIES = dict.fromkeys(("statefulSet", "pvc", "configMap", "service"), "cleanup")
_RECONCILE = {
    "policy": "wait",
    "configMapPropagationTimeout": "integer",
    "cleanup": {"unknownObjects": _OBJECT_POLICIES, "reconcileFailedObjects": _OBJECT_POLICIES},
}
_HOST_RECONCILE = {
    "runtime": {"reconcileShardsThreadsNumber": "integer", "reconcileShardsMaxConcurrencyPercent": "integer"},
    "host": {
        "wait": {
            "exclude": "boolean",
            "queries": "boolean",
            "include": "boolean",
            "replicas": {"all": "boolean", "new": "boolean", "delay": "integer"},
            "probes": {"startup": "boolean", "readiness": "boolean"},
        },
        "drop": {"replicas": {"onDelete": "boolean", "onLostVolume": "boolean", "active": "boolean"}},
    },
}
_MACROS = {"sections": {part: {"enabled": "boolean"} for part in ("users", "profiles", "quotas", "settings", "files")}}
_SERVER_RECONCILE = _RECONCILE | _HOST_RECONCILE | {"macros": _MACROS}
_DEFAULTS = {
    "replicasUseFQDN": "boolean",
    "distributedDDL": {"profile": "string"},
    "storageManagement": {"provisioner": "provisioner", "reclaimPolicy": "cleanup"},
    "templates": _TEMPLATE_NAMES,
}
_TEMPLATES = {
    "hostTemplates": [{"name": "string", "portDistribution": "any list", "spec": "any"}],
    "podTemplates": [
        {
            "name": "string",
            "generateName": "string",
            "zone": {"key": "string", "values": ["string"]},
            "distribution": "distribution",
            "podDistribution": "any list",
            "metadata": "any",
            "spec": "any",
        }
    ],
    "volumeClaimTemplates": [
        {"name": "string", "provisioner": "provisioner", "reclaimPolicy": "cleanup", "metadata": "any", "spec": "any"}
    ],
    "serviceTemplates": [{"name": "string", "generateName": "string", "metadata": "any", "spec": "any"}],
}
_CLUSTER = {
    "name": "cluster name",
    "settings": "any",
    "files": "any",
    "templates": _TEMPLATE_NAMES,
    "pdbManaged": "boolean",
    "pdbMaxUnavailable": "integer",
}
_ZOOKEEPER = {
    "nodes": [{"host": "string", "port": "integer", "secure": "boolean", "availabilityZone": "string"}],
    "session_timeout_ms": "integer",
    "operation_timeout_ms": "integer",
    "root": "string",
    "identity": "string",
    "use_compression": "boolean",
}
_CLICKHOUSE_SPEC = {
    "taskID": "string",
    "stop": "boolean",
    "restart": "restart",
    "suspend": "boolean",
    "troubleshoot": "boolean",
    "namespaceDomainPattern": "string",
    "templating": {"policy": "string", "chiSelector": "any"},
    "reconciling": _SERVER_RECONCILE,
    "reconcile": _SERVER_RECONCILE,
    "defaults": _DEFAULTS,
    "configuration": {
        "zookeeper": _ZOOKEEPER,
        **dict.fromkeys(("users", "profiles", "quotas", "settings", "files"), "any"),
        "clusters": [
            _CLUSTER
            | {
                "zookeeper": _ZOOKEEPER,
                "schemaPolicy": {"replica": "string", "shard": "string"},
                "insecure": "boolean",
                "secure": "boolean",
                "secret": {"auto": "boolean", "value": "string", "valueFrom": "any"},
                "reconcile": _HOST_RECONCILE,
                "layout": {
                    "shardsCount": "integer",
                    "replicasCount": "integer",
                    "shards": "any list",
                    "replicas": "any list",
                },
            }
        ],
    },
    "templates": _TEMPLATES,
    "useTemplates": [{"name": "string", "namespace": "string", "useType": "string"}],
}
_KEEPER_SPEC = {
    "taskID": "string",
    "stop": "boolean",
    "suspend": "boolean",
    "namespaceDomainPattern": "string",
    "reconciling": _RECONCILE,
    "defaults": _DEFAULTS,
    "configuration": {
        "settings": "any",
        "files": "any",
        "clusters": [_CLUSTER | {"layout": {"replicasCount": "integer", "replicas": "any list"}}],
    },
    "templates": _TEMPLATES,
}
_INSTALLATION_STATUS = {
    **dict.fromkeys(
        ("chop-version", "chop-commit", "chop-date", "chop-ip", "status", "taskID", "action", "error", "endpoint"),
        "string",
    ),
    **dict.fromkeys(
        ("clusters", "shards", "replicas", "hosts", "hostsUnchanged", "hostsUpdated", "hostsAdded", "hostsCompleted",
         "hostsDeleted", "hostsDelete", "generation"),
        "count",
    ),
    **{
        name: ["string"]
        for name in ("taskIDsStarted", "taskIDsCompleted", "actions", "errors", "pods", "pod-ips", "fqdns", "endpoints",
                     "hostsWithTablesCreated", "hostsWithReplicaCaughtUp")
    },
    **dict.fromkeys(("normalized", "normalizedCompleted", "actionPlan"), "any"),
    "usedTemplates": "any list",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One stand-in definition, in short."""

    kind: str
    plural: str
    short: str = ""
    group: str
    version: str = "v1"
    scope: str = "Namespaced"
    spec: Mapping[str, Any] | str
    status: Mapping[str, Any] | str | None
    spec_required: bool = True
    columns: tuple[tuple[str, str, str], ...] = ()
    """Name, type and JSON path of what `kubectl get` shows."""

    @property
    def name(self) -> str:
        """The one name that Kubernetes allows for the definition."""
        return f"{self.plural}.{self.group}"


_COLUMNS = (
    ("clusters", "integer", ".status.clusters"),
    ("hosts", "integer", ".status.hosts"),
    ("status", "string", ".status.status"),
    ("hosts-completed", "integer", ".status.hostsCompleted"),
    ("age", "date", ".metadata.creationTimestamp"),
    ("suspend", "string", ".spec.suspend"),
)
_CLICKHOUSE, _KEEPER = "clickhouse.altinity.com", "clickhouse-keeper.altinity.com"
_STAND_INS = (
    Definition(
        kind="ClickHouseInstallation",
        plural="clickhouseinstallations",
        short="chi",
        group=_CLICKHOUSE,
        spec=_CLICKHOUSE_SPEC,
        status=_INSTALLATION_STATUS,
        columns=_COLUMNS,
    ),
    Definition(
        kind="ClickHouseInstallationTemplate",
        plural="clickhouseinstallationtemplates",
        short="chit",
        group=_CLICKHOUSE,
        spec=_CLICKHOUSE_SPEC,
        status=_INSTALLATION_STATUS,
        columns=_COLUMNS,
    ),
    Definition(
        kind="ClickHouseOperatorConfiguration",
        plural="clickhouseoperatorconfigurations",
        short="chopconf",
        group=_CLICKHOUSE,
        spec="any",
        status=None,
        spec_required=False,
    ),
    Definition(
        kind="ClickHouseKeeperInstallation",
        plural="clickhousekeeperinstallations",
        short="chk",
        group=_KEEPER,
        spec=_KEEPER_SPEC,
        status=_INSTALLATION_STATUS,
        columns=_COLUMNS,
    ),
    Definition(
        kind="WeightsAndBiases",
        plural="weightsandbiases",
        short="wandb",
        group="apps.wandb.com",
        spec={"chart": "any", "values": "any"},
        status={"phase": "string", "version": "string"},
        spec_required=False,
    ),
)
MONITORING = (
    Definition(
        kind="PrometheusRule",
        plural="prometheusrules",
        short="promrule",
        group="monitoring.coreos.com",
        spec={
            "groups": [
                {
                    "name": "string",
                    "interval": "string",
                    "rules": [
                        {"alert": "string", "expr": "string", "for": "string", "labels": "any", "annotations": "any"}
                    ],
                }
            ]
        },
        status=None,
    ),
    Definition(
        kind="ServiceMonitor",
        plural="servicemonitors",
        short="smon",
        group="monitoring.coreos.com",
        spec={
            "selector": {"matchLabels": "any"},
            "endpoints": [{"port": "string", "interval": "string", "scrapeTimeout": "string", "path": "string"}],
        },
        status=None,
    ),
)
"""Of a Prometheus operator that the user brings. Source: Prometheus operator 0.95, API reference."""
CLICKHOUSE = tuple(definition.plural for definition in _STAND_INS if "clickhouse" in definition.plural)
"""The plurals that Altinity's chart brings."""
WANDB = ("weightsandbiases",)
"""The plural that W&B's operator chart brings."""


def source() -> str:
    """One sentence on which definitions are used, for a rehearsal's report."""
    folder = os.environ.get(FOLDER)
    if folder:
        return f"CustomResourceDefinitions: the vendors' own, from {folder} ({FOLDER})."
    return (
        "CustomResourceDefinitions: STAND-INS of this project, not the vendors' own. They cannot prove that every field "
        f"is known to the operators; set {FOLDER} to a folder with the vendors' YAML files to have that checked."
    )


def manifests(*plurals: str) -> list[dict[str, Any]]:
    """The definitions of the given plurals, all of them when none is given, ready to be applied.

    Raises LookupError for a plural that the chosen source does not define, and OSError when the folder cannot be read.
    """
    folder = os.environ.get(FOLDER)
    known = _vendors(Path(folder)) if folder else {one.plural: _manifest(one) for one in _STAND_INS}
    wanted = plurals or tuple(one.plural for one in _STAND_INS)
    if missing := [plural for plural in wanted if plural not in known]:
        raise LookupError(f"no CustomResourceDefinition for {', '.join(missing)} in {folder or 'the stand-ins'}")
    return [known[plural] for plural in wanted]


def definition(wanted: Definition) -> dict[str, Any]:
    """One definition: the vendor's own where the folder has it, else the stand-in for it."""
    folder = os.environ.get(FOLDER)
    return (_vendors(Path(folder)) if folder else {}).get(wanted.plural) or _manifest(wanted)


def _vendors(folder: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".yaml", ".yml"):
            continue
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if document and document.get("kind") == "CustomResourceDefinition":
                found[document["spec"]["names"]["plural"]] = document
    return found


def _manifest(definition: Definition) -> dict[str, Any]:
    properties: Schema = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": _schema(definition.spec),
    }
    version: dict[str, Any] = {"name": definition.version, "served": True, "storage": True}
    if definition.status is not None:
        properties["status"] = _schema(definition.status)
        version["subresources"] = {"status": {}}
    required = {"required": ["spec"]} if definition.spec_required else {}
    version["schema"] = {"openAPIV3Schema": {"type": "object", "properties": properties, **required}}
    if definition.columns:
        columns = [{"name": name, "type": kind, "jsonPath": path} for name, kind, path in definition.columns]
        version["additionalPrinterColumns"] = columns
    names = {
        "kind": definition.kind,
        "listKind": f"{definition.kind}List",
        "plural": definition.plural,
        "singular": definition.kind.lower(),
    } | ({"shortNames": [definition.short]} if definition.short else {})
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": definition.name, "labels": {"rehearsal/stand-in": "true"}},
        "spec": {"group": definition.group, "scope": definition.scope, "names": names, "versions": [version]},
    }


def _schema(form: Mapping[str, Any] | list[Any] | str) -> Schema:
    if isinstance(form, Mapping):
        return {"type": "object", "properties": {name: _schema(part) for name, part in form.items()}}
    if isinstance(form, list):
        return {"type": "array", "nullable": True, "items": _schema(form[0])}
    if form == "any":
        return {"type": "object", "nullable": True, "x-kubernetes-preserve-unknown-fields": True}
    if form == "any list":
        return {"type": "array", "nullable": True, "items": _schema("any")}
    if form == "count":
        return {"type": "integer", "minimum": 0}
    if form == "cluster name":
        return {"type": "string", "minLength": 1, "maxLength": 15, "pattern": "^[a-zA-Z0-9-]{0,15}$"}
    if form in _ENUMS:
        return {"type": "string", "enum": list(_ENUMS[form])}
    return {"type": form}
