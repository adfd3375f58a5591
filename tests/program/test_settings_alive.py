"""Every setting does something: with another value, the program asks for something else.

Each setting is changed alone, in a stack where it has a meaning, and the requests are compared. A setting that changes none
of them would be a promise that nobody keeps. Stack outputs do not count: they only repeat what was set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

import pytest
from google.protobuf import json_format

from settings.sizing import OPTIONAL, ComponentName
from settings.surface import NAMESPACE, surface
from tests.harness import Resource, aws_settings, instance_settings
from tests.harness.aws import World
from tests.harness.certificates import FIRST, SECOND
from tests.harness.stacks import ROOT
from tests.harness.whole_program import record

ASKS_FOR_NOTHING = {
    "kubernetes.preflight": "it says whether the cluster is looked at before anything is asked for",
    "instance.allowUnknownValues": "it says what is refused; tests/pure/test_wandb_options.py shows that",
    "redis.auth": "it allows that there is no password; what is asked for follows from the password",
}
"""Settings that cannot change a request, and why."""

SECRETS = frozenset(
    f"{NAMESPACE}:{key}" for key in ("license", "mysql", "redis", "clickhouse", "instance", "airGapped")
)

RESOURCES = {"cpuRequest": "350m", "cpuLimit": "3", "memoryRequest": "3Gi", "memoryLimit": "5Gi"}
SECRET_KEY = {"name": "other", "key": "other"}
BUCKET = {
    "name": "other",
    "region": "eu-west-9",
    "endpoint": "https://other.example.com",
    "keysSecret": {"name": "other", "accessKey": "OTHER", "secretKey": "OTHER"},
    "kmsKey": "other",
}
CLICKHOUSE_BUCKET = BUCKET | {"provider": "gcs"}
IDENTITY = {
    "serviceAccountAnnotations": {"other": "yes"},
    "podLabels": {"other": "yes"},
}
ROLE = {"roleArn": "arn:aws:iam::123456789012:role/other"}
GOOGLE = {"googleServiceAccount": "other-account@other.iam.gserviceaccount.com"}
AZURE = {"azureClientId": "89abcdef-89ab-cdef-0123-456789abcdef"}
CA = {"name": "other", "key": "other"}

MADE: dict[str, Any] = {
    "environment": "test",
    "host": "wandb.example.com",
    "license": "a licence",
    "ingress": {"className": "nginx"},
    "sizing": {"nodes": {"count": 6, "cpu": 64, "memoryGiB": 512}},
    "mysql": {"kind": "in-cluster"},
    "redis": {"kind": "in-cluster"},
    "objectStore": {"kind": "in-cluster"},
    "clickhouse": {"kind": "managed"},
}
"""A stack that makes all that it needs. The nodes have room for what the changes ask for."""

MADE_OTHERWISE: dict[str, Any] = {
    "products": ["weave"],
    "host": "other.example.com",
    "license": "another licence",
    "kubernetes": {
        "context": "other",
        "kubeconfig": "/other/kubeconfig",
        "clusterIdentifier": "other",
        "storageClass": "other",
        "zones": 3,
        "serviceAccountIssuer": "https://other.example.com",
    },
    "namespaces": {
        "wandb": "other",
        "operator": "other",
        "clickhouse": "other",
        "podSecurity": "baseline",
        "create": False,
    },
    "ingress": {
        "className": "other",
        "controller": "openshift",
        "annotations": {"other": "yes"},
        "tls": "none",
        "tlsSecret": "other",
    },
    "sizing": {
        "scale": "medium",
        "chartSize": "medium",
        "components": {"api": RESOURCES},
    },
    "mysql": {"volumeGiB": 101, "maxConnections": 2000, "resources": RESOURCES},
    "redis": {"volumeGiB": 11, "resources": RESOURCES},
    "objectStore": {"volumeGiB": 101, "resources": RESOURCES},
    "clickhouse": {
        "shards": 2,
        "distributed": True,
        "replicas": 5,
        "keepers": 5,
        "cluster": "other",
        "database": "other",
        "volumeGiB": 201,
        "cacheGiB": 20,
        "keeperVolumeGiB": 21,
        "resources": RESOURCES,
        "keeperResources": RESOURCES,
        "passwordRevision": 2,
        "revision": "again",
        "ids": {"fromPlatform": True},
        "crds": "external",
    },
    "versions": {
        "wandbOperatorChart": "9.9.9",
        "wandbController": "9.9.9",
        "wandbChart": "9.9.9",
        "wandbServer": "9.9.9",
        "clickhouseOperatorChart": "9.9.9",
        "clickhouse": "99.9.9.9",
        "mysql": "8.9.9",
        "redis": "7.9.9",
        "seaweedfs": "9.9",
        "utility": "9.9.9",
    },
    "images": {
        "wandbController": "other/controller",
        "clickhouseServer": "other/server",
        "clickhouseKeeper": "other/keeper",
        "clickhouseOperator": "other/operator",
        "clickhouseMetrics": "other/exporter",
        "mysql": "other/mysql",
        "redis": "other/redis",
        "seaweedfs": "other/seaweedfs",
        "utility": "other/utility",
    },
    "followReleaseChannel": True,
    "protect": True,
    "timeouts": {"clickhouse": 21, "wandb": 31, "delete": 21},
}

BROUGHT: dict[str, Any] = {
    "environment": "test",
    "host": "wandb.example.com",
    "licenseSecret": {"name": "licence"},
    "ingress": {"className": "nginx"},
    "mysql": {
        "kind": "external",
        "host": "mysql.example.com",
        "passwordSecret": {"name": "mysql", "key": "password"},
        "admin": {"passwordSecret": {"name": "mysql-admin", "key": "password"}},
    },
    "redis": {
        "kind": "external",
        "host": "redis.example.com",
        "passwordSecret": {"name": "redis", "key": "password"},
    },
    "objectStore": {
        "kind": "external",
        "bucket": {"provider": "s3", "name": "files", "keysSecret": {"name": "bucket-keys"}},
        "clickhouseBucket": {"name": "traces", "keysSecret": {"name": "clickhouse-bucket-keys"}},
    },
    "clickhouse": {
        "kind": "external",
        "host": "clickhouse.example.com",
        "passwordSecret": {"name": "clickhouse", "key": "password"},
        "cluster": "brought",
    },
}
"""A stack that is given its data stores."""

BROUGHT_OTHERWISE: dict[str, Any] = {
    "environment": "production",
    "licenseSecret": SECRET_KEY,
    "mysql": {
        "host": "other.example.com",
        "port": 3307,
        "database": "other",
        "user": "other",
        "passwordSecret": SECRET_KEY,
        "password": "another-password",
        "admin": {"user": "other", "passwordSecret": SECRET_KEY},
    },
    "redis": {
        "host": "other.example.com",
        "port": 6380,
        "tls": True,
        "passwordSecret": SECRET_KEY,
        "password": "another-password",
    },
    "objectStore": {"bucket": {**BUCKET, "provider": "cw", "proxied": True}},
    "clickhouse": {
        "host": "other.example.com",
        "port": 8123,
        "database": "other",
        "user": "other",
        "passwordSecret": SECRET_KEY,
        "password": "another-password",
        "cluster": "other",
        "distributed": True,
    },
}

EXTERNAL: dict[str, Any] = {
    "mysql": {"kind": "external", "host": "mysql.example.com", "password": "a-password"},
    "redis": {"kind": "external", "host": "redis.example.com", "password": "a-password"},
    "objectStore": {
        "kind": "external",
        "bucket": {"provider": "s3", "name": "files"},
        "clickhouseBucket": {"name": "traces"},
    },
    "clickhouse": {"kind": "external", "host": "clickhouse.example.com", "password": "a-password"},
}
"""Data stores that a stack in a cloud is given."""

BUCKETS_BROUGHT = MADE | {"objectStore": BROUGHT["objectStore"]}
"""A stack that keeps its ClickHouse in a bucket that it is given."""

IN_CLOUD: dict[str, Any] = {
    cloud: MADE
    | {
        "objectStore": {
            "kind": "external",
            "bucket": {"provider": provider, "name": names[0], "identity": identity},
            "clickhouseBucket": {"provider": provider, "name": names[1], "identity": identity},
        },
        "clickhouse": {
            "kind": "managed",
            "backup": {"bucket": {"provider": provider, "name": names[2], "identity": identity}},
        },
    }
    for cloud, provider, names, identity in (
        ("AWS", "s3", ("files", "traces", "backups"), {"roleArn": "arn:aws:iam::123456789012:role/wandb"}),
        (
            "Google",
            "gcs",
            ("files", "traces", "backups"),
            {"googleServiceAccount": "wandb-files@acme.iam.gserviceaccount.com"},
        ),
        (
            "Azure",
            "az",
            ("account/files", "account/traces", "account/backups"),
            {"azureClientId": "01234567-89ab-cdef-0123-456789abcdef"},
        ),
    )
}
"""Stacks on a cluster in a cloud, whose pods' identity opens the buckets."""


