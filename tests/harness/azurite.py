"""Azure Blob Storage on the loopback interface: Microsoft's Azurite, which checks keys and the claims of tokens."""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import hmac
import http.client
import os
import re
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Generator
from dataclasses import dataclass
from email.utils import format_datetime
from pathlib import Path

from tools.bootstrap import extras

from .certificates import Authority

ACCOUNT, CONTAINER = "wandbstore", "clickhouse"
KEY = base64.b64encode(b"a key that opens nothing but this store").decode()
ANOTHER_KEY = base64.b64encode(b"a key that opens nothing at all").decode()
SECONDS = 60
"""The longest that it may take to start."""


@dataclass(frozen=True)
class Blobs:
    """A store with one account and one container."""

    endpoint: str
    """`https://127.0.0.1:port`; the account is in the name of the host that a request is for."""

    @property
    def host(self) -> str:
        """The account's own."""
        return f"{ACCOUNT}.blob.core.windows.net"

    def names(self) -> list[str]:
        """The names of all blobs."""
        text = self._asked("GET", {"comp": "list", "restype": "container"})
        return re.findall(r"<Name>([^<]+)</Name>", text)

    def create(self) -> None:
        """Makes the container."""
        self._asked("PUT", {"restype": "container"})

    def empty(self) -> None:
        """Deletes every blob."""
        for name in self.names():
            self._asked("DELETE", {}, f"/{name}")

    def _asked(self, method: str, query: dict[str, str], below: str = "") -> str:
        path = f"/{CONTAINER}{below}"
        date = format_datetime(datetime.datetime.now(datetime.UTC), usegmt=True)
        own = {"x-ms-date": date, "x-ms-version": "2021-12-02"}
        # Shared Key of the blob service: the method, eleven headers that are not sent, the x-ms ones, the resource
        told = [method, *[""] * 11, *(f"{name}:{value}" for name, value in sorted(own.items()))]
        resource = [f"/{ACCOUNT}{path}", *(f"{name}:{value}" for name, value in sorted(query.items()))]
        digest = hmac.new(base64.b64decode(KEY), "\n".join([*told, *resource]).encode(), hashlib.sha256).digest()
        signature = base64.b64encode(digest).decode()
        address = urllib.parse.urlsplit(self.endpoint)
        connection = http.client.HTTPSConnection(
            str(address.hostname), address.port, timeout=30, context=ssl._create_unverified_context()
        )
        headers = own | {"Host": self.host, "Authorization": f"SharedKey {ACCOUNT}:{signature}"}
        with contextlib.closing(connection):
            connection.request(method, f"{path}?{urllib.parse.urlencode(query)}", headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]}")
        return text


@contextlib.contextmanager
def blobs() -> Generator[Blobs]:
    """A running store with its container. Raises `BootstrapError` without Node.js, TimeoutError when it does not start."""
    script = extras.azurite()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="azurite-") as folder:
        # tokens are taken over https only
        certificate, key = Authority(Path(folder)).files("127.0.0.1")
        command = ["node", script, "--blobPort", str(port), "--inMemoryPersistence", "--disableTelemetry", "--silent"]
        command += ["--skipApiVersionCheck", "--oauth", "basic", "--cert", certificate, "--key", key]
        environment = os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
        process = subprocess.Popen(
            [str(part) for part in command], cwd=folder, env=environment, stdout=subprocess.DEVNULL
        )
        try:
            _wait(port, process)
            made = Blobs(f"https://127.0.0.1:{port}")
            made.create()
            yield made
        finally:
            process.terminate()
            process.wait(10)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"Azurite does not answer; its status: {process.poll()}") from error
            time.sleep(0.1)
        else:
            return
