"""What the stand-in providers know without a cluster: types, differences, readiness, secrets."""

from __future__ import annotations

import string
from typing import Any

import pulumi_kubernetes  # noqa: F401  (registers its types)
import pulumi_random  # noqa: F401
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.providers import changes, objects, readiness
from rehearsal.providers.fields import CREATOR, merged_entries
from rehearsal.providers.random import draw_text
from rehearsal.providers.readiness import judge_for
from rehearsal.providers.values import UNKNOWN, Secret, bare, from_wire, has_secret, hide, to_wire
from rehearsal.sdk_types import synthesise, violations

SCALARS = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8)
KEYS = st.text(string.ascii_letters, min_size=1, max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3) | inner.map(Secret),
    max_leaves=12,
)
PROPERTIES = st.dictionaries(KEYS, VALUES, max_size=4)
PLAIN = st.dictionaries(KEYS, VALUES.map(bare), max_size=4)


@given(PROPERTIES)
def test_values_survive_the_way_to_the_engine_and_back(properties: dict[str, Any]) -> None:
    assert from_wire(to_wire(properties)) == properties


@given(PROPERTIES)
def test_outputs_are_secret_wherever_the_inputs_are(inputs: dict[str, Any]) -> None:
    hidden = hide(bare(inputs), inputs)
    assert bare(hidden) == bare(inputs)
    assert has_secret(hidden) == has_secret(inputs)


def test_all_data_of_a_kubernetes_secret_is_secret_even_when_its_inputs_are_not() -> None:
    hidden = hide({"kind": "Secret", "data": {"a": "b"}}, {})
    assert hidden["data"] == Secret({"a": "b"})


@given(PLAIN)
def test_nothing_differs_from_itself(obj: dict[str, Any]) -> None:
    assert list(changes.changes(obj, obj)) == []


@given(PLAIN, PLAIN)
def test_each_difference_is_at_a_path_where_the_two_really_differ(old: dict[str, Any], new: dict[str, Any]) -> None:
    for path, _ in changes.changes(old, new):
        before, after = objects.get_path(old, *path), objects.get_path(new, *path)
        assert before != after or isinstance(before, bool) != isinstance(after, bool)


@given(PLAIN, PLAIN)
def test_what_is_pruned_to_a_shape_has_no_key_of_its_own(live: dict[str, Any], shape: dict[str, Any]) -> None:
    assert set(objects.prune(live, shape)) <= set(shape)


def test_what_is_unknown_counts_as_changed() -> None:
    assert dict(changes.changes({"a": {"b": 1}}, {"a": {"b": UNKNOWN}})) == {("a", "b"): "update"}


@pytest.mark.parametrize(
    ("kind", "path", "replaced"),
    [
        (("apps/v1", "Deployment"), ("spec", "selector", "matchLabels", "app"), True),
        (("apps/v1", "Deployment"), ("spec", "replicas"), False),
        (("apps/v1", "StatefulSet"), ("spec", "volumeClaimTemplates", 0, "spec"), True),
        (("batch/v1", "Job"), ("spec", "template", "spec", "containers", 0, "image"), True),
        (("batch/v1", "Job"), ("spec", "backoffLimit"), False),
        (("v1", "ConfigMap"), ("data", "key"), True),
        (("v1", "ConfigMap"), ("metadata", "labels", "a"), False),
        (("v1", "Secret"), ("data", "key"), True),
        (("v1", "Service"), ("spec", "clusterIP"), True),
        (("v1", "Service"), ("spec", "ports", 0, "port"), False),
        (("v1", "Pod"), ("spec", "containers", 1, "image"), True),
        (("rbac.authorization.k8s.io/v1", "RoleBinding"), ("roleRef", "name"), True),
        (("example.com/v1", "Anything"), ("metadata", "name"), True),
        (("example.com/v1", "Anything"), ("spec", "size"), False),
    ],
)
def test_only_a_new_object_can_have_what_the_server_calls_immutable(
    kind: tuple[str, str], path: changes.Path, replaced: bool
) -> None:
    obj = {"apiVersion": kind[0], "kind": kind[1]}
    marked = changes.with_replacement(iter([(path, "update")]), obj, changes.force_new(obj))
    assert (marked[path] == "update-replace") is replaced


def test_paths_are_shown_as_the_engine_writes_them() -> None:
    path = ("metadata", "labels", "app.kubernetes.io/name")
    assert changes.display(path) == 'metadata.labels["app.kubernetes.io/name"]'
    assert changes.display(("spec", "containers", 0, "image")) == "spec.containers[0].image"


def test_a_creation_and_later_updates_own_the_fields_together() -> None:
    entries = [
        {"manager": CREATOR, "operation": "Update", "fieldsV1": {"f:spec": {"f:a": {}}}},
        {"manager": f"{CREATOR}-1", "operation": "Apply", "fieldsV1": {"f:spec": {"f:b": {}}}},
        {"manager": "kubelet", "operation": "Update", "subresource": "status", "fieldsV1": {}},
    ]
    merged = merged_entries(entries, f"{CREATOR}-1")
    own = [entry for entry in merged if entry["manager"] == f"{CREATOR}-1"]
    assert [entry["operation"] for entry in own] == ["Apply"]
    assert own[0]["fieldsV1"] == {"f:spec": {"f:a": {}, "f:b": {}}}
    assert merged_entries(merged, f"{CREATOR}-1") == merged


def _workload(kind: str, status: dict[str, Any], generation: int = 1) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "a", "namespace": "n", "generation": generation},
        "spec": {"replicas": 2},
        "status": status,
    }


