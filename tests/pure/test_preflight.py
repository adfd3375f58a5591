"""What preflight says about a cluster, played here by plain data: it proves the checks and their words, not the reading of
a real API (tests/cluster/test_preflight.py does)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest

import preflight
from arguments import fitting_plan
from preflight import Denied, Findings, PlannedNodes, Unreachable, check
from settings import InvalidSettings, Settings, parse
from tests.harness.certificates import FIRST

OWNER = "wandb/dev"
TEST: dict[str, Any] = {
    "environment": "test",
    "host": "wandb.example.com",
    "license": "text",
    "ingress": {"className": "nginx"},
}
BROUGHT: dict[str, Any] = TEST | {
    "license": None,
    "environment": "production",
    "namespaces": {"create": False},
    "licenseSecret": {"name": "licence"},
    "mysql": {
        "kind": "external",
        "host": "mysql.example.com",
        "passwordSecret": {"name": "mysql", "key": "password"},
        "admin": {"passwordSecret": {"name": "mysql-root", "key": "password"}},
    },
    "redis": {"kind": "external", "host": "r.example.com", "passwordSecret": {"name": "redis", "key": "password"}},
    "objectStore": {
        "kind": "external",
        "bucket": {"provider": "s3", "name": "files", "keysSecret": {"name": "files-keys"}},
        "clickhouseBucket": {"provider": "s3", "name": "traces", "keysSecret": {"name": "traces-keys"}},
    },
}


def settings(base: dict[str, Any] = TEST, **changes: Any) -> Settings:
    document = {key: value for key, value in (copy.deepcopy(base) | changes).items() if value is not None}
    return parse(document, secret_keys=["wandb:license", "wandb:redis"])


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **more}


def namespace(name: str, *, stack: str | None = None, phase: str = "Active") -> dict[str, Any]:
    annotations = {"wandb.pulumi/stack": stack} if stack else {}
    return {"metadata": {"name": name, "annotations": annotations}, "status": {"phase": phase}}


def storage_class(name: str, *, default: bool = False, grows: bool = True) -> dict[str, Any]:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {"metadata": {"name": name, "annotations": annotations}, "allowVolumeExpansion": grows}


def node(name: str, *, zone: str = "a", architecture: str = "amd64", ready: bool = True, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": zone}},
        "spec": spec,
        "status": {
            "nodeInfo": {"architecture": architecture},
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "allocatable": {"cpu": "3920m", "memory": f"{31 * 2**20}Ki"},
        },
    }


def three_nodes() -> list[dict[str, Any]]:
    return [node(zone, zone=zone) for zone in "abc"]


@dataclass
class PlainCluster:
    """A cluster as plain data."""

    namespaces: Sequence[Mapping[str, Any]] = ()
    secrets: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    """(namespace, name) -> keys."""
    storage_classes: Sequence[Mapping[str, Any]] = field(default_factory=lambda: [storage_class("ssd", default=True)])
    ingress_classes: Sequence[Mapping[str, Any]] = field(default_factory=lambda: [named("nginx")])
    nodes: Sequence[Mapping[str, Any]] = field(default_factory=three_nodes)
    definitions: Sequence[str] = ()
    installation: Mapping[str, Any] | None = None
    """The ClickHouse that the stack made earlier."""
    release: tuple[int, int] = (1, 35)
    gateway_classes: Sequence[Mapping[str, Any]] = ()
    gateways: Sequence[tuple[str, str]] = ()
    """(namespace, name)."""
    issuers: Sequence[tuple[str, str | None, str]] = ()
    """(kind, namespace, name)."""
    denied: Sequence[str] = ()
    secret_type: str = "Opaque"
    where: str = "context dev, server https://dev.example.com"

    def version(self) -> tuple[int, int]:
        return self.release

    def read(self, kind: str, name: str, namespace: str | None = None) -> Mapping[str, Any] | None:
        if kind in self.denied:
            raise Denied(kind)
        if kind == "Secret":
            keys = self.secrets.get((namespace or "", name))
            return None if keys is None else named(name, type=self.secret_type, data=dict.fromkeys(keys, ""))
        if kind == "Gateway":
            return named(name) if (namespace or "", name) in self.gateways else None
        if kind in ("ClusterIssuer", "Issuer"):
            return named(name) if (kind, namespace, name) in self.issuers else None
        if kind == "CustomResourceDefinition":
            return named(name) if name in self.definitions else None
        if kind == "ClickHouseInstallation":
            return self.installation
        return next((each for each in self.namespaces if each["metadata"]["name"] == name), None)

    def every(self, kind: str) -> list[Mapping[str, Any]]:
        if kind in self.denied:
            raise Denied(kind)
        known = {
            "StorageClass": self.storage_classes,
            "IngressClass": self.ingress_classes,
            "GatewayClass": self.gateway_classes,
            "Node": self.nodes,
        }
        known["Namespace"] = self.namespaces
        return list(known[kind])


def found(given: Settings | None = None, planned: PlannedNodes | None = None, **cluster: Any) -> Findings:
    return check(given or settings(), owner=OWNER, nodes=planned, lookup=PlainCluster(**cluster))


def only(findings: Findings) -> str:
    assert findings.warnings == ()
    [problem] = findings.problems
    return str(problem)


def test_a_fitting_cluster_has_no_problem():
    assert found() == Findings(where="context dev, server https://dev.example.com")


def test_a_cluster_that_the_stack_is_installed_in_has_no_problem():
    ours = [namespace(name, stack=OWNER) for name in ("wandb", "wandb-operator", "clickhouse")]
    assert found(namespaces=ours).problems == ()


def test_a_cluster_that_is_too_old_is_refused():
    text = only(found(release=(1, 33)))
    assert "(got Kubernetes 1.33)" in text
    assert "W&B needs 1.34 or newer" in text


@pytest.mark.parametrize(
    ("stack", "whose"), [(None, "it is not this stack's"), ("wandb/prod", "stack wandb/prod made")]
)
def test_a_namespace_of_someone_else_is_refused(stack: str | None, whose: str):
    text = only(found(namespaces=[namespace("wandb", stack=stack)]))
    assert text.startswith("wandb:namespaces.wandb: ")
    assert whose in text
    assert "wandb:namespaces.create" in text


def test_a_namespace_of_someone_else_may_be_used_when_the_settings_say_so():
    there = [namespace(name) for name in ("wandb", "wandb-operator", "clickhouse")]
    assert found(settings(namespaces={"create": False}), namespaces=there).problems == ()


def test_a_namespace_that_the_stack_made_is_not_to_be_used_as_if_it_were_given():
    there = [namespace("wandb", stack=OWNER), namespace("wandb-operator"), namespace("clickhouse")]
    text = only(found(settings(namespaces={"create": False}), namespaces=there))
    assert "the stack would delete it, and the volumes in it (got wandb)" in text
    assert "kubectl annotate namespace wandb wandb.pulumi/stack-" in text


def test_a_namespace_that_the_stack_made_and_no_longer_uses_is_warned_of():
    there = [namespace("old", stack=OWNER), namespace("theirs", stack="wandb/prod"), namespace("kube-system")]
    findings = found(namespaces=there)
    assert findings.problems == ()
    [warning] = findings.warnings
    assert str(warning).startswith("wandb:namespaces: no longer names a namespace that this stack made (got old)")


def test_a_namespace_that_is_missing_is_named_with_the_command_that_makes_it():
    text = only(found(settings(namespaces={"create": False}), namespaces=[namespace("wandb"), namespace("clickhouse")]))
    assert "wandb:namespaces.operator" in text
    assert "kubectl create namespace wandb-operator" in text


def test_a_namespace_that_is_being_deleted_is_waited_for():
    assert "Wait until it is gone." in only(found(namespaces=[namespace("wandb", stack=OWNER, phase="Terminating")]))


def test_clickhouses_namespace_matters_only_where_clickhouse_is_made():
    assert found(settings(products=["models"]), namespaces=[namespace("clickhouse")]).problems == ()


def test_a_storage_class_that_is_missing_is_refused_with_those_that_there_are():
    text = only(found(settings(kubernetes={"storageClass": "fast"})))
    assert "(got fast). The cluster has: ssd." in text


def test_a_cluster_without_default_storage_class_needs_one_named():
    classes = [storage_class("a"), storage_class("b")]
    assert "Name one of: a, b." in only(found(storage_classes=classes))
    assert found(settings(kubernetes={"storageClass": "a"}), storage_classes=classes).problems == ()


def test_an_ingress_class_that_is_missing_is_refused():
    assert "(got nginx). The cluster has: traefik." in only(found(ingress_classes=[named("traefik")]))
    assert "install an ingress controller first" in only(found(ingress_classes=[]))


USED = tuple(namespace(name) for name in ("wandb", "wandb-operator", "clickhouse"))
SECRETS = {
    ("wandb", "licence"): ["license"],
    ("wandb", "mysql"): ["password"],
    ("wandb", "mysql-root"): ["password"],
    ("wandb", "redis"): ["password"],
    ("wandb", "files-keys"): ["ACCESS_KEY", "SECRET_KEY"],
    ("clickhouse", "traces-keys"): ["ACCESS_KEY", "SECRET_KEY"],
}


def test_secrets_that_the_settings_name_are_looked_for_in_the_namespace_that_needs_them():
    assert found(settings(BROUGHT), namespaces=USED, secrets=SECRETS).problems == ()


@pytest.mark.parametrize("missing", SECRETS, ids=str)
def test_each_secret_that_is_missing_is_named_with_the_command_that_makes_it(missing: tuple[str, str]):
    secrets = {key: value for key, value in SECRETS.items() if key != missing}
    text = only(found(settings(BROUGHT), namespaces=USED, secrets=secrets))
    assert f"({missing[1]} in namespace {missing[0]})" in text
    assert f"kubectl -n {missing[0]} create secret generic {missing[1]} --from-literal={SECRETS[missing][0]}=" in text


def test_a_secret_without_the_key_is_named_with_the_keys_that_it_has():
    text = only(found(settings(BROUGHT), namespaces=USED, secrets=SECRETS | {("wandb", "mysql"): ["pw"]}))
    assert "wandb:mysql.passwordSecret" in text
    assert "without the key password" in text
    assert "Its keys are: pw." in text


def test_secrets_in_a_namespace_that_the_stack_is_to_make_cannot_be_there():
    findings = found(settings(BROUGHT, namespaces={"create": True}))
    assert len(findings.problems) == len(SECRETS)
    assert all("neither does the namespace" in str(each) for each in findings.problems)


def test_a_certificate_that_is_missing_is_a_warning_because_it_may_come_later():
    given = settings(ingress={"className": "nginx", "tlsSecret": "cert"})
    findings = found(given)
    assert findings.problems == ()
    assert [each.key for each in findings.warnings] == ["wandb:ingress.tlsSecret"]
    wrong = found(given, secrets={("wandb", "cert"): ["tls.crt", "tls.key"]})
    assert "not of type kubernetes.io/tls" in only(wrong)
    right = found(given, secrets={("wandb", "cert"): ["tls.crt"]}, secret_type="kubernetes.io/tls")
    assert right.problems == right.warnings == ()


def test_definitions_that_the_user_applies_must_be_there():
    given = settings(clickhouse={"kind": "managed", "crds": "external"})
    assert "wandb:clickhouse.crds" in only(found(given))
    names = [
        "clickhouseinstallations.clickhouse.altinity.com",
        "clickhousekeeperinstallations.clickhouse-keeper.altinity.com",
    ]
    assert found(given, definitions=names).problems == ()


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        [node("a", architecture="arm64")],
        [node("a", ready=False)],
        [node("a", unschedulable=True)],
    ],
    ids=["none", "arm64", "not ready", "cordoned"],
)
def test_a_cluster_without_a_usable_node_is_refused(nodes: list):
    assert "without a ready node of architecture amd64" in only(found(nodes=nodes))


def test_too_few_nodes_and_zones_are_warnings_because_more_may_come():
    findings = found(settings(kubernetes={"zones": 3}), nodes=[node("a"), node("b")])
    assert findings.problems == ()
    assert [each.key for each in findings.warnings] == ["wandb:kubernetes.zones", "wandb:clickhouse.replicas"]


def test_nodes_smaller_than_planned_are_a_warning_with_the_numbers():
    findings = found(planned=PlannedNodes(count=3, cpu=8, memory_gib=64))
    [warning] = findings.warnings
    assert "counts on 3 nodes with 8 cores and 64 GiB each" in str(warning)
    assert "the 3 ready ones have 11.8 cores and 93 GiB to give in all" in str(warning)
    assert found(planned=PlannedNodes(count=3, cpu=4, memory_gib=32)).warnings == ()


def test_all_problems_are_reported_at_once():
    findings = found(
        settings(BROUGHT, kubernetes={"storageClass": "fast"}),
        release=(1, 30),
        namespaces=[namespace("wandb")],
        ingress_classes=[],
        nodes=[],
    )
    assert [each.key for each in findings.problems] == [
        "wandb:kubernetes.context",
        "wandb:namespaces.operator",
        "wandb:namespaces.clickhouse",
        "wandb:kubernetes.storageClass",
        "wandb:ingress.className",
        "wandb:licenseSecret",
        "wandb:mysql.passwordSecret",
        "wandb:redis.passwordSecret",
        "wandb:mysql.admin.passwordSecret",
        "wandb:objectStore.bucket.keysSecret",
        "wandb:objectStore.clickhouseBucket.keysSecret",
        "wandb:kubernetes.context",
    ]
    text = findings.report()
    assert text.startswith(
        "12 problems in the cluster (context dev, server https://dev.example.com); nothing was changed"
    )
    assert all(f"  {each}" in text for each in findings.problems)


def installation(shards: int, *, distributed: bool) -> dict[str, Any]:
    annotations = {"wandb.pulumi/tables": "distributed"} if distributed else {}
    layout = {"shardsCount": shards, "replicasCount": 3}
    return {
        "metadata": {"name": "wandb", "annotations": annotations},
        "spec": {"configuration": {"clusters": [{"name": "weavecluster", "layout": layout}]}},
    }


@pytest.mark.parametrize(
    ("there", "asked", "message"),
    [
        (
            installation(3, distributed=True),
            {"shards": 2},
            "clickhouse.shards: is fewer than the 3 shards that hold rows",
        ),
        (installation(1, distributed=False), {"shards": 2}, "clickhouse.distributed: is true, and Weave's tables were"),
        (installation(2, distributed=True), {"shards": 2, "distributed": False}, None),
        (installation(1, distributed=True), {}, "clickhouse.distributed: is false, and Weave's tables were made dist"),
        (installation(1, distributed=True), {"shards": 2}, ""),
        (installation(1, distributed=True), {"distributed": True}, ""),
        (installation(1, distributed=False), {}, ""),
        (None, {"shards": 2}, ""),
    ],
)
def test_a_clickhouse_that_holds_data_gains_shards_and_loses_none(
    there: dict[str, Any] | None, asked: dict[str, Any], message: str | None
) -> None:
    if message is None:  # the settings refuse it by themselves
        with pytest.raises(InvalidSettings):
            settings(clickhouse={"kind": "managed", **asked})
        return
    nodes = [node(str(index), zone="abc"[index % 3]) for index in range(9)]
    findings = found(settings(clickhouse={"kind": "managed", **asked}), installation=there, nodes=nodes)
    assert message in (only(findings) if message else str(findings.problems or ""))
    assert bool(findings.problems) is bool(message)


def test_what_the_user_may_not_read_is_a_warning_and_the_rest_is_checked():
    findings = found(denied=["Node", "StorageClass"], ingress_classes=[])
    assert [each.key for each in findings.problems] == ["wandb:ingress.className"]
    assert len(findings.warnings) == 2
    assert all("not allowed" in str(each) for each in findings.warnings)


class Silent(PlainCluster):
    """A cluster that does not answer."""

    def version(self) -> tuple[int, int]:
        raise Unreachable("it refuses the connection", "Start the cluster.")


def test_a_cluster_that_does_not_answer_is_one_problem_that_says_which_and_what_to_do():
    findings = check(settings(), owner=OWNER, lookup=Silent())
    [problem] = findings.problems
    assert "it refuses the connection. Start the cluster." in str(problem)
    assert "context dev, server https://dev.example.com" in findings.report()


KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: dev
contexts: [{name: dev, context: {cluster: c, user: u}}, {name: other, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {token: abc}}]
"""


