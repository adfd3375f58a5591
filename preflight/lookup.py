"""Reading a cluster's API."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

    from settings.cluster import Kubernetes

Object = Mapping[str, Any]

PATHS = {
    "Namespace": "/api/v1/namespaces",
    "Node": "/api/v1/nodes",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
    "ClickHouseInstallation": "/apis/clickhouse.altinity.com/v1/namespaces/{namespace}/clickhouseinstallations",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
    "IngressClass": "/apis/networking.k8s.io/v1/ingressclasses",
    "GatewayClass": "/apis/gateway.networking.k8s.io/v1/gatewayclasses",
    "Gateway": "/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/gateways",
    "ClusterIssuer": "/apis/cert-manager.io/v1/clusterissuers",
    "Issuer": "/apis/cert-manager.io/v1/namespaces/{namespace}/issuers",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
}
"""Where the kinds that are looked at are served."""

_TIMEOUT = (10, 30)
"""Seconds for connecting and for an answer: a cluster behind a VPN that is down must not hold the user up."""
_NOT_FOUND, _FORBIDDEN, _UNAUTHORIZED = 404, 403, 401


class Unreachable(Exception):
    """The cluster does not answer. `reason` is what failed, `advice` what to do."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.reason, self.advice = reason, advice


class Denied(Exception):
    """The cluster answers, and does not let this user look."""


class Lookup(Protocol):
    """What the checks read. Every method may raise Unreachable or Denied."""

    @property
    def where(self) -> str:
        """Which cluster, for messages: the context and the server."""
        ...

    def version(self) -> tuple[int, int]:
        """The server's major and minor version."""
        ...

    def read(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object; None: there is none. A Secret comes without values."""
        ...

    def every(self, kind: str) -> list[Object]:
        """All objects of a kind that has no namespace."""
        ...


def connect(settings: Kubernetes) -> Lookup:
    """A lookup in the cluster that the settings name, by the kubeconfig. Raises Unreachable; reads nothing yet."""
    from kubernetes.client import ApiClient, Configuration  # a quarter of a second that only a preflight needs
    from kubernetes.config import ConfigException, list_kube_config_contexts, load_kube_config

    path = settings.kubeconfig_file
    if path and not Path(path).is_file():
        raise Unreachable(f"there is no kubeconfig {path}", "Correct `wandb:kubernetes.kubeconfig`.")
    try:
        contexts, current = list_kube_config_contexts(path)
    except ConfigException as error:
        raise Unreachable(
            f"no kubeconfig can be read ({_first_line(error)})",
            "Set `wandb:kubernetes.kubeconfig`, or KUBECONFIG, to one that works with kubectl.",
        ) from error
    name = settings.context or (current or {}).get("name")
    if not name or name not in [each["name"] for each in contexts]:
        known = ", ".join(sorted(each["name"] for each in contexts)) or "none"
        raise Unreachable(
            f"the kubeconfig has no context {name}" if name else "the kubeconfig names no current context",
            f"Its contexts are: {known}. Set `wandb:kubernetes.context` to one of them.",
        )
    configuration = Configuration()
    try:
        load_kube_config(path, context=name, client_configuration=configuration, persist_config=False)
    except (ConfigException, OSError, ValueError) as error:
        raise Unreachable(
            f"context {name} cannot be used ({_first_line(error)})", f"Try `kubectl --context {name} version`."
        ) from error
    configuration.retries = False
    return ClusterLookup(ApiClient(configuration), context=name)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class ClusterLookup:
    """A real cluster, read by the official client."""

    def __init__(self, client: ApiClient, *, context: str) -> None:
        self._client, self._context = client, context

    @property
    def where(self) -> str:
        return f"context {self._context}, server {self._client.configuration.host}"

    def version(self) -> tuple[int, int]:
        """Major and minor; a suffix such as the `+` of a managed cluster's `33+` is dropped."""
        found = self._get("/version") or {}
        return int(found["major"]), int("".join(filter(str.isdigit, found["minor"])))

    def read(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object; None: there is none, or its kind is not served. A Secret's values are dropped here."""
        found = self._get(f"{PATHS[kind].format(namespace=namespace)}/{name}")
        if found is not None and kind == "Secret":
            return {**found, "data": dict.fromkeys(found.get("data") or {}, "")}
        return found

    def every(self, kind: str) -> list[Object]:
        """All objects of a kind that has no namespace; none when the kind is not served."""
        return (self._get(PATHS[kind]) or {}).get("items") or []

    def _get(self, path: str) -> dict[str, Any] | None:
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        try:
            request = self._client.param_serialize(
                "GET", path, header_params={"Accept": "application/json"}, auth_settings=["BearerToken"]
            )
            response = self._client.call_api(*request, _request_timeout=_TIMEOUT)
            response.read()
        except (HTTPError, OSError, ApiException) as error:
            raise self._silent(error) from error
        if response.status == _NOT_FOUND:
            return None
        if response.status == _FORBIDDEN:
            raise Denied(path)
        if response.status == _UNAUTHORIZED:
            raise Unreachable(
                "it does not accept your credentials", f"Log in again, then try `{self._kubectl} version`."
            )
        if response.status >= 400:
            raise Unreachable(f"it answered {response.status} {response.reason}", f"Try `{self._kubectl} version`.")
        return json.loads(response.data or b"null")

    @property
    def _kubectl(self) -> str:
        return f"kubectl --context {self._context}"

    def _silent(self, error: BaseException) -> Unreachable:
        text = str(error)
        kinds = (
            ("Name or service not known", "its name cannot be resolved", "Check the network or the VPN"),
            ("Name resolution", "its name cannot be resolved", "Check the network or the VPN"),
            ("NameResolutionError", "its name cannot be resolved", "Check the network or the VPN"),
            ("refused", "it refuses the connection", "Start the cluster, or correct the context"),
            ("timed out", "it does not answer in time", "Check the network, the VPN or the proxy"),
            ("CERTIFICATE_VERIFY_FAILED", "its certificate is not the one in the kubeconfig", "Get a new kubeconfig"),
        )
        for sign, reason, advice in kinds:
            if sign.lower() in text.lower():
                return Unreachable(reason, f"{advice}, then try `{self._kubectl} version`.")
        return Unreachable(f"reading it failed ({_first_line(error)[:200]})", f"Try `{self._kubectl} version`.")


def kubeconfig_in_use(settings: Kubernetes) -> str:
    """The kubeconfig that is read, for messages."""
    return settings.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
