"""Every key that the settings have, read from the models: what messages, documentation and tests go by."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from .base import SecretText
from .descriptions import description
from .model import Settings

NAMESPACE = "wandb"
"""The configuration namespace: a stack file says `wandb:<key>`."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key, or one section with the keys below it."""

    path: str
    """Without namespace: `clickhouse.cacheGiB`."""
    description: str
    type: str
    """As the documentation puts it: `text`, `whole number from 1 to 9`, `test or production`, `section`."""
    default: Any = PydanticUndefined
    """`PydanticUndefined`: the key must be given."""
    default_text: str | None = None
    """For a default that follows from other keys."""
    secret: bool = False
    choices: tuple[Any, ...] = ()
    models: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    """The model of a section by its `kind`, or by "" where there is only one."""
    kinds: tuple[str, ...] = ()
    """The kinds of the section in which this key exists; empty: in all."""

    @property
    def required(self) -> bool:
        """Whether the key must be given, if its section is."""
        return self.default is PydanticUndefined and self.default_text is None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit(".", 1)[-1]


@dataclass(frozen=True)
class Shape:
    """What an annotation comes down to: `python` is str, int, bool, list, dict, Literal, SecretText or a model."""

    python: Any
    constraints: tuple[Any, ...] = ()
    models: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    item: Any = None
    choices: tuple[Any, ...] = ()


def shape(annotation: Any, metadata: tuple[Any, ...] = ()) -> Shape:
    """Take `None`, `Annotated` and unions of kinds away from an annotation."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return shape(args[0], (*metadata, *args[1:]))
    if origin in (Union, types.UnionType):
        members = [member for member in args if member is not type(None)]
        if len(members) == 1:
            return shape(members[0], metadata)
        return Shape(BaseModel, metadata, models={kind_of(member): member for member in members})
    if origin is Literal:
        return Shape(Literal, metadata, choices=args)
    if origin in (list, dict):
        return Shape(origin, metadata, item=args[-1], choices=get_args(args[0]) if origin is dict else ())
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape(BaseModel, metadata, models={"": annotation})
    return Shape(annotation, metadata)


def kind_of(model: type[BaseModel]) -> str:
    """The value of `kind` that chooses `model` in a section."""
    return get_args(model.model_fields["kind"].annotation)[0]


def _bounds(constraints: tuple[Any, ...]) -> str:
    flat = [part for each in constraints for part in (each.metadata if isinstance(each, FieldInfo) else [each])]
    low = next((each.ge for each in flat if isinstance(each, annotated_types.Ge)), None)
    high = next((each.le for each in flat if isinstance(each, annotated_types.Le)), None)
    return "" if low is None and high is None else f" from {low} to {high}"


def type_text(found: Shape) -> str:
    """The type in words."""
    match found.python:
        case _ if found.python is Literal:
            return " or ".join(f"`{choice}`" for choice in found.choices)
        case _ if found.python is bool:
            return "`true` or `false`"
        case _ if found.python is int:
            return f"whole number{_bounds(found.constraints)}"
        case _ if found.python is list:
            return f"list of {type_text(shape(found.item))}"
        case _ if found.python is dict:
            if shape(found.item).python is Any:
                return "values of any kind by name"
            return "section" if shape(found.item).models else "texts by name"
        case _ if found.python is SecretText:
            return "secret text"
        case _ if found.models:
            return "section"
    return "text"


def field_shape(info: FieldInfo) -> Shape:
    """The shape of a model's field, with the constraints that pydantic took off its annotation."""
    return shape(info.annotation, tuple(info.metadata))


def alias(name: str, info: FieldInfo) -> str:
    """The key of a field in a stack file."""
    return info.alias or name


def _key(path: str, text_below: str, info: FieldInfo, kinds: tuple[str, ...]) -> Key:
    found = field_shape(info)
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    text = extra.get("x-default")
    default = info.default if info.default_factory is None or text else _made(info)
    return Key(
        path=path,
        description=text_below,
        type=type_text(found),
        default=default,
        default_text=str(text) if text else None,
        secret=found.python is SecretText,
        choices=found.choices,
        models=found.models,
        kinds=kinds,
    )


def _made(info: FieldInfo) -> Any:
    return info.get_default(call_default_factory=True, validated_data={})


def keys_of(model: type[BaseModel], prefix: str = "", kinds: tuple[str, ...] = ()) -> Iterator[Key]:
    """Every key below `model`, sections before what is in them. `<name>` stands for a key that the user chooses."""
    for name, info in model.model_fields.items():
        key = _key(prefix + alias(name, info), description(model, name), info, kinds)
        yield key
        yield from _below(key, field_shape(info))


def _below(key: Key, found: Shape) -> Iterator[Key]:
    if found.python is dict and (inner := shape(found.item)).models:
        yield from keys_of(inner.models[""], f"{key.path}.<name>.")
    merged: dict[str, Key] = {}
    for kind, model in found.models.items():
        for each in keys_of(model, f"{key.path}.", (kind,) if kind else ()):
            known = merged.get(each.path)
            merged[each.path] = _join(known, each) if known else each
    total = len([kind for kind in found.models if kind])
    for each in merged.values():
        yield _without_kinds(each) if len(each.kinds) == total else each


def _join(first: Key, second: Key) -> Key:
    joined = replace(first, kinds=tuple(dict.fromkeys(first.kinds + second.kinds)))
    if first.name != "kind":
        return joined
    choices = first.choices + second.choices
    text = " or ".join(f"`{choice}`" for choice in choices)
    return replace(joined, choices=choices, type=text, default=PydanticUndefined, description="Who makes it.")


def _without_kinds(key: Key) -> Key:
    return replace(key, kinds=())


@functools.cache
def surface() -> tuple[Key, ...]:
    """Every key of the settings, in the order of the documentation."""
    return tuple(keys_of(Settings))


def full(path: str) -> str:
    """The key as it stands in a stack file."""
    return f"{NAMESPACE}:{path}"
