"""Holds custom resources against their CustomResourceDefinitions, without a cluster.

    check = CrdCheck(rehearsal.crds.manifests())
    assert check(chi) == []

An API server does two things with a custom resource, and both are reported here:
`pruned`, a field that the schema does not know, is dropped without an error, so a typo has no effect;
`refused`, a wrong type, value or pattern, or a missing required field, rejects the object.
Below `x-kubernetes-preserve-unknown-fields` (pod specs, settings, files, users) everything is accepted, here as there.
Not checked: rules in CEL, defaults, and what an admission webhook would say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jsonschema

Schema = Mapping[str, Any]


class CrdCheck:
    """Says what an API server with these definitions would drop from an object or refuse in it."""

    def __init__(self, definitions: Iterable[Mapping[str, Any]]) -> None:
        self._schemas: dict[tuple[str, str], Schema] = {}
        for definition in definitions:
            spec = definition["spec"]
            for version in spec["versions"]:
                if version["served"]:
                    key = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
                    self._schemas[key] = version["schema"]["openAPIV3Schema"]
        self._validators = {
            key: jsonschema.Draft7Validator(_json_schema(schema)) for key, schema in self._schemas.items()
        }

    def __call__(self, resource: Mapping[str, Any]) -> list[str]:
        """The findings, none when all is well. Raises LookupError when no definition is for this object."""
        key = resource["apiVersion"], resource["kind"]
        if key not in self._schemas:
            raise LookupError(f"no CustomResourceDefinition serves {key[1]} in {key[0]}")
        body = {name: value for name, value in resource.items() if name not in ("apiVersion", "kind", "metadata")}
        dropped = [f"pruned {path}" for path in _pruned(self._schemas[key], body, "")]
        # metadata is the API server's own business, whatever a definition says of it
        errors = self._validators[key].iter_errors({**resource, "metadata": {}})
        return dropped + sorted(f"refused {error.json_path}: {error.message[:200]}" for error in errors)


def _pruned(schema: Schema, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _pruned(schema.get("items") or {}, item, f"{path}[{index}]")
    if not isinstance(value, Mapping):
        return
    known, extra = schema.get("properties") or {}, schema.get("additionalProperties")
    for name, item in value.items():
        here = f"{path}.{name}".lstrip(".")
        if name in known:
            yield from _pruned(known[name], item, here)
        elif isinstance(extra, Mapping):
            yield from _pruned(extra, item, here)
        elif not (schema.get("x-kubernetes-preserve-unknown-fields") or extra is True):
            yield here


def _json_schema(schema: Any) -> Any:
    """`schema` without the two extensions of OpenAPI that JSON Schema does not know."""
    if isinstance(schema, list):
        return [_json_schema(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    translated = {name: _json_schema(part) for name, part in schema.items()}
    if translated.get("x-kubernetes-int-or-string") is True:
        translated.pop("type", None)
        translated["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if translated.get("nullable") is True and isinstance(translated.get("type"), str):
        translated["type"] = [translated["type"], "null"]
    return translated
