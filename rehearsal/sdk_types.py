"""Judge resource inputs, and invent resource outputs, from the types that Pulumi's SDKs ship.

Every generated SDK describes its resources a second time, for the runtime. That is enough to refuse what a preview
without a real provider lets through: an unknown key in a nested dict, a nested required key left out, a string where a
number belongs, a value outside an enum. The SDKs do not say: patterns, lengths of lists, fields that exclude each
other, and which changes force a replacement.

Inputs and outputs are those on the wire: wire names (camelCase), no secrets around values, unknowns as `rpc.UNKNOWN`.
"""

from __future__ import annotations

import enum
import functools
import importlib
import inspect
import json
import threading
import types
import typing
from collections import abc
from typing import Any

import pulumi
from pulumi import _types
from pulumi.runtime import rpc

_SIGNATURE: str = rpc._special_sig_key
_NUMBERS: dict[type, tuple[type, ...]] = {int: (int, float), float: (int, float)}
"""Whole numbers may arrive as floats: the wire knows nothing else."""
_INVENTED: dict[Any, Any] = {bool: False, int: 1, float: 1.0}
_IMPORTING = threading.Lock()
"""Parts of an SDK are imported when they are first asked for; of two threads at once one would see half of a module."""
_DEPTH = 4
"""Some output types contain themselves; below this depth they are left empty."""


@functools.cache
def resource_class(token: str) -> type | None:
    """The SDK class of a type token; None when no imported SDK registers it."""
    package, _, provider = token.partition(":providers:")
    if package == "pulumi" and provider:
        return importlib.import_module(f"pulumi_{provider.replace('-', '_')}").Provider
    modules: Any = rpc._RESOURCE_MODULES.get(token.rpartition(":")[0], ())
    for module in modules:
        if token in module.mod_info["classes"]:
            with _IMPORTING:
                return getattr(importlib.import_module(module.mod_info["fqn"]), module.mod_info["classes"][token])
    return None


def violations(token: str, inputs: abc.Mapping[str, Any]) -> list[str]:
    """What is wrong with `inputs` for the resource `token`: one sentence each, beginning with the path.

    Kubernetes custom resources have no types in the SDK and are not judged. The SDK must have been imported.
    """
    resource = resource_class(token)
    if resource is None:
        return [] if token.startswith("kubernetes:") else [f"{token}: no imported SDK has this type"]
    args = _args_class(resource)
    if args is None:
        return []
    given = dict(inputs)
    if token.startswith("pulumi:providers:"):
        # settings of a provider travel as JSON inside strings, and the engine adds the version
        declared = _types.input_type_types(args)
        given = {k: v if str in alternatives(declared.get(k)) else _inflate(v) for k, v in given.items()}
        given.pop("version", None)
    return list(_check_object(given, args, resource.__name__))


def synthesise(token: str, name: str, inputs: abc.Mapping[str, Any]) -> dict[str, Any]:
    """`inputs` plus an invented value for each output that is always there; strings tell where they came from."""
    resource, outputs = resource_class(token), dict(inputs)
    for wire, declared in _constant_outputs(resource).items() if resource else ():
        if outputs.get(wire) is None:
            outputs[wire] = _invent(declared, f"{name}-{wire}", depth=0)
    return outputs


@functools.cache
def input_types(token: str) -> abc.Mapping[str, Any]:
    """Declared types of a resource's inputs by wire name; empty when no imported SDK has the type."""
    resource = resource_class(token)
    args = _args_class(resource) if resource else None
    return _description(args)[0] if args else {}


@functools.cache
def output_types(token: str) -> abc.Mapping[str, Any]:
    """Declared types of a resource's properties by wire name, those that may be absent among them."""
    resource = resource_class(token)
    if resource is None:
        return {}
    names = _types._globals_for_cls(resource)
    hints = (
        (wire, typing.get_type_hints(prop.fget, names, {"Output": pulumi.Output})["return"])
        for _, wire, prop in _types._py_properties(resource)
    )
    return {wire: _types.unwrap_type(hint) for wire, hint in hints}


def constant_outputs(token: str) -> frozenset[str]:
    """Wire names of the properties that are always there."""
    resource = resource_class(token)
    return frozenset(_constant_outputs(resource)) if resource else frozenset()


@functools.cache
def _constant_outputs(resource: type) -> dict[str, Any]:
    """Types of the outputs that are always there, by wire name."""
    found, names = {}, _types._globals_for_cls(resource)
    for _, wire, prop in _types._py_properties(resource):
        hint = typing.get_type_hints(prop.fget, names, {"Output": pulumi.Output})["return"]
        if not any(type(None) in typing.get_args(member) for member in typing.get_args(hint)):
            found[wire] = _types.unwrap_type(hint)
    return found


