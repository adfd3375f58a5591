"""What the stand-in ClickHouse operator makes of an installation: names, configuration files, StatefulSets."""

from __future__ import annotations

import copy
from typing import Any
from xml.etree import ElementTree

import pytest

from rehearsal.operators.clickhouse import configuration, reconciler
from rehearsal.operators.clickhouse.layout import CHI, CHK, Installation, Unsupported
from rehearsal.operators.clickhouse.objects import Maker
from rehearsal.operators.clickhouse.settings import Settings, parse

CLUSTER: dict[str, Any] = {
    "name": "weavecluster",
    "layout": {"shardsCount": 1, "replicasCount": 3},
    "secret": {"auto": "yes"},
    "pdbMaxUnavailable": 1,
}
SPEC: dict[str, Any] = {
    "defaults": {
        "templates": {"podTemplate": "pod", "dataVolumeClaimTemplate": "data", "serviceTemplate": "client"},
        "storageManagement": {"reclaimPolicy": "Retain"},
    },
    "configuration": {
        "zookeeper": {"nodes": [{"host": "keeper-0", "port": 2181}], "session_timeout_ms": 30000},
        "users": {
            "weave/password_sha256_hex": {"valueFrom": {"secretKeyRef": {"name": "weave-user", "key": "hash"}}},
            "weave/networks/ip": ["10.0.0.0/8"],
        },
        "settings": {"logger/level": "information"},
        "files": {"config.d/storage.xml": "<clickhouse/>"},
        "clusters": [CLUSTER],
    },
    "templates": {
        "podTemplates": [{"name": "pod", "spec": {"containers": [{"name": "clickhouse", "image": "server:1"}]}}],
        "volumeClaimTemplates": [{"name": "data", "spec": {"resources": {"requests": {"storage": "10Gi"}}}}],
        "serviceTemplates": [
            {
                "name": "client",
                "generateName": "clickhouse-{chi}",
                "spec": {"ports": [{"port": 8123}], "type": "ClusterIP"},
            }
        ],
    },
}


def installation(flavour=CHI, *, annotations: dict[str, str] | None = None, **spec: Any) -> Installation:
    metadata = {"name": "wandb", "namespace": "clickhouse", "uid": "u", "annotations": annotations or {}}
    resource = {"apiVersion": flavour.api_version, "kind": flavour.kind, "metadata": metadata}
    return Installation(flavour=flavour, resource=resource | {"spec": copy.deepcopy(SPEC) | spec})


def statefulset(made: Installation, settings: Settings | None = None) -> dict[str, Any]:
    host = made.hosts[0]
    maker = Maker(installation=made, settings=settings or Settings())
    return maker.statefulset(host, configuration.files(made, host, {}))


def test_the_names_of_a_server_and_its_objects():
    made = installation()
    host = made.hosts[1]
    assert made.statefulset(host) == "chi-wandb-weavecluster-0-1"
    assert made.pod(host) == "chi-wandb-weavecluster-0-1-0"
    assert made.fqdn(host) == "chi-wandb-weavecluster-0-1.clickhouse.svc.cluster.local"
    assert made.host_config(host) == "chi-wandb-deploy-confd-weavecluster-0-1"
    assert made.endpoint == "clickhouse-wandb.clickhouse.svc.cluster.local"
    assert made.host_scope(host)["clickhouse.altinity.com/replica"] == "1"


def test_the_names_of_a_keeper():
    cluster = {"name": "keeper", "layout": {"replicasCount": 3}}
    made = installation(CHK, configuration={"clusters": [cluster]})
    assert [made.statefulset(host) for host in made.hosts] == [f"chk-wandb-keeper-0-{index}" for index in range(3)]
    assert made.entry_service == "keeper-wandb"


def test_a_layout_that_is_not_played_is_named():
    made = installation(configuration={"clusters": [{"name": "a", "layout": {"shards": [{"name": "x"}]}}]})
    with pytest.raises(Unsupported, match="by counts"):
        _ = made.hosts


def test_every_file_is_well_formed_and_says_who_the_server_is():
    made = installation()
    files = configuration.files(made, made.hosts[2], {})
    for text in [*files.common.values(), *files.users.values(), *files.host.values()]:
        ElementTree.fromstring(text)
    macros = ElementTree.fromstring(files.host["chop-generated-macros.xml"])
    assert macros.findtext("macros/replica") == "chi-wandb-weavecluster-0-2"
    assert macros.findtext("macros/shard") == "0"
    servers = ElementTree.fromstring(files.common["chop-generated-remote_servers.xml"])
    assert len(servers.findall("remote_servers/weavecluster/shard/replica")) == 3
    zookeeper = ElementTree.fromstring(files.host["chop-generated-zookeeper.xml"])
    assert zookeeper.findtext("zookeeper/node/host") == "keeper-0"
    assert files.common["storage.xml"] == "<clickhouse/>"


