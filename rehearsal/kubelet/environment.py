"""The environment of a container, as its process would see it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from .gate import Lookup

_REFERENCE = re.compile(r"\$\$|\$\(([^()]+)\)")


def resolve(pod: Mapping[str, Any], container: Mapping[str, Any], lookup: Lookup) -> dict[str, str]:
    """Variables with their values: literals with `$(NAME)` expanded, fields of the pod, keys of Secrets and ConfigMaps.

    What is optional and missing is left out. Resource fields are left out too: no stand-in reads them.
    """
    values: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            found = lookup(kind, source[key]["name"]) if source.get(key) else None
            for name in (found or {}).get("data") or {}:
                values[(source.get("prefix") or "") + name] = data(found or {}, name)
    for variable in container.get("env") or ():
        if "value" in variable:
            values[variable["name"]] = _expand(variable["value"], values)
        elif (value := _from(pod, variable.get("valueFrom") or {}, lookup)) is not None:
            values[variable["name"]] = value
    return values


def data(obj: Mapping[str, Any], key: str) -> str:
    """The text under a key of a Secret (decoded) or ConfigMap."""
    value = obj["data"][key]
    return base64.b64decode(value).decode(errors="replace") if obj["kind"] == "Secret" else value


def _from(pod: Mapping[str, Any], origin: Mapping[str, Any], lookup: Lookup) -> str | None:
    if field := origin.get("fieldRef"):
        value: Any = pod
        for part in field["fieldPath"].split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) else None
    for kind, key in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
        if reference := origin.get(key):
            found = lookup(kind, reference["name"])
            if found is not None and reference["key"] in (found.get("data") or {}):
                return data(found, reference["key"])
    return None


def _expand(text: str, values: Mapping[str, str]) -> str:
    def replacement(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return "$"
        return values.get(name, match.group(0))

    return _REFERENCE.sub(replacement, text or "")
