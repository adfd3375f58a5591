"""Reading the settings: the only code that looks at Pulumi's configuration."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import pulumi
from pulumi.runtime import config as runtime
from pydantic import ValidationError

from .lenient import lenient
from .model import Settings
from .problems import Problem, in_order, report, translate
from .rules import check
from .surface import NAMESPACE, alias, field_shape

_ALREADY_SHOWN = 32
"""Exit code by which a program tells Pulumi's language host that the user has seen what is wrong."""


class InvalidSettings(pulumi.RunError):
    """The settings have problems. The text of the exception is the whole report."""

    def __init__(self, problems: Collection[Problem], stack: str) -> None:
        self.problems = tuple(problems)
        super().__init__(report(self.problems, stack))


def parse(document: Mapping[str, Any], *, secret_keys: Collection[str] = (), stack: str = "dev") -> Settings:
    """The settings in `document`: keys without namespace, values as a YAML parser gives them.

    `secret_keys` are the full keys (`wandb:license`) that are encrypted, wholly or in part, in the stack file.
    Raises InvalidSettings with every problem there is.
    """
    problems: list[Problem] = []
    try:
        settings = Settings.model_validate(dict(document))
    except ValidationError as error:
        for each in error.errors(include_url=False):
            problems += translate(each, document, secret_keys)
        settings = lenient(Settings, document)
    problems += check(settings, secret_keys)
    if problems:
        raise InvalidSettings(in_order(problems), stack) from None
    return settings


def document(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The `wandb:` keys of Pulumi's configuration, where everything is text, with the values that were meant.

    Sections and lists arrive as JSON, numbers and switches as their text. What cannot be read stays as it is, and is
    then refused for its type.
    """
    fields = {alias(name, info): info for name, info in Settings.model_fields.items()}
    found: dict[str, Any] = {}
    for full_key, text in configuration.items():
        namespace, _, key = full_key.partition(":")
        if namespace != NAMESPACE:
            continue
        info = fields.get(key)
        plain = info is None or field_shape(info).python not in (bool, int) and not _structured(info)
        found[key] = text if plain else _json(text)
    return found


def _structured(info: Any) -> bool:
    found = field_shape(info)
    return bool(found.models) or found.python in (list, dict)


def _json(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def read() -> Settings:
    """The settings of the stack that Pulumi runs this program for. Raises InvalidSettings."""
    configuration = runtime.CONFIG.get() or runtime.get_config_env()
    secret_keys = {key for key in configuration if runtime.is_config_secret(key)}
    return parse(document(configuration), secret_keys=secret_keys, stack=pulumi.get_stack())


def stop(report_text: str) -> NoReturn:
    """Show `report_text` as the program's one error and end it: no traceback, and no line about an exit code."""
    pulumi.log.error(report_text)
    raise SystemExit(_ALREADY_SHOWN)
