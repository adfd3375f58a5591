"""A small client for the Kubernetes API that takes and returns plain dicts.

The official client does kubeconfig, TLS and authentication; this module adds what objects of any kind need: which path
a kind is served under, server-side apply, dry runs, and errors that carry the server's own words.
Every call is synchronous and safe to make from several threads at once.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException
from kubernetes.config.kube_config import load_kube_config_from_dict

Object = dict[str, Any]
Objects = list[Object]
Propagation = Literal["Foreground", "Background", "Orphan"]

DEFAULT_NAMESPACE = "default"
_CONNECTIONS = 64
_PAGE = 500
_JSON, _MERGE, _APPLY = "application/json", "application/merge-patch+json", "application/apply-patch+yaml"


class ApiError(Exception):
    """What the API server answered instead of doing as asked.

    `status` is the HTTP status, 0 when no answer came; `reason` is the server's word for it ("NotFound", "Invalid",
    "NoMatch" for a kind that is not served, "Unreachable" without an answer); `message` is its sentence.
    """

    def __init__(self, status: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = dict(details or {})

    @property
    def unreachable(self) -> bool:
        """True when no server answered at all."""
        return self.status == 0


@dataclass(frozen=True, kw_only=True)
class Resource:
    """How the server serves one kind."""

    root: str
    """`/api/v1` or `/apis/<group>/<version>`."""
    plural: str
    namespaced: bool

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Path of the collection, one object or its subresource; no namespace means all of them."""
        parts = [self.root]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)


