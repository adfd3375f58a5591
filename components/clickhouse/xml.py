"""ClickHouse's configuration as XML, from plain values: nothing in a value can break out of its element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree


@dataclass(frozen=True)
class FromEnvironment:
    """A value that the server reads from its environment when it starts."""

    variable: str


@dataclass(frozen=True)
class Replacing:
    """An element that takes the place of one from an earlier file, where it would else be merged into it."""

    content: Mapping[str, Any]


@dataclass(frozen=True)
class Removed:
    """An element that takes away one from an earlier file."""


REMOVED = Removed()


def text(content: Mapping[str, Any]) -> str:
    """The file with `content` below `<clickhouse>`. The same content gives the same bytes."""
    root = ElementTree.Element("clickhouse")
    _fill(root, content)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _fill(element: ElementTree.Element, content: Mapping[str, Any]) -> None:
    for name, value in content.items():
        match value:
            case FromEnvironment(variable):
                ElementTree.SubElement(element, name, from_env=variable)
            case Replacing(inner):
                _fill(ElementTree.SubElement(element, name, replace="1"), inner)
            case Removed():
                ElementTree.SubElement(element, name, remove="1")
            case Mapping():
                _fill(ElementTree.SubElement(element, name), value)
            case _:
                ElementTree.SubElement(element, name).text = value
