"""TLS of ClickHouse: nothing asks or listens without it, and the certificate holds every name by which somebody is asked."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import contracts
from components.clickhouse import backup, keeper, names, network, probe, server, tls
from components.clickhouse.tls import TLS, Issuer
from rehearsal.kubelet.images.clickhouse_server import merged
from rehearsal.operators.clickhouse import configuration
from rehearsal.operators.clickhouse.layout import CHI, CHK, Flavour, Installation
from tests.harness import clickhouse_space as space
from tests.harness.certificates import FIRST, SECOND
from tests.harness.clickhouse_backup import arguments

IMAGE = (
    "<clickhouse><http_port>8123</http_port><tcp_port>9000</tcp_port><mysql_port>9004</mysql_port>"
    "<postgresql_port>9005</postgresql_port><interserver_http_port>9009</interserver_http_port></clickhouse>"
)
"""The ports in the config.xml of the server's image."""
KEEPER_DEFAULTS = "<clickhouse><keeper_server><tcp_port>2181</tcp_port></keeper_server></clickhouse>"
"""The port in the operator's `01-keeper-01-default-config.xml`."""
EXAMPLES = 20
"""Each makes a whole manifest."""
PLAIN = {str(port) for port in dataclasses.asdict(names.PLAIN_PORTS).values()} | {"9004", "9005"}
encrypted_servers = space.servers().map(lambda args: dataclasses.replace(args, tls=args.tls or space.ENCRYPTED))
encrypted_keepers = space.keepers().map(lambda args: dataclasses.replace(args, tls=args.tls or space.ENCRYPTED))


def written(flavour: Flavour, manifest: Mapping[str, Any], first: str) -> ElementTree.Element:
    """The whole configuration of the first host, its image's and the operator's own included."""
    installation = Installation(flavour=flavour, resource=manifest)
    made = configuration.files(installation, installation.hosts[0], {"01-defaults.xml": first})
    common = {f"{flavour.common_folder}/{name}": text for name, text in made.common.items()}
    return merged(common | {f"{flavour.host_folder}/{name}": text for name, text in made.host.items()})


def ports(config: ElementTree.Element) -> dict[str, str]:
    return {each.tag: each.text or "" for each in config if re.fullmatch(r"\w+_port(_secure)?", each.tag)}


@settings(max_examples=EXAMPLES)
@given(encrypted_servers)
def test_a_server_listens_with_tls_alone(args: server.ServerArgs) -> None:
    config = written(CHI, server.manifest(args), IMAGE)
    assert ports(config) == {
        "https_port": str(names.TLS_PORTS.http),
        "tcp_port_secure": str(names.TLS_PORTS.native),
        "interserver_https_port": str(names.TLS_PORTS.interserver),
    }
    assert config.findtext("openSSL/server/certificateFile") == "/etc/clickhouse-server/tls/tls.crt"
    assert config.findtext("openSSL/client/caConfig") == "/etc/clickhouse-server/tls/ca.crt"


def test_without_tls_the_files_of_the_operator_would_open_a_port_by_chance() -> None:
    made = server.manifest(space.server(tls=space.ENCRYPTED))
    del made["spec"]["configuration"]["files"]["config.d/tls.xml"]
    assert ports(written(CHI, made, IMAGE))["http_port"] == "8123"
    installation = Installation(flavour=CHI, resource=made)
    host = configuration.files(installation, installation.hosts[0], {}).host["chop-generated-hostname-ports.xml"]
    assert "<http_port>0</http_port>" in host


@settings(max_examples=EXAMPLES)
@given(encrypted_servers)
def test_a_server_asks_replicas_and_keepers_with_tls_by_names_in_the_certificate(args: server.ServerArgs) -> None:
    made = server.manifest(args)
    shown = tls.hosts(args.installation, args.cluster_name, args.shards, args.replicas, args.keepers, args.namespace)
    config = written(CHI, made, IMAGE)
    asked = [*config.iter("replica"), *config.findall("zookeeper/node")]
    asked = [each for each in asked if each.find("host") is not None]
    assert asked
    for each in asked:
        assert each.findtext("secure") == "1"
        assert each.findtext("host") in shown
        assert each.findtext("port") in (str(names.TLS_PORTS.native), str(names.TLS_PORTS.keeper))
    assert config.findtext("interserver_http_host") in shown


@settings(max_examples=EXAMPLES)
@given(encrypted_keepers)
def test_a_keeper_listens_with_tls_alone_and_so_do_its_nodes_among_themselves(args: keeper.KeeperArgs) -> None:
    made = keeper.manifest(args)
    config = written(CHK, made, KEEPER_DEFAULTS)
    assert config.find("keeper_server/tcp_port") is None
    assert config.findtext("keeper_server/tcp_port_secure") == str(names.TLS_PORTS.keeper)
    assert config.findtext("keeper_server/raft_configuration/secure") == "true"
    assert len(config.findall("keeper_server/raft_configuration/server")) == args.nodes
    assert config.findtext("openSSL/client/loadDefaultCAFile") == "false"
    [container] = made["spec"]["templates"]["podTemplates"][0]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["port"] == names.KEEPER_METRICS_PORT


