"""Faults that a rehearsal plays on demand.

They are read from `faults.json` in the rehearsal's folder at each use, so a fault can come and go while things run.
Every key is optional; names and images are shell patterns (`wandb-*`):

    {
      "chart-unavailable": ["operator-wandb"],          charts that cannot be had, by any tool
      "image-unavailable": ["*clickhouse-server*"],     images that cannot be pulled: ImagePullBackOff
      "slow-start": {"wandb-api*": 30},                 pods -> seconds between start and readiness
      "never-ready": ["wandb-weave-trace*"],            pods that run and never become ready
      "job-fails": ["*-verification*"],                 Jobs whose pods end with exit code 1
      "aws": [{"operation": "create", "type": "aws:eks/nodeGroup:*", "error": "quota", "times": 1}]
    }

Faults of AWS: `operation` is create, update, delete, read or invoke; `type` a pattern of type tokens (of functions, for
invoke); `name` a pattern of resource names, `*` when left out; `times` how many requests it spoils, all when left out.
`error` is `throttling` (the provider tries again, 25 times in all), `quota`, `timeout` (what was begun exists), or the
text of any other error.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .state import MARK, State

AWS_OPERATIONS = ("create", "update", "delete", "read", "invoke")
"""Requests to AWS that can be spoiled."""


class BadFaults(ValueError):
    """`faults.json` is not of the form above; the message names the file and the key."""


@dataclass(frozen=True, kw_only=True)
class AwsFault:
    """One kind of request to AWS that goes wrong."""

    operation: str
    type: str
    error: str
    name: str = "*"
    times: int | None = None
    """None: always."""

    @property
    def key(self) -> str:
        """Tells it from other faults, for as long as the file does not change it."""
        return f"{self.operation} {self.type} {self.name} {self.error}"

    def fits(self, operation: str, token: str, name: str) -> bool:
        """Whether it spoils that request."""
        return operation == self.operation and fnmatchcase(token, self.type) and fnmatchcase(name, self.name)


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What is to go wrong now."""

    chart_unavailable: tuple[str, ...] = ()
    image_unavailable: tuple[str, ...] = ()
    slow_start: Mapping[str, float] = field(default_factory=dict)
    never_ready: tuple[str, ...] = ()
    job_fails: tuple[str, ...] = ()
    aws: tuple[AwsFault, ...] = ()

    def start_delay(self, pod: str) -> float:
        """Seconds that `pod` takes longer than usual to become ready."""
        return max((seconds for pattern, seconds in self.slow_start.items() if fnmatchcase(pod, pattern)), default=0.0)


def matches(patterns: Iterable[str], name: str) -> bool:
    """Whether one of the shell patterns fits the whole of `name`."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def read(state: State | None = None) -> Faults:
    """The faults of a rehearsal; without `state`, of the one that this process belongs to. No file: no faults.

    Raises BadFaults.
    """
    if state is None:
        folder = os.environ.get(MARK)
        if not folder:
            return Faults()
        state = State(Path(folder))
    try:
        text = state.faults.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Faults()
    try:
        return parse(json.loads(text))
    except ValueError as error:
        raise BadFaults(f"{state.faults}: {error}") from error


def parse(content: Any) -> Faults:
    """Faults from the decoded file. Raises ValueError naming the key that is wrong."""
    if not isinstance(content, dict):
        raise ValueError("a JSON object is wanted")  # noqa: TRY004 - what is wrong is the file, not a caller's type
    lists = ("chart-unavailable", "image-unavailable", "never-ready", "job-fails")
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key in lists:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise ValueError(f'"{key}": a list of patterns is wanted')
            values[key.replace("-", "_")] = tuple(value)
        elif key == "slow-start":
            numbers = isinstance(value, dict) and all(isinstance(item, int | float) for item in value.values())
            if not numbers:
                raise ValueError(f'"{key}": a mapping from pattern to seconds is wanted')
            values["slow_start"] = dict(value)
        elif key == "aws":
            values["aws"] = tuple(_aws_fault(item) for item in value) if isinstance(value, list) else _aws_fault(value)
        else:
            raise ValueError(f'"{key}": no such fault; known are {", ".join([*lists, "slow-start", "aws"])}')
    return Faults(**values)


def _aws_fault(item: Any) -> AwsFault:
    texts = ("operation", "type", "error", "name")
    allowed = isinstance(item, dict) and item.keys() >= set(texts[:3]) and item.keys() <= {*texts, "times"}
    if not allowed or not all(isinstance(item[key], str) for key in texts if key in item):
        raise ValueError(
            '"aws": a list of {"operation", "type", "error"} is wanted, each a text; "name", "times" may be added'
        )
    if item["operation"] not in AWS_OPERATIONS:
        raise ValueError(f'"aws": operation is one of {", ".join(AWS_OPERATIONS)}, not {item["operation"]!r}')
    times = item.get("times")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise ValueError(f'"aws": times is a number from 1 on, not {times!r}')
    return AwsFault(**item)
