"""Kubernetes objects as the provider sees them: names, annotations, and the shape that inputs give to a live object."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]

AUTONAMED = "pulumi.com/autonamed"
SKIP_AWAIT = "pulumi.com/skipAwait"
WAIT_FOR = "pulumi.com/waitFor"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"
PATCH_FORCE = "pulumi.com/patchForce"
PATCH_FIELD_MANAGER = "pulumi.com/patchFieldManager"
REPLACE_UNREADY = "pulumi.com/replaceUnready"

INPUTS, INITIAL_API_VERSION, FIELD_MANAGER = "__inputs", "__initialApiVersion", "__fieldManager"
"""Where the state of a resource keeps what is not part of the live object."""

_DASHED = {
    key.replace("-", "_"): key
    for key in (
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    )
}
_UNDERSCORED = {dashed: underscored for underscored, dashed in _DASHED.items()}
_READ_ONLY_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)


def to_object(properties: Mapping[str, Any]) -> Object:
    """The object for the API server: the SDK spells some keys of CRDs with underscores, and None means not given."""
    return {_DASHED.get(key, key): _to_value(item) for key, item in properties.items() if item is not None}


def _to_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return to_object(value)
    if isinstance(value, list):
        return [_to_value(item) for item in value]
    return value


def from_object(obj: Mapping[str, Any]) -> dict[str, Any]:
    """The object as the SDK spells it."""
    return {_UNDERSCORED.get(key, key): _from_value(item) for key, item in obj.items()}


def _from_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return from_object(value)
    if isinstance(value, list):
        return [_from_value(item) for item in value]
    return value


def metadata(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its metadata; empty when there is none, or when it is not known yet."""
    found = obj.get("metadata")
    return found if isinstance(found, Mapping) else {}


def name(obj: Mapping[str, Any]) -> str:
    """Its name; empty when it has none yet."""
    return metadata(obj).get("name") or ""


def namespace(obj: Mapping[str, Any]) -> str | None:
    """Its namespace; None when it names none."""
    return metadata(obj).get("namespace") or None


def annotation(obj: Mapping[str, Any], key: str) -> str:
    """The annotation's value; empty when it is not set."""
    annotations = metadata(obj).get("annotations")
    value = annotations.get(key) if isinstance(annotations, Mapping) else None
    return "" if value is None else str(value)


def is_set(obj: Mapping[str, Any], key: str) -> bool:
    """True when the annotation is "true"."""
    return annotation(obj, key) == "true"


def full_name(obj: Mapping[str, Any]) -> str:
    """`namespace/name`, or the name alone; also the id of the resource."""
    return f"{space}/{name(obj)}" if (space := namespace(obj)) else name(obj)


def parse_id(resource_id: str) -> tuple[str | None, str]:
    """Namespace and name of an id."""
    space, _, own = resource_id.rpartition("/")
    return space or None, own


def timeout(custom: float, obj: Mapping[str, Any], default: float) -> float:
    """Seconds to wait: the custom time-out, else the annotation, else `default`."""
    if custom:
        return custom
    text = annotation(obj, TIMEOUT_SECONDS)
    return float(text) if text.isdigit() else default


def normalise(obj: Object) -> Object:
    """Without what only the server writes; a Secret's `stringData` is turned into the `data` that it means."""
    normal = copy.copy(obj)
    if isinstance(normal.get("metadata"), Mapping):
        normal["metadata"] = {k: v for k, v in normal["metadata"].items() if k not in _READ_ONLY_METADATA}
    if normal.get("apiVersion") == "v1" and normal.get("kind") == "Secret":
        text = normal.pop("stringData", None)
        if isinstance(text, Mapping):
            normal["data"] = {**(normal.get("data") or {}), **{key: encoded(item) for key, item in text.items()}}
    return normal


def encoded(text: Any) -> str:
    """The base64 of one value of `stringData`."""
    return base64.b64encode(str(text).encode()).decode()


def prune(live: Any, shape: Any) -> Any:
    """The part of `live` that `shape` speaks of. Lists are matched item by item."""
    if isinstance(live, Mapping) and isinstance(shape, Mapping):
        return {key: prune(live[key], shape[key]) for key in shape if key in live}
    if isinstance(live, list) and isinstance(shape, list):
        return [prune(one, other) for one, other in zip(live, shape, strict=False)]
    return live


def live_inputs(live: Object, old_inputs: Object) -> Object:
    """What the inputs would be had the program asked for exactly what is live; without inputs, the whole object."""
    if not old_inputs:
        return normalise({key: value for key, value in live.items() if key != "status"})
    found = prune(live, old_inputs)
    text = old_inputs.get("stringData")
    if isinstance(text, Mapping):
        data = live.get("data") or {}
        found["stringData"] = {key: base64.b64decode(data[key]).decode(errors="replace") for key in text if key in data}
    return found


def get_path(value: Any, *path: str | int) -> Any:
    """The value down a path; None where the path ends early."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value
