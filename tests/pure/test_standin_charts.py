"""What the operators' charts are said to install, the definitions they bring, and the faults that can be played."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from components.aws.metrics_server import MetricsServerChart, chart_values
from rehearsal import crds, faults
from rehearsal.operators import charts
from rehearsal.state import MARK, State
from tests.harness.crd_check import CrdCheck

ALTINITY = ("altinity-clickhouse-operator", "0.25.6", "https://helm.altinity.com")
WANDB = ("operator", "1.4.8", "https://charts.wandb.ai")


def installed(chart: tuple[str, str, str], values: dict[str, Any] | None = None, **more: Any):
    objects = charts.install(*chart, values or {}, "release", "a-namespace", **more)
    return {(obj["kind"], obj["metadata"]["name"]): obj for obj in objects}


def deployment(objects: dict[tuple[str, str], Any]) -> dict[str, Any]:
    return next(obj for (kind, _), obj in objects.items() if kind == "Deployment")


def test_altinitys_chart_names_its_objects_by_the_override():
    objects = installed(ALTINITY, {"fullnameOverride": "clickhouse-operator"})
    assert ("Deployment", "clickhouse-operator") in objects
    assert ("ClusterRole", "clickhouse-operator") in objects
    assert ("ConfigMap", "clickhouse-operator-files") in objects
    assert ("Job", "clickhouse-operator-crd-install") in objects
    assert ("Deployment", "release-altinity-clickhouse-operator") in installed(ALTINITY)


def test_altinitys_chart_makes_no_secret_where_the_user_brings_one():
    assert ("Secret", "clickhouse-operator") in installed(ALTINITY, {"fullnameOverride": "clickhouse-operator"})
    without = {"fullnameOverride": "clickhouse-operator", "secret": {"create": False}}
    assert ("Secret", "clickhouse-operator") not in installed(ALTINITY, without)


def test_images_and_requests_come_from_the_values():
    values = {
        "operator": {
            "image": {"repository": "mirror/altinity/clickhouse-operator"},
            "resources": {"requests": {"cpu": "1"}},
        },
        "crdHook": {"image": {"repository": "mirror/k8s", "tag": "1.35.0"}},
    }
    objects = installed(ALTINITY, values)
    container = deployment(objects)["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "mirror/altinity/clickhouse-operator:0.25.6"
    assert container["resources"] == {"requests": {"cpu": "1"}}
    hook = next(obj for (kind, _), obj in objects.items() if kind == "Job")
    assert charts.is_hook(hook)
    assert hook["spec"]["template"]["spec"]["containers"][0]["image"] == "mirror/k8s:1.35.0"


def test_a_role_of_one_namespace_replaces_the_cluster_role():
    kinds = {
        kind for kind, _ in installed(ALTINITY, {"rbac": {"namespaceScoped": True}, "crdHook": {"enabled": False}})
    }
    assert {"Role", "RoleBinding"} <= kinds
    assert not {"ClusterRole", "ClusterRoleBinding", "Job"} & kinds


def test_wandbs_chart_names_and_requests():
    objects = installed(WANDB, {"airgapped": True, "image": {"tag": "1.22.0"}})
    container = objects["Deployment", "wandb-controller-manager"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "wandb/controller:1.22.0"
    assert container["resources"]["requests"] == {"cpu": "400m", "memory": "512Mi"}
    assert {"name": "AIRGAPPED", "value": "true"} in container["env"]
    assert ("ServiceAccount", "wandb-manager") in objects
    assert ("ClusterRole", "wandb-manager-role") in objects


def test_metrics_servers_chart_makes_what_this_project_asks_it_for():
    chart = MetricsServerChart(image="mirror.example.com/metrics-server")
    objects = installed((chart.chart, chart.version, str(chart.repository)), chart_values(chart))
    made = objects["Deployment", "metrics-server"]["spec"]
    assert made["replicas"] == 2
    (container,) = made["template"]["spec"]["containers"]
    assert container["image"] == "mirror.example.com/metrics-server:v0.8.1"
    assert container["resources"]["requests"] == {"cpu": "100m", "memory": "200Mi"}
    assert objects["PodDisruptionBudget", "metrics-server"]["spec"]["maxUnavailable"] == 1
    labels = {"app.kubernetes.io/name": "metrics-server", "app.kubernetes.io/instance": "metrics-server"}
    spread = made["template"]["spec"]["topologySpreadConstraints"]
    assert [each["labelSelector"]["matchLabels"] for each in spread] == [labels, labels]
    assert labels.keys() == made["selector"]["matchLabels"].keys()


def test_definitions_come_first_and_can_be_skipped():
    first = charts.install(*WANDB, {}, "release", "a-namespace")[0]
    assert first["kind"] == "CustomResourceDefinition"
    assert not any(kind == "CustomResourceDefinition" for kind, _ in installed(WANDB, skip_crds=True))


@pytest.mark.parametrize(
    ("chart", "version", "repo", "words"),
    [
        ("operator", "1.4.8", "https://charts.example.com", "is not a valid chart repository or cannot be reached"),
        ("operater", "1.4.8", "https://charts.wandb.ai", 'chart "operater" not found'),
        ("operator", "9.9.9", "https://charts.wandb.ai", 'version "9.9.9" not found'),
        ("operator", "1.4.8", "https://helm.altinity.com", 'chart "operator" not found'),
    ],
)
def test_a_chart_that_cannot_be_had_is_refused_in_helms_words(chart: str, version: str, repo: str, words: str):
    with pytest.raises(charts.ChartUnavailable, match=words):
        charts.install(chart, version, repo, {}, "release", "a-namespace")


def test_without_a_version_the_newest_known_is_taken_and_a_registry_works_too():
    assert charts.find("operator", None, "https://charts.wandb.ai/")[1] == "1.4.8"
    assert charts.find("oci://ghcr.io/wandb/helm-charts/operator", "1.4.8", None)[1] == "1.4.8"


def test_values_of_a_wrong_type_are_refused_as_by_the_charts_schema():
    values = {"rbac": {"create": "yes"}, "operator": {"image": {"tag": 25}}, "configs": {"files": {"config.yaml": []}}}
    with pytest.raises(charts.BadValues) as caught:
        installed(ALTINITY, values)
    assert str(caught.value).splitlines()[1:] == [
        "altinity-clickhouse-operator:",
        "- at '/configs/files/config.yaml': got array, want object",
        "- at '/operator/image/tag': got integer, want string",
        "- at '/rbac/create': got string, want boolean",
    ]


def test_a_chart_is_unavailable_while_the_fault_is_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    state = State(tmp_path)
    monkeypatch.setenv(MARK, str(tmp_path))
    state.faults.write_text(json.dumps({"chart-unavailable": ["operator-*"]}))
    with pytest.raises(charts.ChartUnavailable, match="played by faults.json"):
        charts.find("operator-wandb", "0.43.8", "https://charts.wandb.ai")
    assert charts.find("operator", "1.4.8", "https://charts.wandb.ai")[1] == "1.4.8"
    state.faults.unlink()
    assert charts.find("operator-wandb", "0.43.8", "https://charts.wandb.ai")[1] == "0.43.8"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"chart-unavailible": []}, '"chart-unavailible": no such fault'),
        ({"never-ready": "wandb"}, '"never-ready": a list of patterns'),
        ({"slow-start": {"wandb": "30s"}}, '"slow-start": a mapping from pattern to seconds'),
        ([], "a JSON object is wanted"),
    ],
)
def test_faults_that_are_misspelt_are_not_ignored(tmp_path: Path, content: Any, words: str):
    State(tmp_path).faults.write_text(json.dumps(content))
    with pytest.raises(faults.BadFaults, match=words):
        faults.read(State(tmp_path))


def test_a_slow_start_applies_to_the_pods_that_its_pattern_fits():
    read = faults.parse({"slow-start": {"wandb-*": 3, "wandb-api-*": 9}})
    assert [read.start_delay(name) for name in ("wandb-api-1", "wandb-app-1", "mysql-0")] == [9, 3, 0]


def test_the_stand_in_definitions_say_that_they_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(crds.FOLDER, raising=False)
    assert "STAND-INS" in crds.source()
    assert len(crds.manifests()) == 5
    with pytest.raises(LookupError, match="wandbs"):
        crds.manifests("wandbs")


@pytest.mark.parametrize(
    "spec",
    [
        {"configuration": {"clusters": [{"name": "weave_cluster"}]}},
        {"stop": True},
        {"defaults": {"storageManagement": {"reclaimPolicy": "Keep"}}},
        {"configuration": {"zookeeper": {"nodes": [{"host": 1}]}}},
        {"reconcile": {"statefulSet": {"create": {"onFailure": "abort"}}}},
        {"configuration": {"zookeeper": {"keeper": {"name": "wandb"}}}},
    ],
)
@pytest.mark.parametrize("folder", ["", os.environ.get(crds.FOLDER, "")])
def test_what_the_vendors_definitions_refuse_or_drop_is_refused_or_dropped(
    spec: Any, folder: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(crds.FOLDER, folder)
    check = CrdCheck(crds.manifests())
    kinds = {"apiVersion": "clickhouse.altinity.com/v1", "kind": "ClickHouseInstallation"}
    assert check(kinds | {"spec": spec})
