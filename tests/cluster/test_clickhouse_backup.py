"""Backups, made and restored by the Jobs' own scripts in the real ClickHouse engine (25.8) against a real S3 API.

Proven: the scripts and their SQL; that grants and policies of the stores are enough and which are needed; that rows come back;
what is deleted and what never. Not proven: more than one replica (`ON CLUSTER` needs Keeper), the network, the client
programs themselves, and the clouds.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from components.clickhouse import backup_store
from tests.harness import azurite, identities, s3, stores
from tests.harness import clickhouse_backup as harness
from tests.harness.clickhouse_backup import GRANTS, PREFIX, Cluster, tell
from tests.harness.clickhouse_engine import Engine, pod_environment
from tests.harness.internet import Request, Response, Site
from tests.harness.s3 import Store
from tests.harness.stores import STORES, Backends, World

CREATE = (
    "CREATE DATABASE weave",
    "CREATE DATABASE db_management",
    "CREATE TABLE db_management.migrations (version UInt64) ENGINE = MergeTree ORDER BY version",
    "INSERT INTO db_management.migrations VALUES (35)",
    (
        "CREATE TABLE weave.calls (id UInt64, at DateTime64(3), `out put` Nullable(String), tags Array(String)) "
        "ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY id SETTINGS min_bytes_for_wide_part = 0"
    ),
    (
        "CREATE MATERIALIZED VIEW weave.by_month ENGINE = SummingMergeTree ORDER BY month "
        "AS SELECT toYYYYMM(at) AS month, count() AS calls FROM weave.calls GROUP BY month"
    ),
)
MORE = (
    "INSERT INTO weave.calls SELECT number, toDateTime64(number * 1000, 3, 'UTC'), if(number % 7, toString(number), NULL), "
    "[toString(number % 3)] FROM numbers({}, 10000)"
)
STATE = (
    "SELECT count(), sum(cityHash64(*)) FROM weave.calls",
    "SELECT sum(calls), sum(cityHash64(month, calls)) FROM (SELECT month, sum(calls) AS calls FROM weave.by_month GROUP BY month)",
    "SELECT version FROM db_management.migrations",
    (
        "SELECT database, name, engine, storage_policy, sorting_key FROM system.tables "
        "WHERE database IN ('weave', 'db_management') AND NOT startsWith(name, '.inner') ORDER BY 1, 2"
    ),
)
WIDE = (
    "CREATE TABLE weave.calls (id UInt64, `a%b` String) ENGINE = MergeTree ORDER BY id "
    "SETTINGS min_bytes_for_wide_part = 0"
)
"""With a file for each column, one of them with a name that has to be encoded."""
MakeCluster = Callable[..., Cluster]


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Store, Store]]:
    with s3.store("clickhouse-data", "weave/") as data, s3.store("clickhouse-backups", "clickhouse-backup/") as backups:
        yield data, backups


@pytest.fixture
def backups(both: tuple[Store, Store]) -> Store:
    """An empty bucket for backups."""
    both[1].empty()
    return both[1]


@pytest.fixture
def cluster(both: tuple[Store, Store], backups: Store, tmp_path: Path) -> MakeCluster:
    """Makes servers, each of which has lost whatever another had."""

    def make(name: str = "cluster", **settings: Any) -> Cluster:
        return Cluster(tmp_path / name, both[0], backups, settings)

    return make


def good(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def bad(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode != 0, done.stdout
    return done.stderr


def made(store: Store) -> set[str]:
    """The names of all complete backups."""
    return {name.removeprefix(PREFIX).removesuffix("/.backup") for name in store.names() if name.endswith("/.backup")}


def test_a_full_and_an_incremental_backup_bring_back_every_row(cluster: MakeCluster, backups: Store) -> None:
    lost = cluster("lost")
    lost.run(*CREATE, MORE.format(0))
    before = lost.run(*STATE)
    assert "starting the full backup 20261101T030000Z/full" in good(lost.back_up("20261101T030000Z"))
    lost.run(MORE.format(10000))
    after = lost.run(*STATE)
    told = good(lost.back_up("20261102T030000Z"))
    assert "starting the incremental backup 20261101T030000Z/20261102T030000Z" in told
    assert re.search(r"is complete: \d+ files, [\d.]+ \w+, of which [\d.]+ \w+ in this backup, \d+ s", told)
    first, second = "20261101T030000Z/full", "20261101T030000Z/20261102T030000Z"
    assert made(backups) == {first, second}
    sizes = {name: sum(each.startswith(f"{PREFIX}{name}/") for each in backups.names()) for name in (first, second)}
    assert sizes[second] < sizes[first], "only what is new is in an incremental one"

    listed = cluster("listing").restore("")
    assert good(listed).count("can be restored") == 2
    assert "nothing is restored" in listed.stdout
    for name, expected in {"latest": after, first: before}.items():
        new = cluster(name.rpartition("/")[2])
        assert "restored (table, rows) weave.calls" in good(new.restore(name))
        assert new.run(*STATE) == expected
    secrets = {backups.secret_key, backups.access_key}
    written = [harness.read(backups, name) for name in backups.names() if name.endswith(".backup")]
    assert written
    for text in (lost.asked, told, listed.stdout, *written):
        assert not [secret for secret in secrets if secret in text]


def test_a_restore_never_mixes_with_what_is_there(cluster: MakeCluster) -> None:
    one = cluster()
    one.run(*CREATE, MORE.format(0))
    before = one.run(*STATE)
    good(one.back_up("20261101T030000Z"))
    assert re.search("has \\d+ rows in weave db_management: a restore never mixes", bad(one.restore("latest")))
    assert one.run(*STATE) == before


def test_a_new_installation_has_nothing_to_back_up_and_a_lost_one_is_told(cluster: MakeCluster, backups: Store) -> None:
    assert "no database weave yet: nothing to back up" in good(cluster("new").back_up("20261101T030000Z"))
    assert backups.names() == []
    one = cluster()
    one.run(*CREATE)
    good(one.back_up("20261102T030000Z"))
    kept = backups.names()
    assert "has no database weave, which was there before" in bad(cluster("lost").back_up("20270102T030000Z"))
    assert backups.names() == kept


def test_what_is_too_old_goes_by_whole_chains_and_the_newest_stays(cluster: MakeCluster, backups: Store) -> None:
    one = cluster(keep_days=5, full_every_days=7)
    one.run(*CREATE, MORE.format(0))
    foreign = f"{PREFIX}notes.txt", f"{PREFIX}20200101T000000Z/other/file", "clickhouse-backup/another/x"
    for name in foreign:
        harness.put(backups, name)
    half = f"{PREFIX}20261101T020000Z/full/data/half%2E made.bin"
    harness.put(backups, half)
    good(one.back_up("20261101T030000Z"))
    assert half in backups.names(), "it may still be written"
    one.run(MORE.format(10000))
    good(one.back_up("20261106T030000Z"))
    assert half not in backups.names()
    first = {"20261101T030000Z/full", "20261101T030000Z/20261106T030000Z"}
    assert made(backups) == first
    good(one.back_up("20261108T030000Z"))
    assert made(backups) == {*first, "20261108T030000Z/full"}, "a full one stays while its incremental one is young"
    told = good(one.back_up("20261112T030000Z"))
    second = {"20261108T030000Z/full", "20261108T030000Z/20261112T030000Z"}
    assert made(backups) == second
    assert "deleting (backup, objects, size) 20261101T030000Z/full" in told
    assert [name for name in backups.names() if "/20261101T" in name] == []
    assert set(foreign) <= set(backups.names()), "what is no backup is nobody's to delete"

    # a year later nothing has been backed up since, and the next attempt fails
    kept = backups.names()
    assert bad(one.back_up("20271112T030000Z", HOSTS="127.0.0.1:1"))
    assert backups.names() == kept
    good(one.back_up("20271113T030000Z"))
    assert made(backups) == {"20271113T030000Z/full"}


def test_a_chain_without_its_full_backup_is_told_and_a_new_one_begun(cluster: MakeCluster, backups: Store) -> None:
    one = cluster()
    one.run(*CREATE, MORE.format(0))
    good(one.back_up("20261101T030000Z"))
    one.run(MORE.format(10000))
    good(one.back_up("20261102T030000Z"))
    broken = "20261101T030000Z/20261102T030000Z"
    (data,) = [name for name in backups.names() if name.endswith("/full/data/weave/calls/197001_1_1_0/id.bin")]
    harness.delete(backups, data)
    new = cluster("new")
    assert re.search(f"restore of {broken}: RESTORE_FAILED after .*id.bin", bad(new.restore("latest")))

    for name in backups.names():
        if "/full/" in name:
            harness.delete(backups, name)
    for name in ("latest", broken):
        told = cluster(f"new-{name == broken}").restore(name)
        assert f"backup {broken}" in told.stdout
        assert "BROKEN: its full backup is not there" in told.stdout
        assert bad(told)
    told = one.back_up("20261103T030000Z")
    assert "1 incremental backups have lost their full one" in bad(told)
    assert "starting the full backup 20261103T030000Z/full" in told.stdout
    assert "20261103T030000Z/full" in made(backups)


@pytest.mark.parametrize("name", ["20261101T030000Z", "nonsense", "x' OR 1", "20261101T030000Z/full"])
def test_a_name_of_no_backup_is_refused(cluster: MakeCluster, name: str) -> None:
    assert re.search("is not the name of a backup|cannot be restored", bad(cluster().restore(name)))


def test_a_run_that_was_killed_is_taken_up_by_the_next(cluster: MakeCluster, backups: Store) -> None:
    one = cluster()
    one.run(*CREATE, MORE.format(0))
    with one.serving() as port:
        running = "20261101T030000Z/full"
        tell(
            port,
            "SET max_backup_bandwidth = 40000",
            f"BACKUP DATABASE weave, DATABASE db_management TO Disk('backups', '0/{running}') SETTINGS id = '{running}' ASYNC",
        )
        told = good(one.back_up("20261101T030500Z", at=port))
    assert f"already making the backup {running}" in told
    assert f"backup {running} is complete" in told
    assert made(backups) == {running}


def test_without_a_server_that_answers_the_run_fails(cluster: MakeCluster, backups: Store) -> None:
    assert "no replica is fit for a backup" in bad(
        cluster().back_up("20261101T030000Z", HOSTS="127.0.0.1:1 127.0.0.1:2")
    )
    assert backups.names() == []


def test_a_replica_that_is_away_is_passed_over(cluster: MakeCluster, backups: Store) -> None:
    one = cluster()
    one.run(*CREATE)
    assert "127.0.0.1:1 does not answer" in good(one.back_up("20261101T030000Z", HOSTS="127.0.0.1:1 127.0.0.1:PORT"))
    assert made(backups) == {"20261101T030000Z/full"}


# the embedded engine lets everyone read the system tables, so the grants on those are not tried
@pytest.mark.parametrize("missing", [grant for grant in GRANTS if "BACKUP" in grant])
def test_the_backup_user_needs_every_one_of_its_grants(cluster: MakeCluster, backups: Store, missing: str) -> None:
    one = cluster()
    one.run(*CREATE, MORE.format(0))
    with one.serving([grant for grant in GRANTS if grant != missing]) as port:
        one.back_up("20261101T030000Z", at=port)
    held = [name for name in backups.names() if "/data/weave/" in name or "/data/db_management/" in name]
    whole = {database for database in ("weave", "db_management") for name in held if f"/data/{database}/" in name}
    assert whole != {"weave", "db_management"} or not made(backups)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM weave.calls",
        "INSERT INTO weave.calls (id) VALUES (1)",
        "BACKUP DATABASE weave TO File('/tmp/elsewhere')",
        "BACKUP DATABASE weave TO Disk('default', 'elsewhere')",
        "BACKUP DATABASE system TO Disk('backups', '0/system')",
        "RESTORE DATABASE weave AS other FROM Disk('backups', '0/20261101T030000Z/full')",
        "RESTORE TABLE weave.calls FROM Disk('backups', '0/20261101T030000Z/full') SETTINGS allow_non_empty_tables = 1",
        "SELECT * FROM s3('http://127.0.0.1:1/elsewhere/x', 'One')",
        "DROP TABLE weave.calls",
        "CREATE DATABASE other",
    ],
)
def test_the_backup_user_can_do_nothing_else(refused_by: int, statement: str) -> None:
    with pytest.raises(RuntimeError, match="ACCESS_DENIED|BAD_ARGUMENTS|INVALID_CONFIG_PARAMETER"):
        tell(refused_by, statement)


@pytest.fixture(scope="module")
def refused_by(both: tuple[Store, Store], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    one = Cluster(tmp_path_factory.mktemp("user") / "cluster", *both)
    one.run(*CREATE, MORE.format(0))
    good(one.back_up("20261101T030000Z"))
    with one.serving(GRANTS) as port:
        yield port


@pytest.fixture(scope="module")
def backends() -> Iterator[Backends]:
    with s3.store(stores.BUCKET, "") as of_s3, azurite.blobs() as of_azure:
        yield Backends(of_s3, of_azure)


@pytest.fixture
def world(request: pytest.FixtureRequest, backends: Backends, tmp_path: Path) -> Iterator[World]:
    store = request.param

    def sites(behind: Backends) -> Mapping[str, Site]:
        return {url: understood(site) for url, site in store.sites(behind).items()}

    with stores.world(dataclasses.replace(store, sites=sites), backends, tmp_path) as made:
        yield made


def understood(site: Site) -> Site:
    """`site`, told in S3's words when ClickHouse asks Google's storage for a copy in Google's."""

    def answer(request: Request) -> Response:
        headers = {
            name.replace("x-goog-copy-source", "x-amz-copy-source"): told for name, told in request.headers.items()
        }
        return site(dataclasses.replace(request, headers=headers))

    return answer