class Api:
    """One cluster, as one user. Kinds are looked up at first use and remembered."""

    def __init__(self, client: ApiClient, *, namespace: str | None = None) -> None:
        self._client = client
        self._resources: dict[str, dict[str, Resource]] = {}
        self._lock = threading.Lock()
        self.namespace = namespace
        """The namespace that the kubeconfig's context names; None when it names none."""

    @classmethod
    def from_kubeconfig(
        cls, kubeconfig: str | Path | Mapping[str, Any] | None, context: str | None = None, *, timeout: float = 30
    ) -> Api:
        """A client for a kubeconfig given as path, as text or as mapping; None means $KUBECONFIG or ~/.kube/config.

        Raises ValueError when there is no usable kubeconfig or no such context. Nothing is sent yet.
        """
        config = load_kubeconfig(kubeconfig)
        settings = Configuration()
        settings.connection_pool_maxsize = _CONNECTIONS
        try:
            load_kube_config_from_dict(config, context=context, client_configuration=settings)
        except ConfigException as error:
            raise ValueError(str(error)) from error
        if (command := _exec_command(config, context)) and not (settings.api_key or settings.cert_file):
            # the official client only logs it, and goes on without credentials
            raise ValueError(f"getting credentials: exec: executable {command} failed")
        api = cls(ApiClient(settings), namespace=_context_namespace(config, context))
        api._timeout = timeout
        return api

    _timeout: float = 30

    @property
    def server(self) -> str:
        """URL of the API server."""
        return self._client.configuration.host

    def create(
        self, obj: Object, *, dry_run: bool = False, field_manager: str = "rehearsal", strict: bool = False
    ) -> Object:
        """Create by POST; an object of that name that is already there is an error (409, "AlreadyExists").

        With `strict`, here and in `apply`, a field that the server does not know is an error; else it is dropped.
        """
        path = self._of(obj).path(_namespace(obj))
        return self.call("POST", path, query=_write_query(dry_run, field_manager, strict), body=obj)

    def apply(
        self,
        obj: Object,
        *,
        dry_run: bool = False,
        field_manager: str = "rehearsal",
        force: bool = True,
        strict: bool = False,
    ) -> Object:
        """Create or change by server-side apply. Fields that `field_manager` applied before and that `obj` lacks go."""
        path = self._of(obj).path(_namespace(obj), obj["metadata"]["name"])
        query = _write_query(dry_run, field_manager, strict) | {"force": str(force).lower()}
        return self.call("PATCH", path, query=query, body=obj, content_type=_APPLY)

    def replace(self, obj: Object, *, dry_run: bool = False, field_manager: str = "rehearsal") -> Object:
        """Replace by PUT; with `metadata.resourceVersion` only if nobody changed the object since."""
        path = self._of(obj).path(_namespace(obj), obj["metadata"]["name"])
        return self.call("PUT", path, query=_write_query(dry_run, field_manager), body=obj)

    def read(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """The live object; None when there is no such object, or nothing serves its kind."""
        try:
            return self.call("GET", self._item(api_version, kind, name, namespace))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> Objects:
        """All matching objects, each with its apiVersion and kind; no namespace means all namespaces."""
        path = self.resource(api_version, kind).path(namespace)
        query = {"limit": str(_PAGE), "labelSelector": label_selector, "fieldSelector": field_selector}
        found: Objects = []
        while True:
            page = self.call("GET", path, query=query)
            found += [{"apiVersion": api_version, "kind": kind} | item for item in page["items"]]
            if not (more := page["metadata"].get("continue")):
                return found
            query["continue"] = more

    def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        body: Mapping[str, Any],
        subresource: str | None = None,
        field_manager: str = "rehearsal",
    ) -> Object:
        """Merge patch: a null removes a key, a list replaces the whole list."""
        path = self._item(api_version, kind, name, namespace, subresource)
        return self.call("PATCH", path, query=_write_query(False, field_manager), body=body, content_type=_MERGE)

    def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        propagation: Propagation = "Foreground",
    ) -> bool:
        """Ask for deletion, without waiting for finalizers; False when the object was not there."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        try:
            self.call("DELETE", self._item(api_version, kind, name, namespace), body=body)
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def watch(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        *,
        timeout_seconds: float = 60,
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str | None = None,
    ) -> Iterator[tuple[str, Object]]:
        """Changes as ("ADDED" | "MODIFIED" | "DELETED", object) until the time-out, or until the server hangs up.

        Without `resource_version` the objects that exist come first, each as ADDED.
        Raises ApiError (410, "Expired") when that version is too old.
        """
        query = {
            "watch": "true",
            "timeoutSeconds": str(max(1, round(timeout_seconds))),
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "resourceVersion": resource_version or "",
        }
        path = self.resource(api_version, kind).path(namespace)
        response = self._send("GET", path, query, stream=True, timeout=timeout_seconds + 10)
        try:
            for line in _lines(response):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise _api_error(event["object"].get("code", 500), event["object"])
                yield event["type"], event["object"]
        except (urllib3.exceptions.HTTPError, OSError):
            return
        finally:
            response.close()

    def resource(self, api_version: str, kind: str) -> Resource:
        """How `kind` is served. Raises ApiError (404, "NoMatch") in kubectl's words when it is not."""
        known = self._resources.get(api_version, {})
        if kind not in known:
            known = self._discover(api_version)
        if kind not in known:
            message = f'no matches for kind "{kind}" in version "{api_version}"'
            raise ApiError(404, "NoMatch", message)
        return known[kind]

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = _JSON,
    ) -> Object:
        """Any request with JSON in and out. Raises ApiError with the server's words unless the answer is 2xx."""
        response = self._send(method, path, query or {}, body=body, content_type=content_type)
        return json.loads(response.data or b"{}")

    def _discover(self, api_version: str) -> dict[str, Resource]:
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            served = self.call("GET", root)["resources"]
        except ApiError as error:
            if error.status != 404:
                raise
            served = []
        found = {
            entry["kind"]: Resource(root=root, plural=entry["name"], namespaced=entry["namespaced"])
            for entry in served
            if "/" not in entry["name"]
        }
        with self._lock:
            self._resources[api_version] = found
        return found

    def _of(self, obj: Object) -> Resource:
        return self.resource(obj["apiVersion"], obj["kind"])

    def _item(
        self, api_version: str, kind: str, name: str, namespace: str | None, subresource: str | None = None
    ) -> str:
        return self.resource(api_version, kind).path(namespace or DEFAULT_NAMESPACE, name, subresource)

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        body: Any = None,
        content_type: str = _JSON,
        stream: bool = False,
        timeout: float | None = None,
    ) -> urllib3.BaseHTTPResponse:
        settings = self._client.configuration
        given = {key: value for key, value in query.items() if value}
        url = f"{settings.host}{path}" + (f"?{urlencode(given)}" if given else "")
        headers = {"Accept": _JSON, "Content-Type": content_type}
        auths: Iterable[Any] = settings.auth_settings().values()
        headers |= {auth["key"]: auth["value"] for auth in auths if auth["in"] == "header" and auth["value"]}
        data = None if body is None else json.dumps(body, default=str).encode()
        try:
            response = self._client.rest_client.pool_manager.request(
                method,
                url,
                body=data,
                headers=headers,
                preload_content=not stream,
                timeout=urllib3.Timeout(connect=5, read=timeout or self._timeout),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ApiError(0, "Unreachable", f'{method.title()} "{url}": {_why(error)}') from error
        if response.status >= 300:
            raise _api_error(response.status, _status_of(response.data))
        return response


def load_kubeconfig(kubeconfig: str | Path | Mapping[str, Any] | None) -> dict[str, Any]:
    """The kubeconfig as a mapping, from a path, text or mapping; None means $KUBECONFIG (may list several files, the
    first wins) or ~/.kube/config. Paths of certificates and tokens inside it come back absolute.

    Raises ValueError when there is none, or it is not a kubeconfig.
    """
    if isinstance(kubeconfig, Mapping):
        config = dict(kubeconfig)
    elif kubeconfig is None or not str(kubeconfig).strip():
        paths = os.environ.get("KUBECONFIG") or "~/.kube/config"
        files = [file for path in paths.split(os.pathsep) if path and (file := Path(path).expanduser()).is_file()]
        if not files:
            raise ValueError(f"no kubeconfig at {paths}")
        config = _merged([_read(file) for file in files])
    else:
        text = str(kubeconfig)
        inline = "\n" in text or text.lstrip().startswith("{")
        config = _parse(text) if inline else _read(Path(text).expanduser())
    if not config.get("clusters"):
        raise ValueError("not a kubeconfig: it lists no clusters")
    return config


_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ValueError(f"{path} is neither a kubeconfig nor a file with one")
    config = _parse(path.read_text(encoding="utf-8"))
    for section, entry in (("clusters", "cluster"), ("users", "user")):
        for item in config.get(section) or ():
            settings = item.get(entry) or {}
            settings |= {key: str(path.parent / settings[key]) for key in _FILES if settings.get(key)}
    return config


def _parse(text: str) -> dict[str, Any]:
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"the kubeconfig is not YAML: {error}") from error
    return config if isinstance(config, dict) else {}


