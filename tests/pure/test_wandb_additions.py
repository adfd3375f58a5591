"""What W&B's chart can run beyond the usual: only where it is asked for, and with all that it needs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sizing
from components import contracts
from components.wandb.chart_values import problems, secrets_in_clear
from components.wandb.inventory import BUFSTREAM_ACCOUNT, COMPONENTS, Component, running
from components.wandb.options import OLAP, Kafka, Options
from components.wandb.values import values
from rehearsal.operators.wandb.render import render
from settings import InvalidSettings, parse
from settings.sizing import ONLY_FOR, OPTIONAL, READS_QUEUE, READS_RUN_UPDATES
from sizing import chart, pods
from sizing.request import OPTIONAL as PLANNED
from tests.harness import aws_settings
from tests.harness import wandb_space as space

KAFKA = Kafka(host="kafka.example.com")
KEY = contracts.SecretKey(name="a-secret", key="key")
OPTIONAL_COMPONENTS = [each for each in COMPONENTS if each.optional]
STACK: dict[str, Any] = {
    "environment": "test",
    "host": "wandb.example.com",
    "licenseSecret": {"name": "licence"},
    "ingress": {"className": "nginx"},
}
each_optional = pytest.mark.parametrize("component", OPTIONAL_COMPONENTS, ids=lambda component: component.name)


def tree(options: Options, **arguments: Any) -> dict[str, Any]:
    return values(space.arguments(options=options, **arguments))


def deployments(options: Options, **arguments: Any) -> dict[str, dict[str, Any]]:
    objects = render(tree(options, **arguments), "wandb", "wandb")
    named = {each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]: each for each in objects if each["kind"] == "Deployment"}  # fmt: skip
    return {name: each["spec"]["template"] for name, each in named.items()}


def refused(of_instance: dict[str, Any], **more: Any) -> str:
    with pytest.raises(InvalidSettings) as found:
        parse(STACK | more | {"instance": of_instance})
    return "\n".join(str(each) for each in found.value.problems)


def test_settings_plan_and_inventory_know_the_same_optional_components() -> None:
    names = {each.name for each in OPTIONAL_COMPONENTS}
    assert names == set(OPTIONAL) == set(PLANNED)
    assert {each.name for each in OPTIONAL_COMPONENTS if each.reads_queue} == set(READS_QUEUE)
    assert {each.name for each in OPTIONAL_COMPONENTS if each.run_updates} == set(READS_RUN_UPDATES)
    assert names <= {each.component for each in chart.workloads("small") if each.on == "optional"}


@each_optional
def test_an_optional_component_runs_only_where_it_is_asked_for(component: Component) -> None:
    without = tree(Options(kafka=KAFKA))
    assert component.name not in without, "what nobody asks for is not even switched off, so that nothing rolls for it"
    assert component.name not in deployments(Options(kafka=KAFKA))
    asked = Options(kafka=KAFKA, optional_components=frozenset({component.name}))
    assert component.name in deployments(asked)
    assert problems(tree(asked)) == []
    assert component in running({"models", "weave"}, {component.name})


@each_optional
def test_an_optional_component_is_pinned_and_restricted_as_all_others_are(component: Component) -> None:
    asked = Options(kafka=KAFKA, optional_components=frozenset({component.name}))
    identity = contracts.Identity(service_account_annotations={"role": "arn"})
    block = tree(asked, identity=identity)[component.name]
    assert block["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert (block.get("image") is None) is bool(component.own_version)
    assert ("serviceAccount" in block) is component.opens_bucket
    image = deployments(asked)[component.name]["spec"]["containers"][0]["image"]
    assert image.endswith(f":{component.own_version or '0.82.2'}")


@each_optional
def test_an_optional_component_has_room_in_the_plan(component: Component) -> None:
    request = sizing.Request(environment="production", products={"models", "weave"}, cloud="aws")
    with_it = dataclasses.replace(request, optional={component.name})
    before = {each.owner for each in pods.of(sizing.plan(request)).base}
    after = pods.of(sizing.plan(with_it)).base
    assert {each.owner for each in after} - before == {f"wandb-{component.name}"}
    preset = chart.workload(component.name, sizing.plan(with_it).chart_size)
    assert len([each for each in after if each.owner == f"wandb-{component.name}"]) == preset.replicas.min


@pytest.mark.parametrize(
    ("bundled", "owners"),
    [
        ("bufstream", {"bufstream": 3, "wandb-etcd": 3}),
        (
            "prometheus",
            {
                "wandb-prometheus-mysql-exporter": 1,
                "wandb-prometheus-redis-exporter": 1,
                "wandb-prometheus-server": 1,
            },
        ),
        ("otel-deployment", {"wandb-otel-deployment": 1}),
        ("otel-daemonset", {"wandb-otel-daemonset": None}),
    ],
)
def test_what_the_chart_brings_along_has_room_in_the_plan(bundled: str, owners: dict[str, int | None]) -> None:
    plain = sizing.Request(environment="production", products={"models", "weave"}, cloud="aws")
    planned = sizing.plan(dataclasses.replace(plain, bundled={bundled}))
    known = {each.owner for each in pods.of(sizing.plan(plain)).base}
    found = [each.owner for each in pods.of(planned).base if each.owner not in known]
    assert {name: found.count(name) for name in found} == {
        name: planned.nodes.count if number is None else number for name, number in owners.items()
    }


def test_weaves_workers_find_queue_redis_and_the_trace_server() -> None:
    workers = frozenset(each.name for each in OPTIONAL_COMPONENTS if each.weave_worker)
    kafka = Kafka(host="kafka.example.com", user="weave", password=KEY)
    redis = contracts.Redis(host="redis.example.com", port=6380, tls=True, password=KEY)
    found = deployments(Options(kafka=kafka, optional_components=workers), redis=redis)
    for name in (*workers, "weave-trace"):
        listed = found[name]["spec"]["containers"][0]["env"]
        environment = {each["name"]: each for each in listed}
        order = [each["name"] for each in listed]
        assert environment["WEAVE_REDIS_URL"]["value"] == "rediss://:$(REDIS_PASSWORD)@redis.example.com:6380"
        assert order.index("REDIS_PASSWORD") < order.index("WEAVE_REDIS_URL"), "Kubernetes expands what came before"
        assert environment["KAFKA_CLIENT_USER"]["value"] == "weave"
        reference = {"secretKeyRef": {"name": "a-secret", "key": "key"}}
        assert environment["KAFKA_CLIENT_PASSWORD"]["valueFrom"] == reference
        if name != "weave-trace":
            token = {"secretKeyRef": {"name": "weave-worker-auth", "key": "key"}}
            assert environment["WANDB_INTERNAL_SERVICE_TOKEN"]["valueFrom"] == token


def test_w_and_b_trusts_the_weave_worker_that_calls_with_its_own_token() -> None:
    callers = tree(Options(kafka=KAFKA, optional_components=frozenset({"weave-trace-worker"})))["app"]["internalJWTMap"]
    assert [each["subject"] for each in callers] == [
        "system:serviceaccount:wandb:wandb-weave-trace",
        "system:serviceaccount:wandb:wandb-weave-trace-worker",
    ]


def test_redis_without_password_or_tls_is_addressed_without() -> None:
    options = Options(kafka=KAFKA, optional_components=frozenset({"weave-trace-worker"}))
    block = tree(options, redis=contracts.Redis(host="redis.example.com"))["weave-trace-worker"]
    assert block["env"] == {"WEAVE_REDIS_URL": "redis://redis.example.com:6379"}


def test_without_weaves_workers_the_trace_server_stays_as_it_is() -> None:
    assert "env" not in tree(Options(kafka=KAFKA))["weave-trace"]


def test_files_metadata_is_the_work_of_one() -> None:
    assert tree(Options(optional_components=frozenset({"filemeta"})))["app"]["env"] == {
        "GORILLA_FILEMETA_ENABLED": "false"
    }


def test_bufstream_keeps_its_data_in_the_bucket_which_it_opens_by_its_role() -> None:
    identity = contracts.Identity(
        service_account_annotations={"eks.amazonaws.com/role-arn": "arn"}, pod_labels={"identity": "yes"}
    )
    found = tree(Options(bufstream=True), bucket=space.S3, identity=identity, storage_class="fast")
    assert found["global"]["bufstream"] == {"enabled": True}
    assert found["bufstream"]["install"] is True
    assert found["bufstream"]["storage"]["s3"] == {
        "endpoint": "",
        "accessKeyId": "",
        "secretName": "",
        "prefix": "bufstream/",
    }
    account = {"annotations": {"eks.amazonaws.com/role-arn": "arn"}}
    assert found["bufstream"]["bufstream"] == {
        "serviceAccount": account,
        "deployment": {"podLabels": {"identity": "yes"}},
    }
    assert found["etcd"] == {"persistence": {"storageClass": "fast"}}
    assert problems(found) == []
    assert BUFSTREAM_ACCOUNT == "bufstream-service-account"


def test_models_finds_its_clickhouse_and_signs_in_by_a_secret() -> None:
    found = tree(Options(olap=OLAP(host="olap", user="models", password=KEY, history=True)))["global"]["olap"]
    assert found == {
        "default": {
            "host": "olap",
            "port": 9440,
            "user": "models",
            "password": {"valueFrom": {"secretKeyRef": {"name": "a-secret", "key": "key"}}},
            "params": {"tls": "true"},
        },
        "history": {"enabled": True},
    }


_olap = st.builds(
    OLAP, host=st.just("o"), user=st.just("u"), password=st.just(KEY), tls=st.booleans(), history=st.booleans()
)
_models = st.builds(
    Options,
    kafka=st.just(KAFKA),
    optional_components=st.frozensets(st.sampled_from(OPTIONAL)),
    olap=st.none() | _olap,
    executor_concurrency=st.none() | st.integers(1, 99),
    panel_cache_gib=st.none() | st.integers(1, 99),
    artifact_garbage_collection=st.none() | st.booleans(),
    prometheus=st.booleans(),
    open_telemetry=st.sampled_from([None, "deployment", "daemonset"]),
)


@given(_models)
def test_any_additions_give_values_that_the_chart_reads_and_no_secret(options: Options) -> None:
    emitted = tree(options)
    assert problems(emitted) == []
    assert secrets_in_clear(emitted) == []
    assert render(emitted, "wandb", "wandb")


@pytest.mark.parametrize(
    ("options", "more", "message"),
    [
        (Options(optional_components=frozenset({"nginx"})), {}, "nginx is not an optional component"),
        (Options(optional_components=frozenset({"weave-trace-worker"})), {}, "takes its work from a queue"),
        (
            Options(kafka=KAFKA, optional_components=frozenset({"weave-trace-worker"})),
            {"products": frozenset({"models"})},
            "works for the product weave",
        ),
        (
            Options(kafka=Kafka(host="k", port=9093), optional_components=frozenset({"metric-observer"})),
            {},
            "reads from port 9092 alone",
        ),
        (Options(kafka=KAFKA, bufstream=True), {"bucket": space.S3}, "kafka and bufstream are given"),
        (Options(bufstream=True), {"bucket": space.COMPATIBLE}, "by its identity alone"),
        (Options(panel_cache_gib=1), {"products": frozenset({"weave"})}, "are of Models"),
    ],
)
def test_a_component_without_what_it_needs_is_refused(options: Options, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tree(options, **more)


@pytest.mark.parametrize(
    ("of_instance", "more", "message"),
    [
        ({"optionalComponents": ["nginx"]}, {}, "instance.optionalComponents[0]: is not a known value"),
        ({"optionalComponents": ["filemeta", "filemeta"]}, {}, "optionalComponents[1]: is filemeta again"),
        ({"optionalComponents": ["weave-trace-worker"]}, {}, "which takes its work from a queue, and there is none"),
        (
            {"optionalComponents": ["weave-trace-worker"], "kafka": {"host": "k"}},
            {"products": ["models"]},
            "which runs for the product weave alone",
        ),
        (
            {"optionalComponents": ["history-updater"], "kafka": {"host": "k", "port": 9093}},
            {},
            "lets read from port 9092 alone",
        ),
        ({"components": {"filemeta": {"env": {"A": "1"}}}}, {}, "filemeta runs only where it is asked for"),
        (
            {},
            {"sizing": {"components": {"filemeta": {"cpuRequest": "1"}}}},
            "sizing.components.filemeta: is given, and filemeta runs only where it is asked for",
        ),
        ({"bufstream": True}, {}, "would have no role by which they open the bucket"),
        (
            {"bufstream": True, "kafka": {"host": "k"}},
            {},
            "instance.bufstream: is true, and `instance.kafka` is given too",
        ),
        ({"panelCacheGiB": 3}, {"products": ["weave"]}, "instance.panelCacheGiB: is given, and it is of Models"),
        (
            {"olap": {"host": "o", "user": "u", "passwordSecret": {"name": "s", "key": "k"}}},
            {},
            "nothing is to be kept there",
        ),
        ({"openTelemetry": "daemonset"}, {}, "whose pods the namespace that the stack makes would refuse"),
    ],
)
def test_settings_of_what_cannot_run_are_refused_in_words(
    of_instance: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    assert message in refused(of_instance, **more)


def test_bufstream_is_for_buckets_that_pods_open_by_their_role() -> None:
    parse(aws_settings.MADE | {"instance": {"bufstream": True}}, secret_keys=("wandb:license",))
    assert ONLY_FOR["weave-trace-worker"] == "weave"
