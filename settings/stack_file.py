"""The files of stacks, read without Pulumi. Encrypted values stay closed; a placeholder stands for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .model import Settings
from .reading import parse
from .surface import NAMESPACE

PROJECT = Path(__file__).resolve().parent.parent
"""The folder with Pulumi.yaml."""
PLACEHOLDER = "placeholder0000000000000000000000000"


class StackFileError(Exception):
    """There is no such stack, or its file is not one."""


def stack_file(stack: str, project: Path = PROJECT) -> Path:
    """The user's file of a stack: in the project's folder, else among its examples.

    Raises StackFileError when there is none.
    """
    for folder in (project, project / "examples"):
        if (path := folder / f"Pulumi.{stack}.yaml").exists():
            return path
    files = [*project.glob("Pulumi.*.yaml"), *(project / "examples").glob("Pulumi.*.yaml")]
    known = ", ".join(sorted(path.name.split(".")[1] for path in files))
    raise StackFileError(f"there is no Pulumi.{stack}.yaml; stacks here: {known or 'none'}")


def mapping(path: Path) -> dict[str, Any]:
    """What a YAML file holds. Raises StackFileError when there is no such file, or it is no mapping."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise StackFileError(f"there is no {path}") from None
    except yaml.YAMLError as error:
        raise StackFileError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise StackFileError(f"{path} is not a YAML mapping")
    return content


def is_encrypted(value: Any) -> bool:
    """Whether it is one encrypted text."""
    return isinstance(value, Mapping) and set(value) == {"secure"}


def filled(value: Any, placeholder: str = PLACEHOLDER) -> Any:
    """`value` with the placeholder for every encrypted text in it."""
    if is_encrypted(value):
        return placeholder
    if isinstance(value, Mapping):
        return {key: filled(item, placeholder) for key, item in value.items()}
    return [filled(item, placeholder) for item in value] if isinstance(value, list) else value


def read_stack(stack: str, project: Path = PROJECT) -> Settings:
    """The settings of a stack by its file. Raises StackFileError, and InvalidSettings with every problem of them."""
    config = mapping(stack_file(stack, project)).get("config") or {}
    secret = {key for key, value in config.items() if _has_encrypted(value)}
    document = {
        key.partition(":")[2]: filled(value) for key, value in config.items() if key.startswith(f"{NAMESPACE}:")
    }
    if "license" not in document and "licenseSecret" not in document:
        document["license"] = PLACEHOLDER
        secret.add(f"{NAMESPACE}:license")
    return parse(document, secret_keys=secret, stack=stack)


def _has_encrypted(value: Any) -> bool:
    if is_encrypted(value):
        return True
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(_has_encrypted(item) for item in items)
