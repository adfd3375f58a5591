"""Property values between the engine's wire format and plain Python.

Inside the providers a property is what JSON has, plus `Secret` around what must stay encrypted, plus the text
`UNKNOWN` for what a preview cannot know yet. Numbers arrive as floats; whole ones become ints, since Kubernetes
refuses `1.0`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

UNKNOWN: str = rpc.UNKNOWN
_SIGNATURE: str = rpc._special_sig_key
_SECRET: str = rpc._special_secret_sig
# protobuf makes its messages at run time, out of a type checker's sight
_messages: Any = struct_pb2

Properties = dict[str, Any]


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in the state and masks on screen."""

    value: Any


def from_wire(message: Any) -> Properties:
    """The properties of a request."""
    return {key: _from_value(value) for key, value in message.fields.items()}


def to_wire(properties: Mapping[str, Any]) -> Any:
    """The properties for a response."""
    return _messages.Struct(fields={key: _to_value(value) for key, value in properties.items()})


def bare(value: Any) -> Any:
    """The same value with the secrets laid open."""
    if isinstance(value, Secret):
        return bare(value.value)
    if isinstance(value, Mapping):
        return {key: bare(item) for key, item in value.items()}
    if isinstance(value, list):
        return [bare(item) for item in value]
    return value


def has_secret(value: Any) -> bool:
    """True when something in `value` is a secret."""
    if isinstance(value, Mapping):
        return any(has_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(has_secret(item) for item in value)
    return isinstance(value, Secret)


def has_unknown(value: Any) -> bool:
    """True when something in `value` is not known yet."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value == UNKNOWN


def hide(outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> Properties:
    """`outputs` with secrets wherever `inputs` has them, and all data of a Kubernetes Secret secret.

    A list with one secret item becomes secret as a whole: servers reorder lists.
    """
    hidden = dict(outputs)
    if hidden.get("kind") == "Secret":
        for key in ("data", "stringData"):
            if key in hidden and not isinstance(hidden[key], Secret):
                hidden[key] = Secret(hidden[key])
        return hidden
    for key, given in inputs.items():
        if key not in hidden or isinstance(hidden[key], Secret):
            continue
        if isinstance(hidden[key], Mapping) and isinstance(given, Mapping):
            hidden[key] = hide(hidden[key], given)
        elif has_secret(given):
            hidden[key] = Secret(hidden[key])
    return hidden


def _from_value(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            return int(value.number_value) if value.number_value.is_integer() else value.number_value
        case "string_value":
            return value.string_value
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            if _SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET:
                return Secret(_from_value(fields["value"]))
            return {key: _from_value(item) for key, item in fields.items()}
    return None


def _to_value(value: Any) -> Any:
    if value is None:
        return _messages.Value(null_value=_messages.NULL_VALUE)
    if isinstance(value, bool):
        return _messages.Value(bool_value=value)
    if isinstance(value, int | float):
        return _messages.Value(number_value=value)
    if isinstance(value, Mapping):
        return _messages.Value(struct_value=to_wire(value))
    if isinstance(value, list | tuple):
        return _messages.Value(list_value=_messages.ListValue(values=[_to_value(item) for item in value]))
    if isinstance(value, Secret):
        wrapped = {_SIGNATURE: _messages.Value(string_value=_SECRET), "value": _to_value(value.value)}
        return _messages.Value(struct_value=_messages.Struct(fields=wrapped))
    return _messages.Value(string_value=str(value))
