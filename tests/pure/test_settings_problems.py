"""What users read when a setting is wrong."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings import InvalidSettings, parse
from tests.harness.certificates import FIRST
from tests.harness.instance_settings import CERTIFICATE

PASSWORD = {"name": "store", "key": "password"}
TEST: dict[str, Any] = {
    "environment": "test",
    "host": "wandb.example.com",
    "license": "text",
    "ingress": {"className": "nginx"},
}
PRODUCTION: dict[str, Any] = TEST | {
    "environment": "production",
    "mysql": {"kind": "external", "host": "mysql.example.com", "passwordSecret": PASSWORD},
    "redis": {"kind": "external", "host": "redis.example.com", "passwordSecret": dict(PASSWORD)},
    "objectStore": {
        "kind": "external",
        "bucket": {"provider": "s3", "name": "files"},
        "clickhouseBucket": {"provider": "s3", "name": "traces"},
    },
}
ALL_SECRET = frozenset({"wandb:license"})


def problems(document: dict[str, Any], secret_keys: frozenset[str] = ALL_SECRET) -> dict[str, str]:
    try:
        parse(document, secret_keys=secret_keys)
    except InvalidSettings as error:
        return {each.key: str(each) for each in error.problems}
    return {}


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with values set by path (`clickhouse.replicas`); None removes."""
    document = copy.deepcopy(base)
    for path, value in changes.items():
        *sections, key = path.split("/")
        here = document
        for section in sections:
            here = here.setdefault(section, {})
        if value is None:
            here.pop(key, None)
        else:
            here[key] = value
    return document


def test_complete_settings_have_no_problem():
    assert problems(TEST) == {}
    assert problems(PRODUCTION) == {}


