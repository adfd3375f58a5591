"""Runs a Pulumi program, or a function that declares resources, from start to end under the recorder.

One run stands for one `pulumi preview` (`preview=True`: what a provider would answer is unknown), or for one `pulumi up`
against providers that invent their answers. Runs may follow each other in one process: each has settings,
configuration and an event loop of its own. Modules of this project stay imported from run to run, which is half the time
of a run, so a test may replace something in them; those of another program are imported afresh.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import runpy
import sys
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import mocks, resource, settings
from pulumi.runtime.proto import source_pb2
from pulumi.runtime.stack import Stack, run_pulumi_func

import sizing
from settings.stack_file import PROJECT

from .recorder import Answer, Recorder

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same language, read ten times as fast where PyYAML was built with libyaml."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What one run asked for."""

    recorder: Recorder
    exports: Mapping[str, Any]
    """The stack's outputs as plain values; unknown ones are absent."""
    secret_exports: frozenset[str]
    """The names of the outputs that are secret."""
    messages: tuple[tuple[str, str], ...]
    """What the program said with `pulumi.log`: level and text."""


def record(
    program: str | Path,
    *,
    stack: str,
    config: Mapping[str, str],
    secret_keys: frozenset[str] = frozenset(),
    project: str = "wandb",
    preview: bool = False,
    answer: Answer | None = None,
    strict: bool = True,
) -> Recording:
    """Runs `program` (a directory with `__main__.py`, or a file) as `stack` with `config`, values as the CLI gives them.

    Raises what the program raises, and `ValueError` with every complaint of the recorder.
    """
    path = Path(program).resolve()
    directory = path if path.is_dir() else path.parent
    with _modules_of(directory), _remembered_plans(), contextlib.chdir(directory):
        return record_function(
            lambda: runpy.run_path(str(path), run_name="__main__"),
            stack=stack,
            config=config,
            secret_keys=secret_keys,
            project=project,
            preview=preview,
            answer=answer,
            strict=strict,
        )


def record_function(
    program: Callable[[], Any],
    *,
    stack: str = "dev",
    config: Mapping[str, str] | None = None,
    secret_keys: frozenset[str] = frozenset(),
    project: str = "wandb",
    preview: bool = False,
    answer: Answer | None = None,
    strict: bool = True,
) -> Recording:
    """Runs `program()` as a Pulumi program; see `record`."""
    recorder = Recorder(answer, strict=strict, invent=not preview)
    messages: list[tuple[str, str]] = []
    gc.unfreeze()  # what the program of an earlier run put aside, for itself
    with _no_stack_traces(), _event_loop() as loop:
        # Threads see a setting only if it was None before: without this they would build every URN for the
        # project and stack that were set first in this process.
        settings.reset_options()
        logger = _logger(messages)
        mocks.set_mocks(recorder.mocks, project=project, stack=stack, preview=preview, monitor=recorder, logger=logger)
        pulumi.runtime.set_all_config(dict(config or {}), list(secret_keys))
        try:
            loop.run_until_complete(run_pulumi_func(lambda: _call(program)))
            exports = loop.run_until_complete(_resolve(_stack().outputs))
        finally:
            gc.enable()  # a program may switch the collector off, for itself
            pulumi.runtime.set_all_config({}, [])
            settings.reset_options()
    if recorder.complaints:
        raise ValueError(f"the program as stack {stack}:\n  " + "\n  ".join(recorder.complaints))
    return Recording(
        recorder=recorder,
        exports={name: value for name, (value, known, _) in exports.items() if known},
        secret_exports=frozenset(name for name, (*_, secret) in exports.items() if secret),
        messages=tuple(messages),
    )


def stack_config(path: str | Path, project: str | Path | None = None) -> tuple[dict[str, str], frozenset[str]]:
    """What the CLI would hand the program for a Pulumi.<stack>.yaml, and which keys are secret.

    Defaults come from the `config` section of `project`, by default the Pulumi.yaml beside it. An encrypted value stays
    closed, also within a section: in its place the program gets a text that a test can recognise, "secret value of <key>".
    """
    definition = _load(Path(project or Path(path).with_name("Pulumi.yaml")))
    values: dict[str, Any] = {}
    for key, declared in (definition.get("config") or {}).items():
        default = declared.get("default", declared.get("value")) if isinstance(declared, dict) else declared
        if default is not None:
            values[key if ":" in key else f"{definition['name']}:{key}"] = default
    values |= (_load(Path(path)) or {}).get("config") or {}
    secrets = {key for key, value in values.items() if _is_encrypted(value)}
    opened = {key: _open(value, key) for key, value in values.items()}
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in opened.items()}, frozenset(secrets)


