"""ClickHouse's logs about itself stay off the bucket, in an engine that writes them: 26.9, in an environment of its own.

The engine of 25.8 in the package chdb writes no system log tables, so only that it loads the same file is shown there
(tests/cluster/test_clickhouse_engine.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.clickhouse.system_logs import LOGS_KEPT
from tests.harness import azurite, s3, stores
from tests.harness.stores import STORES, Backends, World
from tools.bootstrap import extras

IDLE = ("SELECT 1", "SYSTEM FLUSH LOGS", "SELECT sleep(2)", "SYSTEM FLUSH LOGS")
TABLES = "SELECT name, storage_policy FROM system.tables WHERE database = 'system' AND engine LIKE '%MergeTree'"
ROWS = "SELECT count() FROM system.query_log"
LOGS = "config.d/system_logs.xml"


@pytest.fixture(scope="module")
def backends() -> Iterator[Backends]:
    with s3.store(stores.BUCKET, "weave/") as of_s3, azurite.blobs() as of_azure:
        yield Backends(of_s3, of_azure)


@pytest.fixture
def world(request: pytest.FixtureRequest, backends: Backends, tmp_path: Path) -> Iterator[World]:
    with stores.world(request.param, backends, tmp_path) as made:
        yield made


one_of_each = pytest.mark.parametrize("world", [STORES[0], STORES[5], STORES[6]], indirect=True, ids=str)


def tables(text: str) -> dict[str, str]:
    return dict(line.split("\t") for line in text.splitlines())


def without(files: dict[str, str]) -> None:
    del files[LOGS]


@pytest.mark.parametrize("world", [STORES[0]], indirect=True, ids=str)
def test_without_the_products_file_the_logs_go_to_the_bucket(world: World) -> None:
    # the control: else the next test would show nothing
    *_, found = world.engine(edit=without, python=extras.clickhouse()).run(*IDLE, TABLES)
    assert "s3_main" in tables(found).values()
    assert world.names()


@one_of_each
def test_an_idle_server_writes_no_object_and_keeps_its_query_log(world: World) -> None:
    *_, found, rows = world.engine(python=extras.clickhouse()).run(*IDLE, TABLES, ROWS)
    policies = tables(found)
    assert set(policies.values()) == {"default"}, policies
    assert set(LOGS_KEPT) <= set(policies)
    assert int(rows) > 0
    assert world.names() == []
    assert [seen.request.path for seen in world.net.seen if seen.request.method == "PUT"] == []


@one_of_each
def test_the_newer_engine_reads_what_it_wrote_after_a_restart(world: World) -> None:
    running = world.engine(python=extras.clickhouse())
    running.run(
        "CREATE DATABASE weave ENGINE = Atomic",
        "CREATE TABLE weave.calls (id UInt64) ENGINE = MergeTree ORDER BY id",
        "INSERT INTO weave.calls SELECT number FROM numbers(1000)",
    )
    assert running.run("SELECT sum(id) FROM weave.calls") == ["499500"]
    assert [name for name in world.names() if not name.startswith(world.store.prefix(0, 0))] == []
