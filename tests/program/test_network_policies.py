"""The stack's NetworkPolicies, evaluated: every connection that W&B, ClickHouse and their operators really make is let through, and
those that nobody should make are not.

Pods are those of the recorded stack, with the labels that it gives them; those that charts and operators make have the labels of
these. The connections are facts: the Services and settings of chart `operator-wandb` 0.43.8, the ports of Altinity's operator 0.25.6.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.harness import Recording, record_stack
from tests.harness.network import Cluster, End, Outside, Pod

INGRESS = Pod(namespace="ingress-nginx", labels={"app.kubernetes.io/name": "ingress-nginx"}, address="10.1.9.1")
DNS = Pod(namespace="kube-system", labels={"k8s-app": "kube-dns"}, address="10.1.9.2")
OPENSHIFT_DNS = Pod(namespace="openshift-dns", labels={}, address="10.1.9.3")
STRANGER = Pod(
    namespace="elsewhere",
    labels={"app.kubernetes.io/name": "api", "app.kubernetes.io/instance": "wandb"},
    address="10.1.9.4",
)
NODE_DNS = Outside(address="169.254.20.10")
METADATA = Outside(address="169.254.169.254")
POD_IDENTITY = Outside(address="169.254.170.23")
INTERNET = Outside(address="198.51.100.7")
API_SERVER = Outside(address="10.0.0.1")
CONTROL_PLANE = Outside(address="192.168.8.4")

POLICIES = {"ingressNamespaces": ["ingress-nginx"]}
MODELS_AND_WEAVE = ("api", "app", "console", "executor", "frontend", "glue", "parquet", "weave", "weave-trace")
SERVERS = ("api", "app", "executor", "glue", "parquet")
ENTRY = {"api": 8081, "app": 8080, "console": 8082, "frontend": 8080, "weave-trace": 8080}


@cache
def recorded(stack: str) -> Recording:
    return record_stack(stack, changes={"wandb:networkPolicies": POLICIES})


def policies(recording: Recording) -> list[dict[str, Any]]:
    return [dict(each.inputs) for each in recording.recorder.custom() if each.type.endswith(":NetworkPolicy")]


def clusters(stack: str) -> tuple[Cluster, Cluster]:
    """The stack under a plugin that lets less through, and under one that lets more."""
    made = policies(recorded(stack))
    less, more = (Cluster(policies=made, blocks_hold_pods=each) for each in (False, True))
    return less, more


def wandb(component: str) -> Pod:
    labels = {"app.kubernetes.io/name": component, "app.kubernetes.io/instance": "wandb"}
    return Pod(namespace="wandb", labels=labels, address=f"10.1.0.{10 + len(component)}")


def own(stack: str, kind: str, name: str) -> Pod:
    """The pod of a StatefulSet, Job or CronJob that the stack itself asks for, with the label that Kubernetes gives a Job's."""
    (found,) = (
        each.inputs
        for each in recorded(stack).recorder.custom()
        if each.type.endswith(f":{kind}") and each.name == name
    )
    spec = found["spec"]["jobTemplate"]["spec"] if kind == "CronJob" else found["spec"]
    labels = dict((spec["template"].get("metadata") or {}).get("labels") or {})
    if kind in ("Job", "CronJob"):
        labels["batch.kubernetes.io/job-name"] = name
    return Pod(namespace=found["metadata"]["namespace"], labels=labels, address=f"10.2.0.{len(name)}")


def clickhouse(number: int = 0) -> Pod:
    labels = {"app.kubernetes.io/name": "clickhouse-server", "clickhouse.altinity.com/chi": "wandb"}
    return Pod(namespace="clickhouse", labels=labels, address=f"10.3.0.{number + 1}")


def keeper(number: int = 0) -> Pod:
    labels = {"app.kubernetes.io/name": "clickhouse-keeper", "clickhouse-keeper.altinity.com/chk": "wandb"}
    return Pod(namespace="clickhouse", labels=labels, address=f"10.4.0.{number + 1}")


CLICKHOUSE_OPERATOR = Pod(
    namespace="clickhouse",
    labels={
        "app.kubernetes.io/name": "altinity-clickhouse-operator",
        "app.kubernetes.io/instance": "clickhouse-operator",
    },
    address="10.5.0.1",
)
WANDB_OPERATOR = Pod(namespace="wandb-operator", labels={"control-plane": "controller-manager"}, address="10.5.0.2")


