"""The hosts of clouds, on this machine: a process that runs in this world reaches them by their own names, and no others.

So a server still asks for `https://data.s3.us-east-2.amazonaws.com`, the URL that the product gave it, checks that host's
certificate, and signs for that host. What answers is a function of the request, or a server of this machine behind it.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import ipaddress
import os
import socketserver
import ssl
import tempfile
import threading
import urllib.parse
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .certificates import Authority

AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where programs on Linux look for the authorities that they believe."""
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}
"""Headers that belong to one connection, not to the request."""
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, whole."""

    method: str
    host: str
    path: str
    """With the query."""
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Response:
    """One answer, whole."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Site = Callable[[Request], Response]


@dataclass(frozen=True)
class Seen:
    """A request and the status that answered it."""

    request: Request
    status: int


class Internet:
    """What is there, and what has been asked for."""

    def __init__(self, folder: Path, sites: Mapping[str, Site]) -> None:
        self.seen: list[Seen] = []
        self.authority = Authority(folder)
        self._folder, self._contexts, self._lock = folder, {}, threading.Lock()
        self._sites: dict[tuple[str, int], Site] = {}
        schemes: dict[int, str] = {}
        for url, site in sites.items():
            host, port, scheme = _parts(url)
            self._sites[host, port] = site
            if schemes.setdefault(port, scheme) != scheme:
                raise ValueError(f"port {port} cannot be both http and https")
        self._servers = [self._server(port, scheme) for port, scheme in schemes.items()]

    def world(self, folder: Path, *, trusted: bool) -> dict[str, Any]:
        """The arguments of `namespace.enter`; `trusted`: certificates of these hosts are believed, like the world's."""
        names = [host for host, _ in self._sites]
        hosts = folder / "hosts"
        lines = [f"127.0.0.1 {host}" for host in ("localhost", *names) if not _is_address(host)]
        hosts.write_text("\n".join(lines) + "\n", encoding="utf-8")
        authorities = {path: str(self.authority.certificate) for path in AUTHORITIES if os.path.exists(path)}
        return {
            "files": {"/etc/hosts": str(hosts), **(authorities if trusted else {})},
            "addresses": [host for host in names if _is_address(host)],
            "ports": {str(port): str(self._folder / str(port)) for _, port in self._sites},
        }

    def asked(self, host: str, method: str | None = None) -> list[Seen]:
        """The requests to one host so far."""
        of_host = [seen for seen in self.seen if seen.request.host.partition(":")[0] == host]
        return [seen for seen in of_host if method in (None, seen.request.method)]

    def answer(self, request: Request, port: int) -> Response:
        """What the host of `request` says; 421 where there is none on this port."""
        site = self._sites.get((request.host.partition(":")[0], port))
        try:
            response = site(request) if site else Response(status=421, body=f"{request.host} is not here".encode())
        except (OSError, http.client.HTTPException) as error:
            response = Response(status=500, body=f"the site of {request.host} broke: {error!r}".encode())
        self.seen.append(Seen(request, response.status))
        return response

    @contextlib.contextmanager
    def running(self) -> Generator[None]:
        """Answers until the block ends."""
        threads = [threading.Thread(target=server.serve_forever, args=(0.1,)) for server in self._servers]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for server, thread in zip(self._servers, threads, strict=True):
                server.shutdown()
                server.server_close()
                thread.join(10)

    def _server(self, port: int, scheme: str) -> socketserver.BaseServer:
        outer = self._show() if scheme == "https" else None

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            request_queue_size = 128

            def finish_request(self, request: Any, client_address: Any) -> None:
                # here, in the thread of the connection, so that a client that is slow to shake hands keeps no other waiting
                with contextlib.suppress(ssl.SSLError, OSError):
                    wrapped = outer.wrap_socket(request, server_side=True) if outer else request
                    super().finish_request(wrapped, client_address)

        return Server(str(self._folder / str(port)), _handler(lambda request: self.answer(request, port)))

    def _show(self) -> ssl.SSLContext:
        """Shows each client the certificate of the host that it asks for."""
        first = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            with self._lock:
                if name and name not in self._contexts:
                    self._contexts[name] = self.authority.context(name)
            if name:
                connection.context = self._contexts[name]

        first.sni_callback = choose
        return first


def _handler(answer: Callable[[Request], Response]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _any(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(
                method=self.command,
                host=headers.get("host", ""),
                path=self.path,
                headers=headers,
                body=self._body(headers),
            )
            response = answer(request)
            self.send_response_only(response.status)
            for name, value in response.headers.items():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            said = {name.lower(): value for name, value in response.headers.items()}.get("content-length")
            # these two have no body, and say nothing about its length
            if response.status not in (204, 304):
                length = said if said and self.command == "HEAD" else str(len(response.body))
                self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)
            self.wfile.flush()

        def _body(self, headers: Mapping[str, str]) -> bytes:
            if headers.get("transfer-encoding", "").lower() != "chunked":
                return self.rfile.read(int(headers.get("content-length", 0)))
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextlib.contextmanager
def internet(sites: Mapping[str, Site]) -> Generator[Internet]:
    """Runs until the block ends. `sites` go by their URLs, `https://host` or `http://host:port`."""
    # a name of its own, because the path of a socket has to be short
    with tempfile.TemporaryDirectory(prefix="net-") as folder:
        net = Internet(Path(folder), sites)
        with net.running():
            yield net


def forward(url: str) -> Site:
    """A site that the server at `url` answers for, under the host's own name."""
    host, port, scheme = _parts(url)

    def answer(request: Request) -> Response:
        connection = (
            http.client.HTTPSConnection(host, port, timeout=60, context=ssl._create_unverified_context())
            if scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=60)
        )
        headers = {name: value for name, value in request.headers.items() if name not in _HOP}
        headers["content-length"] = str(len(request.body))
        try:
            connection.request(request.method, request.path, request.body, headers)
            told = connection.getresponse()
            return Response(status=told.status, headers=dict(told.getheaders()), body=told.read())
        finally:
            connection.close()

    return answer


def reply(body: str, *, status: int = 200, kind: str = "application/json") -> Response:
    """An answer of text."""
    return Response(status=status, headers={"Content-Type": kind}, body=body.encode())


def _parts(url: str) -> tuple[str, int, str]:
    parts = urllib.parse.urlsplit(url)
    if parts.hostname is None or parts.scheme not in _PORTS:
        raise ValueError(f"{url!r} is not of the form https://host")
    return parts.hostname, parts.port or _PORTS[parts.scheme], parts.scheme


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
