"""The real ClickHouse engine with the configuration that a server's pod would have.

The engine is the one inside the package chdb: the storage layer, SQL and access control of ClickHouse 25.8, without its
network side, Keeper and replication, and, in this build, without system log tables. An engine exists once per process,
and some statements can hang, so each start is a process of its own with a time limit.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from .internet import Internet

SECONDS = 120
"""The longest that one start may take."""
ENGINE = "ENGINE = MergeTree PARTITION BY event_date ORDER BY event_time TTL event_date + INTERVAL 30 DAY"
OPERATOR_LOGS = ("query_log", "part_log", "trace_log")
"""The logs that the operator configures with an engine of their own."""
IMAGE_LOGS = ("text_log", "metric_log", "asynchronous_metric_log", "error_log", "crash_log", "processors_profile_log")
"""Some of the logs that the server's image configures without one."""
IMAGE_TLS = (
    "<openSSL><client><loadDefaultCAFile>true</loadDefaultCAFile><verificationMode>strict</verificationMode>"
    "<invalidCertificateHandler><name>RejectCertificateHandler</name></invalidCertificateHandler></client></openSSL>"
)
"""As in the config.xml of the server's image. Without it the engine asks on its terminal whether to believe."""
SESSION = """\
import sys, types
for name in ("datastore", "pyarrow"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__getattr__ = lambda _: object
from chdb import session
"""
"""Imports the engine without the data frames that its package brings, which take ten times as long to import as the engine."""
_CHILD = """\
import json, sys
directory, config, folder, world = *sys.argv[1:4], json.loads(sys.argv[4])
statements = json.load(sys.stdin)
if world:
    sys.path.insert(0, folder)
    import namespace
    namespace.enter(**world)
{session}
server = session.Session(f"{directory}?config-file={config}")
print(json.dumps([str(server.query(statement, "TSV")).strip() for statement in statements]), flush=True)
server.close()
""".replace("{session}", SESSION)


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
        mounted: Mapping[str, str] | None = None,
        net: Internet | None = None,
        trusted: bool = True,
        world: Mapping[str, Any] | None = None,
        python: Path | str = sys.executable,
        seconds: float = SECONDS,
    ) -> None:
        """`files` are those of the installation, by their names below /etc/clickhouse-server.

        `users` is the content of users.xml; `extra` stands for what the operator generates beside `files`; `mounted` are
        files that the pod has below /etc/clickhouse-server from elsewhere. With
        `net`, its hosts are all that the server can reach, by their own names; with `trusted`, it believes their
        certificates as it would those of the world; `world` is one made otherwise, as `namespace.enter` takes it. `python` has the engine in its packages.
        """
        self._root, self._environment, self._python = root, dict(environment), str(python)
        self._seconds = seconds
        (root / "config.d").mkdir(parents=True)
        self._world = net.world(root, trusted=trusted) if net else world
        directories = f"<path>{root}/data/</path><filesystem_caches_path>{root}/data/</filesystem_caches_path>"
        values = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in macros.items())
        logs = "".join(_log(name) for name in IMAGE_LOGS)
        access = "<user_directories><users_xml><path>users.xml</path></users_xml></user_directories>" if users else ""
        self._write("config.xml", f"{directories}<macros>{values}</macros>{IMAGE_TLS}{logs}{access}{extra}")
        operators = "".join(_log(name, f"<engine>{ENGINE}</engine>") for name in OPERATOR_LOGS)
        self._write("config.d/01-clickhouse-03-logs.xml", operators)
        for name, text in {**files, **(mounted or {})}.items():
            here = text.replace("/var/lib/clickhouse/", f"{root}/data/").replace("/etc/clickhouse-server/", f"{root}/")
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(here, encoding="utf-8")
        if users:
            self._write("users.xml", users)

    def run(self, *statements: str) -> list[str]:
        """Starts the server, runs the statements, stops it. Returns the answers as tab-separated text."""
        command = [
            self._python,
            "-c",
            _CHILD,
            f"{self._root}/data",
            f"{self._root}/config.xml",
            str(Path(__file__).parent),
            json.dumps(self._world),
        ]
        # importing chdb opens an engine that reads a config.xml from the working directory
        try:
            done = subprocess.run(
                command,
                cwd=self._root.parent,
                env=os.environ | self._environment,
                text=True,
                # not as an argument, whose length has a limit
                input=json.dumps(statements),
                capture_output=True,
                timeout=self._seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineError(f"no end within {self._seconds} seconds") from None
        if done.returncode:
            raise EngineError(done.stderr.strip()[-3000:] or f"exit status {done.returncode}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def _write(self, name: str, content: str) -> None:
        (self._root / name).write_text(f"<clickhouse>{content}</clickhouse>", encoding="utf-8")


def pod_environment(container: Mapping[str, Any], secrets: Mapping[str, str], pod: str) -> dict[str, str]:
    """What Kubernetes would make of a container's `env`; `secrets` by their keys, whatever the Secret."""
    made: dict[str, str] = {}
    for each in container["env"]:
        origin = each.get("valueFrom", {})
        if "secretKeyRef" in origin:
            made[each["name"]] = secrets[origin["secretKeyRef"]["key"]]
        elif "fieldRef" in origin:
            made[each["name"]] = {"metadata.name": pod}[origin["fieldRef"]["fieldPath"]]
        else:
            # only what stands further up is filled in
            known = re.sub(r"\$\((\w+)\)", lambda found: made.get(found[1], found[0]), each["value"])
            made[each["name"]] = known
    return made


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