def _identities(**identity: Any) -> dict[str, Any]:
    buckets = {"bucket": {"identity": identity}, "clickhouseBucket": {"identity": identity}}
    return {"objectStore": buckets, "clickhouse": {"backup": {"bucket": {"identity": identity}}}}


PRIVATE = MADE | {
    "objectStore": {
        "kind": "external",
        "bucket": {"provider": "s3", "name": "files"},
        "clickhouseBucket": {
            "name": "traces",
            "endpoint": "https://store.example.com",
            "keysSecret": {"name": "keys"},
            "caSecret": {"name": "ca", "key": "ca.crt"},
        },
    },
    "clickhouse": {
        "kind": "managed",
        "backup": {
            "bucket": {
                "name": "backups",
                "endpoint": "https://store.example.com",
                "keysSecret": {"name": "keys"},
                "caSecret": {"name": "ca", "key": "ca.crt"},
            }
        },
    },
}
"""A stack on a store whose certificate an authority of its own has signed."""

ENCRYPTED = MADE | {"clickhouse": {"kind": "managed", "tls": {"ca": FIRST, "issuer": {"name": "internal"}}}}
"""A stack whose ClickHouse encrypts, with a certificate that cert-manager makes."""

BACKED_UP = MADE | {
    "objectStore": BROUGHT["objectStore"],
    "clickhouse": {
        "kind": "managed",
        "backup": {"bucket": {"name": "backups", "keysSecret": {"name": "backup-bucket-keys"}}},
    },
}
"""A stack that keeps backups of its ClickHouse in a bucket that it is given."""