def must_pass(stack: str, *flows: tuple[End, End, int]) -> None:
    less, more = clusters(stack)
    for source, target, port in flows:
        for held in (less, more):
            assert held.allows(source, target, port), f"{source} does not reach {target} on {port}"


def must_fail(stack: str, *flows: tuple[End, End, int]) -> None:
    less, more = clusters(stack)
    for source, target, port in flows:
        for held in (less, more):
            assert not held.allows(source, target, port), f"{source} reaches {target} on {port}"


def in_cluster(store: str) -> tuple[Pod, int]:
    name, port = {
        "mysql": ("platform-mysql-server", 3306),
        "redis": ("platform-redis-server", 6379),
        "seaweedfs": ("platform-object-store-server", 8333),
    }[store]
    return own("dev", "StatefulSet", name), port


def every_pod(stack: str) -> list[Pod]:
    pods = [*map(wandb, MODELS_AND_WEAVE), wandb("settings-migration-job"), clickhouse(), keeper()]
    jobs = [own(stack, "Job", "clickhouse-ready"), own(stack, "Job", "wandb-verification-job")]
    return [*pods, *jobs, CLICKHOUSE_OPERATOR, WANDB_OPERATOR]


@pytest.mark.parametrize("stack", ["dev", "production", "prod"])
def test_every_lasting_pod_is_limited_in_both_directions_and_finds_hosts_by_name(stack: str) -> None:
    less, _ = clusters(stack)
    for pod in every_pod(stack):
        for direction in ("Ingress", "Egress"):
            assert less.selecting(pod, direction), f"nothing limits {direction} of {pod}"
        for resolver, port in ((DNS, 53), (OPENSHIFT_DNS, 5353), (NODE_DNS, 53)):
            assert less.allows(pod, resolver, port), f"{pod} does not reach {resolver}"
            assert less.allows(pod, resolver, port, "UDP"), f"{pod} does not reach {resolver}"


@pytest.mark.parametrize("stack", ["dev", "production"])
def test_users_reach_what_the_ingress_leads_to_and_nothing_behind_it(stack: str) -> None:
    must_pass(stack, *((INGRESS, wandb(name), port) for name, port in ENTRY.items()))
    must_fail(
        stack,
        (INGRESS, wandb("parquet"), 8087),
        (INGRESS, wandb("weave"), 9994),
        (INGRESS, wandb("app"), 8083),
        (INGRESS, wandb("app"), 8181),
        (INGRESS, clickhouse(), 8123),
        (INGRESS, keeper(), 2181),
        (INTERNET, wandb("api"), 8081),
        (STRANGER, wandb("api"), 8081),
    )


def test_on_aws_the_load_balancer_reaches_pods_from_the_network_that_the_stack_makes() -> None:
    made = record_stack("prod", changes={"wandb:networkPolicies": {}})
    held = Cluster(policies=policies(made), blocks_hold_pods=False)
    assert held.allows(Outside(address="10.20.3.4"), wandb("frontend"), 8080)
    assert held.allows(Outside(address="10.20.3.4"), wandb("weave-trace"), 8080)
    assert not held.allows(Outside(address="10.21.3.4"), wandb("frontend"), 8080)
    assert not held.allows(Outside(address="10.20.3.4"), wandb("parquet"), 8087)


@pytest.mark.parametrize("stack", ["dev", "production"])
def test_components_of_wandb_reach_each_other_where_the_chart_says_so(stack: str) -> None:
    calls = [
        ("frontend", "app", 8080),
        ("frontend", "app", 8083),
        ("frontend", "weave", 9994),
        ("console", "app", 8080),
        ("app", "weave", 9994),
        ("weave", "api", 8081),
        ("weave-trace", "api", 8081),
        *((server, "parquet", port) for server in SERVERS for port in (8087, 8088)),
        *((server, "app", port) for server in SERVERS for port in (8082, 8083)),
    ]
    must_pass(stack, *((wandb(source), wandb(target), port) for source, target, port in calls))
    must_fail(
        stack,
        (wandb("frontend"), wandb("parquet"), 8087),
        (wandb("frontend"), wandb("api"), 8081),
        (wandb("console"), wandb("weave"), 9994),
        (wandb("weave-trace"), wandb("parquet"), 8087),
        (wandb("weave"), wandb("parquet"), 8087),
        (wandb("parquet"), wandb("glue"), 8080),
    )