@settings(max_examples=EXAMPLES)
@given(encrypted_servers, encrypted_keepers)
def test_nothing_in_a_manifest_names_a_port_without_tls(servers: server.ServerArgs, keepers: keeper.KeeperArgs) -> None:
    job = probe.job(
        probe.ProbeArgs(namespace="clickhouse", image="server:25.8", task="t", user=space.USER, tls=servers.tls)
    )
    policies = network.policies(
        network.NetworkArgs(namespace="clickhouse", wandb_namespace="wandb", ports=names.TLS_PORTS)
    )
    for made in (server.manifest(servers), keeper.manifest(keepers), job, policies):
        for path, value in numbers(made):
            assert value not in PLAIN, path


def numbers(made: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every port-like number in a manifest, inside its texts too; sizes and ids, which are no ports, apart."""
    for path, value in space.leaves(made):
        if re.search(r"resources|securityContext|storage_configuration|annotations", path):
            continue
        for found in re.findall(r"(?<![\w.])\d{4}(?![\w.])", str(value)):
            yield path, found


def test_the_clients_of_the_jobs_encrypt_and_hold_the_name_against_the_authority() -> None:
    job = probe.job(
        probe.ProbeArgs(namespace="clickhouse", image="server:25.8", task="t", user=space.USER, tls=space.ENCRYPTED)
    )
    pod = job["spec"]["template"]["spec"]
    [container] = pod["containers"]
    script = container["command"][-1]
    assert script.count("clickhouse-client ") == script.count("--secure ") == 1
    assert f"--config-file {container['volumeMounts'][0]['mountPath']}/client.xml" in script
    assert pod["volumes"] == [{"name": "tls", "configMap": {"name": "clickhouse-authority"}}]
    told = ElementTree.fromstring(tls.authority(space.ENCRYPTED, "clickhouse")["data"]["client.xml"])
    assert told.findtext("openSSL/client/extendedVerification") == "true"
    assert told.findtext("openSSL/client/loadDefaultCAFile") == "false"


@pytest.mark.parametrize("make", [backup.backup_job, backup.restore_job])
def test_the_jobs_of_backups_encrypt_what_they_ask_the_servers_and_open_their_store_as_before(make: Any) -> None:
    store = dataclasses.replace(
        space.COMPATIBLE,
        endpoint="https://store.example.internal:9000",
        ca=contracts.SecretKey(name="store-ca", key="ca.crt"),
    )
    plain = arguments(store)
    pods_ = [
        make(each)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        for each in (plain, dataclasses.replace(plain, tls=space.ENCRYPTED))
    ]
    before, after = (each["containers"][0] for each in pods_)
    assert (
        after["command"][-1].replace("--config-file /etc/clickhouse-tls/client.xml --secure ", "")
        == before["command"][-1]
    )
    hosts = {each["name"]: each.get("value") for each in after["env"]}["HOSTS"].split()
    assert {each.rpartition(":")[2] for each in hosts} == {str(names.TLS_PORTS.native)}
    assert [each["name"] for each in pods_[1]["volumes"]] == ["bucket-authority", "tls"]
    assert [each["name"] for each in after["volumeMounts"]] == ["bucket-authority", "tls"]
    assert pods_[0]["volumes"] == pods_[1]["volumes"][:1]


def annotations(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    return manifest["spec"]["templates"]["podTemplates"][0]["metadata"]["annotations"]


def test_what_is_read_at_the_start_restarts_the_pods_when_it_changes() -> None:
    before, after = space.ENCRYPTED, dataclasses.replace(space.ENCRYPTED, ca=SECOND)
    marks = [annotations(server.manifest(space.server(tls=each))) for each in (before, after)]
    assert marks[0] != marks[1]
    marks = [annotations(keeper.manifest(space.keeper(tls=each))) for each in (before, after)]
    assert marks[0] != marks[1]


def test_a_new_revision_restarts_the_keepers_where_they_have_a_certificate() -> None:
    def marks(**changes: Any) -> Mapping[str, str]:
        return annotations(keeper.manifest(space.keeper(**changes)))

    assert marks(revision="2") == marks()
    assert marks(revision="2", tls=space.ENCRYPTED) != marks(tls=space.ENCRYPTED)


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3, 5]))
def test_cert_manager_is_asked_for_every_name_once(shards: int, replicas: int, keepers: int) -> None:
    issuer = Issuer(name="internal")
    shown = tls.hosts("wandb", "weavecluster", shards, replicas, keepers, "clickhouse")
    made = tls.certificate(TLS(ca=FIRST, issuer=issuer), issuer, "clickhouse", shown)
    assert len(set(made["spec"]["dnsNames"])) == len(made["spec"]["dnsNames"]) == 4 + 2 * (shards * replicas + keepers)
    assert all(re.fullmatch(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*", name) for name in made["spec"]["dnsNames"])


def test_certificates_are_handed_on_one_by_one() -> None:
    assert tls.certificates(f"  {FIRST}\n\n{SECOND}") == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"ca": FIRST}, "exactly one of secret and issuer"),
        ({"ca": FIRST, "secret": "a", "issuer": Issuer(name="b")}, "exactly one of secret and issuer"),
        ({"ca": "a key", "secret": "a"}, "tls.ca: no certificate"),
    ],
)
def test_what_cannot_be_encrypted_with_is_refused(given_: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TLS(**given_)
