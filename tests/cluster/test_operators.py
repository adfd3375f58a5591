"""The stand-in operators and the stand-in for nodes, on a real API server, controller manager and scheduler.

The tests share one cluster and run in order: the operators are installed, ClickHouse and W&B come up, then things fail.
"""

from __future__ import annotations

import copy
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes
import pytest

from components.wandb.values import values
from rehearsal.api import Api, ApiError
from rehearsal.control_plane import BINARIES, ControlPlane, NodeShape, Surroundings, processes, shut_down
from rehearsal.operators import charts
from rehearsal.operators.runtime import TIME_SCALE
from rehearsal.state import State
from tests.harness import wandb_space
from tests.harness.patience import until
from tools import bootstrap

Object = dict[str, Any]
POOL = NodeShape(count=3, cpu="7910m", memory="62Gi", zones=("a", "b", "c"))
CHI = ("clickhouse.altinity.com/v1", "ClickHouseInstallation", "wandb", "clickhouse")
CHK = ("clickhouse-keeper.altinity.com/v1", "ClickHouseKeeperInstallation", "wandb", "clickhouse")
WANDB = ("apps.wandb.com/v1", "WeightsAndBiases", "wandb", "wandb")
SMALL = {"requests": {"cpu": "250m", "memory": "1Gi"}}
OPERATOR_VALUES = {
    "fullnameOverride": "clickhouse-operator",
    "secret": {"create": False},
    "crdHook": {"image": {"repository": "alpine/k8s", "tag": "1.35.0"}},
    "configs": {
        "files": {
            "config.yaml": {
                "watch": {"namespaces": ["clickhouse"]},
                "reconcile": {"statefulSet": {"create": {"onFailure": "abort"}}},
            }
        }
    },
}
STORAGE = """\
<clickhouse><storage_configuration>
<disks>
<s3_disk><type>s3</type><endpoint>http://store:8333/b/{installation}/{replica}/</endpoint></s3_disk>
<s3_cache><type>cache</type><disk>s3_disk</disk><path>/var/lib/clickhouse/c/</path><max_size>4Gi</max_size></s3_cache>
</disks>
<policies><s3_main><volumes><main><disk>s3_cache</disk></main></volumes></s3_main></policies>
</storage_configuration></clickhouse>
"""


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    state = State((tmp_path_factory.mktemp("operators") / "dev").resolve())
    plane = ControlPlane(state, bootstrap.ensure(list(BINARIES)), Surroundings(pools=[POOL]))
    os.environ[TIME_SCALE] = "60"
    try:
        plane.start()
        for namespace in ("clickhouse", "wandb", "wandb-operator"):
            plane.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        yield plane
    finally:
        del os.environ[TIME_SCALE]
        shut_down(state)


@pytest.fixture
def api(control_plane: ControlPlane) -> Api:
    return control_plane.api


@pytest.fixture
def faults(control_plane: ControlPlane) -> Iterator[Callable[..., None]]:
    def play(**content: Any) -> None:
        named = {key.replace("_", "-"): value for key, value in content.items()}
        control_plane.state.faults.write_text(json.dumps(named))

    yield play
    control_plane.state.faults.unlink(missing_ok=True)


def status(api: Api, resource: tuple[str, str, str, str]) -> Object:
    return (api.read(*resource) or {}).get("status") or {}


def finished(api: Api, resource: tuple[str, str, str, str], task: str) -> Object:
    def found() -> Object | None:
        held = status(api, resource)
        return held if held.get("taskID") == task and held.get("status") in ("Completed", "Aborted") else None

    return until(found, f"{resource[1]} {task}")


def rolled_out(api: Api, name: str, namespace: str) -> bool:
    live = api.read("apps/v1", "Deployment", name, namespace) or {"status": {}}
    held = live["status"]
    if held.get("observedGeneration") != live.get("metadata", {}).get("generation"):
        return False
    # while pods of the old revision are still there, it is they that are ready
    counts = {held.get(key, 0) for key in ("replicas", "readyReplicas", "updatedReplicas")}
    return counts == {live["spec"]["replicas"]}


