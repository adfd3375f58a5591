"""The Gateway API as a user's cluster has it: definitions, and the class or Gateway that a stack names.

The definitions are stand-ins, with what this project writes of kinds, required keys, limits and enums. No controller runs: a
route is admitted or refused, and leads nowhere. Source: Gateway API v1.2, standard channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from settings.cluster import Gateway

Schema = dict[str, Any]
GROUP = "gateway.networking.k8s.io"
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 253}
_HOST: Schema = {
    "type": "string",
    "maxLength": 253,
    "pattern": r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
}
_PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}


def _enum(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties} | ({"required": list(required)} if required else {})


def _list(items: Schema, most: int) -> Schema:
    return {"type": "array", "items": items, "maxItems": most}


_TLS = _object(
    mode=_enum("Terminate", "Passthrough"),
    certificateRefs=_list(_object(("name",), group=_NAME, kind=_NAME, name=_NAME, namespace=_NAME), 64),
)
_LISTENER = _object(
    ("name", "port", "protocol"),
    name=_NAME,
    hostname=_HOST,
    port=_PORT,
    protocol={"type": "string", "maxLength": 255},
    tls=_TLS,
    allowedRoutes={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
)
_PATH = _object(type=_enum("Exact", "PathPrefix", "RegularExpression"), value={"type": "string", "maxLength": 1024})
_REDIRECT = _object(
    scheme=_enum("http", "https"), hostname=_HOST, port=_PORT, statusCode={"type": "integer", "enum": [301, 302]}
)
_DURATION: Schema = {"type": "string", "pattern": "^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
_RULE = _object(
    matches=_list(_object(path=_PATH), 64),
    filters=_list(
        _object(("type",), type=_enum("RequestRedirect", "RequestHeaderModifier"), requestRedirect=_REDIRECT), 16
    ),
    backendRefs=_list(_object(("name",), kind=_NAME, name=_NAME, namespace=_NAME, port=_PORT), 16),
    timeouts=_object(request=_DURATION, backendRequest=_DURATION),
)
_PARENT = _object(("name",), kind=_NAME, name=_NAME, namespace=_NAME, sectionName=_NAME, port=_PORT)
_SPECS: dict[str, tuple[str, str, Schema]] = {
    "GatewayClass": ("gatewayclasses", "Cluster", _object(("controllerName",), controllerName=_NAME)),
    "Gateway": (
        "gateways",
        "Namespaced",
        _object(
            ("gatewayClassName", "listeners"),
            gatewayClassName=_NAME,
            listeners={**_list(_LISTENER, 64), "minItems": 1},
        ),
    ),
    "HTTPRoute": (
        "httproutes",
        "Namespaced",
        _object(parentRefs=_list(_PARENT, 32), hostnames=_list(_HOST, 16), rules=_list(_RULE, 16)),
    ),
}


def definitions() -> Iterator[dict[str, Any]]:
    """The definitions of the kinds that a route of W&B needs."""
    for kind, (plural, scope, spec) in _SPECS.items():
        status: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        schema = _object(
            ("spec",),
            apiVersion={"type": "string"},
            kind={"type": "string"},
            metadata={"type": "object"},
            spec=spec,
            status=status,
        )
        version = {
            "name": "v1",
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": schema},
            "subresources": {"status": {}},
        }
        names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": f"{plural}.{GROUP}",
                "labels": {"rehearsal/stand-in": "true"},
                # without it the API server takes no definition of a group that is Kubernetes' own
                "annotations": {"api-approved.kubernetes.io": "unapproved, a stand-in of a rehearsal"},
            },
            "spec": {"group": GROUP, "scope": scope, "names": names, "versions": [version]},
        }


def objects(asked: Gateway, namespace: str) -> Iterator[dict[str, Any]]:
    """What a user has put there: the definitions, the class, and a Gateway where the settings name one."""
    yield from definitions()
    api = {"apiVersion": f"{GROUP}/v1"}
    name = asked.class_name or "rehearsal"
    yield {**api, "kind": "GatewayClass", "metadata": {"name": name}, "spec": {"controllerName": "rehearsal/gateway"}}
    if asked.name:
        there = asked.namespace or namespace
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": there}}
        listeners = [{"name": asked.listener or "https", "port": 443, "protocol": "HTTPS"}]
        spec = {"gatewayClassName": name, "listeners": listeners}
        yield {**api, "kind": "Gateway", "metadata": {"name": asked.name, "namespace": there}, "spec": spec}
