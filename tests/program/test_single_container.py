"""W&B's server in one container, as a part of a program: secrets, user, volume, what starts it anew, and what it is not."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_kubernetes
import pytest

from components import contracts
from components.namespaces import Namespaces, NamespacesArgs
from components.wandb import Options, SingleContainer, SingleContainerArgs
from components.wandb.options import SMTP, Kafka, Placing
from tests.harness import Recording, Resource, record_function, record_stack
from tests.harness import wandb_space as space

VERSIONED = contracts.SecretKey(name="mysql-password", key="password", version="1")


def program(**changes: Any) -> None:
    provider = pulumi_kubernetes.Provider("cluster", cluster_identifier="test")
    args: dict[str, Any] = {
        "cluster": contracts.Cluster(provider=provider, service_account_issuer=space.ISSUER, storage_class="fast"),
        "namespaces": Namespaces(
            "namespaces", NamespacesArgs(provider=provider, operator="wandb", clickhouse=None)
        ).outputs,
        "mysql": contracts.MySQL(host="mysql", password=VERSIONED),
        "redis": space.REDIS,
        "bucket": space.COMPATIBLE,
        "ingress": contracts.Ingress(class_name="nginx", tls_secret="certificate", annotations={"a": "b"}),
        "url": "https://wandb.example.com",
        "license": pulumi.Output.secret(space.LICENSE),
    }
    made = SingleContainer("wandb", SingleContainerArgs(**args | changes))
    pulumi_kubernetes.core.v1.ConfigMap(
        "user", data={"verified": made.verified.apply(str)}, opts=pulumi.ResourceOptions(provider=provider)
    )


def run(**changes: Any) -> Recording:
    return record_function(lambda: program(**changes))


@pytest.fixture(scope="module")
def up() -> Recording:
    return run()


def one(recording: Recording, kind: str) -> Resource:
    (found,) = [each for each in recording.recorder.custom() if each.type.endswith(f":{kind}")]
    return found


def pod(recording: Recording) -> dict[str, Any]:
    return one(recording, "Deployment").inputs["spec"]["template"]


def test_secrets_are_named_and_never_told(up: Recording) -> None:
    for resource in up.recorder.custom():
        if not resource.type.endswith(":Secret"):
            assert space.LICENSE not in json.dumps(resource.inputs)
            assert not resource.secrets
    variables = {each["name"]: each for each in pod(up)["spec"]["containers"][0]["env"]}
    licence = {"secretKeyRef": {"name": "wandb-server-license", "key": "license"}}
    assert variables["LICENSE"]["valueFrom"] == licence
    assert variables["MYSQL"]["value"] == "mysql://wandb:$(MYSQL_PASSWORD)@mysql:3306/wandb_local"
    names = list(variables)
    for needed, by in (("MYSQL_PASSWORD", "MYSQL"), ("REDIS_PASSWORD", "REDIS"), ("BUCKET_SECRET_KEY", "BUCKET")):
        assert names.index(needed) < names.index(by), "Kubernetes expands what came before"


def test_the_container_needs_no_root_and_its_group_is_the_one_of_the_files(up: Recording) -> None:
    assert pod(up)["spec"]["securityContext"].items() >= {"runAsUser": 999, "runAsGroup": 0, "fsGroup": 0}.items()
    asked = pod(run(options=Options(placing=Placing(run_as_user=100000))))["spec"]["securityContext"]
    assert (asked["runAsUser"], asked["runAsGroup"], asked["runAsNonRoot"]) == (100000, 0, True)
    container = pod(up)["spec"]["containers"][0]
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert pod(up)["spec"]["automountServiceAccountToken"] is False


def test_one_pod_at_a_time_has_the_volume_and_the_database(up: Recording) -> None:
    spec = one(up, "Deployment").inputs["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    claim = one(up, "PersistentVolumeClaim")
    assert claim.inputs["spec"]["storageClassName"] == "fast"
    assert pod(up)["spec"]["volumes"][0]["persistentVolumeClaim"] == {"claimName": "wandb-data"}
    assert claim.urn in up.recorder.before(one(up, "Deployment").urn)
    assert [one(run(protect=each), "PersistentVolumeClaim").protected for each in (True, False)] == [True, False]


def test_it_is_up_when_its_pod_is_ready(up: Recording) -> None:
    container = pod(up)["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"] == {"path": "/ready", "port": 8080}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": 8080}
    minutes = container["startupProbe"]["failureThreshold"] * container["startupProbe"]["periodSeconds"] / 60
    assert minutes == 30, "a new database is migrated in this time"
    user = next(each for each in up.recorder.custom() if each.urn.endswith("::user"))
    assert one(up, "Deployment").urn in up.recorder.before(user.urn)


def test_users_reach_it_through_the_ingress_under_every_host() -> None:
    spec = one(run(options=Options(additional_hosts=("other.example.com",))), "Ingress").inputs["spec"]
    hosts = ["wandb.example.com", "other.example.com"]
    assert [each["host"] for each in spec["rules"]] == hosts
    assert spec["tls"] == [{"secretName": "certificate", "hosts": hosts}]
    assert spec["rules"][0]["http"]["paths"][0]["backend"]["service"] == {"name": "wandb", "port": {"number": 80}}


@pytest.mark.parametrize(
    "changes",
    [
        {"license": "another licence"},
        {"mysql": contracts.MySQL(host="mysql", password=contracts.SecretKey(name="m", key="k", version="2"))},
        {"redis": contracts.Redis(host="r", password=contracts.SecretKey(name="r", key="k", version="1"))},
        {"options": Options(ca_certificates=("other",))},
        {
            "options": Options(
                smtp=SMTP(host="m", user="u", password=contracts.SecretKey(name="s", key="k", version="1"))
            )
        },
    ],
    ids=["licence", "mysql", "redis", "authorities", "smtp"],
)
def test_what_the_server_reads_as_it_starts_starts_it_anew(up: Recording, changes: dict[str, Any]) -> None:
    assert pod(run(**changes))["metadata"]["annotations"] != pod(up)["metadata"]["annotations"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "wandb.example.com"}, "url: 'wandb.example.com' is not of the form https://host"),
        ({"volume_gib": 0}, "volume_gib: 0 given"),
        ({"options": Options(kafka=Kafka(host="k"))}, "options: kafka given"),
        (
            {"bucket": contracts.Bucket(provider="az", name="a/b", region="r")},
            "bucket: provider az given",
        ),
    ],
)
def test_what_one_container_cannot_do_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(**changes)


def test_a_stack_with_one_container_has_no_operator_and_no_custom_resource() -> None:
    recorded = record_stack("single-container")
    kinds = {each.type.rpartition(":")[2] for each in recorded.recorder.custom()}
    assert not kinds & {"Release", "WeightsAndBiases", "Job", "ClusterRole"}
    assert recorded.exports["verified"] is True