def _pod_annotations(api: Api, deployment: str) -> Object:
    live = api.read("apps/v1", "Deployment", deployment, "wandb")
    assert live, deployment
    return live["spec"]["template"]["metadata"].get("annotations", {})


def install(api: Api, chart: str, version: str, repo: str, release: str, namespace: str, given: Object) -> None:
    for obj in charts.install(chart, version, repo, given, release, namespace):
        api.apply(obj)
        if obj["kind"] == "Job":
            place = obj["metadata"]["name"], namespace
            until(lambda place=place: _succeeded(api, *place), f"Job {place[0]}")


def _succeeded(api: Api, name: str, namespace: str) -> bool:
    return bool(((api.read("batch/v1", "Job", name, namespace) or {}).get("status") or {}).get("succeeded"))


def secret(api: Api, name: str, namespace: str, **content: str) -> None:
    metadata = {"name": name, "namespace": namespace}
    api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": content})


def store(api: Api, name: str, port: int) -> None:
    metadata = {"name": name, "namespace": "wandb"}
    marks = {"app": name}
    spec = {"selector": marks, "ports": [{"port": port}]}
    api.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    template = {"metadata": {"labels": marks}, "spec": {"containers": [{"name": "store", "image": f"{name}:1"}]}}
    spec = {"selector": {"matchLabels": marks}, "template": template}
    api.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})


def pod_template(name: str, image: str) -> Object:
    return {"name": name, "spec": {"containers": [{"name": name, "image": image, "resources": SMALL}]}}


def volume(size: str) -> list[Object]:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return [{"name": "data", "spec": claim}]


def keeper(task: str) -> Object:
    return {
        "apiVersion": CHK[0],
        "kind": CHK[1],
        "metadata": {"name": "wandb", "namespace": "clickhouse"},
        "spec": {
            "taskID": task,
            "defaults": {
                "templates": {"podTemplate": "clickhouse-keeper", "dataVolumeClaimTemplate": "data"},
                "storageManagement": {"reclaimPolicy": "Retain"},
            },
            "configuration": {"clusters": [{"name": "keeper", "layout": {"replicasCount": 3}}]},
            "templates": {
                "podTemplates": [pod_template("clickhouse-keeper", "altinity/clickhouse-keeper:25.8")],
                "volumeClaimTemplates": volume("5Gi"),
            },
        },
    }


def server(
    task: str, *, storage: str = STORAGE, policy: str = "Retain", cpu: str = "250m", **configuration: Any
) -> Object:
    template = pod_template("clickhouse", "altinity/clickhouse-server:25.8")
    template = copy.deepcopy(template)
    template["spec"]["containers"][0]["resources"]["requests"]["cpu"] = cpu
    nodes = [{"host": f"chk-wandb-keeper-0-{index}.clickhouse.svc.cluster.local", "port": 2181} for index in range(3)]
    user = {"valueFrom": {"secretKeyRef": {"name": "weave-user", "key": "hash"}}}
    cluster = {"name": "weavecluster", "layout": {"shardsCount": 1, "replicasCount": 3}, "secret": {"auto": "yes"}}
    return {
        "apiVersion": CHI[0],
        "kind": CHI[1],
        "metadata": {"name": "wandb", "namespace": "clickhouse"},
        "spec": {
            "taskID": task,
            "defaults": {
                "templates": {"podTemplate": "clickhouse", "dataVolumeClaimTemplate": "data"},
                "storageManagement": {"reclaimPolicy": policy},
            },
            "configuration": {
                "zookeeper": {"nodes": nodes},
                "users": {"weave/password_sha256_hex": user},
                "files": {"config.d/storage.xml": storage},
                "clusters": [cluster],
            }
            | configuration,
            "templates": {"podTemplates": [template], "volumeClaimTemplates": volume("10Gi")},
        },
    }


