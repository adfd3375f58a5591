"""The values that the operator's chart gets."""

from __future__ import annotations

from typing import Any

import pytest

from components.clickhouse import Chart, operator
from tests.harness import clickhouse_space as space


def values(**changes: Any) -> dict[str, Any]:
    args: dict[str, Any] = {
        "cluster": space.cluster(),
        "random_provider": space.NO_PROVIDER,
        "namespace": "clickhouse",
        "hook_image": "registry.example:5000/alpine/k8s:1.35.0",
    }
    return operator.values(operator.OperatorArgs(**args | changes))


def config(**changes: Any) -> dict[str, Any]:
    return values(**changes)["configs"]["files"]["config.yaml"]


def test_the_operator_watches_its_own_namespace_and_no_other() -> None:
    assert config()["watch"]["namespaces"] == ["clickhouse"]


def test_a_server_that_never_becomes_ready_stops_the_roll_out() -> None:
    assert config()["reconcile"]["statefulSet"]["create"]["onFailure"] == "abort"


def test_pulumis_annotations_are_not_copied_to_pods() -> None:
    # a copy of the awaited task in the pod template would restart every server at every change
    assert "pulumi.com/waitFor" in config()["annotation"]["exclude"]


def test_the_password_that_the_chart_publishes_is_not_used() -> None:
    assert values()["secret"] == {"create": False}


@pytest.mark.parametrize(("crds", "hook"), [("managed", True), ("external", False)])
def test_crds_are_applied_unless_somebody_else_does(crds: Any, hook: bool) -> None:
    made = values(chart=Chart(crds=crds))["crdHook"]
    assert made["enabled"] is hook
    assert made["image"] == {"repository": "registry.example:5000/alpine/k8s", "tag": "1.35.0"}


def test_images_of_a_mirror_replace_those_of_the_chart() -> None:
    assert "image" not in values()["operator"]
    mirrored = values(chart=Chart(operator_image="mirror/operator:0.25.6", metrics_image="mirror/metrics:0.25.6"))
    assert mirrored["operator"]["image"] == {"repository": "mirror/operator", "tag": "0.25.6"}
    assert mirrored["metrics"]["image"] == {"repository": "mirror/metrics", "tag": "0.25.6"}


def test_the_operator_runs_unprivileged_within_bounds() -> None:
    made = values()
    assert made["podSecurityContext"]["runAsNonRoot"] is True
    for container in ("operator", "metrics"):
        assert made[container]["containerSecurityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert made[container]["resources"]["requests"]
        assert made[container]["resources"]["limits"]
