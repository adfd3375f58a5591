"""The copies of the project's own files that the engine works on.

The program is not copied: the copied Pulumi.yaml names the project's folder as its `main`, so messages show the real
paths and an edit counts at the next run. Copied are the two files that the CLI may write to, Pulumi.yaml and the
stack file, and there is what makes a rehearsal of it: secrets that only the user's own key opens become placeholders.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from settings.stack_file import filled, is_encrypted, mapping, stack_file

from ..state import PROJECT, State

PLACEHOLDER = "rehearsalplaceholder0000000000000000"
"""Stands for every secret that cannot be read here: letters and digits, 36 characters."""

_SALT = "encryptionsalt"
_LICENCE = "license"


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What was copied, and how it differs from the original."""

    stack_file: Path
    """The copy."""
    secrets: tuple[str, ...]
    """Paths of settings (`wandb:license`, `wandb:redis.password`) to be set to `PLACEHOLDER`."""
    changed: bool
    """False: the copy is as the last finished copying left it, secrets included."""
    fingerprint: str


def copy_project(state: State, project: Path = PROJECT, overrides: Mapping[str, Any] | None = None) -> Copied:
    """Bring the copies of Pulumi.yaml and `Pulumi.<stack>.yaml` up to date.

    `overrides` are settings, without their namespace, that the copy has in place of the user's.
    Raises StackFileError when there is no such file or it is not a YAML mapping.
    """
    definition = mapping(project / "Pulumi.yaml")
    original = stack_file(state.stack, project)
    stack = mapping(original)
    if overrides:
        changed = {f"{definition['name']}:{key}": value for key, value in overrides.items()}
        stack = stack | {"config": (stack.get("config") or {}) | changed}
    fingerprint = hashlib.sha256(repr((definition, stack)).encode()).hexdigest()
    copy = state.project / original.name
    paths = tuple(placeholders(stack.get("config") or {}, definition["name"]))
    changed = not copy.exists() or _fingerprint(state) != fingerprint
    if changed:
        state.project.mkdir(parents=True, exist_ok=True)
        salt = mapping(copy).get(_SALT) if copy.exists() else None
        _write(state.project / "Pulumi.yaml", rehearsed_project(definition, project))
        _write(copy, rehearsed_stack(stack) | ({_SALT: salt} if salt else {}))
    return Copied(stack_file=copy, secrets=paths, changed=changed, fingerprint=fingerprint)


def finish(state: State, copied: Copied) -> None:
    """Note that the copy is complete, secrets included."""
    (state.project / "fingerprint").write_text(copied.fingerprint)


def project_name(state: State) -> str:
    """The project's name, from the copy. Raises StackFileError before the first copy."""
    return mapping(state.project / "Pulumi.yaml")["name"]


def settings(stack: str, project: Path = PROJECT) -> dict[str, Any]:
    """The settings of a stack as its copy has them, without their namespace, every secret as `PLACEHOLDER`."""
    name = mapping(project / "Pulumi.yaml")["name"]
    original = mapping(stack_file(stack, project)).get("config") or {}
    config = {key: filled(value, PLACEHOLDER) for key, value in original.items()}
    config |= {path: PLACEHOLDER for path in placeholders(original, name) if path not in config and "." not in path}
    config = rehearsed_stack({"config": config})["config"]
    return {key.partition(":")[2]: value for key, value in config.items() if key.startswith(f"{name}:")}


def rehearsed_project(definition: Mapping[str, Any], project: Path) -> dict[str, Any]:
    """Pulumi.yaml for the copy: the program stays where it is, and runs on the interpreter that rehearses."""
    runtime = definition["runtime"]
    name = runtime["name"] if isinstance(runtime, Mapping) else runtime
    kept = {key: value for key, value in definition.items() if key not in ("runtime", "main", "backend", "plugins")}
    main = (project / str(definition.get("main") or ".")).resolve()
    return kept | {"runtime": name, "main": str(main)}


def rehearsed_stack(stack: Mapping[str, Any]) -> dict[str, Any]:
    """The stack file for the copy: no encrypted value, no key of the user's, no way to another cluster."""
    kept = {
        key: value
        for key, value in stack.items()
        if key not in (_SALT, "secretsprovider", "encryptedkey", "environment", "config")
    }
    config = {key: _plain(value) for key, value in (stack.get("config") or {}).items() if not is_encrypted(value)}
    for key, value in config.items():
        # A kubeconfig that the user names leads to a real cluster; here $KUBECONFIG leads to the rehearsed one.
        if key.endswith(":kubernetes") and isinstance(value, dict):
            config[key] = {inner: item for inner, item in value.items() if inner != "kubeconfig"}
    return kept | {"config": config}


def placeholders(config: Mapping[str, Any], project: str) -> Iterator[str]:
    """The paths of all secrets in a stack's settings, and of the licence where it is not given at all."""
    for key, value in config.items():
        yield from _secret_paths(value, key)
    if f"{project}:{_LICENCE}" not in config and f"{project}:{_LICENCE}Secret" not in config:
        yield f"{project}:{_LICENCE}"


def _secret_paths(value: Any, path: str) -> Iterator[str]:
    if is_encrypted(value):
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secret_paths(item, f"{path}.{key}" if str(key).isidentifier() else f'{path}["{key}"]')
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secret_paths(item, f"{path}[{index}]")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if not is_encrypted(item)}
    if isinstance(value, list):
        return [PLACEHOLDER if is_encrypted(item) else _plain(item) for item in value]
    return value


def _fingerprint(state: State) -> str:
    path = state.project / "fingerprint"
    return path.read_text() if path.exists() else ""


def _write(path: Path, content: Mapping[str, Any]) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True), encoding="utf-8")
    fresh.replace(path)
