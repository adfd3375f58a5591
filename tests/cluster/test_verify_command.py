"""`make verify`: what stands in the way, what W&B's command reports, and where the key goes.

The servers here are stand-ins: they answer who is signed in and nothing else. So W&B's own command runs for real and fails at
its first check; that a whole installation passes all of them, nothing on this machine can show.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from commands import way_there
from tests.harness.certificates import Authority

KEY = "local-0123456789abcdef0123456789abcdef01234567"
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class StandIn:
    """A stand-in for W&B: knows one key and says whose it is."""

    port: int = 0
    scheme: str = "http"
    status: int = 200
    keys: list[str] = field(default_factory=list)
    command_lines: list[str] = field(default_factory=list)
    """Of all processes of this machine, at each request."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"

    def answer(self, authorization: str, body: bytes) -> tuple[int, Any]:
        self.command_lines += _command_lines()
        if self.status != 200:
            return self.status, {}
        if authorization != way_there.basic(KEY):
            return 200, {"data": {"viewer": None}}
        query = json.loads(body or b"{}").get("query", "")
        if "viewer" in query:
            return 200, {
                "data": {
                    "viewer": {"id": "1", "username": "ada", "entity": "ada", "flags": "{}", "teams": {"edges": []}}
                }
            }
        return 200, {"errors": [{"message": "a stand-in: it has no projects"}]}


def _command_lines() -> list[str]:
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(each.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it has ended
            continue
    return found


@contextmanager
def serving(context: ssl.SSLContext | None = None, **given: Any) -> Generator[StandIn]:
    stand_in = StandIn(scheme="https" if context else "http", **given)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, content = stand_in.answer(self.headers.get("authorization", ""), body)
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    stand_in.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()


def test_a_right_key_says_whose_it_is() -> None:
    with serving() as there:
        assert way_there.signed_in(there.url, KEY) == "ada"


def test_a_wrong_key_is_named_and_not_shown() -> None:
    with serving() as there, pytest.raises(way_there.InTheWay, match="does not know the API key") as error:
        way_there.signed_in(there.url, "another-key")
    assert "another-key" not in str(error.value)
    assert "/authorize" in str(error.value)


@pytest.mark.parametrize(
    ("status", "what"), [(401, "does not know the API key"), (503, "no pod of `wandb-api`"), (404, "is not W&B")]
)
def test_a_refusal_says_what_it_means(status: int, what: str) -> None:
    with serving(status=status) as there, pytest.raises(way_there.InTheWay, match=what):
        way_there.signed_in(there.url, KEY)


def test_a_certificate_that_is_not_trusted_is_said_and_can_be_trusted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(authority.context("localhost")) as there:
        with pytest.raises(way_there.InTheWay, match=r"is not trusted by this machine.*CA="):
            way_there.signed_in(there.url, KEY)
        assert way_there.signed_in(there.url, KEY, authority.certificate) == "ada"


def test_a_host_without_an_address_and_a_port_without_a_listener_are_told_apart() -> None:
    with pytest.raises(way_there.InTheWay, match="has no address"):
        way_there.signed_in("https://wandb.invalid", KEY)
    with serving() as there:
        closed = there.url
    with pytest.raises(way_there.InTheWay, match="nothing listens"):
        way_there.signed_in(closed, KEY)


def test_tls_on_a_port_that_speaks_none_is_said() -> None:
    with serving() as there, pytest.raises(way_there.InTheWay, match="TLS|scheme"):
        way_there.signed_in(there.url.replace("http://", "https://"), KEY)


def _command(*arguments: str, key: str | None = KEY) -> subprocess.CompletedProcess[str]:
    import os

    env = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_API")}
    return subprocess.run(
        [sys.executable, "-m", "commands.verify", *arguments],
        cwd=ROOT,
        env={**env, **({"WANDB_API_KEY": key} if key else {})},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_without_a_key_it_says_where_to_get_one() -> None:
    done = _command("--url", "https://wandb.example.com", key=None)
    assert done.returncode == 1
    assert "WANDB_API_KEY is not set. Copy a key of yours from https://wandb.example.com/authorize" in done.stderr


def test_wandbs_own_command_runs_and_its_failure_is_reported_without_the_key() -> None:
    with serving() as there:
        done = _command("--url", there.url)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "signed in as ada" in done.stdout
    assert "signed URL upload" in done.stdout
    assert "a stand-in: it has no projects" in done.stdout, "the reason, and of the traceback the end alone"
    assert "Traceback" not in done.stdout
    assert KEY not in done.stdout + done.stderr
    (logs,) = [word for word in done.stdout.split() if "wandb-verify-" in word]
    files = [each for each in Path(logs.rstrip(";")).rglob("*") if each.is_file()]
    assert files, "W&B's logs stay to be looked at"
    assert not [each for each in files if KEY.encode() in each.read_bytes()]
    assert there.command_lines
    assert not [each for each in there.command_lines if KEY in each], "anybody on the machine can list processes"