def instance(revision: str, **changes: Any) -> Object:
    resources = wandb_space.ComponentSizing(resources=wandb_space.SMALL)
    names = ("api", "app", "console", "executor", "frontend", "glue", "parquet", "weave", "weave-trace")
    args = wandb_space.arguments(components=dict.fromkeys(names, resources), revision=revision)
    tree = json.loads(json.dumps(values(args)))
    tree["reconcileFrequency"] = "1m"
    for key, value in changes.items():
        tree[key] = tree.get(key, {}) | value
    chart = {"url": "https://charts.wandb.ai", "name": "operator-wandb", "version": "0.43.8"}
    metadata = {"name": "wandb", "namespace": "wandb"}
    return {"apiVersion": WANDB[0], "kind": WANDB[1], "metadata": metadata, "spec": {"chart": chart, "values": tree}}


def pods(api: Api, namespace: str, prefix: str) -> list[Object]:
    return [pod for pod in api.list("v1", "Pod", namespace) if pod["metadata"]["name"].startswith(prefix)]


def waiting(pod: Object) -> Object:
    statuses = (pod.get("status") or {}).get("containerStatuses") or [{}]
    return (statuses[0].get("state") or {}).get("waiting") or {}


def warnings(api: Api, namespace: str, reason: str) -> list[str]:
    return [one["message"] for one in api.list("v1", "Event", namespace) if one["reason"] == reason]


def test_the_operators_are_installed_by_their_charts_and_run(api: Api):
    secret(api, "clickhouse-operator", "clickhouse", username="u", password="p")
    repo = "https://helm.altinity.com"
    install(api, "altinity-clickhouse-operator", "0.25.6", repo, "chop", "clickhouse", OPERATOR_VALUES)
    given = {"airgapped": True, "image": {"tag": "1.22.0"}}
    install(api, "operator", "1.4.8", "https://charts.wandb.ai", "wandb-operator", "wandb-operator", given)
    until(lambda: rolled_out(api, "clickhouse-operator", "clickhouse"), "Altinity's operator")
    until(lambda: rolled_out(api, "wandb-controller-manager", "wandb-operator"), "W&B's operator")


def test_keepers_come_up_on_bound_volumes(api: Api):
    api.apply(keeper("keeper-1"))
    held = finished(api, CHK, "keeper-1")
    assert (held["status"], held["hosts"], held["taskIDsCompleted"]) == ("Completed", 3, ["keeper-1"])
    ready = "keepers"
    until(
        lambda: len([p for p in pods(api, "clickhouse", "chk-") if p["status"].get("phase") == "Running"]) == 3, ready
    )
    claims = api.list("v1", "PersistentVolumeClaim", "clickhouse")
    assert {claim["status"]["phase"] for claim in claims} == {"Bound"}
    assert "data-chk-wandb-keeper-0-0-0" in {claim["metadata"]["name"] for claim in claims}
    assert not api.read(*CHK)["metadata"].get("finalizers")  # ty: ignore[not-subscriptable]


def test_a_server_whose_password_is_missing_does_not_start_and_says_so(api: Api):
    api.apply(server("server-1"))
    name = "chi-wandb-weavecluster-0-0-0"
    until(lambda: any(waiting(pod) for pod in pods(api, "clickhouse", name)), name)
    wanted = {"reason": "CreateContainerConfigError", "message": 'secret "weave-user" not found'}
    until(lambda: any(waiting(pod) == wanted for pod in pods(api, "clickhouse", name)), "the kubelet's words")
    secret(api, "weave-user", "clickhouse", hash="00")
    until(lambda: not any(waiting(pod) for pod in pods(api, "clickhouse", name)), "the pod starts by itself")
    finished(api, CHI, "server-1")


def test_servers_come_up_one_after_the_other(api: Api):
    api.apply(server("server-2"))
    held = finished(api, CHI, "server-2")
    assert held["status"] == "Completed"
    assert held["taskIDsStarted"][0] == "server-2"
    assert held["endpoint"] == "clickhouse-wandb.clickhouse.svc.cluster.local"
    assert held["fqdns"][2] == "chi-wandb-weavecluster-0-2.clickhouse.svc.cluster.local"
    assert held["hostsCompleted"] == 3
    assert api.read(*CHI)["metadata"]["finalizers"] == ["finalizer.clickhouseinstallation.altinity.com"]  # ty: ignore[not-subscriptable]
    for index in range(3):
        live = api.read("apps/v1", "StatefulSet", f"chi-wandb-weavecluster-0-{index}", "clickhouse")
        assert live is not None
        assert live["status"]["readyReplicas"] == 1
    assert api.read("policy/v1", "PodDisruptionBudget", "chi-wandb-weavecluster", "clickhouse") is not None