# base, changes, the one key that the report names, parts of its message
CASES: list[tuple[dict[str, Any], dict[str, Any], str, tuple[str, ...]]] = [
    (TEST, {"environment": None}, "environment", ("is missing", "`test` or `production`")),
    (TEST, {"environment": "prod"}, "environment", ("(got prod)", "test, production", "Did you mean production?")),
    (TEST, {"target": "gcp"}, "target", ("is not available in this version (got gcp)", "`kubernetes`")),
    (TEST, {"target": "openshift"}, "target", ("(got openshift)", "Use one of: kubernetes, aws.")),
    (TEST, {"products": ["models", "weav"]}, "products[1]", ("(got weav)", "Did you mean weave?")),
    (TEST, {"products": []}, "products", ("is empty",)),
    (TEST, {"products": "weave"}, "products", ("is not a list", "as in `[models, weave]`")),
    (TEST, {"products": ["models", "models"]}, "products", ("twice",)),
    (TEST, {"host": None}, "host", ("is missing",)),
    (TEST, {"host": "https://wandb.acme.com/"}, "host", ("has a scheme", "`wandb.acme.com`", "`ingress.tls`")),
    (TEST, {"host": "wandb.acme.com/app"}, "host", ("more than a host name", "`wandb.acme.com`")),
    (TEST, {"host": "wandb.acme.com:8443"}, "host", ("more than a host name", "`wandb.acme.com`")),
    (TEST, {"host": "wandb_test.acme.com"}, "host", ("underscore", "`wandb-test.acme.com`")),
    (TEST, {"host": "localhost"}, "host", ("each machine for itself",)),
    (TEST, {"host": "wandb"}, "host", ("is not fully qualified (got wandb)",)),
    (TEST, {"host": "10.0.0.1"}, "host", ("is an IP address",)),
    (TEST, {"host": "-a.example.com"}, "host", ("is not a host name",)),
    (TEST, {"host": "Wandb.Example.com"}, "host", ("is not a host name", "lower-case")),
    (TEST, {"license": None}, "license", ("is missing", "pulumi config set --secret wandb:license", "licenseSecret")),
    (TEST, {"license": " "}, "license", ("is empty",)),
    (TEST, {"licenseSecret": {"name": "x"}}, "license", ("is given, and `wandb:licenseSecret` too",)),
    (TEST, {"licence": "text"}, "licence", ("is not a known key", "Did you mean `wandb:license`?")),
    (TEST, {"ingress": None}, "ingress.className", ("is missing", "IngressClass")),
    (TEST, {"ingress/clasName": "x"}, "ingress.clasName", ("Did you mean `wandb:ingress.className`?",)),
    (TEST, {"ingress/tls": "secret"}, "ingress.tlsSecret", ("is missing, and `ingress.tls` is secret",)),
    (TEST, {"ingress/tls": "none", "ingress/tlsSecret": "x"}, "ingress.tlsSecret", ("uses no certificate",)),
    (
        TEST,
        {"ingress/annotations": {"a": 1}},
        "ingress.annotations.a",
        ("is not text (got 1)", 'Put it in quotes: "1"'),
    ),
    (TEST, {"kubernetes/zones": 0}, "kubernetes.zones", ("(got 0)", "from 1 to 9")),
    (TEST, {"kubernetes/serviceAccountIssuer": "http://x"}, "kubernetes.serviceAccountIssuer", ("https://",)),
    (TEST, {"kubernetes/preflight": "false"}, "kubernetes.preflight", ('(got the text "false")', "without quotes")),
    (TEST, {"kubernetes": "dev"}, "kubernetes", ("is not a section", "context, kubeconfig")),
    (TEST, {"namespaces/wandb": "Wandb"}, "namespaces.wandb", ("(got Wandb)", "63 lower-case")),
    (TEST, {"namespaces/wandb": "kube-system"}, "namespaces.wandb", ("belongs to Kubernetes",)),
    (TEST, {"namespaces/wandb": "default"}, "namespaces.wandb", ("cannot be made or deleted",)),
    (TEST, {"namespaces/clickhouse": "wandb"}, "namespaces.clickhouse", ("also the namespace of `namespaces.wandb`",)),
    (TEST, {"sizing/scale": "xl"}, "sizing.scale", ("(got xl)", "small, medium, large")),
    (TEST, {"sizing/nodes/count": "3"}, "sizing.nodes.count", ('(got the text "3")', "without quotes")),
    (TEST, {"sizing/nodes/cpu": 2.5}, "sizing.nodes.cpu", ("whole number", "(got 2.5)")),
    (TEST, {"sizing/components/apy": {}}, "sizing.components.apy", ("Use one of: api, app",)),
    (TEST, {"sizing/components/api": {"cpu": "1"}}, "sizing.components.api.cpu", ("is not a known key",)),
    (TEST, {"sizing/components/api": {"cpuRequest": "1 core"}}, "sizing.components.api.cpuRequest", ('"500m"',)),
    (TEST, {"sizing/components/api": {"memoryRequest": "4GB"}}, "sizing.components.api.memoryRequest", ('"4Gi"',)),
    (
        TEST,
        {"sizing/components/api": {"cpuRequest": "2", "cpuLimit": "500m"}},
        "sizing.components.api.cpuLimit",
        ("is less than the request (got 500m, with `cpuRequest` 2)",),
    ),
    (
        TEST,
        {"clickhouse": {"kind": "managed", "resources": {"memoryRequest": "2Gi", "memoryLimit": "512Mi"}}},
        "clickhouse.resources.memoryLimit",
        ("is less than the request",),
    ),
    (TEST, {"mysql": {"host": "x"}}, "mysql.kind", ("is missing", "in-cluster, managed, external")),
    (
        TEST,
        {"mysql": {"kind": "rds"}},
        "mysql.kind",
        ("is not a known kind (got rds)", "in-cluster, managed, external"),
    ),
    (
        TEST,
        {"mysql": {"kind": "in-cluster", "host": "x"}},
        "mysql.host",
        ("has no meaning where `kind` is in-cluster",),
    ),
    (PRODUCTION, {"mysql": None}, "mysql.kind", ("is in-cluster", "production", "kind: external")),
    (PRODUCTION, {"redis": {"kind": "in-cluster"}}, "redis.kind", ("is in-cluster", "production")),
    (PRODUCTION, {"objectStore": None}, "objectStore.kind", ("is in-cluster", "production")),
    (PRODUCTION, {"mysql/host": "db.example.com:3306"}, "mysql.host", ("has a port", "`db.example.com`")),
    (PRODUCTION, {"mysql/host": "mysql://db.example.com"}, "mysql.host", ("is not a host name", "`db.example.com`")),
    (PRODUCTION, {"mysql/port": 0}, "mysql.port", ("from 1 to 65535",)),
    (PRODUCTION, {"mysql/passwordSecret": None}, "mysql.passwordSecret", ("is missing", "--secret --path wandb:mysql")),
    (PRODUCTION, {"mysql/passwordSecret/key": None}, "mysql.passwordSecret.key", ("is missing",)),
    (PRODUCTION, {"redis/auth": False}, "redis.auth", ("is false, and a password is given",)),
    (PRODUCTION, {"redis/passwordSecret": None}, "redis.passwordSecret", ("is missing", "`redis.auth` to false")),
    (
        PRODUCTION,
        {"objectStore/clickhouseBucket": None},
        "objectStore.clickhouseBucket",
        ("ClickHouse keeps its data",),
    ),
    (
        PRODUCTION,
        {"objectStore/clickhouseBucket/name": "files"},
        "objectStore.clickhouseBucket.name",
        ("W&B's bucket too",),
    ),
    (PRODUCTION, {"objectStore/bucket/name": "s3://files"}, "objectStore.bucket.name", ("without scheme",)),
    (PRODUCTION, {"objectStore/bucket/provider": "minio"}, "objectStore.bucket.provider", ("s3, gcs, az, cw",)),
    (
        PRODUCTION,
        {"objectStore/bucket/endpoint": "https://s3.acme.com"},
        "objectStore.bucket.keysSecret",
        ("is missing",),
    ),
    (
        PRODUCTION,
        {"objectStore/bucket/endpoint": "s3.acme.com", "objectStore/bucket/keysSecret": {"name": "keys"}},
        "objectStore.bucket.endpoint",
        ("scheme, host and port",),
    ),
    (
        PRODUCTION,
        {"objectStore/bucket/provider": "az", "objectStore/bucket/keysSecret": {"name": "keys"}},
        "objectStore.bucket.name",
        ("`account/container`",),
    ),
    (PRODUCTION, {"objectStore/bucket/name": "files/x1"}, "objectStore.bucket.name", ("name of the bucket alone",)),
    (
        PRODUCTION,
        {
            "objectStore/bucket/provider": "cw",
            "objectStore/bucket/endpoint": "https://s3.acme.com",
            "objectStore/bucket/keysSecret": {"name": "keys"},
        },
        "objectStore.bucket.endpoint",
        ("`provider` is cw", "use provider s3"),
    ),
    (TEST, {"clickhouse": {"kind": "none"}}, "clickhouse.kind", ("Weave keeps its data in ClickHouse",)),
    (TEST, {"products": ["models"], "clickhouse": {"kind": "managed"}}, "clickhouse.kind", ("nothing would use",)),
    (
        TEST,
        {"clickhouse": {"kind": "managed", "shards": 2, "distributed": False}},
        "clickhouse.distributed",
        ("there are 2 shards",),
    ),
    (TEST, {"clickhouse": {"kind": "managed", "shards": 10}}, "clickhouse.shards", ("from 1 to 9",)),
    (
        TEST,
        {
            "clickhouse": {
                "kind": "managed",
                "shards": 2,
                "backup": {"bucket": {"name": "backups", "keysSecret": {"name": "keys"}}},
            }
        },
        "clickhouse.backup",
        ("made of one alone",),
    ),
    (
        TEST,
        {"clickhouse": {"kind": "external", "host": "ch", "passwordSecret": PASSWORD, "distributed": True}},
        "clickhouse.cluster",
        ("is missing", "shards of a cluster"),
    ),
    (
        TEST,
        {"clickhouse": {"kind": "managed", "tls": {"ca": FIRST}}},
        "clickhouse.tls",
        ("says neither", "`wandb:clickhouse.tls.secret`", "`wandb:clickhouse.tls.issuer`"),
    ),
    (
        TEST,
        {"clickhouse": {"kind": "managed", "tls": {"ca": FIRST, "secret": "a", "issuer": {"name": "b"}}}},
        "clickhouse.tls.secret",
        ("so is `clickhouse.tls.issuer`", "Remove one"),
    ),
    (
        TEST,
        {"clickhouse": {"kind": "managed", "tls": {"ca": "no PEM", "secret": "a"}}},
        "clickhouse.tls.ca",
        ("is not a certificate in PEM form",),
    ),
    (
        TEST,
        {"clickhouse": {"kind": "managed", "tls": {"ca": CERTIFICATE, "secret": "a"}}},
        "clickhouse.tls.ca",
        ("cannot be read",),
    ),
    (
        TEST,
        {"clickhouse": {"kind": "managed", "tls": {"secret": "a"}}},
        "clickhouse.tls.ca",
        ("is missing",),
    ),
    (
        TEST,
        {"clickhouse": {"kind": "external", "host": "ch", "passwordSecret": PASSWORD, "tls": {"ca": FIRST}}},
        "clickhouse.tls",
        ("external",),
    ),
    (
        TEST,
        {"clickhouse": {"kind": "managed", "ids": {"fromPlatform": True, "user": 1000}}},
        "clickhouse.ids.user",
        ("`fromPlatform` is true",),
    ),
    (TEST, {"clickhouse": {"kind": "managed", "ids": {"group": 0}}}, "clickhouse.ids.group", ("Give the user too",)),
    (TEST, {"clickhouse": {"kind": "managed", "ids": {"user": 0}}}, "clickhouse.ids.user", ("from 1 to",)),
    (TEST, {"clickhouse": {"kind": "managed", "keepers": 2}}, "clickhouse.keepers", ("is even (got 2)", "1, 3 or 5")),
    (TEST, {"clickhouse": {"kind": "managed", "keepers": 1}}, "clickhouse.keepers", ("too few for 3 replicas",)),
    (TEST, {"clickhouse": {"kind": "managed", "replicas": 2}}, "clickhouse.replicas", ("1 for a test, 3 or more",)),
    (
        PRODUCTION,
        {"clickhouse": {"kind": "managed", "replicas": 1}},
        "clickhouse.replicas",
        ("too few for production (got 1)",),
    ),
    (
        TEST,
        {"clickhouse": {"kind": "managed", "volumeGiB": 50, "cacheGiB": 60}},
        "clickhouse.cacheGiB",
        ("is larger than its volume (got 60, with `clickhouse.volumeGiB` 50)", "at most 25", "120 or more"),
    ),
    (
        TEST,
        {"clickhouse": {"kind": "managed", "volumeGiB": 50, "cacheGiB": 26}},
        "clickhouse.cacheGiB",
        ("more than half", "at most 25"),
    ),
    (
        TEST,
        {"clickhouse": {"kind": "managed", "cluster": "weave_cluster"}},
        "clickhouse.cluster",
        ("1 to 15 lower-case",),
    ),
    (TEST, {"clickhouse": {"kind": "managed", "cluster": "a" * 16}}, "clickhouse.cluster", ("1 to 15 lower-case",)),
    (TEST, {"clickhouse": {"kind": "managed", "cluster": "Weave"}}, "clickhouse.cluster", ("1 to 15 lower-case",)),
    (TEST, {"clickhouse": {"kind": "managed", "database": "a-b"}}, "clickhouse.database", ("underscores",)),
    (
        TEST,
        {
            "clickhouse": {
                "kind": "external",
                "host": "c.example.com",
                "passwordSecret": PASSWORD,
                "cluster": "my-cluster",
            }
        },
        "clickhouse.cluster",
        ("Weave accepts",),
    ),
    (TEST, {"clickhouse": {"kind": "external", "host": "c.example.com"}}, "clickhouse.passwordSecret", ("is missing",)),
    (PRODUCTION, {"ingress/tls": "none"}, "ingress.tls", ("production", "clear text")),
    (PRODUCTION, {"sizing/nodes/count": 2}, "sizing.nodes.count", ("too few for production", "3 or more")),
    (TEST, {"versions/clickhouse": "latest"}, "versions.clickhouse", ("is not a numeric ClickHouse tag",)),
    (TEST, {"versions/clickhouse": "25.3.5.42"}, "versions.clickhouse", ("older than Weave's tables need",)),
    (TEST, {"versions/wandbChart": "0.43"}, "versions.wandbChart", ("is not an exact version", "latest")),
    (TEST, {"versions/mysql": "5.7.44"}, "versions.mysql", ("W&B needs MySQL 8.x",)),
    (TEST, {"versions/redis": "6.2.0"}, "versions.redis", ("W&B needs Redis 7.x",)),
    (TEST, {"versions/seaweedfs": 4.47}, "versions.seaweedfs", ('Put it in quotes: "4.47"',)),
    (TEST, {"images/mysql": "mysql:8.4"}, "images.mysql", ("Leave the tag to `versions`",)),
    (TEST, {"followReleaseChannel": 1}, "followReleaseChannel", ("true or false",)),
    (TEST, {"mysql": {"kind": "managed"}}, "mysql.kind", ("is managed, and `target` is kubernetes", "in-cluster")),
    (TEST, {"redis": {"kind": "managed"}}, "redis.kind", ("is managed", "set `wandb:target` to aws")),
    (TEST, {"objectStore": {"kind": "managed"}}, "objectStore.kind", ("is managed", "external")),
    (TEST, {"sizing/nodes/type": "r6i.4xlarge"}, "sizing.nodes.type", ("is of a cloud", "`cpu` and `memoryGiB`")),
    (TEST, {"sizing/nodes/diskGiB": 200}, "sizing.nodes.diskGiB", ("for nodes that exist",)),
    (TEST, {"sizing/clickhouseNodes": {"count": 3}}, "sizing.clickhouseNodes", ("shares W&B's nodes",)),
    (
        TEST,
        {"aws": {"region": "eu-central-1", "accountId": "123456789012"}},
        "aws",
        ("is given, and `target` is kubernetes", "Set `wandb:target` to aws"),
    ),
    (TEST, {"timeouts/delete": 5}, "timeouts.delete", ("from 15 to 240",)),
]


