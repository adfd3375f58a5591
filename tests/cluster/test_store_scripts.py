"""The shell scripts that Jobs of the in-cluster stores run, run for real.

The buckets script runs with the real AWS command line against a real S3 API (moto). The database script runs in a real
shell, but `mysql` and `mysqladmin` are stand-ins that record what they are given: a MySQL server is not to be had here,
so whether MySQL accepts the statements is not shown.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from components.kubernetes.bucket import BUCKETS_SCRIPT, cors
from components.mysql_database import DATABASE_SCRIPT

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
ORIGIN = "https://wandb.example.com"


@pytest.fixture
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def run(script: str, environment: dict[str, str], path: Path | None = None) -> subprocess.CompletedProcess[str]:
    folders = [str(path)] if path else []
    search = os.pathsep.join([*folders, str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["/bin/sh", "-ec", script],
        env={"PATH": search, "HOME": os.environ["HOME"], **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def bucket_environment(endpoint: str) -> dict[str, str]:
    return KEYS | {
        "S3_ENDPOINT": endpoint,
        "BUCKETS": "wandb clickhouse",
        "CORS_BUCKET": "wandb",
        "CORS": json.dumps(cors(ORIGIN)),
    }


def test_the_buckets_script_makes_both_buckets_and_lets_only_wandbs_pages_use_the_first(s3: str) -> None:
    assert shutil.which("aws", path=str(Path(sys.executable).parent)), "the AWS command line belongs to the environment"
    result = run(BUCKETS_SCRIPT, bucket_environment(s3))
    assert result.returncode == 0, result.stderr
    client = boto3.client("s3", endpoint_url=s3, aws_access_key_id="key", aws_secret_access_key="secret")
    assert {bucket["Name"] for bucket in client.list_buckets()["Buckets"]} == {"wandb", "clickhouse"}
    (rule,) = client.get_bucket_cors(Bucket="wandb")["CORSRules"]
    assert rule["AllowedOrigins"] == [ORIGIN]
    assert sorted(rule["AllowedMethods"]) == ["GET", "HEAD", "PUT"]


def test_running_the_buckets_script_again_keeps_what_is_in_them(s3: str) -> None:
    client = boto3.client("s3", endpoint_url=s3, aws_access_key_id="key", aws_secret_access_key="secret")
    assert run(BUCKETS_SCRIPT, bucket_environment(s3)).returncode == 0
    client.put_object(Bucket="wandb", Key="artifact", Body=b"kept")
    again = run(BUCKETS_SCRIPT, bucket_environment(s3))
    assert again.returncode == 0, again.stderr
    assert "bucket wandb exists" in again.stdout
    assert client.get_object(Bucket="wandb", Key="artifact")["Body"].read() == b"kept"


def test_the_buckets_script_fails_when_the_store_does_not_answer() -> None:
    result = run(BUCKETS_SCRIPT, bucket_environment("http://127.0.0.1:9") | {"AWS_MAX_ATTEMPTS": "1"})
    assert result.returncode != 0
    assert "secret" not in result.stdout + result.stderr


@pytest.fixture
def recording_mysql(tmp_path: Path) -> Path:
    """Stand-ins for MySQL's clients: the first ping fails, statements and arguments are written down."""
    scripts = {
        "mysqladmin": 'test -e "$RECORD/pinged" && exit 0; touch "$RECORD/pinged"; exit 1',
        "mysql": 'echo "$@" >> "$RECORD/arguments"; cat >> "$RECORD/statements"',
        "sleep": ":",
    }
    for name, body in scripts.items():
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def test_the_database_script_waits_for_mysql_and_shows_no_password_in_the_process_list(recording_mysql: Path) -> None:
    environment = {
        "RECORD": str(recording_mysql),
        "MYSQL_HOST": "mysql.wandb.svc.cluster.local",
        "MYSQL_PORT": "3306",
        "MYSQL_PWD": "RootPassword",
        "ADMIN_USER": "root",
        "WANDB_DATABASE": "wandb_local",
        "WANDB_USER": "wandb",
        "WANDB_PASSWORD": "WandbPassword",
    }
    result = run(DATABASE_SCRIPT, environment, recording_mysql)
    assert result.returncode == 0, result.stderr
    assert "waiting for MySQL" in result.stdout
    assert "Password" not in (recording_mysql / "arguments").read_text() + result.stdout + result.stderr
    statements = (recording_mysql / "statements").read_text().splitlines()
    assert statements == [
        "CREATE DATABASE IF NOT EXISTS `wandb_local` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;",
        "CREATE USER IF NOT EXISTS 'wandb'@'%' IDENTIFIED BY 'WandbPassword';",
        "GRANT ALL PRIVILEGES ON `wandb_local`.* TO 'wandb'@'%' WITH GRANT OPTION;",
        "ALTER USER 'wandb'@'%' IDENTIFIED BY 'WandbPassword' RETAIN CURRENT PASSWORD;",
    ]