def _args_class(resource: type) -> type | None:
    module = importlib.import_module(resource.__module__)
    candidates = (getattr(module, resource.__name__ + end, None) for end in ("InitArgs", "Args"))
    return next((found for found in candidates if found is not None and _types.is_input_type(found)), None)


def _inflate(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


@functools.cache
def _description(args: type) -> tuple[dict[str, Any], frozenset[str]]:
    """Types by wire name, and which of them are required."""
    wire_names = _types.input_type_py_to_pulumi_names(args)
    parameters = list(inspect.signature(args.__init__).parameters.items())[1:]
    required = (wire_names.get(name, name) for name, p in parameters if p.default is p.empty)
    return _types.input_type_types(args), frozenset(required)


def _check_object(value: abc.Mapping[str, Any], args: type, path: str) -> abc.Iterator[str]:
    known, required = _description(args)
    yield from (f"{path}.{key}: no such property" for key in value if key not in known)
    yield from (f"{path}.{key}: required, and missing" for key in sorted(required) if value.get(key) is None)
    for key in value:
        if key in known:
            yield from _check(value[key], known[key], f"{path}.{key}")


def _check(value: Any, declared: Any, path: str) -> abc.Iterator[str]:
    allowed = alternatives(declared)
    if value is None or value == rpc.UNKNOWN or Any in allowed:
        return
    if isinstance(value, dict):
        yield from _check_mapping(value, allowed, path)
    elif isinstance(value, list):
        container = _container(allowed, abc.Sequence, list)
        if container is None:
            yield f"{path}: list given, {_wanted(allowed)} wanted"
        else:
            for index, item in enumerate(value):
                yield from _check(item, typing.get_args(container)[-1], f"{path}[{index}]")
    else:
        yield from _check_scalar(value, allowed, path)


def _check_mapping(value: dict[str, Any], allowed: tuple[Any, ...], path: str) -> abc.Iterator[str]:
    if _SIGNATURE in value:
        # an asset, an archive or a reference to a resource
        return
    nested = next((one for one in allowed if isinstance(one, type) and _types.is_input_type(one)), None)
    container = _container(allowed, abc.Mapping, dict)
    if nested is not None:
        yield from _check_object(value, nested, path)
    elif container is None:
        yield f"{path}: dict given, {_wanted(allowed)} wanted"
    else:
        for key, item in value.items():
            yield from _check(item, typing.get_args(container)[-1], f"{path}[{key!r}]")


def _check_scalar(value: Any, allowed: tuple[Any, ...], path: str) -> abc.Iterator[str]:
    closed = _choices(allowed)
    if closed and value not in closed:
        yield f"{path}: {value!r} is not one of {list(dict.fromkeys(closed))}"
    elif not closed and not any(_fits(value, one) for one in allowed):
        yield f"{path}: {value!r} ({type(value).__name__}) given, {_wanted(allowed)} wanted"


def _wanted(allowed: tuple[Any, ...]) -> str:
    return " or ".join(dict.fromkeys(getattr(one, "__name__", str(one)) for one in allowed))


def _container(allowed: tuple[Any, ...], *origins: type) -> Any:
    return next((one for one in allowed if typing.get_origin(one) in origins), None)


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or wanted is bool:
        return isinstance(value, bool) and wanted is bool
    if wanted is int:
        return isinstance(value, int | float) and value == int(value)
    return isinstance(wanted, type) and isinstance(value, _NUMBERS.get(wanted, wanted))


@functools.cache
def alternatives(declared: Any) -> tuple[Any, ...]:
    """`declared` without the Optional, Union, Input and Output around it."""
    if typing.get_origin(declared) in (typing.Union, types.UnionType, abc.Awaitable, pulumi.Output):
        return tuple(one for member in typing.get_args(declared) for one in alternatives(member))
    return () if declared in (None, type(None)) else (declared,)


@functools.cache
def _choices(allowed: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values that a literal or an enum allows; "a string or this enum" means the enum. Empty: any value."""
    choices = [choice for one in allowed if typing.get_origin(one) is typing.Literal for choice in typing.get_args(one)]
    enums = (one for one in allowed if isinstance(one, type) and issubclass(one, enum.Enum))
    return (*choices, *(member.value for one in enums for member in one))


def _invent(declared: Any, label: str, depth: int) -> Any:
    origin, members = typing.get_origin(declared), typing.get_args(declared)
    if origin is typing.Literal:
        return members[0]
    if origin in (abc.Sequence, list):
        return [_invent(members[0], label, depth + 1)] if depth < _DEPTH else []
    if isinstance(declared, type) and _types.is_output_type(declared):
        fields = _types.output_type_types(declared) if depth < _DEPTH else {}
        return {wire: _invent(kind, f"{label}-{wire}", depth + 1) for wire, kind in fields.items()}
    return label if declared is str else _INVENTED.get(declared, {})
