"""The scripts of the backup Jobs, run by a real shell against the real ClickHouse engine and a real S3 API.

The engine is chdb's, which listens to no network and can be opened once per process. So `clickhouse-client` and
`clickhouse-local` are stand-ins here: each hands its query to a process that has the engine open, with the configuration and
the environment that the server's pod and the Job's pod would have. No password is checked, and the engine's own
user has exactly the grants that the connecting user would have.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components import contracts
from components.clickhouse import backup, backup_store, backup_user, disks, server
from tests.harness import clickhouse_space as space
from tests.harness.clickhouse_engine import SESSION, Engine, pod_environment
from tests.harness.s3 import REGION, Store

SECONDS = 120
"""The longest that an engine may take to start, or a script to run."""
PREFIX = "clickhouse-backup/clickhouse/wandb/weavecluster/0/"
MACROS = {
    "installation": "wandb",
    "cluster": "weavecluster",
    "shard": "0",
    "replica": "chi-wandb-weavecluster-0-0",
}
KEYS = contracts.BucketKeys(name="backup-keys")
USER = backup_user.BackupUser(
    name="backup",
    databases=backup_user.databases("weave"),
    password_hash=contracts.SecretKey(name="clickhouse-backup-user", key="password_sha256_hex"),
    password=contracts.SecretKey(name="clickhouse-backup-user", key="password"),
    digest="digest",
)
GRANTS = backup_user.settings(USER, ["::/0"])["backup/grants/query"]
"""What the backup user may do."""
STRICT = (
    "<access_control_improvements><select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>"
    "</access_control_improvements>"
)
"""As in the configuration that the server's image brings."""
_SERVER = f"""\
import json, socket, sys
{SESSION}
port, where = int(sys.argv[1]), sys.argv[2]
engine = session.Session(where)
with socket.create_server(("127.0.0.1", port)) as listening:
    while True:
        connection, _ = listening.accept()
        with connection, connection.makefile("rw", encoding="utf-8") as stream:
            answers, error = [], None
            try:
                for statement in json.loads(stream.readline()):
                    answers.append(str(engine.query(statement, "TSV")))
            except RuntimeError as refused:
                error = str(refused)
            stream.write(json.dumps({{"answers": answers, "error": error}}) + "\\n")
            stream.flush()
"""
_CLIENT = """\
#!{python}
import json, os, pathlib, socket, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if {local}:
    port = {port}
    assert pathlib.Path(given.pop("--config-file")).read_text() == os.environ["CONFIGURATION"]
    text = given.pop("--query", None) or pathlib.Path(given.pop("--queries-file")).read_text()
    statements = [each for each in (part.strip() for part in text.split(";\\n")) if each]
    assert not given, given
else:
    port = int(given.pop("--port"))
    statements = [given.pop("--query")]
    assert given.keys() == {{"--host", "--connect_timeout", "--receive_timeout"}}, given
    with open({log!r}, "a") as log:
        print(*statements, file=log)
try:
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rw") as stream:
        print(json.dumps(statements), file=stream, flush=True)
        answer = json.loads(stream.readline())
except OSError as error:
    sys.exit(f"Code: 210. DB::NetException: {{error}}. (NETWORK_ERROR)")
print(*answer["answers"], sep="", end="")
sys.exit(answer["error"])
"""


def bucket(store: Store, **changes: Any) -> contracts.Bucket:
    """The store as a bucket of backups that keys of a Secret open."""
    given = contracts.Bucket(
        provider="s3", name=store.bucket, region=REGION, endpoint=store.endpoint, keys=dataclasses.replace(KEYS)
    )
    return dataclasses.replace(given, **changes)


def read(store: Store, name: str) -> str:
    """What an object holds."""
    return store.client.get_object(Bucket=store.bucket, Key=name)["Body"].read().decode(errors="replace")


def put(store: Store, name: str, content: str = "") -> None:
    """Makes an object."""
    store.client.put_object(Bucket=store.bucket, Key=name, Body=content.encode())


def delete(store: Store, name: str) -> None:
    """Deletes an object."""
    store.client.delete_object(Bucket=store.bucket, Key=name)


def arguments(store: contracts.Bucket, *, replicas: int = 1, **changes: Any) -> backup.BackupJobsArgs:
    """The Jobs of one replica that back up to `store`; `changes` are of `BackupArgs`."""
    return backup.BackupJobsArgs(
        backup=backup.BackupArgs(bucket=store, **changes),
        cluster=space.cluster(),
        namespace="clickhouse",
        image=space.server().image,
        user=USER,
        owner=space.USER,
        replicas=replicas,
    )


def root(store: contracts.Bucket) -> backup_store.Root:
    """Where the backups of `arguments` lie."""
    return backup.root(
        backup.BackupArgs(bucket=store),
        disks.Place(namespace="clickhouse", installation="wandb", cluster="weavecluster"),
    )


def container(job: Mapping[str, Any]) -> dict[str, Any]:
    """The container of a CronJob."""
    return job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]


def users_of(grants: Sequence[str]) -> str:
    """A users.xml whose only user may do what `grants` say, or everything without any."""
    told = "".join(f"<query>{grant}</query>" for grant in grants)
    allowed = f"<grants>{told}</grants>" if grants else "<access_management>1</access_management>"
    user = f"<default><password></password><networks><ip>::/0</ip></networks>{allowed}</default>"
    return f"<profiles><default/></profiles><quotas><default/></quotas><users>{user}</users>"


