"""Where the operator takes its chart from: a file, an OCI registry or a repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import mirror
from ...api import Api
from .. import charts


def locate(chart: Mapping[str, Any], api: Api, operator_namespace: str, namespace: str) -> tuple[str, str] | None:
    """Name and exact version of the chart that `spec.chart` describes; None when it describes none. `namespace` is the
    resource's, where its login is.

    Raises `charts.ChartUnavailable` when it cannot be had.
    """
    if path := chart.get("path"):
        return _file(str(path), api, operator_namespace)
    url, name, version = (str(chart.get(key) or "") for key in ("url", "name", "version"))
    if not url:
        return None
    _check_login(chart, url, api, namespace)
    if url.startswith("oci://"):
        base, _, last = url.rpartition("/")
        last, _, tag = last.partition(":")
        found, exact = charts.find(last, version or tag or None, base)
    elif not name:
        return None
    else:
        found, exact = charts.find(name, version or None, url)
    if found is not charts.APPLICATION:
        raise charts.ChartUnavailable(f"the rehearsal's stand-in plays operator-wandb only, not {found.name}")
    return found.name, exact


def _check_login(chart: Mapping[str, Any], url: str, api: Api, namespace: str) -> None:
    """Raises `charts.ChartUnavailable` where a registry asks for a login and gets none, or one that is not whole."""
    closed, login = mirror.read(), chart.get("credentialSecret")
    if login:
        found = (api.read("v1", "Secret", str(login.get("name")), namespace) or {}).get("data") or {}
        for key in (login.get("usernameKey") or "HELM_USERNAME", login.get("passwordKey") or "HELM_PASSWORD"):
            if key not in found:
                raise charts.ChartUnavailable(f"key {key} not found in secret {namespace}/{login.get('name')}")
    elif closed and closed.charts_need_login and url.startswith(closed.charts):
        raise charts.ChartUnavailable(f"failed to authorize: {url}: unexpected status 401 Unauthorized")


def _file(path: str, api: Api, operator_namespace: str) -> tuple[str, str]:
    folder, _, key = path.rpartition("/")
    mounted = api.read("v1", "ConfigMap", "wandb-charts", operator_namespace) if folder == "/charts" else None
    held = mounted or {}
    if key not in {**(held.get("data") or {}), **(held.get("binaryData") or {})}:
        raise charts.ChartUnavailable(f"stat {path}: no such file or directory")
    # what is in the file is not looked at: it is taken to be the chart that this stand-in plays
    return charts.APPLICATION.name, charts.APPLICATION.versions[-1]
