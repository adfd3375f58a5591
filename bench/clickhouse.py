"""What ClickHouse costs at its object store, measured in the real engine: `python -m bench.clickhouse`.

The store is an S3 API on this machine, so requests and bytes are those that a cloud would see and bill; its speed is not,
and nothing here is about time. The engine is 26.9, the first that can be asked for its idle cost: see tools/clickhouse.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

from rich.console import Console

from tests.harness import azurite, s3, stores
from tests.harness.stores import STORES, Backends, World
from tools.bootstrap import extras

from .figures import Figure, Group, show

IDLE_SECONDS = 30
ROWS = 200_000
BATCHES = 10
COMMAND = "python -m bench.clickhouse"
_LOGS = "config.d/system_logs.xml"
_CREATE = (
    "CREATE DATABASE weave ENGINE = Atomic",
    "CREATE TABLE weave.calls (id UInt64, value String) ENGINE = MergeTree ORDER BY id",
)
_VALUE = (
    'concat(\'{"model": "gpt", "question": "\', toString(cityHash64(number)), \'", "id": \', toString(number), \'}\')'
)
_READ = "SELECT sum(length(value)), sum(id) FROM weave.calls"


def groups(console: Console) -> Iterator[Group]:
    """All that is measured here. Raises `EngineError` where the engine does not do what is asked of it."""
    with console.status("[dim]ClickHouse at its object store[/dim]"), s3.store(stores.BUCKET, "weave/") as store:
        # Azure's store takes no part
        backends = Backends(store, azurite.Blobs(""))
        yield Group(title=_IDLE_TITLE, figures=[idle(backends)], commands=[COMMAND])
        yield Group(title=_WORK_TITLE, figures=work(backends), commands=[COMMAND])


_IDLE_TITLE = (
    f"Objects that an idle ClickHouse writes in {IDLE_SECONDS} seconds, over one without this project's system_logs.xml"
)
_WORK_TITLE = (
    "ClickHouse and its bucket: bytes written over bytes inserted, and requests of a second read over the first"
)


def idle(backends: Backends) -> Figure:
    """PUT requests of an idle server over those of one whose own logs follow the default policy. Promised: none.

    The other one writes its logs twice a second, to be seen sooner; a server's own interval is 7.5 seconds.
    """

    def puts(logs: bool) -> int:
        def edit(files: dict[str, str]) -> None:
            if not logs:
                del files[_LOGS]

        with _world(backends) as world:
            waiting = ["SELECT sleep(3)"] * (IDLE_SECONDS // 3)
            world.engine(edit=edit, python=extras.clickhouse(), seconds=IDLE_SECONDS * 4).run(*waiting)
            return sum(seen.request.method == "PUT" for seen in world.net.seen)

    return Figure(what="PUT requests, idle", value=puts(True), unit="requests", over=puts(False), limit=0)


def work(backends: Backends) -> list[Figure]:
    """What an insert writes, what merging adds, and what is read from the bucket again after a restart."""
    with _world(backends) as world:
        server = world.engine(python=extras.clickhouse())
        inserts = [
            f"INSERT INTO weave.calls SELECT number, {_VALUE} FROM numbers({batch * ROWS // BATCHES}, {ROWS // BATCHES})"
            for batch in range(BATCHES)
        ]
        *_, answer = server.run(*_CREATE, "SYSTEM STOP MERGES", *inserts, _READ)
        given = int(answer.split("\t")[0]) + 8 * ROWS
        inserted = _written(world)
        server.run("OPTIMIZE TABLE weave.calls FINAL")
        merged = _written(world)
        server.run("SYSTEM DROP FILESYSTEM CACHE")
        reads = []
        for _ in range(2):
            before = len(world.net.asked(_host(world), "GET"))
            server.run(_READ)
            reads.append(len(world.net.asked(_host(world), "GET")) - before)
    return [
        Figure(what="bytes of the inserts", value=inserted / 1024, unit="KiB", over=given / 1024),
        Figure(what="bytes with one merge of all", value=merged / 1024, unit="KiB", over=given / 1024),
        Figure(what="GET requests, second read", value=reads[1], unit="requests", over=reads[0], limit=0.1),
    ]


@contextlib.contextmanager
def _world(backends: Backends) -> Generator[World]:
    """A world with AWS's S3 in it, and a folder that goes with it."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        stores.world(STORES[0], backends, Path(folder)) as made,
    ):
        yield made


def _written(world: World) -> int:
    return sum(len(seen.request.body) for seen in world.net.seen if seen.request.method == "PUT")


def _host(world: World) -> str:
    return world.net.seen[0].request.host


if __name__ == "__main__":
    output = Console()
    for group in groups(output):
        show(output, group)