def test_a_cluster_with_tls_alone_has_other_ports_and_probes_and_none_that_the_operator_forgets():
    encrypted = {"secure": "yes", "insecure": "no"}
    node = {"host": "keeper-0", "port": 9281, "secure": "yes"}
    made = installation(
        configuration=SPEC["configuration"] | {"clusters": [CLUSTER | encrypted], "zookeeper": {"nodes": [node]}}
    )
    host = made.hosts[0]
    assert made.ports(host) == {"secureclient": 9440, "https": 8443, "interserver": 9009}
    files = configuration.files(made, host, {})
    own = ElementTree.fromstring(files.host["chop-generated-hostname-ports.xml"])
    assert (own.findtext("tcp_port"), own.findtext("http_port"), own.findtext("https_port")) == ("0", "0", None)
    [asked] = ElementTree.fromstring(files.host["chop-generated-zookeeper.xml"]).findall("zookeeper/node")
    assert asked.findtext("secure") == "1"
    replica = ElementTree.fromstring(files.common["chop-generated-remote_servers.xml"]).find(".//replica")
    assert replica is not None
    assert (replica.findtext("port"), replica.findtext("secure")) == ("9440", "1")
    server = statefulset(made)["spec"]["template"]["spec"]["containers"][0]
    for probe in ("livenessProbe", "readinessProbe"):
        assert server[probe]["httpGet"] == {"path": "/ping", "port": "https", "scheme": "HTTPS"}
    both = installation(configuration=SPEC["configuration"] | {"clusters": [CLUSTER | {"secure": "yes"}]})
    assert both.ports(both.hosts[0]).keys() == {"tcp", "http", "secureclient", "https", "interserver"}


def test_a_password_by_reference_becomes_a_variable_that_the_pod_cannot_start_without():
    made = installation()
    files = configuration.files(made, made.hosts[0], {})
    name = "CONFIGURATION_USERS_WEAVE_PASSWORD_SHA256_HEX"
    reference = {"name": name, "valueFrom": {"secretKeyRef": {"name": "weave-user", "key": "hash"}}}
    assert reference in files.env
    assert f'<password_sha256_hex from_env="{name}">' in files.users["chop-generated-users.xml"]
    assert reference in statefulset(made)["spec"]["template"]["spec"]["containers"][0]["env"]


def test_a_value_that_breaks_the_xml_breaks_it_here_as_in_the_real_operator():
    made = installation(configuration={"settings": {"some/value": "a & b"}, "clusters": [CLUSTER]})
    files = configuration.files(made, made.hosts[0], {})
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(files.common["chop-generated-settings.xml"])


def test_the_statefulset_of_a_server():
    made = statefulset(installation())
    spec = made["spec"]
    assert spec["replicas"] == 1
    assert [claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]] == ["data"]
    pod = spec["template"]
    assert pod["metadata"]["labels"]["clickhouse.altinity.com/ready"] == "yes"
    mounts = {mount["mountPath"]: mount["name"] for mount in pod["spec"]["containers"][0]["volumeMounts"]}
    assert mounts["/etc/clickhouse-server/conf.d/"] == "chi-wandb-deploy-confd-weavecluster-0-0"
    assert mounts["/var/lib/clickhouse"] == "data"
    assert made["metadata"]["ownerReferences"][0]["kind"] == "ClickHouseInstallation"


def test_a_stopped_installation_keeps_its_statefulsets_without_pods():
    assert statefulset(installation(stop="yes"))["spec"]["replicas"] == 0


def test_annotations_are_copied_to_pods_unless_the_operator_is_told_not_to():
    annotations = {"pulumi.com/waitFor": "x", "team": "ml"}
    excluding = Settings(excluded_annotations=("pulumi.com/waitFor",))
    pod = statefulset(installation(annotations=annotations), excluding)["spec"]["template"]
    assert pod["metadata"]["annotations"] == {"team": "ml"}
    assert "pulumi.com/waitFor" in statefulset(installation(annotations=annotations))["metadata"]["annotations"]


def test_the_entry_service_follows_its_template_and_is_headless_without_one():
    made = Maker(installation=installation(), settings=Settings()).entry_service()
    assert made["metadata"]["name"] == "clickhouse-wandb"
    assert made["spec"]["type"] == "ClusterIP"
    assert "clusterIP" not in made["spec"]
    assert made["spec"]["selector"]["clickhouse.altinity.com/ready"] == "yes"
    plain = installation(defaults={})
    assert Maker(installation=plain, settings=Settings()).entry_service()["spec"]["clusterIP"] == "None"


def test_volumes_are_deleted_with_the_installation_unless_somebody_says_otherwise():
    def policy(made: Installation) -> str:
        return Maker(installation=made, settings=Settings()).reclaim_policies(made.hosts[0])["data"]

    assert policy(installation()) == "Retain"
    templates = {"templates": SPEC["defaults"]["templates"]}
    assert policy(installation(defaults=templates)) == "Delete"


def test_which_changes_restart_a_server():
    def relevant(**configured: Any) -> str:
        made = installation(configuration=SPEC["configuration"] | configured)
        return reconciler._restart_relevant(made, made.hosts[0])

    before = relevant()
    assert relevant(users={"weave/profile": "other"}) == before
    assert relevant(settings={"logger/level": "trace"}) == before
    assert relevant(settings={"max_concurrent_queries": "7"}) != before
    assert relevant(files={"config.d/storage.xml": "<clickhouse><a/></clickhouse>"}) != before


def test_the_operators_settings_as_the_chart_writes_them():
    config = {
        "watch": {"namespaces": ["clickhouse"]},
        "reconcile": {"statefulSet": {"create": {"onFailure": "abort"}, "update": {"timeout": 900}}},
        "annotation": {"exclude": ["a"]},
    }
    read = parse(config, own_namespace="ops", server_files={}, keeper_files={})
    assert (read.namespaces, read.on_create_failure, read.timeout) == (("clickhouse",), "abort", 900)
    assert read.excluded_annotations == ("a",)
    default = parse({}, own_namespace="ops", server_files={}, keeper_files={})
    assert (default.namespaces, default.on_create_failure, default.timeout) == (("ops",), "ignore", 300)
    assert parse({}, own_namespace="kube-system", server_files={}, keeper_files={}).namespaces == ()
