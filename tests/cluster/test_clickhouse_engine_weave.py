"""W&B's own migrations of Weave, on the real ClickHouse engine with the storage that the product sets up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import azurite, s3, stores
from tests.harness.stores import STORES, Backends, World
from tests.harness.weave_migrations import migrations, statements, without_waiting

ON_THE_BUCKET = (
    "SELECT count(), countIf(storage_policy = 's3_main') FROM system.tables "
    "WHERE database = 'weave' AND engine LIKE '%MergeTree'"
)
START = (
    "INSERT INTO weave.call_parts (project_id, id, trace_id, op_name, started_at, attributes_dump, inputs_dump) "
    "VALUES ('project', 'call', 'trace', 'op', '2026-01-01 00:00:00', '{}', '{\"question\": \"why; not?\"}')"
)
END = (
    "INSERT INTO weave.call_parts (project_id, id, ended_at, output_dump, summary_dump) "
    "VALUES ('project', 'call', '2026-01-01 00:00:02', '{\"answer\": 42}', '{}')"
)
WHOLE = (
    "INSERT INTO weave.calls_complete (project_id, id, trace_id, op_name, started_at, ended_at, inputs_dump, "
    "attributes_dump, output_dump, summary_dump) "
    "SELECT 'project', toString(number), 'trace', 'op', '2026-01-01 00:00:00', '2026-01-01 00:00:02', "
    "'{}', '{}', '{\"answer\": 42}', '{}' FROM numbers(1000)"
)
MERGED = (
    "SELECT any(op_name), any(inputs_dump), any(output_dump), dateDiff('second', any(started_at), any(ended_at)) "
    "FROM weave.calls_merged WHERE project_id = 'project' AND id = 'call' GROUP BY project_id, id"
)
COMPLETE = "SELECT count(), uniqExact(id), any(output_dump) FROM weave.calls_complete WHERE project_id = 'project'"


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with (
        s3.store(stores.BUCKET, "weave/") as of_s3,
        azurite.blobs() as of_azure,
        stores.world(request.param, Backends(of_s3, of_azure), tmp_path) as made,
    ):
        yield made


@pytest.mark.parametrize("world", [STORES[0], STORES[6]], indirect=True, ids=str)
def test_weaves_tables_lie_in_the_bucket_and_keep_its_traces(world: World) -> None:
    all_of_them = migrations()
    assert len(all_of_them) >= 35
    commands = [command for each in all_of_them.values() for command in without_waiting(each)]
    running = world.engine(seconds=240)
    *_, found = running.run("CREATE DATABASE weave ENGINE = Atomic", "USE weave", *commands, ON_THE_BUCKET)
    tables, on_the_bucket = found.split("\t")
    assert int(tables) >= 29
    assert tables == on_the_bucket
    running.run(START, END, WHOLE)
    merged, complete = running.run(MERGED, COMPLETE)
    assert merged == 'op\t{"question": "why; not?"}\t{"answer": 42}\t2'
    assert complete == '1000\t1000\t{"answer": 42}'
    assert [name for name in world.names() if not name.startswith(world.store.prefix(0, 0))] == []


def test_a_semicolon_in_quotes_or_comments_ends_no_statement() -> None:
    text = "SELECT ';'; -- one; two\nSELECT /* a;b */ 1 - 2;\n;SELECT 'it''s; fine'"
    assert statements(text) == ["SELECT ';'", "SELECT  1 - 2", "SELECT 'it''s; fine'"]
