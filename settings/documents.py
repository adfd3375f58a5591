"""What is written from the models: the JSON Schema of stack files, and the configuration reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from .descriptions import description
from .model import Settings
from .surface import NAMESPACE, Key, alias, field_shape, keys_of, shape

SCHEMA_FILE = "Pulumi.schema.json"
REFERENCE_FILE = "docs/configuration.md"

ENCRYPTED = {
    "type": "object",
    "description": "An encrypted value: `pulumi config set --secret` writes it.",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}
"""How Pulumi writes a secret. Its plain text has no place in a stack file."""


def schema() -> dict[str, Any]:
    """The JSON Schema of `Pulumi.<stack>.yaml`.

    It knows everything that can be said of one key. Rules over several keys are checked when the program starts.
    """
    made = Settings.model_json_schema(by_alias=True)
    models = {model.__name__: model for model in _models(Settings)}
    _describe(made, Settings, made["$defs"])
    for name, each in made["$defs"].items():
        _describe(each, models[name], made["$defs"])
    definitions = {name: _tidy(each) for name, each in sorted(made.pop("$defs").items())}
    properties = {f"{NAMESPACE}:{key}": _tidy(each) for key, each in made["properties"].items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of a W&B stack (Pulumi.<stack>.yaml)",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "description": made["description"],
                "properties": properties,
                "patternProperties": {f"^(?!{NAMESPACE}:)": True},
                "additionalProperties": False,
                "required": [f"{NAMESPACE}:{key}" for key in made["required"]],
            },
            "secretsprovider": {"type": "string", "description": "Where the key that encrypts secrets is kept."},
            "encryptionsalt": {"type": "string", "description": "Written by Pulumi."},
            "encryptedkey": {"type": "string", "description": "Written by Pulumi."},
            "environment": {"description": "Pulumi ESC environments."},
        },
        "$defs": {"Encrypted": ENCRYPTED, **definitions},
    }


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The models of all sections below `model`, however deep."""
    for info in model.model_fields.values():
        found = field_shape(info)
        below = shape(found.item).models if found.python is dict else found.models
        for each in below.values():
            yield each
            yield from _models(each)


def _describe(made: dict[str, Any], model: type[BaseModel], definitions: dict[str, Any]) -> None:
    """Put the descriptions of the fields into the schema of `model`, where its section does not say the same itself."""
    for name, info in model.model_fields.items():
        key, text = alias(name, info), description(model, name)
        node = made["properties"][key]
        section = definitions.get(node.get("$ref", "").rpartition("/")[-1], {})
        if section.get("description") != text:
            made["properties"][key] = dict(sorted({**node, "description": text}.items()))


def _tidy(node: Any) -> Any:
    """Leave out what editors make noise of, and let secrets be encrypted only."""
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("writeOnly"):
        return {"$ref": "#/$defs/Encrypted"}
    kept = {key: _tidy(value) for key, value in node.items() if key not in ("title", "x-default", "default")}
    if node.get("default") is not None:
        kept["default"] = node["default"]
    options = [each for each in kept.get("anyOf", []) if each != {"type": "null"}]
    if len(options) == 1:
        kept.pop("anyOf")
        kept = options[0] | kept
    if "discriminator" in kept:
        kept.pop("discriminator")
    if isinstance(kept.get("description"), str):
        kept["description"] = " ".join(kept["description"].split())
    return kept


def schema_text() -> str:
    """The text of the schema file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


_HEAD = f"""\
# Configuration

<!-- Written by `python -m settings --write` from the models in settings/. Edit those. -->

Every key of a stack, under `config:` in `Pulumi.<stack>.yaml`, with the prefix `{NAMESPACE}:`. Editors that know YAML
schemas complete and check them: the first line of a stack file names the schema. What is wrong is reported all at once
when the program starts, before anything is made.

- Set one key: `pulumi config set {NAMESPACE}:host wandb.example.com`
- Set one inside a section: `pulumi config set --path {NAMESPACE}:clickhouse.replicas 3`
- Set a secret: `pulumi config set --secret {NAMESPACE}:license` asks for it and encrypts it. A secret that stands in a
  stack file in clear text is refused.
- A Secret that a key names exists before the stack, in the namespace that the key tells. Its value is never read by the
  program.

**Required** keys have no default; inside a section they are required when the section is there.

## All sections

"""


def reference() -> str:
    """The text of the configuration reference."""
    rows = [_row(each) for each in _direct(Settings)]
    lines = [*_table(rows)]
    for name, info in Settings.model_fields.items():
        found = field_shape(info)
        if found.models:
            lines += _section(alias(name, info), description(Settings, name), found.models)
    return _HEAD + "\n".join(lines) + "\n"


def _section(path: str, description: str, models: Any) -> Iterator[str]:
    yield from ("", f"## {path}", "", description)
    yield from _kinds(path, models)


def _kinds(path: str, models: Any) -> Iterator[str]:
    """A table for each kind of a section. Sections inside that have kinds themselves get tables of their own."""
    for kind, model in models.items():
        if kind:
            yield from ("", f"### {path}, kind `{kind}`", "", _sentence(model))
        keys = list(keys_of(model, f"{path}."))
        inner = [each for each in keys if each.models and "" not in each.models]
        yield ""
        yield from _table([_row(each, path) for each in keys if not _inside(each, inner)])
        for each in inner:
            yield from _kinds(each.path, each.models)


def _inside(key: Key, sections: list[Key]) -> bool:
    return any(key.path.startswith(f"{each.path}.") for each in sections)


def _sentence(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _direct(model: type[BaseModel]) -> list[Key]:
    return [each for each in keys_of(model) if "." not in each.path]


def _table(rows: list[str]) -> list[str]:
    return ["| key | value | default | what it does |", "|---|---|---|---|", *rows]


def _row(key: Key, section: str = "") -> str:
    name = f"`{key.path}`"
    if key.models and not section:
        name = f"[{name}](#{key.path.lower()})"
    elif key.models and "" not in key.models:
        kinds = " ".join(f"[{kind}](#{_anchor(key.path)}-kind-{_anchor(kind)})" for kind in key.models)
        return f"| {name} | section: {kinds} | {_cell(_default(key))} | {_cell(key.description)} |"
    return f"| {name} | {_cell(key.type)} | {_cell(_default(key))} | {_cell(key.description)} |"


def _anchor(text: str) -> str:
    """The text as it stands in the address of a heading."""
    return text.lower().replace(".", "")


def _default(key: Key) -> str:
    if key.default_text:
        return key.default_text
    if key.default is PydanticUndefined:
        return "**required**"
    if isinstance(key.default, BaseModel):
        kind = getattr(key.default, "kind", None)
        return f"`kind: {kind}`" if kind else ""
    if key.default is None or key.default in ({}, []):
        return ""
    return f"`{json.dumps(key.default) if isinstance(key.default, bool | int | list) else key.default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def write(root: Path) -> list[Path]:
    """Write both files below `root`; returns those that changed."""
    changed = []
    for name, text in ((SCHEMA_FILE, schema_text()), (REFERENCE_FILE, reference())):
        path = root / name
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            changed.append(path)
    return changed
