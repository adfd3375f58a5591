"""The Ingress of the chart and its routes. Source: `templates/ingress.yaml` and `_ingress.tpl` of `operator-wandb` 0.43.8."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .components import COMPONENTS
from .defaults import ADDITIONAL_PATHS

Object = dict[str, Any]


def objects(values: Mapping[str, Any], release: str) -> Iterator[Object]:
    """The Ingress, unless the values switch it off."""
    given = values["ingress"]
    if not (given["install"] and given["create"]):
        return
    host = values["global"]["host"].replace("http://", "").replace("https://", "")
    paths = [_path(release, *route) for route in routes(values)]
    rules = [{"host": name, "http": {"paths": paths}} for name in [host, *(given["additionalHosts"] or ())]]
    labels = {**(values["global"]["common"]["labels"] or {}), **(given["labels"] or {})}
    spec: Object = {"rules": rules}
    if given["class"]:
        spec["ingressClassName"] = given["class"]
    if given["tls"]:
        spec["tls"] = given["tls"]
    yield {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": given["nameOverride"] or release,
            "labels": {key: str(value) for key, value in labels.items()},
            "annotations": {key: str(value) for key, value in (given["annotations"] or {}).items()},
        },
        "spec": spec,
    }


def routes(values: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Path, component and port, in the chart's order."""
    on = {component.name for component in COMPONENTS if component.switched_on(values)}
    if values["ingress"]["defaultBackend"] == "console":
        yield "/", "console", 8082
    else:
        yield "/", "frontend" if "frontend" in on else "app", 8080
    if "api" in on:
        for path in ("/api", "/graphql", "/graphql2"):
            yield path, "api", 8081
        for key, paths in ADDITIONAL_PATHS.items():
            if (values["global"]["api"].get("additionalPaths") or {}).get(key):
                yield from ((path, "api", 8081) for path in paths)
    if "mcp-server" in on:
        yield "/mcp", "mcp-server", 8080
    yield "/console", "console", 8082
    if "weave-trace" in on:
        yield "/traces", "weave-trace", 8722


def _path(release: str, path: str, component: str, port: int) -> Object:
    service = {"name": f"{release}-{component}", "port": {"number": port}}
    return {"path": path, "pathType": "Prefix", "backend": {"service": service}}