def test_a_change_of_annotations_alone_starts_no_reconcile(api: Api):
    before = status(api, CHI)
    api.patch(*CHI[:2], "wandb", "clickhouse", body={"metadata": {"annotations": {"note": "x"}}})
    time.sleep(2)
    assert status(api, CHI) == before


def test_a_storage_that_the_server_refuses_aborts_with_the_reason_and_can_be_repaired(api: Api):
    api.apply(server("broken", storage=STORAGE.replace("4Gi", "4GB")))
    held = finished(api, CHI, "broken")
    assert held["status"] == "Aborted"
    assert held["taskIDsCompleted"][0] == "broken"
    assert "cannot parse max_size '4GB'" in held["error"]
    assert "chi-wandb-weavecluster-0-0" in held["error"]
    api.apply(server("repaired"))
    assert finished(api, CHI, "repaired")["status"] == "Completed"


def test_a_cache_larger_than_its_volume_aborts(api: Api):
    api.apply(server("greedy", storage=STORAGE.replace("4Gi", "40Gi")))
    held = finished(api, CHI, "greedy")
    assert held["status"] == "Aborted"
    assert "max_size '40Gi' is more than the 10737418240 bytes" in held["error"]


def test_a_server_that_fits_no_node_stays_pending_and_aborts(api: Api):
    api.apply(server("huge", cpu="64"))
    held = finished(api, CHI, "huge")
    assert held["status"] == "Aborted"
    assert "Insufficient cpu" in held["error"]
    api.apply(server("modest"))
    assert finished(api, CHI, "modest")["status"] == "Completed"


def test_an_illegal_installation_is_refused_by_the_api_server(api: Api):
    bad = server("bad", clusters=[{"name": "weave_cluster"}])
    with pytest.raises(ApiError, match="should match"):
        api.apply(bad)


def test_wandb_comes_up_and_answers(api: Api):
    store(api, "mysql", 3306)
    store(api, "redis", 6379)
    for name, key in (
        ("wandb-server-license", "license"),
        ("mysql-wandb", "MYSQL_PASSWORD"),
        ("redis-password", "REDIS_PASSWORD"),
        ("clickhouse-weave", "CLICKHOUSE_PASSWORD"),
    ):
        secret(api, name, "wandb", **{key: "x"})
    secret(api, "seaweedfs-wandb-keys", "wandb", ACCESS_KEY="x", SECRET_KEY="x")
    api.apply(instance("r1"))
    until(lambda: status(api, WANDB).get("phase") == "Completed", "phase")
    names = [one["metadata"]["name"] for one in deployments(api)]
    assert "wandb-weave-trace-bc" in names
    until(
        lambda: all(rolled_out(api, name, "wandb") for name in names),
        lambda: [(pod["metadata"]["name"], waiting(pod)) for pod in pods(api, "wandb", "wandb-") if waiting(pod)],
    )
    assert api.read("v1", "Secret", "wandb-spec-active", "wandb") is not None
    assert api.read(*WANDB)["metadata"]["finalizers"] == ["finalizer.app.wandb.com"]  # ty: ignore[not-subscriptable]
    assert warnings(api, "wandb", "RehearsalNotPlayed") == []
    assert all(pod["spec"].get("nodeName") for pod in pods(api, "wandb", "wandb-"))


def deployments(api: Api) -> list[Object]:
    return api.list("apps/v1", "Deployment", "wandb", label_selector="app.kubernetes.io/instance=wandb")


