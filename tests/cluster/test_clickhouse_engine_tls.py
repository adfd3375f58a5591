"""TLS as the real engine understands it, and Weave's client with it.

The embedded engine opens no ports, so this shows the asking side: whom the servers believe when they ask each other or Keeper, whom
the Jobs believe, and whom Weave believes. The answering side is a server of ours that shows the certificate.
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components import contracts
from components.clickhouse import server, tls
from components.clickhouse.names import TLS_PORTS
from tests.harness import clickhouse_space as space
from tests.harness.certificates import Authority
from tests.harness.clickhouse_engine import Engine, EngineError, pod_environment
from tools.bootstrap import extras

HOST = "localhost"
ONCE = " SETTINGS http_max_tries = 1"
MACROS = {"installation": "wandb", "cluster": "weavecluster", "shard": "0", "replica": "chi-wandb-weavecluster-0-0"}
WEAVE = """\
import sys
import clickhouse_connect
from clickhouse_connect.driver.httputil import get_pool_manager
try:
    clickhouse_connect.get_client(
        host="localhost", port=int(sys.argv[1]), user="weave", password="x", secure=True, pool_mgr=get_pool_manager(),
        autogenerate_session_id=False,
    )
except Exception as error:
    print(type(error).__name__, error)
"""
"""As `_mint_client` of Weave's trace server makes its clients."""


@dataclass
class Shown:
    """A server that shows a certificate, takes what it is sent, and answers HTTP with one row."""

    context: ssl.SSLContext
    path: Path | None = None
    """A Unix socket in place of a port."""
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    """Version of TLS and first bytes of each connection that sent something."""

    def __post_init__(self) -> None:
        if self.path:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(self.path))
            self._listener.listen()
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
                with self.context.wrap_socket(connection, server_side=True) as held:
                    held.settimeout(5)
                    if sent := held.recv(200):
                        self.taken.append((held.version() or "", sent))
                    if sent.startswith((b"GET", b"HEAD")):
                        held.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n7\n")
                    elif sent.startswith(b"POST"):
                        held.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 7\r\nConnection: close\r\n\r\nreached")
            except OSError:
                continue  # whoever did not believe the certificate has left


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("other"), name="another authority")


@pytest.fixture
def engine(tmp_path: Path, ours: Authority) -> Callable[..., Engine]:
    """Makes the engine with the files, the environment and the mounts that a server's pod has."""

    def make(*, bucket: contracts.Bucket = space.COMPATIBLE, extra: str = "", also: Authority | None = None) -> Engine:
        encrypted = tls.TLS(ca=ours.certificate.read_text(), secret="clickhouse-tls")
        made = server.manifest(space.server(bucket=bucket, tls=encrypted))
        template = made["spec"]["templates"]["podTemplates"][0]["spec"]
        [container] = template["containers"]
        secrets = {space.KEYS.access_key: "a2V5", space.KEYS.secret_key: "secret"}
        variables = pod_environment(container, secrets, "chi-wandb-weavecluster-0-0-0")
        root = tmp_path / f"server-{len(list(tmp_path.iterdir()))}"
        shown = ours.files("chi-wandb-weavecluster-0-0")
        content = {"tls.crt": shown[0].read_text(), "tls.key": shown[1].read_text(), "ca.crt": encrypted.ca}
        mounted = {f"tls/{name}": text for name, text in content.items()}
        if also:
            mounted["bucket-authority/ca.crt"] = also.certificate.read_text()
            variables["SSL_CERT_FILE"] = variables["SSL_CERT_FILE"].replace("/etc/clickhouse-server", str(root))
        files = {name: text.replace("20Gi<", "1Gi<") for name, text in made["spec"]["configuration"]["files"].items()}
        return Engine(root, files, macros=MACROS, environment=variables, extra=extra, mounted=mounted, seconds=60)

    return make


def url(shown: Shown) -> str:
    return f"SELECT * FROM url('https://{HOST}:{shown.port}/', 'TSV', 'x UInt8')" + ONCE


def remote(shown: Shown) -> str:
    return f"SELECT * FROM remoteSecure('{HOST}:{shown.port}', 'system', 'one')"


def test_the_configuration_with_a_certificate_loads(engine: Callable[..., Engine]) -> None:
    assert engine().run("SELECT disks FROM system.storage_policies WHERE policy_name = 's3_main'") == ["['s3_disk']"]


def test_replicas_fetch_parts_from_those_whom_the_authority_has_signed(
    engine: Callable[..., Engine], ours: Authority, other: Authority
) -> None:
    good, alien = Shown(ours.context(HOST)), Shown(other.context(HOST))
    assert engine().run(url(good)) == ["7"]
    assert {version for version, _ in good.taken} == {"TLSv1.3"}
    with pytest.raises(EngineError, match="SSL"):
        engine().run(url(alien))
    assert alien.taken == []


def test_servers_ask_each_other_encrypted_and_only_those_whom_the_authority_has_signed(
    engine: Callable[..., Engine], ours: Authority, other: Authority
) -> None:
    good, alien = Shown(ours.context(HOST)), Shown(other.context(HOST))
    for shown in (good, alien):
        # neither is a ClickHouse, so no query ends well; what counts is who was told something
        with pytest.raises(EngineError):
            engine().run(remote(shown))
    # the greeting: packet 0, and the name of who asks
    assert good.taken[0][1].startswith(b"\x00\x04chDB")
    assert alien.taken == []