@pytest.mark.parametrize(
    ("kubernetes", "parts"),
    [
        ({"kubeconfig": "/nowhere/config"}, ("there is no kubeconfig /nowhere/config", "wandb:kubernetes.kubeconfig")),
        ({"context": "prod"}, ("has no context prod", "Its contexts are: dev, other.")),
        ({}, ("it refuses the connection", "kubectl --context dev version")),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_is_explained(tmp_path: Path, kubernetes: dict, parts: tuple[str, ...]):
    path = tmp_path / "config"
    path.write_text(KUBECONFIG)
    findings = check(settings(kubernetes={"kubeconfig": str(path)} | kubernetes), owner=OWNER)
    [problem] = findings.problems
    assert problem.key == "wandb:kubernetes.context"
    for part in parts:
        assert part in str(problem)


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    for level in ("error", "warn"):
        monkeypatch.setattr(pulumi.log, level, lambda text, level=level: said.append((level, text)))
    monkeypatch.setattr(preflight.pulumi, "get_project", lambda: "wandb")
    monkeypatch.setattr(preflight.pulumi, "get_stack", lambda: "dev")
    return said


def require(given: Settings, lookup: PlainCluster) -> None:
    preflight.require(given, fitting_plan(given), lookup=lookup)


def test_problems_end_the_program_with_one_report(messages: list):
    with pytest.raises(SystemExit) as raised:
        require(settings(), lookup=PlainCluster(ingress_classes=[]))
    assert raised.value.code == 32
    assert [level for level, _ in messages] == ["error"]
    assert "wandb:kubernetes.preflight" in messages[0][1]


def test_warnings_are_said_and_the_program_goes_on(messages: list):
    require(settings(), lookup=PlainCluster(nodes=[node("a")]))
    assert {level for level, _ in messages} == {"warn"}


def test_a_preflight_that_is_switched_off_looks_at_nothing(messages: list):
    require(settings(kubernetes={"preflight": False}), lookup=Silent())
    assert messages == []


def test_a_class_whose_volumes_cannot_grow_is_warned_of_where_clickhouse_uses_it():
    fixed, grown = storage_class("fixed", grows=False), storage_class("ssd", default=True)
    assert found(storage_classes=[fixed, grown]).warnings == (), "it is not the one that is used"
    [warning] = found(storage_classes=[storage_class("ssd", default=True, grows=False)]).warnings
    assert str(warning).startswith("wandb:kubernetes.storageClass: ")
    assert "ssd has no allowVolumeExpansion" in str(warning)
    [warning] = found(settings(kubernetes={"storageClass": "fixed"}), storage_classes=[fixed, grown]).warnings
    assert "fixed has no" in str(warning)
    without = settings(products=["models"], clickhouse={"kind": "none"})
    assert found(without, storage_classes=[storage_class("ssd", default=True, grows=False)]).warnings == ()


RULES, MONITORS = "prometheusrules.monitoring.coreos.com", "servicemonitors.monitoring.coreos.com"


def test_monitoring_needs_the_prometheus_operator_and_its_namespace():
    watched = settings(monitoring={"namespace": "monitoring"})
    there = [namespace("monitoring")]
    assert found(watched, definitions=[RULES, MONITORS], namespaces=there) == found(namespaces=there)
    text = only(found(watched, definitions=[RULES], namespaces=there))
    assert text.startswith("wandb:monitoring: ")
    assert f"the cluster lacks {MONITORS}" in text
    assert RULES not in text
    [warning] = found(watched, definitions=[RULES, MONITORS]).warnings
    assert str(warning).startswith("wandb:monitoring.namespace: ")


GATEWAY_API = ("gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io")


CERT_MANAGER = [f"{plural}.cert-manager.io" for plural in ("certificates", "clusterissuers", "issuers")]


def with_tls(**tls: Any) -> Settings:
    return settings(clickhouse={"kind": "managed", "tls": {"ca": FIRST, **tls}})


@pytest.mark.parametrize(
    ("cluster", "issuer", "expected"),
    [
        (
            PlainCluster(),
            {"name": "internal"},
            "clickhouse.tls.issuer: is given, and the cluster lacks certificates.cert-man",
        ),
        (
            PlainCluster(definitions=CERT_MANAGER),
            {"name": "internal"},
            "a ClusterIssuer that does not exist (got internal)",
        ),
        (
            PlainCluster(definitions=CERT_MANAGER, issuers=[("ClusterIssuer", None, "internal")]),
            {"name": "internal", "scope": "namespace"},
            "an Issuer that does not exist (got internal, in namespace clickhouse)",
        ),
    ],
)
def test_an_issuer_that_cannot_sign_is_a_problem(cluster: PlainCluster, issuer: dict[str, str], expected: str) -> None:
    assert expected in check(with_tls(issuer=issuer), owner=OWNER, lookup=cluster).report()


def test_an_issuer_that_is_there_is_none() -> None:
    there = [("ClusterIssuer", None, "internal"), ("Issuer", "clickhouse", "internal")]
    cluster = PlainCluster(definitions=CERT_MANAGER, issuers=there)
    for scope in ("cluster", "namespace"):
        asked = with_tls(issuer={"name": "internal", "scope": scope})
        assert check(asked, owner=OWNER, lookup=cluster).problems == ()


def test_the_certificate_of_clickhouse_is_looked_for() -> None:
    report = check(with_tls(secret="shown"), owner=OWNER, lookup=PlainCluster()).report()
    assert "clickhouse.tls.secret: names a Secret that does not exist (shown in namespace clickhouse" in report
    there = PlainCluster(secrets={("clickhouse", "shown"): ["tls.crt"]}, namespaces=[named("clickhouse")])
    report = check(with_tls(secret="shown"), owner=OWNER, lookup=there).report()
    assert "clickhouse.tls.secret: names a Secret without the key tls.key" in report


@pytest.mark.parametrize(
    ("secure", "tls", "said"), [("yes", None, "is not given"), (None, {"secret": "shown"}, "is given")]
)
def test_whoever_switches_encryption_is_told_that_weave_is_away_meanwhile(
    secure: str | None, tls: dict[str, str] | None, said: str
) -> None:
    running = {"metadata": {"name": "wandb"}, "spec": {"configuration": {"clusters": [{"secure": secure}]}}}
    given = with_tls(**tls) if tls else settings(clickhouse={"kind": "managed"})
    cluster = PlainCluster(
        installation=running,
        secrets={("clickhouse", "shown"): ["tls.crt", "tls.key"]},
        namespaces=[named("clickhouse")],
    )
    [warning] = [each for each in check(given, owner=OWNER, lookup=cluster).warnings if "clickhouse.tls" in str(each)]
    assert said in str(warning)
    assert "Weave is away until all have restarted" in str(warning)


def behind(**gateway: str) -> Settings:
    return settings(ingress={"gateway": gateway})


@pytest.mark.parametrize(
    ("cluster", "gateway", "expected"),
    [
        (PlainCluster(), {"name": "shared"}, "the cluster lacks gateways.gateway.networking.k8s.io and httproutes"),
        (PlainCluster(definitions=GATEWAY_API), {"name": "shared"}, "does not exist (shared in namespace wandb)"),
        (
            PlainCluster(definitions=GATEWAY_API, gateway_classes=[named("istio")]),
            {"className": "nginx"},
            "The cluster has: istio.",
        ),
    ],
)
def test_a_gateway_that_cannot_lead_to_wandb_is_a_problem(
    cluster: PlainCluster, gateway: dict[str, str], expected: str
) -> None:
    assert expected in check(behind(**gateway), owner=OWNER, lookup=cluster).report()


def test_a_gateway_that_is_there_is_none() -> None:
    cluster = PlainCluster(
        definitions=GATEWAY_API, gateways=[("gateways", "shared")], gateway_classes=[named("istio")], ingress_classes=[]
    )
    for gateway in ({"name": "shared", "namespace": "gateways"}, {"className": "istio"}):
        assert check(behind(**gateway), owner=OWNER, lookup=cluster).problems == ()


def test_secrets_of_a_registry_are_looked_for_in_every_namespace_of_the_stack() -> None:
    registry = {"registry": "registry.example.com", "pullSecret": "pull", "chartsSecret": "charts"}
    clickhouse = {"kind": "managed", "crds": "external"}
    report = check(settings(airGapped=registry, clickhouse=clickhouse), owner=OWNER, lookup=PlainCluster()).report()
    for namespace in ("wandb", "wandb-operator", "clickhouse"):
        assert f"pull in namespace {namespace}" in report
    assert "charts in namespace wandb" in report