@dataclass
class Cluster:
    """A server whose backups go to `backups`, and a place to run the Jobs' scripts."""

    folder: Path
    data: Store
    backups: Store
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of `BackupArgs`."""
    asked: str = ""
    """All that a server was asked by the scripts."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.args = arguments(bucket(self.backups), **self.settings)
        self._secrets = {KEYS.access_key: self.backups.access_key, KEYS.secret_key: self.backups.secret_key}
        given = contracts.Bucket(
            provider="s3", name=self.data.bucket, region=REGION, endpoint=self.data.endpoint, keys=KEYS
        )
        made = server.manifest(space.server(bucket=given, volume_gib=20, cache_gib=1))["spec"]["configuration"]
        disk = str(backup_store.configuration(self.args.backup.bucket, root(self.args.backup.bucket)))
        own = {"env": backup_store.server_environment(self.args.backup.bucket)}
        environment = self.data.environment() | pod_environment(own, self._secrets, "")
        files = {**made["files"], backup_store.FILE: disk}
        self.engine = Engine(
            self.folder / "server", files, macros=MACROS, environment=environment, users=users_of(()), extra=STRICT
        )

    def run(self, *statements: str) -> list[str]:
        """The statements, by someone who may do everything."""
        self._allow(())
        return self.engine.run(*statements)

    def back_up(self, now: str, *, at: int | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        """A run of the backup Job at `now`, such as 20261122T030000Z, with the server that is running `at` a port."""
        return self._job(backup.backup_job(self.args), GRANTS, now, more, at)

    def restore(self, name: str, now: str = "20270101T000000Z", **more: str) -> subprocess.CompletedProcess[str]:
        """A Job made from the restore CronJob."""
        grants = server.users.settings(space.USER, ["::/0"])["weave/grants/query"]
        return self._job(backup.restore_job(self.args), grants, now, {"BACKUP": name, **more}, None)

    @contextlib.contextmanager
    def serving(self, grants: Sequence[str] = ()) -> Generator[int]:
        """The server, on a port, for a user with `grants`."""
        self._allow(grants)
        where = f"{self.folder}/server/data?config-file={self.folder}/server/config.xml"
        with process(where, self.engine._environment, self.folder) as port:
            yield port

    def _allow(self, grants: Sequence[str]) -> None:
        (self.folder / "server/users.xml").write_text(f"<clickhouse>{users_of(grants)}</clickhouse>", encoding="utf-8")

    def _job(
        self, job: Mapping[str, Any], grants: Sequence[str], now: str, more: Mapping[str, str], at: int | None
    ) -> subprocess.CompletedProcess[str]:
        made = container(job)
        secrets = self._secrets | {"password": space.PASSWORD}
        variables = pod_environment(made, secrets, "") | {"PAUSE": "0.2", **more}
        config, scratch = self.folder / "local.xml", self.folder / "scratch"
        config.write_text(variables["CONFIGURATION"], encoding="utf-8")
        scratch.mkdir(exist_ok=True)
        with (
            contextlib.nullcontext(at) if at else self.serving(grants) as port,
            process(f"{self.folder}/local?config-file={config}", variables, self.folder) as local,
        ):
            variables["HOSTS"] = more.get("HOSTS", f"127.0.0.1:{port}").replace("PORT", str(port))
            tools = self._tools(now, local)
            done = subprocess.run(
                made["command"],
                env={"PATH": f"{tools}:{os.environ['PATH']}", "TMPDIR": str(scratch), **variables},
                cwd=self.folder,
                text=True,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        log = self.folder / "asked"
        self.asked = log.read_text(encoding="utf-8") if log.exists() else ""
        return done

    def _tools(self, now: str, local: int) -> Path:
        tools = self.folder / "bin"
        tools.mkdir(exist_ok=True)
        log = str(self.folder / "asked")
        for name, is_local in {"clickhouse-client": False, "clickhouse-local": True}.items():
            text = _CLIENT.format(python=sys.executable, local=is_local, port=local, log=log)
            (tools / name).write_text(text, encoding="utf-8")
        (tools / "date").write_text(f"#!/bin/sh\necho {now}\n", encoding="utf-8")
        for each in tools.iterdir():
            each.chmod(0o755)
        return tools


@contextlib.contextmanager
def process(where: str, environment: Mapping[str, str], folder: Path) -> Generator[int]:
    """An engine that has `<data>?config-file=<file>` open, on a port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", _SERVER, str(port), where]
    with (folder / "engine.log").open("a") as log:
        running = subprocess.Popen(command, cwd=folder, env=os.environ | dict(environment), stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                    _say(connection, ["SELECT 1"])
                    break
            except OSError as error:
                if running.poll() is not None or time.monotonic() > deadline:
                    raise TimeoutError(f"the engine does not answer: {(folder / 'engine.log').read_text()}") from error
                time.sleep(0.1)
        yield port
    finally:
        running.terminate()
        running.wait(30)


def tell(port: int, *statements: str) -> list[str]:
    """The statements to a server that runs. Raises RuntimeError with what it says against one."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        return _say(connection, statements)


def _say(connection: socket.socket, statements: Sequence[str]) -> list[str]:
    with connection.makefile("rw", encoding="utf-8") as stream:
        print(json.dumps(list(statements)), file=stream, flush=True)
        answer = json.loads(stream.readline())
    if answer["error"]:
        raise RuntimeError(answer["error"])
    return [each.strip() for each in answer["answers"]]