BACKED_UP_OTHERWISE: dict[str, Any] = {
    "clickhouse": {
        "backup": {
            "bucket": CLICKHOUSE_BUCKET,
            "prefix": "other",
            "schedule": "30 4 * * *",
            "fullEveryDays": 5,
            "keepDays": 60,
            "deadlineHours": 6,
        }
    }
}

LIMITED = MADE | {"networkPolicies": {"ingressNamespaces": ["ingress"], "ingressNetworks": ["10.0.0.0/24"]}}
"""A stack that limits who connects to whom."""

WATCHED = MADE | {"monitoring": {"namespace": "monitoring"}}
"""A stack that a Prometheus watches."""

WATCHED_OTHERWISE: dict[str, Any] = {
    "monitoring": {
        "namespace": "other",
        "labels": {"release": "other"},
        "alerts": False,
        "dashboards": False,
        "volumeFreePercent": 20,
        "replicaDelaySeconds": 60,
    }
}

LIMITED_OTHERWISE: dict[str, Any] = {
    "networkPolicies": {
        "ingressNamespaces": ["other"],
        "ingressNetworks": ["10.0.1.0/24"],
        "egressNetworks": ["10.0.0.0/8"],
        "dnsNamespaces": ["other"],
    }
}

COMPONENT = {"replicas": 2, "maxReplicas": 4, "cpuPercent": 80, "memoryPercent": 80}
INSTANCE = BROUGHT | {
    "sizing": {"nodes": {"count": 6, "cpu": 64, "memoryGiB": 512}, "components": {"api": COMPONENT}},
    "instance": instance_settings.SET,
}
"""A stack that sets all there is to set of W&B itself."""

INSTANCE_OTHERWISE: dict[str, Any] = {
    "sizing": {"components": {"api": {"replicas": 3, "maxReplicas": 5, "cpuPercent": 60, "memoryPercent": 60}}},
    "instance": instance_settings.OTHERWISE,
}

REGISTRY = MADE | {
    "clickhouse": {"kind": "managed", "crds": "external"},
    "airGapped": {
        "registry": "registry.example.com/mirror",
        "charts": "oci://registry.example.com/charts",
        "user": "robot",
        "password": "a-password",
    },
}
"""A stack that takes everything from a registry that asks for a login."""