@pytest.mark.parametrize(("base", "changes", "key", "parts"), CASES, ids=[f"{c[2]}-{i}" for i, c in enumerate(CASES)])
def test_each_mistake_is_named_by_its_full_key_with_what_would_be_right(base, changes, key, parts):
    found = problems(changed(base, changes))
    assert list(found) == [f"wandb:{key}"]
    for part in parts:
        assert part in found[f"wandb:{key}"]


def _independent() -> list[tuple[dict[str, Any], str]]:
    """Mistakes that do not touch the same keys, so that any of them can be made together."""
    seen: set[str] = set()
    chosen = []
    for base, changes, key, _ in CASES:
        sections = {path.split("/")[0] for path in changes} | {key.split(".")[0]}
        if base is TEST and not sections & seen and key not in ("environment", "products", "target"):
            chosen.append((changes, f"wandb:{key}"))
            seen |= sections
    return chosen


@given(st.lists(st.sampled_from(_independent()), unique_by=lambda each: each[1]))
def test_all_mistakes_are_reported_at_once(chosen: list[tuple[dict[str, Any], str]]):
    document = copy.deepcopy(TEST)
    for changes, _ in chosen:
        document = changed(document, changes)
    assert set(problems(document)) == {key for _, key in chosen}


def test_a_wrong_value_hides_no_mistake_beside_it():
    wrong = {"kind": "managed", "replicas": "three", "volumeGiB": 50, "cacheGiB": 60, "keepers": 4, "crd": "x"}
    found = problems(changed(TEST, {"environment": "prod", "clickhouse": wrong}))
    assert list(found) == [
        "wandb:environment",
        "wandb:clickhouse.replicas",
        "wandb:clickhouse.keepers",
        "wandb:clickhouse.cacheGiB",
        "wandb:clickhouse.crd",
    ]


SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("document", "secret_keys"),
    [
        ({"license": SECRET}, []),
        ({"license": {"value": SECRET}}, ["wandb:license"]),
        ({"licence": SECRET}, []),
        ({"licenseSecret": SECRET}, []),
        ({"mysql": SECRET}, []),
        ({"mysql": {"kind": "external", "host": "h", "password": SECRET}}, []),
        ({"mysql": {"kind": "external", "host": "h", "pasword": SECRET}}, []),
        ({"mysql": {"kind": "external", "host": "h", "password": f"{SECRET} {SECRET}"}}, ["wandb:mysql"]),
        ({"mysql": {"kind": "external", "host": f"mysql://root:{SECRET}@h", "passwordSecret": SECRET}}, []),
        ({"mysql": {"kind": "external", "host": f"{SECRET}:1", "port": SECRET}}, ["wandb:mysql"]),
        (
            {"mysql": {"kind": "external", "host": "h", "passwordSecret": {"name": SECRET + "!", "key": SECRET + "!"}}},
            [],
        ),
        ({"namespaces": {"wandb": SECRET, "operator": SECRET}}, ["wandb:namespaces"]),
        ({"clickhouse": {"kind": SECRET}}, ["wandb:clickhouse"]),
    ],
    ids=json.dumps,
)
def test_no_message_shows_what_is_or_may_be_a_secret(document: dict[str, Any], secret_keys: list[str]):
    with pytest.raises(InvalidSettings) as raised:
        parse(TEST | document, secret_keys=secret_keys)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("document", "key", "command"),
    [
        ({"license": SECRET}, "wandb:license", "pulumi config set --secret wandb:license"),
        (
            {"redis": {"kind": "external", "host": "h", "password": SECRET}},
            "wandb:redis.password",
            "pulumi config set --secret --path wandb:redis.password",
        ),
    ],
)
def test_a_secret_in_clear_text_is_refused_with_the_command_that_encrypts_it(document, key, command):
    found = problems(TEST | document, secret_keys=frozenset({"wandb:license"} - {key}))
    assert list(found) == [key]
    assert "is not encrypted" in found[key]
    assert command in found[key]


def test_policies_that_would_let_no_user_in_are_refused():
    [text] = problems(TEST | {"networkPolicies": {}}).values()
    assert text.startswith("wandb:networkPolicies.ingressNamespaces: ")
    assert "users could not reach W&B" in text
    for way in ({"ingressNamespaces": ["ingress-nginx"]}, {"ingressNetworks": ["10.0.0.0/16"]}):
        assert problems(TEST | {"networkPolicies": way}) == {}


@pytest.mark.parametrize(
    ("block", "words"),
    [("10.0.0.1/16", "10.0.0.0/16"), ("somewhere", "is not a block"), ("10.0.0.0/40", "is not a block")],
)
def test_a_network_is_a_block_written_by_its_first_address(block: str, words: str):
    [text] = problems(TEST | {"networkPolicies": {"ingressNetworks": [block]}}).values()
    assert text.startswith("wandb:networkPolicies.ingressNetworks")
    assert words in text