@pytest.mark.parametrize("store", ["mysql", "redis", "seaweedfs"])
def test_stores_in_the_cluster_answer_those_who_keep_something_there(store: str) -> None:
    target, port = in_cluster(store)
    must_pass("dev", *((wandb(name), target, port) for name in SERVERS))
    for name in ("frontend", "console", "weave-trace"):
        must_fail("dev", (wandb(name), target, port))
    must_fail(
        "dev",
        (STRANGER, target, port),
        (INGRESS, target, port),
        (own("dev", "Job", "wandb-verification-job"), target, port),
        (WANDB_OPERATOR, target, port),
        (target, INTERNET, 443),
        (target, wandb("api"), 8081),
    )


def test_the_jobs_that_furnish_stores_and_what_else_is_in_the_release_reach_them() -> None:
    mysql, seaweedfs = in_cluster("mysql"), in_cluster("seaweedfs")
    must_pass(
        "dev",
        (own("dev", "Job", "platform-mysql-database-job"), *mysql),
        (own("dev", "Job", "platform-object-store-buckets"), *seaweedfs),
        (wandb("settings-migration-job"), *mysql),
        (wandb("filestream"), *in_cluster("redis")),
        (wandb("filestream"), wandb("parquet"), 8087),
    )


@pytest.mark.parametrize("stack", ["dev", "production", "prod"])
def test_clickhouse_answers_weave_its_operator_its_jobs_and_its_own(stack: str) -> None:
    probe = own(stack, "Job", "clickhouse-ready")
    must_pass(
        stack,
        (wandb("weave-trace"), clickhouse(), 8123),
        (wandb("weave-trace-worker"), clickhouse(), 8123),
        (CLICKHOUSE_OPERATOR, clickhouse(), 8123),
        (probe, clickhouse(), 9000),
        (clickhouse(), clickhouse(1), 9009),
        (clickhouse(), clickhouse(1), 9000),
        (clickhouse(), keeper(), 2181),
        (keeper(), keeper(1), 9444),
    )
    must_fail(
        stack,
        *((wandb(name), clickhouse(), port) for name in SERVERS for port in (8123, 9000)),
        (wandb("frontend"), clickhouse(), 8123),
        (wandb("weave-trace"), clickhouse(), 9009),
        (STRANGER, clickhouse(), 8123),
        (STRANGER, clickhouse(), 9000),
        (CLICKHOUSE_OPERATOR, clickhouse(), 9009),
        (WANDB_OPERATOR, clickhouse(), 8123),
        (probe, clickhouse(), 9009),
    )


def test_with_tls_the_same_reach_the_ports_with_tls_and_nobody_those_without() -> None:
    stack = "clickhouse-tls"
    probe = own(stack, "Job", "clickhouse-ready")
    must_pass(
        stack,
        (wandb("weave-trace"), clickhouse(), 8443),
        (CLICKHOUSE_OPERATOR, clickhouse(), 8443),
        (probe, clickhouse(), 9440),
        (clickhouse(), clickhouse(1), 9010),
        (clickhouse(), clickhouse(1), 9440),
        (clickhouse(), keeper(), 9281),
        (keeper(), keeper(1), 9444),
    )
    ends = [*every_pod(stack), STRANGER, INGRESS, INTERNET]
    must_fail(stack, *((each, clickhouse(2), port) for each in ends for port in (8123, 9000, 9009, 9004, 9005)))
    must_fail(stack, *((each, keeper(2), 2181) for each in ends))
    must_fail(stack, *((each, clickhouse(2), port) for each in (STRANGER, INGRESS) for port in (8443, 9440, 9010)))


@pytest.mark.parametrize("stack", ["dev", "production", "prod"])
def test_nobody_but_the_servers_reaches_keeper(stack: str) -> None:
    ends = [*every_pod(stack), STRANGER, INGRESS, INTERNET]
    others = [each for each in ends if each not in (clickhouse(), keeper(), keeper(1))]
    must_fail(stack, *((each, keeper(2), port) for each in others for port in (2181, 9444, 9182, 7000)))
    must_fail(stack, (clickhouse(), keeper(), 9444), (keeper(), clickhouse(), 8123), (keeper(), INTERNET, 443))


def test_clickhouse_keeps_its_data_in_the_store_of_the_cluster_and_reaches_nothing_outside() -> None:
    must_pass("dev", (clickhouse(), *in_cluster("seaweedfs")))
    must_fail(
        "dev", (clickhouse(), *in_cluster("mysql")), (clickhouse(), INTERNET, 443), (keeper(), *in_cluster("seaweedfs"))
    )


