"""The operator's own settings, from the ConfigMaps that its chart installs beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ...api import Api

FILES = "/etc/clickhouse-operator"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the stand-in reads of `config.yaml` and of the folders beside it. Defaults: chart values 0.25.6."""

    namespaces: tuple[str, ...] = ()
    """Namespaces to watch, as plain names; empty: all."""
    on_create_failure: str = "ignore"
    on_update_failure: str = "abort"
    timeout: float = 300
    """Seconds until a StatefulSet that does not become ready counts as failed."""
    grace_period: int = 30
    revision_history: int = 0
    excluded_annotations: tuple[str, ...] = ()
    server_files: Mapping[str, str] = field(default_factory=dict)
    """Files for every ClickHouse server."""
    keeper_files: Mapping[str, str] = field(default_factory=dict)
    """Files for every Keeper."""


def load(api: Api) -> Settings:
    """The settings of the operator whose pod this process plays (OPERATOR_POD_NAME, OPERATOR_POD_NAMESPACE)."""
    namespace, name = os.environ["OPERATOR_POD_NAMESPACE"], os.environ["OPERATOR_POD_NAME"]
    pod = api.read("v1", "Pod", name, namespace)
    if pod is None:
        raise LookupError(f"pod {namespace}/{name} is gone")
    volumes = {volume["name"]: (volume.get("configMap") or {}).get("name") for volume in pod["spec"]["volumes"]}
    mounts = {mount["mountPath"]: volumes.get(mount["name"]) for mount in pod["spec"]["containers"][0]["volumeMounts"]}

    def data(folder: str) -> Mapping[str, str]:
        found = api.read("v1", "ConfigMap", mounts.get(folder) or "", namespace) if mounts.get(folder) else None
        return (found or {}).get("data") or {}

    config = yaml.safe_load(data(FILES).get("config.yaml") or "{}") or {}
    return parse(
        config,
        own_namespace=namespace,
        server_files=data(f"{FILES}/chi/config.d"),
        keeper_files=data(f"{FILES}/chk/keeper_config.d"),
    )


def parse(
    config: Mapping[str, Any], *, own_namespace: str, server_files: Mapping[str, str], keeper_files: Mapping[str, str]
) -> Settings:
    """Settings from the decoded `config.yaml`. No namespaces to watch means the operator's own, in kube-system all."""
    watch = (config.get("watch") or {}).get("namespaces") or []
    listed = watch if isinstance(watch, list) else (watch.get("include") or [])
    everywhere = own_namespace == "kube-system"
    statefulset = ((config.get("reconcile") or {}).get("statefulSet")) or {}
    update = statefulset.get("update") or {}
    return Settings(
        namespaces=tuple(listed) or (() if everywhere else (own_namespace,)),
        on_create_failure=(statefulset.get("create") or {}).get("onFailure") or "ignore",
        on_update_failure=update.get("onFailure") or "abort",
        timeout=float(update.get("timeout") or 300),
        grace_period=int((config.get("pod") or {}).get("terminationGracePeriod") or 30),
        revision_history=int((config.get("statefulSet") or {}).get("revisionHistoryLimit") or 0),
        excluded_annotations=tuple((config.get("annotation") or {}).get("exclude") or ()),
        server_files=server_files,
        keeper_files=keeper_files,
    )
