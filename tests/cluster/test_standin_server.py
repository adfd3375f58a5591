"""The stand-in ClickHouse server refuses what the real engine (ClickHouse 25.8) refuses, and nothing else of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.clickhouse_engine import Engine, EngineError
from tests.harness.s3 import Store, store
from tests.harness.storage_mistakes import ENDPOINT, MACROS, MISTAKES, TAKEN, Mistake

# the embedded engine looks at a storage policy when a table first uses it
USE = ("CREATE DATABASE a ENGINE = Atomic", "CREATE TABLE a.t (id UInt64) ENGINE = MergeTree ORDER BY id")


@pytest.fixture(scope="module")
def bucket() -> Iterator[Store]:
    with store("clickhouse-data", "weave/") as made:
        yield made


def start(root: Path, mistake: Mistake, bucket: Store) -> None:
    text = mistake.storage.replace(ENDPOINT, f"{bucket.endpoint}/{bucket.bucket}")
    files = {"config.d/storage.xml": text}
    Engine(root, files, macros=MACROS, environment=bucket.environment()).run(*USE)


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_the_engine_refuses_what_the_stand_in_refuses(tmp_path: Path, bucket: Store, mistake: Mistake):
    with pytest.raises(EngineError):
        start(tmp_path / "server", mistake, bucket)


@pytest.mark.parametrize("variant", TAKEN, ids=str)
def test_the_engine_takes_what_the_stand_in_takes(tmp_path: Path, bucket: Store, variant: Mistake):
    start(tmp_path / "server", variant, bucket)
