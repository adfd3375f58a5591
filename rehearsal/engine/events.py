"""The engine's events: received while a run goes on, kept in a file, and read for what happened when and how it ended.

The CLI sends them here (`--event-log tcp://`) instead of writing them itself: among them are the program's debug messages,
which show secrets in plain text and must not reach a disk.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Generator, Iterable, Mapping
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import events_pb2_grpc

_COLOUR = re.compile(r"<\{%.*?%\}>")

_LAST_EVENTS = 5.0  # seconds; they arrive before the CLI ends, in order

# What the engine did not have to do anything for.
_UNCHANGED = {"same", "read", "refresh"}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One step on one resource. Times are seconds since the epoch."""

    urn: str
    op: str
    start: float
    end: float | None
    """None: it had not ended when the log did."""
    failed: bool = False

    @property
    def seconds(self) -> float:
        """How long it took; 0 when it had not ended."""
        return (self.end or self.start) - self.start

    @property
    def types(self) -> list[str]:
        """The resource's type, behind those of its parents."""
        return self.urn.split("::")[2].split("$")

    @property
    def name(self) -> str:
        """The name that the program gave the resource."""
        return self.urn.split("::", 3)[3]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the engine, from its log."""

    operations: tuple[Operation, ...]
    changes: Mapping[str, int] = field(default_factory=dict)
    """Number of resources by operation, as in the CLI's summary; empty when the run did not get that far."""
    errors: tuple[tuple[str, str], ...] = ()
    """(URN or "", message)."""
    finished: bool = False
    """The engine wrote its summary."""
    start: float = 0
    end: float = 0

    @property
    def unchanged(self) -> bool:
        """True when the run ended and nothing was created, changed or deleted."""
        return self.finished and not self.errors and not (set(self.changes) - _UNCHANGED)

    @property
    def failed(self) -> list[Operation]:
        """The steps that failed, which are not all errors: the program itself may have failed too."""
        return [operation for operation in self.operations if operation.failed]


@contextlib.contextmanager
def receiver(path: Path) -> Generator[str]:
    """Write the events that arrive while the block runs into `path`, one JSON object per line; the address to send them to.

    Each carries the time of its arrival, to the millisecond. Debug messages are dropped. Should this process be killed,
    the CLI goes on without it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
        events_pb2_grpc.add_EventsServicer_to_server(_Receiver(file), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"tcp://127.0.0.1:{port}"
        finally:
            server.stop(grace=_LAST_EVENTS).wait()


class _Receiver(events_pb2_grpc.EventsServicer):
    def __init__(self, file: TextIO) -> None:
        self._file = file

    def StreamEvents(self, request_iterator: Iterable[Any], context: grpc.ServicerContext) -> Any:
        """Write each event as it comes, so that a run that is killed leaves all that happened before."""
        with contextlib.suppress(grpc.RpcError):  # the CLI was killed
            for request in request_iterator:
                event = json.loads(request.event)
                if (event.get("diagnosticEvent") or {}).get("severity") == "debug":
                    continue
                event["timestamp"] = round(time.time(), 3)
                self._file.write(json.dumps(event) + "\n")
                self._file.flush()
        return empty_pb2.Empty()


def read_log(path: Path) -> Run:
    """The run that was logged in `path`; a log that breaks off, or is not there, is read as far as it goes."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return summarise(event for line in lines if (event := _parsed(line)))


def summarise(events: Iterable[Mapping[str, Any]]) -> Run:
    """Fold engine events into a `Run`."""
    open_: dict[tuple[str, str], float] = {}
    done: list[Operation] = []
    errors: list[tuple[str, str]] = []
    changes: Mapping[str, int] = {}
    times: list[float] = []
    finished = False
    for event in events:
        now = event["timestamp"]
        times.append(now)
        if pre := event.get("resourcePreEvent"):
            open_[_key(pre)] = now
        elif ended := event.get("resOutputsEvent") or event.get("resOpFailedEvent"):
            key = _key(ended)
            done.append(
                Operation(
                    urn=key[0],
                    op=key[1],
                    start=open_.pop(key, now),
                    end=now,
                    failed="resOpFailedEvent" in event,
                )
            )
        elif (diagnostic := event.get("diagnosticEvent")) and diagnostic["severity"] == "error":
            errors.append((diagnostic.get("urn", ""), _COLOUR.sub("", diagnostic["message"]).strip()))
        elif summary := event.get("summaryEvent"):
            changes, finished = summary.get("resourceChanges") or {}, True
    broken_off = [Operation(urn=urn, op=op, start=start, end=None) for (urn, op), start in open_.items()]
    return Run(
        operations=(*done, *broken_off),
        changes=dict(changes),
        errors=tuple(errors),
        finished=finished,
        start=min(times, default=0),
        end=max(times, default=0),
    )


def _key(event: Mapping[str, Any]) -> tuple[str, str]:
    return event["metadata"]["urn"], event["metadata"]["op"]


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        return json.loads(line)
    except ValueError:  # the last line of a run that was killed
        return None