REGISTRY_OTHERWISE: dict[str, Any] = {
    "airGapped": {
        "registry": "other.example.com/mirror",
        "charts": "oci://other.example.com/charts",
        "user": "other",
        "password": "another-password",
    }
}

REGISTRY_BY_SECRETS = REGISTRY | {
    "airGapped": {"registry": "registry.example.com/mirror", "pullSecret": "images", "chartsSecret": "charts"}
}

CERTIFIED = MADE | {
    "ingress": {
        "className": "nginx",
        "controller": "nginx",
        "tlsSecret": "wandb-tls",
        "certManager": {"name": "letsencrypt"},
    }
}
"""A stack whose controller is told what it needs, and whose certificate cert-manager makes."""

BEHIND_A_GATEWAY = MADE | {"ingress": {"gateway": {"name": "shared", "namespace": "gateways", "listener": "https"}}}
WITH_A_GATEWAY = MADE | {"ingress": {"gateway": {"className": "istio"}, "tlsSecret": "wandb-tls"}}

SINGLE = BROUGHT | {
    "products": ["models"],
    "clickhouse": {"kind": "none"},
    "sizing": {"nodes": {"count": 3, "cpu": 64, "memoryGiB": 512}},
    "singleContainer": {},
}
"""A stack whose server is one container."""

STACKS = {
    "certified": (
        CERTIFIED,
        {"ingress": {"timeoutSeconds": 60, "certManager": {"name": "other", "scope": "namespace"}}},
    ),
    "behind a gateway": (
        BEHIND_A_GATEWAY,
        {"ingress": {"gateway": {"name": "other", "namespace": "other", "listener": "other"}, "timeoutSeconds": 60}},
    ),
    "with a gateway": (WITH_A_GATEWAY, {"ingress": {"gateway": {"className": "other"}, "tlsSecret": "other"}}),
    "registry": (REGISTRY, REGISTRY_OTHERWISE),
    "registry by secrets": (REGISTRY_BY_SECRETS, {"airGapped": {"pullSecret": "other", "chartsSecret": "other"}}),
    "made": (MADE, MADE_OTHERWISE),
    "brought": (BROUGHT, BROUGHT_OTHERWISE),
    "instance": (INSTANCE, INSTANCE_OTHERWISE),
    "buckets brought": (BUCKETS_BROUGHT, {"objectStore": {"clickhouseBucket": CLICKHOUSE_BUCKET}}),
    "on AWS' cluster": (IN_CLOUD["AWS"], _identities(**ROLE, **IDENTITY)),
    "on Google's cluster": (IN_CLOUD["Google"], _identities(**GOOGLE)),
    "on Azure's cluster": (IN_CLOUD["Azure"], _identities(**AZURE)),
    "with ids of a range": (
        MADE | {"clickhouse": {"kind": "managed", "ids": {"user": 1000810000, "group": 0}}},
        {"clickhouse": {"ids": {"user": 1000820000, "group": 5, "volumes": 1000810000}}},
    ),
    "on a private store": (
        PRIVATE | {"clickhouse": {"kind": "managed"}},
        {"objectStore": {"clickhouseBucket": {"caSecret": CA}}},
    ),
    "backups on a private store": (
        PRIVATE | {"objectStore": BROUGHT["objectStore"]},
        {"clickhouse": {"backup": {"bucket": {"caSecret": CA}}}},
    ),
    "encrypted": (
        ENCRYPTED,
        {"clickhouse": {"tls": {"ca": SECOND, "issuer": {"name": "other", "scope": "namespace"}}}},
    ),
    "encrypted by a secret": (
        MADE | {"clickhouse": {"kind": "managed", "tls": {"ca": FIRST, "secret": "shown"}}},
        {"clickhouse": {"tls": {"secret": "other"}}},
    ),
    "backed up": (BACKED_UP, BACKED_UP_OTHERWISE),
    "limited": (LIMITED, LIMITED_OTHERWISE),
    "watched": (WATCHED, WATCHED_OTHERWISE),
    "one container": (SINGLE, {"singleContainer": {"volumeGiB": 30, "resources": RESOURCES}}),
    **aws_settings.STACKS,
}

EXCLUDED_BY = {
    **{f"{store}.password": f"{store}.passwordSecret" for store in ("mysql", "redis", "clickhouse")},
    "sizing.nodes.cpu": "sizing.nodes.type",
    **instance_settings.EXCLUDED_BY,
    "sizing.nodes.memoryGiB": "sizing.nodes.type",
}
"""The setting that has to be left out where another one is given."""

