"""The readiness Job: its script, run by a real shell against a client that answers as told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.clickhouse import names, probe
from tests.harness import clickhouse_space as space

GOOD = {
    "system.clusters": "3",
    "system.zookeeper": "1",
    "system.replicas": "0",
    "system.storage_policies": "1",
    "system.tables": "0",
    "SELECT 1": "1",
}
CLIENT = """\
#!/bin/sh
echo "$@" >> "$ASKED"
case "$*" in
{cases}
*) echo "unexpected: $*"; exit 1 ;;
esac
"""


def job(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "namespace": "clickhouse",
        "image": "altinity/clickhouse-server:25.8.16.10002.altinitystable",
        "task": "task-1",
        "user": space.USER,
    }
    return probe.job(probe.ProbeArgs(**given | changes))


def container(**changes: Any) -> dict[str, Any]:
    return job(**changes)["spec"]["template"]["spec"]["containers"][0]


@pytest.fixture
def run(tmp_path: Path):
    """Runs the script with a client that gives `answers`, or fails where the answer is None."""

    def run(answers: dict[str, str | None], patience: str = "0") -> tuple[subprocess.CompletedProcess[str], str]:
        cases = "\n".join(
            f'*"{query}"*) echo "Code: 210. Connection refused"; exit 210 ;;'
            if answer is None
            else f'*"{query}"*) echo "{answer}" ;;'
            for query, answer in answers.items()
        )
        client, asked = tmp_path / "clickhouse-client", tmp_path / "asked"
        client.write_text(CLIENT.replace("{cases}", cases))
        client.chmod(0o755)
        made = container()
        variables = {each["name"]: each["value"] for each in made["env"] if "value" in each}
        variables |= {"PATIENCE": patience, "PAUSE": "0", "ASKED": str(asked), "CLICKHOUSE_PASSWORD": space.PASSWORD}
        variables |= {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(made["command"], env=variables, text=True, capture_output=True, timeout=30, check=False)
        return done, asked.read_text()

    return run


def test_a_healthy_cluster_is_ready(run: Any) -> None:
    done, asked = run(GOOD)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "ClickHouse is ready: 3 of 3 replicas"
    for index in range(3):
        assert f"--host chi-wandb-weavecluster-0-{index}.clickhouse.svc.cluster.local --port 9000" in asked
    assert "--host clickhouse-wandb.clickhouse.svc.cluster.local --port 9000" in asked


@pytest.mark.parametrize(
    ("query", "answer", "message"),
    [
        ("system.clusters", "2", "replicas of cluster weavecluster: expected 3, got: 2"),
        ("system.zookeeper", None, "Keeper answers: expected 1, got: Code: 210. Connection refused"),
        ("system.replicas", "4", "read-only tables: expected 0, got: 4"),
        ("system.storage_policies", "0", "storage policy s3_main: expected 1, got: 0"),
        ("system.tables", "29", "system tables in the bucket: expected 0, got: 29"),
        ("SELECT 1", None, "SQL through the Service: expected 1, got: Code: 210"),
    ],
)
def test_what_is_wrong_is_said_at_the_end(run: Any, query: str, answer: str | None, message: str) -> None:
    done, _ = run(GOOD | {query: answer})
    assert done.returncode == 1
    assert done.stderr.startswith("ClickHouse is not ready after 0 seconds. ")
    assert message in done.stderr


def test_the_password_is_never_on_a_command_line_nor_in_the_output(run: Any) -> None:
    done, asked = run(GOOD)
    assert space.PASSWORD not in asked + done.stdout + done.stderr
    password = next(variable for variable in container()["env"] if variable["name"] == "CLICKHOUSE_PASSWORD")
    assert password["valueFrom"]["secretKeyRef"] == {"name": "clickhouse-weave-user", "key": "password"}


def test_the_job_ends_one_day_whatever_happens() -> None:
    spec = job()["spec"]
    assert spec["activeDeadlineSeconds"] > 2 * probe.PATIENCE_SECONDS
    assert spec["backoffLimit"] == 1
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_a_changed_spec_of_the_servers_makes_a_new_job() -> None:
    assert job(task="task-1")["spec"]["template"] != job(task="task-2")["spec"]["template"]
    # without a name of its own, the next Job can run beside this one
    assert "name" not in job()["metadata"]


def test_every_replica_of_every_shard_is_asked() -> None:
    variables = {each["name"]: each.get("value", "") for each in container(shards=2, replicas=3)["env"]}
    hosts = variables["REPLICA_HOSTS"].split()
    assert hosts == [
        f"chi-wandb-weavecluster-{shard}-{index}.clickhouse.svc.cluster.local:9000"
        for shard in range(2)
        for index in range(3)
    ]
    assert variables["REPLICAS"] == "6"


def test_every_replica_is_named_with_its_port() -> None:
    variables = {each["name"]: each.get("value") for each in container(replicas=1)["env"]}
    assert (
        variables["REPLICA_HOSTS"]
        == f"chi-wandb-weavecluster-0-0.clickhouse.svc.cluster.local:{names.PLAIN_PORTS.native}"
    )
