"""`python -m bench.clickhouse_backup`: what a backup costs in requests and time, and how both grow with parts.

The engine is ClickHouse 25.8's, the store a real S3 API on this machine (moto). All is told as ratios within one run: a
request takes longer in a cloud, but not another number of them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.clickhouse import backup_store
from tests.harness import clickhouse_backup as harness
from tests.harness.clickhouse_engine import Engine, pod_environment
from tests.harness.s3 import Store, store

PARTS = (4, 8, 16)
ROWS = 20000
COLUMNS = 20
EVENTS = ("S3PutObject", "S3CopyObject", "S3GetObject", "S3HeadObject", "S3ListObjects", "S3DeleteObjects")
_COUNTED = (
    "SELECT "
    + ", ".join(f"sumIf(value, event = '{event}')" for event in EVENTS)
    + ", toUnixTimestamp64Milli(now64(3)) FROM system.events"
)


@dataclass(frozen=True)
class Cost:
    """What one backup took."""

    requests: dict[str, int]
    milliseconds: int

    @property
    def total(self) -> int:
        """All requests."""
        return sum(self.requests.values())


def main() -> None:
    """Prints the table."""
    with store("clickhouse-data", "") as bucket, tempfile.TemporaryDirectory() as folder:
        costs = [measure(bucket, Path(folder) / str(parts), parts) for parts in PARTS]
        for parts, (full, same, more, objects) in zip(PARTS, costs, strict=True):
            kinds = ", ".join(f"{name.removeprefix('S3')} {count}" for name, count in full.requests.items() if count)
            print(f"{parts} parts: full {full.total} requests ({kinds}), {full.total / objects:.1f} per object")
            print(f"  incremental over full, nothing new: {same.total / full.total:.2f} of the requests")
            print(f"  incremental over full, one new part: {more.total / full.total:.2f} of the requests")
        first, last = costs[0][0], costs[-1][0]
        print(
            f"{PARTS[-1] / PARTS[0]:.0f} times the parts: {last.total / first.total:.2f} times the requests, "
            f"{last.milliseconds / first.milliseconds:.2f} times the time"
        )
        listing(bucket, Path(folder) / "listing")


def measure(bucket: Store, folder: Path, parts: int) -> tuple[Cost, Cost, Cost, int]:
    """A full backup of `parts` parts, an incremental one with nothing new, one with a new part; objects of the full one."""
    bucket.empty()
    cluster = harness.Cluster(folder, bucket, bucket)
    columns = ", ".join(f"c{index} UInt64" for index in range(COLUMNS))
    values = ", ".join(f"rand({index})" for index in range(COLUMNS))
    insert = f"INSERT INTO weave.calls SELECT {values} FROM numbers({ROWS})"
    table = f"CREATE TABLE weave.calls ({columns}) ENGINE = MergeTree ORDER BY c0 SETTINGS min_bytes_for_wide_part = 0"
    full, same, more = (f"Disk('{backup_store.DISK}', '0/{name}')" for name in ("full", "same", "more"))
    answers = cluster.run(
        *("CREATE DATABASE weave", table, "SYSTEM STOP MERGES weave.calls", *[insert] * parts, _COUNTED),
        *(f"BACKUP DATABASE weave TO {full}", _COUNTED),
        *(f"BACKUP DATABASE weave TO {same} SETTINGS base_backup = {full}", _COUNTED),
        *(insert, _COUNTED, f"BACKUP DATABASE weave TO {more} SETTINGS base_backup = {full}", _COUNTED),
    )
    counted = [row for row in map(str.split, answers) if len(row) == len(EVENTS) + 1]
    objects = sum("/0/full/" in name for name in bucket.names())
    return _cost(counted[0], counted[1]), _cost(counted[1], counted[2]), _cost(counted[3], counted[4]), objects


def listing(bucket: Store, folder: Path) -> None:
    """What the Job's own engine asks the store for when it lists the backups."""
    args = harness.arguments(harness.bucket(bucket))
    made = harness.container(harness.backup.backup_job(args))
    secrets = {"ACCESS_KEY": bucket.access_key, "SECRET_KEY": bucket.secret_key, "password": ""}
    variables = pod_environment(made, secrets, "")
    engine = Engine(folder, {"config.d/job.xml": variables["CONFIGURATION"]}, macros={}, environment=variables)
    listed = f"SELECT _path, _size FROM {variables['LISTING']} SETTINGS s3_skip_empty_files = 0, remote_filesystem_read_prefetch = 0"
    rows = f"SELECT count() FROM ({listed})"
    began = time.monotonic()
    before, count, after = engine.run(_COUNTED, rows, _COUNTED)
    cost = _cost(before.split(), after.split())
    kinds = ", ".join(f"{name} {number}" for name, number in cost.requests.items() if number)
    print(f"listing {count} objects: {kinds} ({time.monotonic() - began:.0f} s with the engine's start)")


def _cost(before: Sequence[str], after: Sequence[str]) -> Cost:
    *counts, milliseconds = (int(late) - int(early) for early, late in zip(before, after, strict=True))
    return Cost(dict(zip(EVENTS, counts, strict=True)), milliseconds)


if __name__ == "__main__":
    main()