ROLLED_OUT = {
    "observedGeneration": 1,
    "replicas": 2,
    "updatedReplicas": 2,
    "availableReplicas": 2,
    "conditions": [{"type": "Available", "status": "True"}],
}


def test_a_deployment_is_ready_when_its_latest_revision_is_rolled_out() -> None:
    assert readiness.deployment(_workload("Deployment", ROLLED_OUT)).ready
    assert not readiness.deployment(_workload("Deployment", ROLLED_OUT, generation=2)).ready
    assert not readiness.deployment(_workload("Deployment", ROLLED_OUT | {"updatedReplicas": 1})).ready
    assert not readiness.deployment(_workload("Deployment", ROLLED_OUT | {"replicas": 3})).ready


def test_a_job_is_ready_when_it_is_complete_and_failed_when_its_retries_are_used_up() -> None:
    def job(kind: str, **condition: str) -> dict[str, Any]:
        conditions = [{"type": kind, "status": "True", **condition}]
        return {"kind": "Job", "metadata": {"name": "a"}, "status": {"startTime": "now", "conditions": conditions}}

    assert readiness.job(job("Complete")).ready
    failed = readiness.job(job("Failed", reason="BackoffLimitExceeded", message="gave up"))
    assert failed.failed == "[BackoffLimitExceeded] gave up"


def _waiting(expressions: str, obj: dict[str, Any]) -> readiness.Progress:
    inputs = {"metadata": {"annotations": {objects.WAIT_FOR: expressions}}}
    judge = judge_for(inputs, lambda *_: None)
    assert judge is not None
    return judge({"metadata": {"generation": 2}, **obj})


def test_an_annotation_waits_for_every_one_of_its_expressions() -> None:
    both = '["jsonpath={.status.taskID}=t1", "jsonpath={.status.status}=Completed"]'
    assert not _waiting(both, {"status": {"taskID": "t0", "status": "Completed"}}).ready
    assert _waiting(both, {"status": {"taskID": "t1", "status": "Completed"}}).ready
    assert _waiting("jsonpath={.status.items[0].ok}=true", {"status": {"items": [{"ok": True}]}}).ready


def test_a_condition_of_an_older_generation_does_not_count() -> None:
    def status(generation: int) -> dict[str, Any]:
        return {"conditions": [{"type": "Ready", "status": "True", "observedGeneration": generation}]}

    assert not _waiting("condition=Ready", {"status": status(1)}).ready
    assert _waiting("condition=Ready", {"status": status(2)}).ready


@pytest.mark.parametrize("wrong", ["phase=Completed", "jsonpath=.status.phase=Completed", "jsonpath={.a}=", "[]"])
def test_an_annotation_that_cannot_be_understood_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"prefix|brackets|requires|at least one"):
        _waiting(wrong, {})


def test_skip_await_wins_over_everything_else() -> None:
    annotations = {objects.SKIP_AWAIT: "true", objects.WAIT_FOR: "condition=Ready"}
    assert judge_for({"metadata": {"annotations": annotations}}, lambda *_: None) is None


COUNTS = st.integers(0, 5)


@given(COUNTS, COUNTS, COUNTS, COUNTS, st.integers(0, 30))
def test_drawn_text_has_its_length_and_at_least_so_many_of_each_kind(
    lower: int, upper: int, numeric: int, special: int, more: int
) -> None:
    length = max(1, lower + upper + numeric + special + more)
    text = draw_text(
        {
            "length": length,
            "minLower": lower,
            "minUpper": upper,
            "minNumeric": numeric,
            "minSpecial": special,
            "overrideSpecial": "~",
        }
    )
    assert len(text) == length
    assert sum(c.islower() for c in text) >= lower
    assert sum(c.isupper() for c in text) >= upper
    assert sum(c.isdigit() for c in text) >= numeric
    assert text.count("~") >= special
    assert set(text) <= set(string.ascii_letters + string.digits + "~")


DEPLOYMENT = "kubernetes:apps/v1:Deployment"


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"spec": {"replicaz": 1}}, "Deployment.spec.replicaz: no such property"),
        ({"spec": {}}, "Deployment.spec.selector: required, and missing"),
        ({"spec": {"replicas": "3"}}, "Deployment.spec.replicas: '3' (str) given, int wanted"),
        ({"spec": {"replicas": 1.5}}, "Deployment.spec.replicas: 1.5 (float) given, int wanted"),
        ({"spec": {"replicas": True}}, "Deployment.spec.replicas: True (bool) given, int wanted"),
        ({"metadata": {"labels": ["a"]}}, "Deployment.metadata.labels: list given, Mapping wanted"),
        ({"kind": "Deploymnt"}, "Deployment.kind: 'Deploymnt' is not one of ['Deployment']"),
    ],
)
def test_inputs_that_do_not_fit_the_sdk_are_named_with_their_path(inputs: dict[str, Any], said: str) -> None:
    assert said in violations(DEPLOYMENT, inputs)


def test_unknown_values_and_custom_resources_are_not_judged() -> None:
    assert violations("kubernetes:core/v1:ConfigMap", {"metadata": UNKNOWN, "data": {"a": UNKNOWN}}) == []
    assert violations("kubernetes:example.com/v1:Gadget", {"spec": {"anything": 1}}) == []


def test_a_type_that_no_sdk_has_is_refused() -> None:
    assert violations("random:index/randomNothing:RandomNothing", {}) != []


def test_invented_outputs_keep_the_inputs_and_have_the_types_of_the_sdk() -> None:
    made = synthesise("random:index/randomPassword:RandomPassword", "password", {"length": 32})
    assert made["length"] == 32
    assert made["result"] == "password-result"