def test_whoever_plays_a_cluster_at_rest_writes_nothing_about_its_pods(control_plane: ControlPlane):
    client = kubernetes.config.new_client_from_config(str(control_plane.kubeconfig))

    def written() -> float:
        login = {each["key"]: each["value"] for each in client.configuration.auth_settings().values()}
        url = f"{client.configuration.host}/metrics"
        text = client.rest_client.pool_manager.request("GET", url, headers=login).data.decode()
        lines = [each for each in text.splitlines() if each.startswith("apiserver_request_total{")]
        about = [
            each for each in lines if 'resource="pods"' in each and re.search(r'verb="(APPLY|PATCH|POST|PUT)"', each)
        ]
        assert about
        return sum(float(each.rpartition(" ")[2]) for each in about)

    before = written()
    time.sleep(5)  # two looks of whoever plays the kubelets
    assert written() == before


def test_an_upgrade_changes_what_changed_and_removes_what_is_off(api: Api):
    api.apply(instance("r2", parquet={"install": False}))
    until(lambda: api.read("apps/v1", "Deployment", "wandb-parquet-bc", "wandb") is None, "parquet goes")
    annotations = [one["metadata"]["annotations"]["wandb.pulumi/revision"] for one in deployments(api)]
    assert set(annotations) == {"r2"}
    until(lambda: status(api, WANDB).get("phase") == "Completed", "phase")
    until(lambda: not pods(api, "wandb", "wandb-parquet-bc"), "parquet's pods go")


def test_a_job_ends_only_when_the_services_that_it_names_answer(api: Api):
    container = {
        "name": "check",
        "image": "alpine/k8s:1.35.0",
        "command": ["sh", "-c", "curl --fail http://late.wandb.svc.cluster.local:80/"],
        "env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "late-token", "key": "t"}}}],
    }
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    metadata = {"name": "late-check", "namespace": "wandb"}
    api.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}})
    until(lambda: any(waiting(pod) for pod in pods(api, "wandb", "late-check")), "the Job's pod waits for its Secret")
    secret(api, "late-token", "wandb", t="x")
    until(lambda: warnings(api, "wandb", "RehearsalWaiting"), "the Job says what it waits for")
    assert not _succeeded(api, "late-check", "wandb")
    store(api, "late", 80)
    until(lambda: _succeeded(api, "late-check", "wandb"), "the Job")


def test_a_chart_that_cannot_be_had_fails_the_apply_until_it_can(api: Api, faults: Callable[..., None]):
    faults(chart_unavailable=["operator-wandb"])
    api.apply(instance("r3"))
    until(lambda: status(api, WANDB).get("phase") == "Invalid Config", "the apply fails")
    assert any("operator-wandb" in message for message in warnings(api, "wandb", "ApplyFailed"))
    faults()
    until(lambda: status(api, WANDB).get("phase") == "Completed", "the apply is tried again")
    assert {one["metadata"]["annotations"]["wandb.pulumi/revision"] for one in deployments(api)} == {"r3"}


def test_a_pod_that_never_becomes_ready_keeps_its_deployment_from_being_rolled_out(
    api: Api, faults: Callable[..., None]
):
    faults(never_ready=["wandb-console-bc-*"])
    api.apply(instance("r4", console={"podAnnotations": {"again": "1"}}))
    until(lambda: "again" in _pod_annotations(api, "wandb-console-bc"), "the operator applies the change")
    until(lambda: warnings(api, "wandb", "Unhealthy"), "the fault is said")
    assert not rolled_out(api, "wandb-console-bc", "wandb")
    faults()
    until(lambda: rolled_out(api, "wandb-console-bc", "wandb"), "the console recovers")


def test_an_operators_process_that_dies_is_started_again(api: Api, control_plane: ControlPlane):
    running = processes.marked(control_plane.state, "wandb-operator")
    assert len(running) == 1
    running[0].kill()
    until(lambda: processes.marked(control_plane.state, "wandb-operator"), "a new process")
    until(lambda: rolled_out(api, "wandb-controller-manager", "wandb-operator"), "W&B's operator")


