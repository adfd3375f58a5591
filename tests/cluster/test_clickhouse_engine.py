"""The rendered configuration, loaded by the real ClickHouse engine and used against a real S3 API.

Proven: the files load, tables without a policy of their own lie in the bucket under the replica's own path, rows survive a
restart, drops leave nothing behind, the credentials come from the environment, the user's grants parse, the
readiness Job's SQL runs. Not proven: replication and Keeper, the check of the bucket at a server's start, where system logs
lie (this build of the engine writes none), and AWS itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components import contracts
from components.clickhouse import probe, server, users
from tests.harness import clickhouse_space as space
from tests.harness.clickhouse_engine import Engine, EngineError, users_xml
from tests.harness.s3 import REGION, Store, store
from tests.harness.stacks import ROOT

CREATE = (
    "CREATE DATABASE weave ENGINE = Atomic",
    "CREATE TABLE weave.calls (id UInt64, value String) ENGINE = MergeTree ORDER BY id",
    "INSERT INTO weave.calls SELECT number, toString(number) FROM numbers(10000)",
)
ROWS = "SELECT count(), sum(id) FROM weave.calls"
POLICY = "SELECT storage_policy FROM system.tables WHERE database = 'weave' AND name = 'calls'"
STORAGE = "config.d/storage_configuration.xml"
MakeEngine = Callable[..., Engine]


@pytest.fixture(scope="module")
def shared_store() -> Iterator[Store]:
    with store("clickhouse-data", "weave/") as made:
        yield made


@pytest.fixture
def bucket(shared_store: Store) -> Store:
    """An empty bucket."""
    shared_store.empty()
    return shared_store


def macros(replica: int = 0) -> dict[str, str]:
    """What the operator writes for one replica."""
    names = {"installation": "wandb", "cluster": "weavecluster", "shard": "0", "all-sharded-shard": "0"}
    return names | {"replica": f"chi-wandb-weavecluster-0-{replica}"}


def configuration(bucket: Store, **changes: Any) -> dict[str, Any]:
    """The `configuration` of the installation for this bucket."""
    given = contracts.Bucket(
        provider="s3",
        name=bucket.bucket,
        region=REGION,
        endpoint=bucket.endpoint,
        keys=contracts.BucketKeys(name="clickhouse-keys"),
        **changes,
    )
    return server.manifest(space.server(bucket=given, volume_gib=20, cache_gib=1))["spec"]["configuration"]


@pytest.fixture
def engine(tmp_path: Path, bucket: Store) -> MakeEngine:
    """Makes servers; `edit` changes the storage configuration before it is loaded."""

    def make(
        name: str = "server",
        *,
        replica: int = 0,
        edit: tuple[str, str] = ("", ""),
        environment: Mapping[str, str] | None = None,
        kms_key: str | None = None,
        **options: Any,
    ) -> Engine:
        files = dict(configuration(bucket, kms_key=kms_key)["files"])
        assert edit[0] in files[STORAGE]
        files[STORAGE] = files[STORAGE].replace(*edit) if edit[0] else files[STORAGE]
        variables = bucket.environment() | dict(environment or {})
        return Engine(tmp_path / name, files, macros=macros(replica), environment=variables, **options)

    return make


def test_rows_lie_in_the_bucket_and_survive_a_restart(engine: MakeEngine, bucket: Store) -> None:
    running = engine()
    assert running.run(*CREATE, ROWS, POLICY)[-2:] == ["10000\t49995000", "s3_main"]
    assert bucket.names()
    assert running.run(ROWS) == ["10000\t49995000"]
    running.run("DROP TABLE weave.calls SYNC")
    assert bucket.names() == []


def test_each_replica_has_a_path_of_its_own(engine: MakeEngine, bucket: Store) -> None:
    for replica in range(2):
        engine(f"server-{replica}", replica=replica).run(*CREATE)
    paths = {name.partition("-0-")[0] + "-0-" + name.partition("-0-")[2].split("/")[0] for name in bucket.names()}
    assert paths == {
        f"weave/clickhouse/wandb/weavecluster/0/chi-wandb-weavecluster-0-{replica}" for replica in range(2)
    }


def test_objects_that_belong_to_no_part_can_be_told(engine: MakeEngine, bucket: Store) -> None:
    guide = (ROOT / "docs/clickhouse-operations.md").read_text()
    (query,) = re.findall(r'"(SELECT DISTINCT remote_path [^"]+)"', guide)
    running = engine()
    *_, known = running.run(*CREATE, query)
    assert set(known.split()) == set(bucket.names()), "every object is known to the server that wrote it"
    stray = f"{known.split()[0]}-of-a-volume-that-is-gone"
    bucket.put(stray)
    *_, known = running.run("INSERT INTO weave.calls SELECT number, '' FROM numbers(10)", query)
    assert set(bucket.names()) - set(known.split()) == {stray}


def test_system_logs_load_beside_the_operators_and_write_nothing_to_the_bucket(
    engine: MakeEngine, bucket: Store
) -> None:
    on_s3 = "SELECT count() FROM system.tables WHERE database = 'system' AND storage_policy = 's3_main'"
    answers = engine().run("SELECT 1", "SYSTEM FLUSH LOGS", on_s3)
    assert answers[-1] == "0"
    assert bucket.names() == []


def test_the_wrong_key_is_refused_by_the_store(engine: MakeEngine, bucket: Store) -> None:
    with pytest.raises(EngineError):
        engine(environment={"AWS_SECRET_ACCESS_KEY": "wrong"}, edit=("<retry_attempts>20", "<retry_attempts>0")).run(
            *CREATE
        )
    assert bucket.names() == []


def test_objects_are_encrypted_with_the_key_that_is_given(engine: MakeEngine, bucket: Store) -> None:
    key = "arn:aws:kms:us-east-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    engine(kms_key=key).run(*CREATE)
    found = [bucket.head(name) for name in bucket.names()]
    assert found
    assert {(each.get("ServerSideEncryption"), each.get("SSEKMSKeyId")) for each in found} == {("aws:kms", key)}


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(("{replica}", "{nobody}"), id="a macro that the operator does not write"),
        pytest.param(("<max_size>1Gi", "<max_size>1GB"), id="a cache size in a unit that ClickHouse does not know"),
        pytest.param(("<max_size>1Gi", "<max_size>0"), id="a cache of no size"),
        pytest.param(("<disk>s3_disk<", "<disk>s3<"), id="a cache of a disk that is not there"),
        pytest.param(("<storage_policy>s3_main<", "<storage_policy>s3<"), id="a policy that is not there"),
        pytest.param(("</disks>", ""), id="broken XML"),
    ],
)
def test_a_mistake_in_the_storage_configuration_is_refused(engine: MakeEngine, edit: tuple[str, str]) -> None:
    # so that the other tests mean something: the engine does read these settings
    with pytest.raises(EngineError):
        engine(edit=edit).run(*CREATE)


def test_the_user_of_weave_has_the_grants_it_needs_and_no_more(engine: MakeEngine, bucket: Store) -> None:
    text = users_xml(configuration(bucket)["users"])
    secret = {"PASSWORD_HASH": users.password_hash(space.PASSWORD)}
    (grants, identified) = engine(users=text, environment=secret).run(
        "SHOW GRANTS FOR weave", "SELECT auth_type FROM system.users WHERE name = 'weave'"
    )
    assert "sha256_password" in identified
    lines = grants.splitlines()
    assert any(re.match(r"GRANT .*(ALL|INSERT).* ON weave\.\* TO weave", line) for line in lines), grants
    everywhere = [line for line in lines if " ON *.* " in line]
    assert everywhere == ["GRANT CLUSTER ON *.* TO weave"], grants


def test_the_queries_of_the_readiness_job_run_on_this_version(engine: MakeEngine) -> None:
    variables = {each["name"]: each.get("value") for each in probe.environment(_probe_args())}
    queries = re.findall(r'"(SELECT [^"]+)"', probe.SCRIPT)
    # system.zookeeper exists only where there is a Keeper
    queries = [query for query in queries if "system.zookeeper" not in query]
    asked = [re.sub(r"\$(\w+)", lambda name: variables[name.group(1)] or "", query) for query in queries]
    hosts = "".join(f"<replica><host>127.0.0.{index}</host><port>9000</port></replica>" for index in range(1, 4))
    clusters = f"<remote_servers><weavecluster><shard>{hosts}</shard></weavecluster></remote_servers>"
    assert engine(extra=clusters).run(*asked) == ["3", "0", "1", "0", "1"]


def _probe_args() -> probe.ProbeArgs:
    image = space.server().image
    return probe.ProbeArgs(namespace="clickhouse", image=image, task="task-1", user=space.USER)