ONE_SETTING = (
    "annotations",
    "labels",
    "tags",
    "addonVersions",
    "serviceAccountAnnotations",
    "podLabels",
    *instance_settings.ONE_SETTING,
)
"""Sections whose keys the user chooses."""


def leaves(document: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting in `document` by its path. A section whose keys the user chooses is one setting."""
    for key, value in document.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, Mapping) and key not in ONE_SETTING:
            yield from leaves(value, here)
        else:
            yield here, value


CASES = [(stack, path, value) for stack, (_, others) in STACKS.items() for path, value in leaves(others)]


def changed(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`document` with other values at some paths."""
    result = json.loads(json.dumps(document))  # and not a deep copy, in which what is shared stays shared
    for path, value in changes.items():
        *parents, last = path.split(".")
        section = result
        for each in parents:
            section = section.setdefault(each, {})
        if value is None:
            section.pop(last, None)
        else:
            section[last] = value
    return result


@cache
def _requests(text: str) -> dict[str, Any]:
    config = {
        f"{NAMESPACE}:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in json.loads(text).items()
    }
    answer = World.of(config) if config.get(f"{NAMESPACE}:target") == "aws" else None
    recorder = record(ROOT, stack="alive", config=config, secret_keys=SECRETS & config.keys(), answer=answer).recorder
    return {each.urn: _asked(each) for each in recorder.resources_by_urn.values()}


def _asked(resource: Resource) -> dict[str, Any]:
    found = json_format.MessageToDict(resource.request)
    found["inputs"], found["secrets"] = resource.inputs, sorted(resource.secrets)
    for where_in_the_source in ("sourcePosition", "stackTrace"):
        found.pop(where_in_the_source, None)
    found["dependencies"] = sorted(found.get("dependencies", ()))
    for each in found.get("propertyDependencies", {}).values():
        each["urns"] = sorted(each.get("urns", ()))
    return found


def requests(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a stack with these settings asks for."""
    complete = changed(document, {"kubernetes.preflight": False})
    return _requests(json.dumps(complete, sort_keys=True))


def test_every_setting_is_either_tried_here_or_cannot_change_a_request() -> None:
    tried = {path.replace("components.api.", "components.<name>.") for _, path, _ in CASES}
    tried |= {key.path for key in surface() if key.name == "kind"} | {"target"}
    known = {each.path for each in surface() if not each.models and each.type != "section"}
    assert tried | ASKS_FOR_NOTHING.keys() == known
    assert not tried & ASKS_FOR_NOTHING.keys()


def test_a_setting_that_several_kinds_share_is_tried_in_each() -> None:
    tried = {(stack, path) for stack, path, _ in CASES}
    for key in surface():
        if key.kinds and not key.models and key.name != "kind":
            section = key.path.rpartition(".")[0]
            for kind in key.kinds:
                stacks = [name for name, (document, _) in STACKS.items() if kind_of(document, section) == kind]
                found = any((name, key.path) in tried for name in stacks)
                assert found or key.path in ASKS_FOR_NOTHING, f"{key.path} where kind is {kind}"


def kind_of(document: Mapping[str, Any], section: str) -> str | None:
    """The kind of a section; None where the document leaves it out."""
    here: Any = document
    for each in section.split("."):
        here = here.get(each, {})
    return here.get("kind")


@pytest.mark.parametrize("stack", STACKS)
def test_the_same_settings_ask_for_the_same(stack: str) -> None:
    first = requests(STACKS[stack][0])
    _requests.cache_clear()
    assert requests(STACKS[stack][0]) == first, "or every comparison here would find a difference"


@pytest.mark.parametrize("store", ["mysql", "redis", "objectStore", "clickhouse"])
def test_a_store_of_another_kind_asks_for_something_else(store: str) -> None:
    assert requests(changed(BROUGHT, {store: MADE[store]})) != requests(BROUGHT)


@pytest.mark.parametrize("section", ["mysql", "redis", "objectStore", "clickhouse"])
def test_a_store_that_is_brought_asks_for_something_else_than_one_that_the_cloud_makes(section: str) -> None:
    brought = dict(EXTERNAL[section])
    assert requests(changed(aws_settings.MADE, {section: brought})) != requests(aws_settings.MADE)


@pytest.mark.parametrize("section", ["network", "cluster", "dns"])
def test_what_stands_on_aws_asks_for_something_else_when_it_is_brought(section: str) -> None:
    first, second = aws_settings.IN_NETWORK, aws_settings.BROUGHT
    if section == "network":
        first, second = aws_settings.MADE, aws_settings.IN_NETWORK
    other = changed(first, {f"aws.{section}": second["aws"][section]})
    assert requests(other) != requests(first)


def test_another_target_asks_for_something_else() -> None:
    assert not requests(aws_settings.MADE).keys() & {urn for urn in requests(BROUGHT) if "Platform" in urn}


@pytest.mark.parametrize(("name", "value"), [("count", 8), ("cpu", 48), ("memoryGiB", 256)])
def test_nodes_that_exist_are_described_and_not_asked_for(name: str, value: int) -> None:
    assert requests(changed(MADE, {f"sizing.nodes.{name}": value})) == requests(MADE)


@pytest.mark.parametrize("name", get_args(ComponentName))
def test_the_resources_of_every_workload_ask_for_something_else(name: str) -> None:
    asked_for = {"optionalComponents": [name], "kafka": {"host": "kafka.example.com"}} if name in OPTIONAL else {}
    running = changed(MADE, {"instance": asked_for})
    assert requests(changed(running, {f"sizing.components.{name}": RESOURCES})) != requests(running)


def chart_values(document: Mapping[str, Any]) -> dict[str, Any]:
    """Every leaf of what W&B's chart gets, and `spec.chart`; without the marks that follow from them."""
    found: dict[str, Any] = {}
    for each in requests(document).values():
        if each["type"].endswith(":WeightsAndBiases"):
            spec = each["inputs"]["spec"]
            found = dict(_flat(spec["values"], ""))
            found["spec.chart"] = spec.get("chart")
    return {path: value for path, value in found.items() if "wandb.pulumi/" not in path}


def _flat(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from _flat(value, f"{path}.{key}".lstrip("."))
    else:
        yield path, tree


def documented() -> dict[str, list[str]]:
    """The chart's values by setting, as the tables of docs/wandb.md have them."""
    _, _, text = (ROOT / "docs" / "wandb.md").read_text().partition("## Setting it up")
    rows = re.findall(r"^\| (`[^|]+`) \| (`[^|]+`) \|(?: `tests/[^|]+` \|)?$", text, re.MULTILINE)
    found: dict[str, list[str]] = {}
    for settings, values in rows:
        for setting in re.findall(r"`([^`]+)`", settings):
            found[setting] = re.findall(r"`([^`]+)`", values)
    return found


@pytest.mark.parametrize(
    ("stack", "path", "value"),
    [case for case in CASES if not case[1].startswith("instance.") and not case[0].startswith("aws")],
    ids=lambda case: str(case)[:60],
)
def test_the_documentation_names_the_chart_values_that_a_setting_sets(stack: str, path: str, value: Any) -> None:
    document, _ = STACKS[stack]
    without = {EXCLUDED_BY[path]: None} if path in EXCLUDED_BY else {}
    before, after = chart_values(document), chart_values(changed(document, {**without, path: value}))
    different = {each for each in before.keys() | after.keys() if before.get(each) != after.get(each)}
    named = documented().get(path.replace(".api.", ".<name>."), [])
    patterns = [re.escape(each).replace("<component>", r"[\w-]+") for each in named]
    unnamed = [each for each in different if not any(re.fullmatch(rf"{one}(\..+)?", each) for one in patterns)]
    assert not unnamed, f"docs/wandb.md does not say that {path} sets these"


def test_the_documentation_names_no_setting_that_is_not_there() -> None:
    assert documented(), "the table is there"
    assert documented().keys() <= {key.path for key in surface()}


@pytest.mark.parametrize(("stack", "path", "value"), CASES, ids=[f"{stack}: {path}" for stack, path, _ in CASES])
def test_a_setting_with_another_value_asks_for_something_else(stack: str, path: str, value: Any) -> None:
    document, _ = STACKS[stack]
    without = {EXCLUDED_BY[path]: None} if path in EXCLUDED_BY else {}
    other = changed(document, {**without, path: value})
    assert requests(other) != requests(document), f"{NAMESPACE}:{path} has no effect"