def _merged(configs: list[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for config in configs:
        for key, value in config.items():
            if isinstance(value, list):
                known = merged.setdefault(key, [])
                known += [item for item in value if item["name"] not in {other["name"] for other in known}]
            else:
                merged[key] = merged.get(key) or value
    return merged


def _exec_command(config: Mapping[str, Any], context: str | None) -> str | None:
    """The command that the context's user gets credentials from; None when there is none."""
    wanted = context or config.get("current-context")
    entry = next((e for e in config.get("contexts") or () if e["name"] == wanted), {})
    name = (entry.get("context") or {}).get("user")
    user = next((e.get("user") or {} for e in config.get("users") or () if e["name"] == name), {})
    return (user.get("exec") or {}).get("command")


def _context_namespace(config: Mapping[str, Any], context: str | None) -> str | None:
    wanted = context or config.get("current-context")
    entry = next((e for e in config.get("contexts") or () if e["name"] == wanted), {})
    return (entry.get("context") or {}).get("namespace") or None


def _namespace(obj: Object) -> str:
    return obj["metadata"].get("namespace") or DEFAULT_NAMESPACE


def _write_query(dry_run: bool, field_manager: str, strict: bool = False) -> dict[str, str]:
    validation = {"fieldValidation": "Strict"} if strict else {}
    return {"fieldManager": field_manager} | validation | ({"dryRun": "All"} if dry_run else {})


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    pending = b""
    # read1 hands on what has arrived; a sized read would wait for more events to fill it
    while chunk := response.read1(65536):
        *lines, pending = (pending + chunk).split(b"\n")
        yield from (line for line in lines if line)


def _status_of(data: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(data)
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) else {"message": data.decode(errors="replace").strip()}


def _api_error(status: int, body: Mapping[str, Any]) -> ApiError:
    reason = body.get("reason") or "Unknown"
    return ApiError(status, reason, body.get("message") or f"HTTP {status}", body.get("details"))


def _why(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason else error
    return str(cause).rpartition(">: ")[2] or type(cause).__name__