def test_servers_ask_keeper_encrypted_and_only_those_whom_the_authority_has_signed(
    engine: Callable[..., Engine], ours: Authority, other: Authority
) -> None:
    good, alien = Shown(ours.context("elsewhere.example")), Shown(other.context(HOST))
    for shown in (good, alien):
        node = f"<node><host>{HOST}</host><port>{shown.port}</port><secure>1</secure></node>"
        patience = "<operation_timeout_ms>1000</operation_timeout_ms><session_timeout_ms>2000</session_timeout_ms>"
        table = "CREATE TABLE t (x Int8) ENGINE = ReplicatedMergeTree('/t', 'r') ORDER BY x SETTINGS storage_policy = 'default'"
        with pytest.raises(EngineError):
            engine(extra=f"<zookeeper>{node}{patience}</zookeeper>").run(table)
    # a handshake of Keeper's protocol: its length, 44 or 45 bytes. The name in the certificate does not count: docs/clickhouse.md
    assert good.taken
    assert good.taken[0][1][:4] in (b"\x00\x00\x00\x2c", b"\x00\x00\x00\x2d")
    assert alien.taken == []


def test_an_authority_of_the_bucket_is_believed_beside_that_of_the_servers(
    engine: Callable[..., Engine], ours: Authority, other: Authority
) -> None:
    store = contracts.Bucket(
        provider="s3",
        name="data",
        region="us-east-1",
        endpoint="https://store.example.internal:9000",
        keys=space.KEYS,
        ca=contracts.SecretKey(name="store-ca", key="ca.crt"),
    )
    bucket, peer = Shown(other.context(HOST)), Shown(ours.context(HOST))
    assert engine(bucket=store, also=other).run(url(bucket), url(peer)) == ["7", "7"]


def test_jobs_hold_the_name_in_the_certificate_against_the_server_that_they_ask(
    tmp_path: Path, ours: Authority
) -> None:
    good, misnamed = Shown(ours.context(HOST)), Shown(ours.context("elsewhere.example"))
    for shown, who in ((good, "good"), (misnamed, "misnamed")):
        root = tmp_path / who
        files = {"config.d/client.xml": _client(ours)}
        with pytest.raises(EngineError):
            Engine(root, files, macros={}, environment={}, seconds=60).run(remote(shown))
    assert good.taken[0][1].startswith(b"\x00\x04chDB")
    assert misnamed.taken == []


@pytest.mark.parametrize(
    ("shown", "believed"),
    [("*.clickhouse.svc.cluster.local", True), ("*.svc.cluster.local", False), ("clickhouse-wandb", False)],
)
def test_a_pattern_in_the_certificate_covers_the_full_names_of_one_namespace(
    tmp_path: Path, ours: Authority, shown: str, believed: bool
) -> None:
    host, port = "clickhouse-wandb.clickhouse.svc.cluster.local", TLS_PORTS.native
    (tmp_path / "hosts").write_text(f"127.0.0.1 {host}\n")
    server_ = Shown(ours.context(shown), path=tmp_path / "socket")
    world = {
        "files": {"/etc/hosts": str(tmp_path / "hosts")},
        "addresses": [],
        "ports": {str(port): str(tmp_path / "socket")},
    }
    files = {"config.d/client.xml": _client(ours)}
    running = Engine(tmp_path / "job", files, macros={}, environment={}, world=world, seconds=60)
    with pytest.raises(EngineError):
        running.run(f"SELECT * FROM remoteSecure('{host}:{port}', 'system', 'one')")
    assert bool(server_.taken) == believed


def test_weave_encrypts_on_the_port_of_the_servers_and_on_no_other() -> None:
    source = (extras.weave() / "trace_server" / "clickhouse_trace_server_batched.py").read_text()
    assert f"\nCLICKHOUSE_SECURE_PORT = {TLS_PORTS.http}\n" in source
    assert "secure=self._port == CLICKHOUSE_SECURE_PORT," in source


def test_weave_believes_what_the_bundle_of_its_image_holds_and_the_right_name_alone(
    tmp_path: Path, ours: Authority, other: Authority
) -> None:
    # as update-ca-certificates of the image puts global.customCACerts into it; the chart points SSL_CERT_FILE there
    bundle, without = tmp_path / "bundle.crt", tmp_path / "without.crt"
    bundle.write_text(other.certificate.read_text() + ours.certificate.read_text())
    without.write_text(other.certificate.read_text())
    good, misnamed = Shown(ours.context(HOST)), Shown(ours.context("elsewhere.example"))
    assert "reached" in _weave(good, bundle)
    assert good.taken[0][1].startswith(b"POST")
    assert "CERTIFICATE_VERIFY_FAILED" in _weave(good, without)
    assert "Hostname mismatch" in _weave(misnamed, bundle)
    assert misnamed.taken == []


def _client(authority: Authority) -> str:
    """What the Jobs' clients are told, with the authority where it is here."""
    told = tls.authority(tls.TLS(ca=authority.certificate.read_text(), secret="x"), "clickhouse")["data"][tls.CLIENT]
    return told.replace(f"{tls.CLIENT_FOLDER}/{tls.CA}", str(authority.certificate))


def _weave(shown: Shown, bundle: Path) -> str:
    environment = {**os.environ, "SSL_CERT_FILE": str(bundle), "SSL_CERT_DIR": "/nowhere"}
    command = [extras.clickhouse_client(), "-c", WEAVE, str(shown.port)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=True).stdout
