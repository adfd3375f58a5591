"""Settings of a document that is partly wrong, so that rules over several keys can judge what is right of it.

A key that is wrong holds `UNDECIDABLE`: a rule that needs its value is given up, every other one is applied. So one report has
every problem, and none that only follows from another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from .surface import Shape, alias, field_shape

M = TypeVar("M", bound=BaseModel)


class Undecidable(Exception):
    """A rule asked for the value of a key that is wrong."""


class _Undecidable:
    """Stands for the value of a key that is wrong: there, but of no use."""

    def _refuse(self, *_: object) -> NoReturn:
        raise Undecidable

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __iter__ = __bool__ = __len__ = _refuse  # type: ignore[assignment]
    __add__ = __radd__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __getitem__ = __str__ = __format__ = _refuse  # type: ignore[assignment]
    __hash__ = _refuse  # type: ignore[assignment]

    def __getattr__(self, name: str) -> NoReturn:
        raise Undecidable


UNDECIDABLE: Any = _Undecidable()


def lenient(model: type[M], document: Any) -> M:
    """`model` with every right key of `document`, defaults for missing ones, and `UNDECIDABLE` for the rest."""
    values: dict[str, Any] = {}
    given = document if isinstance(document, Mapping) else {}
    for name, info in model.model_fields.items():
        key = alias(name, info)
        values[name] = _given(info, given[key]) if key in given else _left_out(info, values)
    told = {name for name, info in model.model_fields.items() if alias(name, info) in given}
    return model.model_construct(_fields_set=told, **values)


def _left_out(info: FieldInfo, before: dict[str, Any]) -> Any:
    if info.is_required():
        return UNDECIDABLE
    try:
        return info.get_default(call_default_factory=True, validated_data=before)
    except Undecidable:
        return UNDECIDABLE


def _given(info: FieldInfo, value: Any) -> Any:
    found = field_shape(info)
    section = _section(found, value)
    if section is not None:
        return lenient(section, value)
    try:
        return TypeAdapter(_annotated(info)).validate_python(value, strict=True)
    except ValidationError:
        return UNDECIDABLE


def _section(found: Shape, value: Any) -> type[BaseModel] | None:
    if not found.models or not isinstance(value, Mapping):
        return None
    kind = value.get("kind")
    return found.models.get(kind if isinstance(kind, str) else "") or found.models.get("")


def _annotated(info: FieldInfo) -> Any:
    plain: Any = info.annotation
    return Annotated[plain, *info.metadata] if info.metadata else plain
