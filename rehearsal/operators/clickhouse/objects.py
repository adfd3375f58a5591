"""The objects that the operator makes for an installation.

Source: `pkg/model/{chi,chk,common}/creator` of clickhouse-operator 0.25.6.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..runtime import inherited, owner_reference
from .configuration import Files
from .layout import CHI, Cluster, Host, Installation, insecure, is_true
from .settings import Settings

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Makes the objects of one installation."""

    installation: Installation
    settings: Settings

    def _metadata(self, name: str, labels: Mapping[str, str]) -> Object:
        owner = self.installation.resource
        return {
            "name": name,
            "namespace": self.installation.namespace,
            "labels": self._own_labels() | dict(labels),
            "annotations": inherited(owner, self.settings.excluded_annotations),
            "ownerReferences": [owner_reference(owner)],
        }

    def _own_labels(self) -> dict[str, str]:
        """The labels of the custom resource, which its operator copies to what it makes."""
        return dict(self.installation.resource["metadata"].get("labels") or {})

    def config_map(self, name: str, part: str, labels: Mapping[str, str], data: Mapping[str, str]) -> Object:
        """`part` is what the ConfigMap is for: `Common`, `CommonUsers` or, for one host, `Host`."""
        value = part if part == "Host" else f"{self.installation.flavour.label}{part}"
        marks = dict(labels) | {self.installation.label("ConfigMap"): value}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": self._metadata(name, marks), "data": dict(data)}

    def entry_service(self) -> Object:
        """The Service of the whole installation, by its template where there is one; headless otherwise."""
        installation = self.installation
        labels = installation.scope() | {installation.label("Service"): installation.flavour.short}
        selector = installation.scope() | {installation.label("ready"): "yes"}
        template = self._template("serviceTemplates", self._default("serviceTemplate"))
        if template is None:
            ports = installation.flavour.ports
            listed = [
                {"name": name, "port": ports[name], "targetPort": name} for name in installation.flavour.service_ports
            ]
            spec: Object = {"clusterIP": "None", "type": "ClusterIP", "ports": listed, "selector": selector}
            return {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": self._metadata(installation.entry_service, labels),
                "spec": spec,
            }
        name = self._macros(template.get("generateName") or installation.entry_service)
        metadata = self._metadata(name, labels)
        given = template.get("metadata") or {}
        metadata["labels"] = (given.get("labels") or {}) | metadata["labels"]
        metadata["annotations"] = (given.get("annotations") or {}) | metadata["annotations"]
        spec = copy.deepcopy(template.get("spec") or {})
        spec["selector"] = (spec.get("selector") or {}) | selector
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}

    def host_service(self, host: Host) -> Object:
        """The headless Service of one host; it lists the host before it is ready."""
        installation = self.installation
        labels = installation.host_scope(host) | {installation.label("Service"): "host"}
        ports = [{"name": name, "port": port, "targetPort": port} for name, port in installation.ports(host).items()]
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self._metadata(installation.statefulset(host), labels),
            "spec": {
                "clusterIP": "None",
                "type": "ClusterIP",
                "publishNotReadyAddresses": True,
                "ports": ports,
                "selector": installation.host_scope(host),
            },
        }

    def disruption_budget(self, cluster: Cluster) -> Object | None:
        """The budget of one cluster; None where the user manages it."""
        if not is_true(cluster.spec.get("pdbManaged", "yes")):
            return None
        labels = self.installation.cluster_scope(cluster)
        maximum = int(cluster.spec.get("pdbMaxUnavailable", 1))
        return {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": self._metadata(self.installation.disruption_budget(cluster), labels),
            "spec": {"selector": {"matchLabels": labels}, "maxUnavailable": maximum},
        }

    def cluster_secret(self, cluster: Cluster, value: str) -> Object:
        """The Secret with which the servers of a cluster trust each other."""
        name, labels = self.installation.cluster_secret(cluster), self.installation.cluster_scope(cluster)
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": self._metadata(name, labels),
            "type": "Opaque",
            "stringData": {"secret": value},
        }

    def statefulset(self, host: Host, files: Files) -> Object:
        """One server: a StatefulSet of one replica, none while the installation is stopped."""
        installation = self.installation
        template = self._pod(host, files)
        metadata = self._metadata(installation.statefulset(host), installation.host_scope(host))
        return {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": metadata,
            "spec": {
                "replicas": 0 if installation.stopped else 1,
                "serviceName": installation.statefulset(host),
                "selector": {"matchLabels": installation.host_scope(host)},
                "template": template,
                "volumeClaimTemplates": self._claims(host, template),
                "podManagementPolicy": "OrderedReady",
                "updateStrategy": {"type": "RollingUpdate"},
                "revisionHistoryLimit": self.settings.revision_history,
            },
        }

    def reclaim_policies(self, host: Host) -> dict[str, str]:
        """Volume claim template -> Retain or Delete: its own policy, else the installation's, else Delete."""
        general = ((self.installation.spec.get("defaults") or {}).get("storageManagement") or {}).get("reclaimPolicy")
        policies = {}
        for name in self._volumes(host).values():
            template = self._template("volumeClaimTemplates", name) or {}
            policies[name] = template.get("reclaimPolicy") or general or "Delete"
        return policies

    def _pod(self, host: Host, files: Files) -> Object:
        installation, flavour = self.installation, self.installation.flavour
        template = copy.deepcopy(dict(self._template("podTemplates", self._host_default(host, "podTemplate")) or {}))
        given = template.get("metadata") or {}
        spec: Object = template.get("spec") or {}
        containers = spec.setdefault("containers", [])
        server = next(
            (one for one in containers if one["name"] == flavour.container), containers[0] if containers else None
        )
        if server is None:
            # without a container the operator adds one with the newest image
            server = {"name": flavour.container, "image": flavour.image}
            containers.append(server)
        self._server(host, server, files)
        maps = {
            installation.common_config: flavour.common_folder,
            installation.common_users: "users.d",
            installation.host_config(host): flavour.host_folder,
        }
        mounts = [{"name": name, "mountPath": f"{flavour.configuration}/{folder}/"} for name, folder in maps.items()]
        mounts += [{"name": claim, "mountPath": path} for path, claim in self._volumes(host).items()]
        for container in containers:
            held = {mount["mountPath"].rstrip("/") for mount in container.get("volumeMounts") or ()}
            new = [mount for mount in [*mounts, *files.mounts] if mount["mountPath"].rstrip("/") not in held]
            container["volumeMounts"] = [*(container.get("volumeMounts") or ()), *new]
        volumes = [{"name": name, "configMap": {"name": name}} for name in maps]
        spec["volumes"] = [*(spec.get("volumes") or ()), *volumes, *files.volumes]
        if flavour is CHI:
            alias = {"ip": "127.0.0.1", "hostnames": [installation.statefulset(host)]}
            spec["hostAliases"] = [alias, *(spec.get("hostAliases") or ())]
        spec.setdefault("terminationGracePeriodSeconds", self.settings.grace_period)
        labels = self._own_labels() | installation.host_scope(host) | {installation.label("ready"): "yes"}
        annotations = inherited(installation.resource, self.settings.excluded_annotations)
        return {
            "metadata": {
                "labels": labels | (given.get("labels") or {}),
                "annotations": annotations | (given.get("annotations") or {}),
            },
            "spec": spec,
        }

    def _server(self, host: Host, container: Object, files: Files) -> None:
        known = self.installation.ports(host)
        held = {port.get("name") for port in container.get("ports") or ()}
        ports = [{"name": name, "containerPort": port} for name, port in known.items() if name not in held]
        container["ports"] = [*(container.get("ports") or ()), *ports]
        names = {variable["name"] for variable in container.get("env") or ()}
        container["env"] = [*(container.get("env") or ()), *(one for one in files.env if one["name"] not in names)]
        for name, probe in _probes(self.installation, host).items():
            container.setdefault(name, probe)

    def _volumes(self, host: Host) -> dict[str, str]:
        """Mount path -> volume claim template, of the data and log volumes."""
        flavour = self.installation.flavour
        general = self._host_default(host, "volumeClaimTemplate")
        data = self._host_default(host, "dataVolumeClaimTemplate") or general
        logs = self._host_default(host, "logVolumeClaimTemplate") or general
        places = {
            flavour.data: data,
            flavour.data.replace("/var/lib/", "/var/log/").replace("/clickhouse", "/clickhouse-server")
            if flavour is CHI
            else "/var/log/clickhouse-keeper": logs,
        }
        return {path: name for path, name in places.items() if name and self._template("volumeClaimTemplates", name)}

    def _claims(self, host: Host, pod: Object) -> list[Object]:
        mounted = {mount["name"] for container in pod["spec"]["containers"] for mount in container["volumeMounts"]}
        claims = []
        for template in (self.installation.spec.get("templates") or {}).get("volumeClaimTemplates") or ():
            if template["name"] not in mounted:
                continue
            spec = copy.deepcopy(template.get("spec") or {})
            spec.setdefault("volumeMode", "Filesystem")
            labels = self._own_labels() | self.installation.host_scope(host)
            claims.append({"metadata": {"name": template["name"], "labels": labels}, "spec": spec})
        return claims

    def _default(self, key: str) -> str:
        return (((self.installation.spec.get("defaults") or {}).get("templates")) or {}).get(key) or ""

    def _host_default(self, host: Host, key: str) -> str:
        return (host.cluster.spec.get("templates") or {}).get(key) or self._default(key)

    def _template(self, kind: str, name: str) -> Mapping[str, Any] | None:
        listed = (self.installation.spec.get("templates") or {}).get(kind) or ()
        return next((template for template in listed if template["name"] == name), None)

    def _macros(self, text: str) -> str:
        return text.replace("{chi}", self.installation.name).replace("{chk}", self.installation.name)