@pytest.mark.parametrize("stack", ["dev", "production", "prod"])
def test_only_those_who_ask_the_cluster_reach_its_api(stack: str) -> None:
    verification = own(stack, "Job", "wandb-verification-job")
    asking = [WANDB_OPERATOR, CLICKHOUSE_OPERATOR, verification, *map(wandb, ("api", "app", "console", "glue"))]
    must_pass(
        stack, *((each, end, port) for each in asking for end, port in ((API_SERVER, 443), (CONTROL_PLANE, 6443)))
    )
    silent = [clickhouse(), keeper(), *map(wandb, ("executor", "frontend", "parquet", "weave", "weave-trace"))]
    must_fail(stack, *((each, CONTROL_PLANE, 6443) for each in silent))


@pytest.mark.parametrize("stack", ["dev", "production", "prod"])
def test_the_verification_reaches_what_it_asks(stack: str) -> None:
    verification = own(stack, "Job", "wandb-verification-job")
    must_pass(stack, *((verification, wandb(name), port) for name, port in ENTRY.items()))
    must_fail(stack, (verification, wandb("parquet"), 8087), (verification, clickhouse(), 8123))


def test_brought_stores_are_reached_on_their_ports_by_those_who_use_them() -> None:
    must_pass(
        "production",
        *((wandb(name), INTERNET, port) for name in SERVERS for port in (3306, 6379, 443)),
        (wandb("weave"), INTERNET, 443),
        (wandb("weave-trace"), INTERNET, 443),
        (clickhouse(), INTERNET, 443),
        (WANDB_OPERATOR, INTERNET, 443),
    )
    must_fail(
        "production",
        *((wandb("frontend"), INTERNET, port) for port in (443, 3306, 6379)),
        (wandb("weave-trace"), INTERNET, 3306),
        (clickhouse(), INTERNET, 3306),
        (keeper(), INTERNET, 443),
        (wandb("api"), INTERNET, 22),
        (wandb("console"), INTERNET, 3306),
    )


def test_identities_are_handed_to_those_who_open_a_bucket_without_keys() -> None:
    must_pass("prod", *((wandb(name), POD_IDENTITY, 80) for name in SERVERS), (clickhouse(), POD_IDENTITY, 80))
    must_fail(
        "prod", (wandb("frontend"), POD_IDENTITY, 80), (keeper(), POD_IDENTITY, 80), (WANDB_OPERATOR, POD_IDENTITY, 80)
    )
    for stack in ("dev", "production"):
        must_fail(stack, *((each, POD_IDENTITY, 80) for each in every_pod(stack)))


@pytest.mark.parametrize("stack", ["dev", "production", "prod"])
def test_no_pod_gets_at_the_identity_of_its_node(stack: str) -> None:
    must_fail(stack, *((each, METADATA, port) for each in every_pod(stack) for port in (80, 443)))


def test_wandb_reaches_itself_by_its_public_name_where_its_load_balancer_is_in_the_cluster() -> None:
    must_pass("dev", (wandb("api"), INGRESS, 8443), (wandb("weave-trace"), INGRESS, 443))
    must_fail("dev", (wandb("frontend"), INGRESS, 8443))


def test_without_the_setting_only_connections_to_clickhouse_are_limited() -> None:
    made = policies(record_stack("dev"))
    assert {each["metadata"]["name"] for each in made} == {"clickhouse-server", "clickhouse-keeper"}
    assert all(each["spec"]["policyTypes"] == ["Ingress"] for each in made)


def test_addresses_outside_can_be_narrowed_to_those_that_are_known() -> None:
    narrow = POLICIES | {"egressNetworks": ["203.0.113.0/24"], "dnsNamespaces": ["dns"]}
    held = Cluster(
        policies=policies(record_stack("production", changes={"wandb:networkPolicies": narrow})), blocks_hold_pods=False
    )
    assert held.allows(wandb("api"), Outside(address="203.0.113.9"), 443)
    assert not held.allows(wandb("api"), INTERNET, 443)
    assert not held.allows(clickhouse(), INTERNET, 443)
    assert held.allows(clickhouse(), Pod(namespace="dns", labels={}), 53)
    assert not held.allows(clickhouse(), DNS, 53)