def _load(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader=_SafeLoader)


def _is_encrypted(value: Any) -> bool:
    """Whether the CLI calls the value secret: one encrypted leaf makes its whole key so."""
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(map(_is_encrypted, value.values()))
    return isinstance(value, list) and any(map(_is_encrypted, value))


def _open(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            return f"secret value of {key}"
        return {name: _open(item, f"{key}.{name}") for name, item in value.items()}
    return [_open(item, f"{key}[{index}]") for index, item in enumerate(value)] if isinstance(value, list) else value


def _stack() -> Stack:
    root = settings.get_root_resource()
    assert isinstance(root, Stack)
    return root


def _call(program: Callable[[], Any]) -> None:
    program()


class _Loop(asyncio.SelectorEventLoop):
    """Makes a request of the program where it is made. The SDK hands each to a thread, because an engine takes its time;
    the recorder has its answer at once, and the way to a thread and back costs more than it."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 whoever waits for the answer gets it
            future.set_exception(error)
        return future


@contextlib.contextmanager
def _no_stack_traces() -> Generator[None]:
    """Makes no note of where in the program a resource is made: nobody reads it here, and it means reading every source."""
    names = vars(resource)
    before = names["_get_stack_trace"]
    names["_get_stack_trace"] = source_pb2.StackTrace
    try:
        yield
    finally:
        names["_get_stack_trace"] = before


@cache
def _after_all() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


@contextlib.contextmanager
def _event_loop() -> Generator[asyncio.AbstractEventLoop]:
    loop = _Loop()
    loop.set_exception_handler(lambda *_: None)  # a failed program leaves futures that nobody will read
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        loop.close()
        # whoever makes an Output in a test after this one finds a loop, as whoever does before
        asyncio.set_event_loop(_after_all())


@contextlib.contextmanager
def _modules_of(directory: Path) -> Generator[None]:
    """Forgets, afterwards, the modules of `directory` that were imported within, if it is not this project."""
    before = set(sys.modules)
    main, arguments, path = sys.modules["__main__"], sys.argv[:], sys.path[:]
    try:
        yield
    finally:
        sys.modules["__main__"], sys.argv[:], sys.path[:] = main, arguments, path
        for name in set(sys.modules) - before if directory != PROJECT else ():
            if _lies_under(directory, getattr(sys.modules[name], "__file__", None)):
                del sys.modules[name]


@cache
def _plans() -> dict[str, sizing.Plan]:
    return {}


@contextlib.contextmanager
def _remembered_plans() -> Generator[None]:
    """Makes each sizing plan once in this process: it is a pure function of its request, and a third of a run."""
    names = vars(sizing)
    plan = names["plan"]

    def remembered(request: sizing.Request) -> sizing.Plan:
        key = repr(request)
        if key not in _plans():
            _plans()[key] = plan(request)
        return _plans()[key]

    names["plan"] = remembered
    try:
        yield
    finally:
        names["plan"] = plan


def _lies_under(directory: Path, file: str | None) -> bool:
    # Almost none of the hundreds of modules does: a comparison of texts first.
    if file is None or not os.path.abspath(file).startswith(str(directory)):
        return False
    path = Path(os.path.abspath(file))
    installed = "site-packages" in path.parts  # an environment may lie in the program's folder
    return not installed and path.is_relative_to(directory)


def _logger(messages: list[tuple[str, str]]) -> logging.Logger:
    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append((record.levelname.lower(), record.getMessage()))

    # Not one of the process's loggers, so that runs do not hear each other.
    logger = logging.Logger("program", level=logging.INFO)  # noqa: LOG001
    logger.addHandler(Keep())
    return logger


async def _resolve(outputs: Mapping[str, Any]) -> dict[str, tuple[Any, bool, bool]]:
    found = {}
    for name, value in outputs.items():
        output = pulumi.Output.from_input(value)
        found[name] = (await output.future(), await output.is_known(), await output.is_secret())
    return found