def _probes(installation: Installation, host: Host) -> Mapping[str, Object]:
    """Those that the operator puts where the template has none of its own."""
    if installation.flavour is CHI:
        asked = {"path": "/ping", "port": "http"}
        if not insecure(host):
            asked = {"path": "/ping", "port": "https", "scheme": "HTTPS"}
        return {"livenessProbe": _ping(asked, 60, failureThreshold=10), "readinessProbe": _ping(asked, 10)}
    return _KEEPER_PROBES


def _ping(asked: Mapping[str, str], initial: int, **more: int) -> Object:
    return {"httpGet": dict(asked), "initialDelaySeconds": initial, "periodSeconds": 3, **more}


_RUOK = (
    "date && OK=$(exec 3<>/dev/tcp/127.0.0.1/2181; printf 'ruok' >&3; IFS=; tee <&3; exec 3<&-;);"
    'if [[ "${OK}" == "imok" ]]; then exit 0; else exit 1; fi'
)
_TIMES = {"initialDelaySeconds": 5, "periodSeconds": 5, "failureThreshold": 12}
_KEEPER_PROBES: Mapping[str, Object] = {
    "livenessProbe": {"exec": {"command": ["bash", "-xc", _RUOK]}, **_TIMES},
    "readinessProbe": {"httpGet": {"path": "/ready", "port": 9182}, **_TIMES},
}
