"""The real ClickHouse engine with the configuration that a server's pod would have.

The engine is the one inside the package chdb: the storage layer, SQL and access control of ClickHouse 25.8, without its
network side, Keeper and replication, and, in this build, without system log tables. An engine exists once per process,
and some statements can hang, so each start is a process of its own with a time limit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

SECONDS = 120
"""The longest that one start may take."""
ENGINE = "ENGINE = MergeTree PARTITION BY event_date ORDER BY event_time TTL event_date + INTERVAL 30 DAY"
OPERATOR_LOGS = ("query_log", "part_log", "trace_log")
"""The logs that the operator configures with an engine of their own."""
IMAGE_LOGS = ("text_log", "metric_log", "asynchronous_metric_log", "error_log", "crash_log", "processors_profile_log")
"""Some of the logs that the server's image configures without one."""
_CHILD = """\
import json, sys
from chdb import session
directory, config, statements = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
server = session.Session(f"{directory}?config-file={config}")
print(json.dumps([str(server.query(statement, "TSV")).strip() for statement in statements]), flush=True)
server.close()
"""


class EngineError(Exception):
    """The engine refused its configuration or a statement. Its own text is in the message; it is often short."""


class Engine:
    """One server: its configuration, its data directory, its environment."""

    def __init__(
        self,
        root: Path,
        files: Mapping[str, str],
        *,
        macros: Mapping[str, str],
        environment: Mapping[str, str],
        users: str | None = None,
        extra: str = "",
    ) -> None:
        """`files` are those of the installation, by their names below /etc/clickhouse-server.

        `users` is the content of users.xml; `extra` stands for what the operator generates beside `files`.
        """
        self._root, self._environment = root, dict(environment)
        (root / "config.d").mkdir(parents=True)
        directories = f"<path>{root}/data/</path><filesystem_caches_path>{root}/data/</filesystem_caches_path>"
        values = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in macros.items())
        logs = "".join(_log(name) for name in IMAGE_LOGS)
        access = "<user_directories><users_xml><path>users.xml</path></users_xml></user_directories>" if users else ""
        self._write("config.xml", f"{directories}<macros>{values}</macros>{logs}{access}{extra}")
        operators = "".join(_log(name, f"<engine>{ENGINE}</engine>") for name in OPERATOR_LOGS)
        self._write("config.d/01-clickhouse-03-logs.xml", operators)
        for name, text in files.items():
            (root / name).write_text(text.replace("/var/lib/clickhouse/", f"{root}/data/"), encoding="utf-8")
        if users:
            self._write("users.xml", users)

    def run(self, *statements: str) -> list[str]:
        """Starts the server, runs the statements, stops it. Returns the answers as tab-separated text."""
        command = [
            sys.executable,
            "-c",
            _CHILD,
            f"{self._root}/data",
            f"{self._root}/config.xml",
            json.dumps(statements),
        ]
        # importing chdb opens an engine that reads a config.xml from the working directory
        done = subprocess.run(
            command,
            cwd=self._root.parent,
            env=os.environ | self._environment,
            text=True,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise EngineError(done.stderr.strip()[-3000:] or f"exit status {done.returncode}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def _write(self, name: str, content: str) -> None:
        (self._root / name).write_text(f"<clickhouse>{content}</clickhouse>", encoding="utf-8")


def users_xml(users: Mapping[str, object]) -> str:
    """The `users` of an installation as the operator writes them, less `valueFrom`, which becomes `from_env`.

    The variable is named `PASSWORD_HASH`; the operator's own name for it is longer.
    """
    names: dict[str, dict[str, object]] = {}
    for path, value in users.items():
        user, _, setting = path.partition("/")
        names.setdefault(user, {})[setting] = value
    content = "".join(
        f"<{user}>" + "".join(_setting(path, value) for path, value in settings.items()) + f"</{user}>"
        for user, settings in names.items()
    )
    # the engine itself needs a user to run statements as
    default = "<default><password></password><networks><ip>::/0</ip></networks><access_management>1</access_management></default>"
    return f"<profiles><default/></profiles><quotas><default/></quotas><users>{default}{content}</users>"


def _setting(path: str, value: object) -> str:
    *folders, name = path.split("/")
    if isinstance(value, Mapping):
        text = f'<{name} from_env="PASSWORD_HASH"/>'
    elif isinstance(value, Sequence) and not isinstance(value, str):
        text = "".join(f"<{name}>{escape(str(each))}</{name}>" for each in value)
    else:
        text = f"<{name}>{escape(str(value))}</{name}>"
    for folder in reversed(folders):
        text = f"<{folder}>{text}</{folder}>"
    return text


def _log(name: str, engine: str = "") -> str:
    interval = "<flush_interval_milliseconds>500</flush_interval_milliseconds>"
    return f"<{name}><database>system</database><table>{name}</table>{engine}{interval}</{name}>"
