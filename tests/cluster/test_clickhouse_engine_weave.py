"""W&B's own migrations of Weave, on the real ClickHouse engine with the storage that the product sets up."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from components.clickhouse import users
from tests.harness import azurite, s3, stores
from tests.harness import clickhouse_space as space
from tests.harness.clickhouse_backup import STRICT, process, tell, users_of
from tests.harness.clickhouse_engine import Engine
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


CLUSTER = "".join(f"<shard><replica><host>127.0.0.{n}</host><port>9000</port></replica></shard>" for n in (1, 2))
DISTRIBUTED = (
    "CREATE DATABASE IF NOT EXISTS weave ENGINE = Atomic",
    "CREATE TABLE weave.spread_local (id UInt64) ENGINE = MergeTree ORDER BY id",
    "CREATE TABLE weave.spread (id UInt64) ENGINE = Distributed(weavecluster, weave, spread_local, sipHash64(id))",
)
"""The shape of Weave's tables where they are distributed."""
REFUSED = (
    "CREATE DATABASE other",
    "CREATE USER other",
    "SELECT * FROM remote('127.0.0.1:1', 'system', 'one')",
    "SELECT * FROM s3('http://127.0.0.1:1/elsewhere/x', 'One')",
    "SELECT * FROM url('http://127.0.0.1:1/x', 'One')",
    "SELECT * FROM file('/etc/passwd', 'One')",
    "SYSTEM SHUTDOWN",
    DISTRIBUTED[-1],
)


@contextlib.contextmanager
def as_weave(folder: Path, *, distributed: bool) -> Generator[int]:
    """An engine for someone who may do what the user of Weave may, on a port."""
    servers = f"<remote_servers><weavecluster>{CLUSTER}</weavecluster></remote_servers>"
    macros = {"shard": "0", "replica": "chi-wandb-weavecluster-0-0"}
    grants = users.settings(space.user(distributed=distributed), ["::/0"])["weave/grants/query"]
    where = folder / "server"
    Engine(where, {}, macros=macros, environment={}, users=users_of(grants), extra=servers + STRICT)
    with process(f"{where}/data?config-file={where}/config.xml", {}, folder) as port:
        yield port


def test_weaves_user_runs_all_its_migrations_and_does_nothing_else(tmp_path: Path) -> None:
    commands = [command for each in migrations().values() for command in without_waiting(each)]
    state = "CREATE TABLE db_management.migrations (version UInt64) ENGINE = MergeTree ORDER BY version"
    with as_weave(tmp_path, distributed=False) as port:
        tell(port, "CREATE DATABASE db_management", state, "CREATE DATABASE weave", "USE weave", *commands)
        tell(port, *DISTRIBUTED[:-1])
        for statement in REFUSED:
            with pytest.raises(RuntimeError, match="ACCESS_DENIED"):
                tell(port, statement)


def test_weaves_user_makes_distributed_tables_where_there_may_be_shards(tmp_path: Path) -> None:
    with as_weave(tmp_path, distributed=True) as port:
        *_, engine = tell(port, *DISTRIBUTED, "SELECT engine FROM system.tables WHERE name = 'spread'")
    assert engine == "Distributed"


def test_a_semicolon_in_quotes_or_comments_ends_no_statement() -> None:
    text = "SELECT ';'; -- one; two\nSELECT /* a;b */ 1 - 2;\n;SELECT 'it''s; fine'"
    assert statements(text) == ["SELECT ';'", "SELECT  1 - 2", "SELECT 'it''s; fine'"]