def test_the_operators_end_with_the_kubelet_that_started_them_and_come_back_with_it(
    api: Api, control_plane: ControlPlane
):
    state, roles = control_plane.state, ("clickhouse-operator", "wandb-operator")
    (kubelet,) = processes.marked(state, "kubelet")
    kubelet.kill()
    until(lambda: not processes.marked(state, *roles), "no operator outlives it")
    control_plane.start()
    until(lambda: len(processes.marked(state, *roles)) == 2, "both are started again")
    until(lambda: rolled_out(api, "wandb-controller-manager", "wandb-operator"), "W&B's operator")


def test_wandb_is_removed_with_everything_of_its_release_but_what_helm_keeps(api: Api):
    api.delete(*WANDB[:2], "wandb", "wandb")
    until(lambda: api.read(*WANDB) is None, "the resource goes")
    until(lambda: not pods(api, "wandb", "wandb-"), "the pods go")
    assert not deployments(api)
    assert not api.list("v1", "Secret", "wandb", label_selector="owner=helm")
    until(lambda: api.read("v1", "Secret", "wandb-spec-active", "wandb") is None, "its state goes")
    assert api.read("rbac.authorization.k8s.io/v1", "ClusterRole", "wandb-console") is None
    left = [one["metadata"]["name"] for one in api.list("v1", "Secret", "wandb")]
    assert [name for name in left if name.startswith("wandb-") and name != "wandb-server-license"] == [
        "wandb-gorilla-session-key"
    ]


def test_an_installation_whose_operator_is_gone_hangs_on_its_finalizer(api: Api):
    api.delete("apps/v1", "Deployment", "clickhouse-operator", "clickhouse")
    until(lambda: not pods(api, "clickhouse", "clickhouse-operator-6") and not _operator_pods(api), "the operator goes")
    api.delete(*CHI[:2], "wandb", "clickhouse")
    time.sleep(3)
    held = api.read(*CHI)
    assert held is not None
    assert "finalizer.clickhouseinstallation.altinity.com" in held["metadata"]["finalizers"]
    repo = "https://helm.altinity.com"
    for obj in charts.install("altinity-clickhouse-operator", "0.25.6", repo, OPERATOR_VALUES, "chop", "clickhouse"):
        if obj["kind"] == "Deployment":
            api.apply(obj)
    until(lambda: api.read(*CHI) is None, "the operator finishes what it began")


def _operator_pods(api: Api) -> list[Object]:
    label = "app.kubernetes.io/name=altinity-clickhouse-operator,app.kubernetes.io/component!=crd-install-hook"
    return api.list("v1", "Pod", "clickhouse", label_selector=label)


def test_retained_volumes_outlive_their_installation(api: Api):
    claims = {one["metadata"]["name"] for one in api.list("v1", "PersistentVolumeClaim", "clickhouse")}
    assert "data-chi-wandb-weavecluster-0-0-0" in claims
    assert not [one for one in api.list("apps/v1", "StatefulSet", "clickhouse") if "chi-" in one["metadata"]["name"]]


def test_volumes_with_policy_delete_go_with_their_installation(api: Api):
    api.apply(server("to-be-deleted", policy="Delete"))
    assert finished(api, CHI, "to-be-deleted")["status"] == "Completed"
    api.delete(*CHI[:2], "wandb", "clickhouse")
    until(lambda: api.read(*CHI) is None, "the installation goes")
    names = ("data-chi-",)
    until(
        lambda: (
            not [
                one
                for one in api.list("v1", "PersistentVolumeClaim", "clickhouse")
                if one["metadata"]["name"].startswith(names)
            ]
        ),
        "the claims go",
    )
    until(
        lambda: (
            not [one for one in api.list("v1", "PersistentVolume") if one["spec"]["claimRef"]["name"].startswith(names)]
        ),
        "the volumes go",
    )


def test_keepers_go_with_their_installation_and_their_volumes_stay(api: Api):
    api.delete(*CHK[:2], "wandb", "clickhouse")
    until(lambda: api.read(*CHK) is None, "the installation goes")
    until(lambda: not pods(api, "clickhouse", "chk-"), "the pods go")
    claims = {one["metadata"]["name"] for one in api.list("v1", "PersistentVolumeClaim", "clickhouse")}
    assert claims == {f"data-chk-wandb-keeper-0-{index}-0" for index in range(3)}
