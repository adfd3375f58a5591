"""The stand-in for nodes: what keeps a pod from starting, which Services a Job waits for, what a pod's status says."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.kubelet import crd_hook, environment, gate, jobs, lifecycle, services, volumes
from rehearsal.kubelet.images import is_clickhouse_server, operator

NOW = "2026-11-21T08:00:00Z"


def pod(**spec: Any) -> dict[str, Any]:
    containers = [{"name": "main", "image": "image:1"}]
    return {
        "metadata": {"name": "a-pod", "namespace": "ns", "uid": "u"},
        "spec": {"containers": containers, "nodeName": "node-0"} | spec,
        "status": {"conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": NOW}]},
    }


def with_env(*env: dict[str, Any], **more: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "main", "image": "image:1", "env": list(env)} | more])


def cluster(*objects: tuple[str, str, dict[str, str]]):
    held = {(kind, name): {"kind": kind, "data": data} for kind, name, data in objects}
    return lambda kind, name: held.get((kind, name))


def reads(secret: str, key: str, **more: Any) -> dict[str, Any]:
    return {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": secret, "key": key} | more}}


def test_a_pod_without_references_may_start():
    assert gate.obstacle(pod(), cluster()) is None


def test_a_missing_secret_keeps_a_container_from_starting_in_the_kubelets_words():
    found = gate.obstacle(with_env(reads("mysql", "password")), cluster())
    assert found == gate.Obstacle(
        reason="CreateContainerConfigError", message='secret "mysql" not found', container="main"
    )


def test_a_missing_key_is_named_with_its_secret():
    found = gate.obstacle(with_env(reads("mysql", "password")), cluster(("Secret", "mysql", {"user": ""})))
    assert found is not None
    assert found.message == "couldn't find key password in Secret ns/mysql"


def test_what_is_optional_may_be_missing():
    assert gate.obstacle(with_env(reads("mysql", "password", optional=True)), cluster()) is None


def test_a_missing_config_map_in_env_from_is_an_obstacle():
    found = gate.obstacle(with_env(envFrom=[{"configMapRef": {"name": "settings"}}]), cluster())
    assert found is not None
    assert found.message == 'configmap "settings" not found'


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"secret": {"secretName": "tls"}}, 'MountVolume.SetUp failed for volume "v" : secret "tls" not found'),
        ({"configMap": {"name": "c"}}, 'MountVolume.SetUp failed for volume "v" : configmap "c" not found'),
        (
            {"secret": {"secretName": "held", "items": [{"key": "ca", "path": "ca"}]}},
            'MountVolume.SetUp failed for volume "v" : references non-existent secret key: ca',
        ),
        (
            {"projected": {"sources": [{"configMap": {"name": "c"}}]}},
            'MountVolume.SetUp failed for volume "v" : configmap "c" not found',
        ),
        ({"persistentVolumeClaim": {"claimName": "data"}}, 'persistentvolumeclaim "data" not found'),
    ],
)
def test_a_missing_volume_keeps_the_whole_pod_from_starting(volume: dict[str, Any], message: str):
    found = gate.obstacle(pod(volumes=[{"name": "v", **volume}]), cluster(("Secret", "held", {})))
    assert found is not None
    assert (found.message, found.container, found.event) == (message, None, "FailedMount")


def test_the_environment_expands_references_as_a_kubelet_does():
    variables = (
        {"name": "HOST", "value": "db"},
        reads("mysql", "password"),
        {"name": "URL", "value": "$(HOST)/$(PASSWORD)/$(UNKNOWN)/$$(HOST)"},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    )
    lookup = cluster(("Secret", "mysql", {"password": "cHc="}))
    made = with_env(*variables)
    found = environment.resolve(made, made["spec"]["containers"][0], lookup)
    assert found == {"HOST": "db", "PASSWORD": "pw", "URL": "db/pw/$(UNKNOWN)/$(HOST)", "POD": "a-pod"}


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("http://wandb-api.wandb.svc.cluster.local:8081/ready", ["wandb-api.wandb:8081"]),
        ("mysql.wandb.svc.cluster.local", ["mysql.wandb"]),
        ("redis://:$(PASSWORD)@redis:6379?tls=true", ["redis.ns:6379"]),
        ("wandb-app:8080", ["wandb-app.ns:8080"]),
        ("a.one.svc.cluster.local:9000 b.one.svc.cluster.local:9000", ["a.one:9000", "b.one:9000"]),
        ("chi-0-0-0.chi-0-0.one.svc.cluster.local", ["chi-0-0.one"]),
        ("known.there", ["known.there"]),
        ("https://deploy.wandb.ai/api", []),
        ("charts.wandb.ai:443", []),
        ("http://localhost:8080", []),
        ("12:30", []),
        ("curl http://web:80/ && echo done", ["web.ns:80"]),
    ],
)
def test_the_services_that_a_text_names(text: str, targets: list[str]):
    found = services.named([text], "ns", {("there", "known")})
    assert sorted(map(str, found)) == targets


def test_a_service_answers_only_on_its_port_and_with_a_ready_endpoint():
    known = {("ns", "web"): {"spec": {"ports": [{"port": 80}], "clusterIP": "10.0.0.1"}}}
    target = services.Target(namespace="ns", name="web", port=80)
    wrong = services.Target(namespace="ns", name="web", port=81)
    missing = services.Target(namespace="ns", name="other")
    assert list(services.unanswered([target], known, {("ns", "web")})) == []
    assert list(services.unanswered([target], known, set())) == ["Service web.ns:80 has no ready endpoint"]
    assert list(services.unanswered([wrong], known, {("ns", "web")})) == [
        "Service web.ns:81 has no such port, only [80]"
    ]
    assert list(services.unanswered([missing], known, set())) == ["Service other is not in namespace ns"]


def test_an_address_that_is_published_before_its_pod_is_ready_does_not_count():
    meta = {"namespace": "ns", "labels": {"kubernetes.io/service-name": "web"}}
    early = {"metadata": meta, "endpoints": [{"conditions": {"ready": True, "serving": False}}]}
    later = {"metadata": meta, "endpoints": [{"conditions": {"ready": True, "serving": True}}]}
    assert services.ready_services([early]) == set()
    assert services.ready_services([early, later]) == {("ns", "web")}


def deployment(name: str, revision: str, *, available: int = 2) -> dict[str, Any]:
    labels = {"app.kubernetes.io/instance": "wandb", "app.kubernetes.io/name": name}
    return {
        "metadata": {"name": name, "labels": labels, "annotations": {"revision": revision}, "generation": 3},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 3, "updatedReplicas": 2, "replicas": 2, "availableReplicas": available},
    }


def test_the_verification_of_wandb_waits_for_this_revision_of_every_component():
    variables = {"INSTANCE": "wandb", "REVISION": "r2", "COMPONENTS": "api\nconsole"}
    assert jobs.unfinished(variables, [deployment("api", "r2"), deployment("console", "r2")]) == []
    assert jobs.unfinished(variables, [deployment("api", "r1")]) == [
        "component console has no Deployment",
        "Deployment api is of another revision",
    ]
    half = [deployment("api", "r2", available=1), deployment("console", "r2")]
    assert jobs.unfinished(variables, half) == ["Deployment api has 1 of 2 pods ready"]


STEPS: list[lifecycle.Step] = ["waiting", "initializing", "started", "ready", "succeeded", "failed"]


def report(step: lifecycle.Step, **more: Any) -> lifecycle.Report:
    return lifecycle.Report(step=step, now=NOW, pod_ip="10.244.0.1", host_ip="192.0.2.1", **more)


@pytest.mark.parametrize("step", STEPS)
def test_a_status_written_twice_does_not_change(step: lifecycle.Step):
    made = pod(initContainers=[{"name": "init", "image": "image:1"}])
    first = lifecycle.status(made, report(step))
    made["status"] = copy.deepcopy(first)
    assert lifecycle.status(made, report(step)) == first


@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=6))
def test_only_a_ready_pod_is_ready_and_the_schedulers_condition_stays(steps: list[lifecycle.Step]):
    made = pod()
    for step in steps:
        made["status"] = lifecycle.status(made, report(step))
        conditions = {one["type"]: one["status"] for one in made["status"]["conditions"]}
        assert conditions["PodScheduled"] == "True"
        assert (conditions["Ready"] == "True") == (step == "ready")


def test_readiness_gates_of_others_are_honoured():
    made = pod(readinessGates=[{"conditionType": "example.com/ready"}])
    assert _ready(lifecycle.status(made, report("ready"))) == "False"
    made["status"]["conditions"].append({"type": "example.com/ready", "status": "True", "lastTransitionTime": NOW})
    assert _ready(lifecycle.status(made, report("ready"))) == "True"


def _ready(status: dict[str, Any]) -> str:
    return next(one["status"] for one in status["conditions"] if one["type"] == "Ready")


def test_a_container_that_crashes_leaves_its_neighbour_running():
    made = pod(containers=[{"name": "main", "image": "a"}, {"name": "side", "image": "b"}])
    status = lifecycle.status(
        made,
        report("started", reason="CrashLoopBackOff", message="refused", container="main", crashed=True, restarts=2),
    )
    main, side = status["containerStatuses"]
    assert main["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert main["restartCount"] == 2
    assert "running" in side["state"]


@pytest.mark.parametrize(
    ("image", "module"),
    [
        ("altinity/clickhouse-operator:0.25.6", "rehearsal.operators.clickhouse"),
        ("mirror.example.com/altinity/clickhouse-operator@sha256:0", "rehearsal.operators.clickhouse"),
        ("wandb/controller:1.22.0", "rehearsal.operators.wandb"),
        ("quay.io/wandb_tools/wandb-k8s-operator:1.22.0", "rehearsal.operators.wandb"),
        ("wandb/console:0.82.2", None),
        ("altinity/metrics-exporter:0.25.6", None),
    ],
)
def test_an_operators_image_is_known_wherever_it_is_mirrored(image: str, module: str | None):
    assert operator(image) == module


def test_clickhouse_servers_are_known_by_their_image():
    assert is_clickhouse_server("altinity/clickhouse-server:25.8.16.10002.altinitystable")
    assert not is_clickhouse_server("altinity/clickhouse-keeper:25.8.16.10002.altinitystable")


CLAIM = {
    "metadata": {
        "name": "data",
        "namespace": "ns",
        "uid": "u",
        "annotations": {"volume.kubernetes.io/storage-provisioner": "p"},
    },
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
}
CLASS = {"metadata": {"name": "ssd"}, "provisioner": "p", "volumeBindingMode": "WaitForFirstConsumer"}
NODE = {"metadata": {"labels": {"topology.kubernetes.io/zone": "b"}}}


def test_a_class_that_waits_for_its_consumer_makes_the_volume_in_the_nodes_zone():
    assert volumes.volume_for(CLAIM, CLASS, None) is None
    made = volumes.volume_for(CLAIM, CLASS | {"reclaimPolicy": "Retain"}, NODE)
    assert made is not None
    term = made["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
    assert (term["key"], term["values"]) == ("topology.kubernetes.io/zone", ["b"])
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert made["spec"]["capacity"] == {"storage": "10Gi"}


def test_a_class_without_provisioner_makes_no_volume():
    assert volumes.volume_for(CLAIM, CLASS | {"provisioner": "kubernetes.io/no-provisioner"}, NODE) is None


def test_the_hook_that_applies_definitions_applies_nothing_else():
    applied: list[str] = []

    class Recorder:
        def apply(self, obj: dict[str, Any], **_: Any) -> None:
            applied.append(obj["metadata"]["name"])

    text = "kind: CustomResourceDefinition\nmetadata: {name: a.b.c}\n---\nkind: Secret\nmetadata: {name: s}\n"
    container = {
        "name": "main",
        "image": "k8s:1",
        "command": ["sh", "-c", "kubectl apply -f /crds"],
        "volumeMounts": [{"name": "crds", "mountPath": "/crds"}],
    }
    made = pod(containers=[container], volumes=[{"name": "crds", "configMap": {"name": "definitions"}}])
    names = list(crd_hook.apply(made, Recorder(), cluster(("ConfigMap", "definitions", {"a.yaml": text}))))  # ty: ignore[invalid-argument-type]
    assert names == applied == ["a.b.c"]