every_store = pytest.mark.parametrize(
    "world", [store for store in STORES if store.bucket.provider in backup_store.PROVIDERS], indirect=True, ids=str
)


@every_store
def test_backups_can_be_made_listed_restored_and_deleted_in_every_store(world: World) -> None:
    bucket = world.store.bucket
    root = harness.root(bucket)
    container = harness.container(harness.backup.backup_job(harness.arguments(bucket)))
    variables = pod_environment(container, {**world.secrets, "password": ""}, "")

    def disk(files: dict[str, str]) -> None:
        files[backup_store.FILE] = str(backup_store.configuration(bucket, root))

    def server(name: str) -> Engine:
        made = world.engine(name, edit=disk)
        own = {"env": backup_store.server_environment(bucket)}
        made._environment |= pod_environment(own, world.secrets, "")
        return made

    first, again = (
        "Disk('backups', '0/20261101T030000Z/full')",
        "Disk('backups', '0/20261101T030000Z/20261102T030000Z')",
    )
    server("first").run(
        "CREATE DATABASE weave",
        WIDE,
        "INSERT INTO weave.calls SELECT number, toString(number) FROM numbers(1000)",
        f"BACKUP DATABASE weave TO {first}",
        "INSERT INTO weave.calls SELECT number, toString(number) FROM numbers(1000)",
        f"BACKUP DATABASE weave TO {again} SETTINGS base_backup = {first}",
    )
    restored = server("second").run(f"RESTORE ALL FROM {again}", "SELECT count(), sum(id) FROM weave.calls")
    assert restored[-1] == "2000\t999000"

    shown = world.folder / "job.token"
    shown.write_text(identities.POD_TOKEN, encoding="utf-8")
    local = Engine(
        world.folder / "job",
        {"config.d/job.xml": variables["CONFIGURATION"]},
        macros={},
        environment=variables | dict(world.store.given(str(shown))),
        mounted=world._mounted(),
        net=world.net,
        trusted=bucket.ca is None,
    )
    below = f"substring(_path, position(_path, '{variables['ROOT']}') + {len(variables['ROOT'])})"
    found = f"SELECT {below} FROM {variables['LISTING']} SETTINGS remote_filesystem_read_prefetch = 0"
    (listed,) = local.run(found)
    names = listed.splitlines()
    assert {name for name in names if name.endswith("/.backup")} == {
        "20261101T030000Z/full/.backup",
        "20261101T030000Z/20261102T030000Z/.backup",
    }
    assert {f"{variables['ROOT']}{name}" for name in names} <= set(world.names())
    gone = [name for name in names if "/full/" in name]
    assert any("%25" in name for name in gone), "a name that has to be encoded"
    encoded = [quote(name) if variables["ENCODED"] == "1" else name for name in gone]
    deleting = [
        f"CREATE TEMPORARY TABLE one (x UInt8) ENGINE = {variables['ENGINE_BEFORE']}{name}{variables['ENGINE_AFTER']}"
        for name in encoded
    ]
    local.run(*(each for create in deleting for each in (create, "TRUNCATE TABLE one", "DROP TABLE one")))
    assert [name for name in world.names() if "/full/" in name] == []
    assert any("/20261102T030000Z/" in name for name in world.names())
