"""Every object store with every way to open it, as the product sets it up, in the real ClickHouse engine (25.8).

The servers ask the hosts that they would ask in a cloud, by the URLs that the product gave them, over TLS. S3 is moto,
which checks signatures and policies; Azure's store is Azurite; what hands out tokens is a fake (tests/harness/identities.py).
Not proven: the clouds themselves, and the check of the bucket at a server's start, which the embedded engine leaves out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import azurite, s3, stores
from tests.harness.clickhouse_engine import EngineError
from tests.harness.stores import STORES, Backends, ObjectStore, World

CREATE = (
    "CREATE DATABASE weave ENGINE = Atomic",
    "CREATE TABLE weave.calls (id UInt64, value String) ENGINE = MergeTree ORDER BY id",
    "INSERT INTO weave.calls SELECT number, toString(number) FROM numbers(10000)",
)
MORE = "INSERT INTO weave.calls SELECT number, toString(number) FROM numbers(10000, 10000)"
MERGE = "OPTIMIZE TABLE weave.calls FINAL"
ROWS = "SELECT count(), sum(id) FROM weave.calls"
PARTS = "SELECT count(), any(disk_name) FROM system.parts WHERE database = 'weave' AND active"
POLICY = "SELECT storage_policy FROM system.tables WHERE database = 'weave' AND name = 'calls'"
CACHED = "SELECT count() > 0 FROM system.filesystem_cache"
ALL = "20000\t199990000"
SHARD, REPLICA = 1, 2
"""The last host of two shards with three replicas."""
STORAGE = "config.d/storage_configuration.xml"
GOOGLE = next(store for store in STORES if store.bucket.provider == "gcs" and store.bucket.keys is None)
"""Its token is not shown by the pod but given by the node."""


@pytest.fixture(scope="module")
def backends() -> Iterator[Backends]:
    with s3.store(stores.BUCKET, "weave/") as of_s3, azurite.blobs() as of_azure:
        yield Backends(of_s3, of_azure)


@pytest.fixture
def world(request: pytest.FixtureRequest, backends: Backends, tmp_path: Path) -> Iterator[World]:
    with stores.world(request.param, backends, tmp_path) as made:
        yield made


every_store = pytest.mark.parametrize("world", STORES, indirect=True, ids=str)


def impatient(files: dict[str, str]) -> None:
    """What fails should do so at once."""
    files[STORAGE] = files[STORAGE].replace("<retry_attempts>20<", "<retry_attempts>0<")


@every_store
def test_rows_are_written_merged_and_read_again_after_a_restart(world: World) -> None:
    running = world.engine(shard=SHARD, replica=REPLICA)
    assert running.run(*CREATE, MORE, MERGE, ROWS, POLICY)[-2:] == [ALL, "s3_main"]
    rows, parts, cached = running.run(ROWS, PARTS, CACHED)
    disk = "az_disk" if world.store.on_azure else "s3_disk"
    assert (rows, parts, cached) == (ALL, f"1\t{disk}", "1")
    names = world.names()
    assert names
    assert [name for name in names if not name.startswith(world.store.prefix(SHARD, REPLICA))] == []
    running.run("DROP TABLE weave.calls SYNC")
    assert world.names() == [], "nothing is left of a table that is gone"
    assert [seen.request.host for seen in world.net.seen if seen.status == 421] == [], "no other host is asked"


@pytest.mark.parametrize("world", [store for store in STORES if store is not GOOGLE], indirect=True, ids=str)
def test_who_shows_the_wrong_key_or_token_is_told_so(world: World) -> None:
    wrong = {stores.KEYS.access_key: azurite.ANOTHER_KEY if world.store.on_azure else "wrong"}
    server = world.engine(secrets=wrong, token="of another pod", edit=impatient, seconds=60)
    with pytest.raises(EngineError, match=world.store.refused):
        server.run(*CREATE)
    assert world.names() == []


@pytest.mark.parametrize("world", [dataclasses.replace(GOOGLE, sites=stores.unknown_to_google)], indirect=True, ids=str)
def test_who_has_a_token_that_the_bucket_does_not_know_is_told_so(world: World) -> None:
    with pytest.raises(EngineError, match=world.store.refused):
        world.engine(edit=impatient, seconds=60).run(*CREATE)
    assert world.names() == []


@every_store
def test_a_bucket_that_is_not_there_is_named_and_not_made(world: World) -> None:
    name = f"{azurite.ACCOUNT}/{s3.ABSENT}" if world.store.on_azure else s3.ABSENT
    bucket = dataclasses.replace(world.store.bucket, name=name)
    with pytest.raises(EngineError, match=world.store.absent):
        world.engine(bucket=bucket, edit=impatient, seconds=60).run(*CREATE)


def of_provider(provider: str) -> ObjectStore:
    return next(store for store in STORES if store.bucket.provider == provider and store.bucket.keys is not None)


@pytest.mark.parametrize("world", [of_provider("s3"), of_provider("az")], indirect=True, ids=str)
def test_every_host_of_shards_and_replicas_has_a_path_of_its_own(world: World) -> None:
    hosts = [(0, 0), (0, 1), (1, 0)]
    for shard, replica in hosts:
        before = set(world.names())
        world.engine(f"server-{shard}-{replica}", shard=shard, replica=replica).run(*CREATE)
        made = set(world.names()) - before
        assert made
        assert [name for name in made if not name.startswith(world.store.prefix(shard, replica))] == []
    assert len({world.store.prefix(*host) for host in hosts}) == len(hosts)


@pytest.mark.parametrize("world", [of_provider("cw")], indirect=True, ids=str)
def test_coreweave_is_never_asked_to_delete_many_objects_at_once(world: World) -> None:
    # ClickHouse would ask for it below a path that it takes for the bucket
    running = world.engine()
    running.run(*CREATE)
    running.run("DROP TABLE weave.calls SYNC")
    assert world.net.asked("clickhouse-data.cwobject.com", "DELETE")
    assert world.net.asked("clickhouse-data.cwobject.com", "POST") == []


@pytest.mark.parametrize("world", [STORES[3]], indirect=True, ids=str)
def test_a_private_authority_is_not_believed_unless_it_is_given(world: World) -> None:
    def without(files: dict[str, str]) -> None:
        impatient(files)
        del files["config.d/private_authority.xml"]

    # this engine goes on trying, so nothing is told but that nothing was said
    with pytest.raises(EngineError):
        world.engine(edit=without, seconds=20).run(*CREATE)
    assert world.net.seen == []
