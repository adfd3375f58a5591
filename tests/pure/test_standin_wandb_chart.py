"""What the stand-in for W&B's operator and its chart makes of values: merging, workloads, routes, references."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.wandb.values import values
from rehearsal.operators.wandb.components import not_played
from rehearsal.operators.wandb.environment import RenderError
from rehearsal.operators.wandb.merge import Panic, TypeNotMatch, merge
from rehearsal.operators.wandb.reconciler import frequency
from rehearsal.operators.wandb.render import Live, render
from sizing import chart as sizing_chart
from tests.harness import wandb_space

BASE: dict[str, Any] = {
    "global": {
        "host": "https://wandb.example.com",
        "licenseSecret": {"name": "licence", "key": "license"},
        "mysql": {"host": "db", "passwordSecret": {"name": "mysql", "passwordKey": "PASSWORD"}},
        "redis": {"host": "cache", "secret": {"secretName": "redis", "secretKey": "PASSWORD"}},
        "clickhouse": {"host": "ch", "port": 8123, "passwordSecret": {"name": "clickhouse"}},
        "bucket": {"provider": "s3", "name": "b", "region": "r"},
        "weave-trace": {"enabled": True},
        "api": {"enabled": True},
        "glue": {"enabled": True},
        "executor": {"enabled": True},
    },
    "executor": {"install": True},
    "frontend": {"install": True},
    "weave-trace": {"install": True},
    "ingress": {"class": "nginx"},
}


def rendered(*changes: dict[str, Any], live: Live | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    tree = copy.deepcopy(BASE)
    for change in changes:
        tree = _over(tree, change)
    objects = render(tree, "wandb", "wandb", live) if live else render(tree, "wandb", "wandb")
    assert len({(obj["kind"], obj["metadata"]["name"]) for obj in objects}) == len(objects)
    return {(obj["kind"], obj["metadata"]["name"]): obj for obj in objects}


def _over(tree: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return tree | {
        key: _over(tree[key], value) if isinstance(value, dict) and isinstance(tree.get(key), dict) else value
        for key, value in change.items()
    }


def container(objects: dict[tuple[str, str], Any], name: str, index: int = 0) -> dict[str, Any]:
    return objects["Deployment", name]["spec"]["template"]["spec"]["containers"][index]


def variables(found: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in found["env"]}


@pytest.mark.parametrize("size", sizing_chart.SIZES)
def test_every_workload_asks_for_what_the_chart_asks_for(size: str):
    objects = rendered({"global": {"size": size}})
    for workload in sizing_chart.workloads(size):
        found = objects.get(("Deployment", workload.name))
        if workload.kind != "Deployment" or found is None:
            continue
        asked = [one["resources"] for one in found["spec"]["template"]["spec"]["containers"]]
        wanted = [
            {kind: dict(part) for kind, part in (("requests", one.requests), ("limits", one.limits)) if part}
            for one in workload.containers
        ]
        assert asked == wanted
        scaler = objects.get(("HorizontalPodAutoscaler", workload.name.removesuffix("-bc")))
        assert (scaler is not None) == (workload.replicas.source == "hpa")
        if scaler:
            bounds = scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]
            assert bounds == (workload.replicas.min, workload.replicas.max)


def test_an_unknown_size_silently_means_no_requests_at_all():
    assert "resources" not in container(rendered({"global": {"size": "smal"}}), "wandb-app-bc")


def test_resources_are_merged_over_the_preset_field_by_field():
    found = container(rendered({"app": {"resources": {"requests": {"cpu": "250m"}}}}), "wandb-app-bc")
    assert found["resources"] == {"requests": {"cpu": "250m", "memory": "2Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}}


def test_a_container_with_resources_of_its_own_does_not_hear_the_components():
    asked = {"requests": {"cpu": "250m"}}
    deaf = container(rendered({"console": {"resources": asked}}), "wandb-console-bc")
    assert deaf["resources"]["requests"]["cpu"] == "1"
    own = {"console": {"containers": {"console": {"resources": asked}}}}
    assert container(rendered(own), "wandb-console-bc")["resources"]["requests"]["cpu"] == "250m"


def test_pods_that_would_rather_be_on_spot_nodes_say_so_and_stay_apart():
    tree = values(wandb_space.arguments(spot_pool="dedicated=spot"))
    objects = {obj["metadata"]["name"]: obj for obj in render(tree, "wandb", "wandb") if obj["kind"] == "Deployment"}
    for name in ("wandb-frontend", "wandb-weave-bc"):
        pod = objects[name]["spec"]["template"]["spec"]
        assert pod["tolerations"] == tree["frontend"]["tolerations"]
        assert pod["affinity"] == tree["frontend"]["affinity"]
        keys = {each["topologyKey"] for each in pod["topologySpreadConstraints"]}
        assert keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    for name in ("wandb-api", "wandb-app-bc", "wandb-weave-trace-bc"):
        assert not {"tolerations", "affinity"} & objects[name]["spec"]["template"]["spec"].keys()


def test_images_follow_tag_digest_and_prefix():
    assert container(rendered(), "wandb-app-bc")["image"] == "wandb/local:latest"
    pinned = rendered({"app": {"image": {"tag": "0.82.2"}}, "global": {"repositoryPrefix": "mirror.example.com/w"}})
    assert container(pinned, "wandb-app-bc")["image"] == "mirror.example.com/w/wandb/local:0.82.2"
    by_digest = rendered({"app": {"image": {"digest": "sha256:ab"}}})
    assert container(by_digest, "wandb-app-bc")["image"] == "wandb/local@sha256:ab"
    with pytest.raises(RenderError, match=r"app\.image\.tag: wrong type for value"):
        rendered({"app": {"image": {"tag": 0.82}}})


def test_which_references_a_pod_cannot_start_without():
    env = variables(container(rendered(), "wandb-api"))
    required = {name for name, value in env.items() if _secret(value) and not _secret(value).get("optional")}
    assert required == {"MYSQL_PASSWORD", "LICENSE", "GORILLA_LICENSE", "SMTP_PASSWORD"}
    assert env["REDIS_PASSWORD"]["secretKeyRef"]["optional"] is True
    trace = variables(container(rendered(), "wandb-weave-trace-bc"))
    assert _secret(trace["WF_CLICKHOUSE_PASS"]) == {"name": "clickhouse", "key": "CLICKHOUSE_PASSWORD"}


def _secret(value: Any) -> dict[str, Any]:
    return (value.get("secretKeyRef") or {}) if isinstance(value, dict) else {}


def test_global_variables_win_over_the_charts_own():
    env = container(rendered({"global": {"env": {"BUCKET": "elsewhere", "FLAG": True}}}), "wandb-api")["env"]
    assert [entry for entry in env if entry["name"] == "BUCKET"] == [{"name": "BUCKET", "value": "elsewhere"}]
    assert {"name": "FLAG", "value": "true"} in env


def test_labels_and_annotations_of_all_deployments_and_pods():
    change = {
        "deployment": {"annotations": {"revision": "r"}},
        "pod": {"labels": {"team": "ml"}, "annotations": {"a": "b"}},
        "common": {"labels": {"env": "test"}},
    }
    found = rendered({"global": change})
    for (kind, _), obj in found.items():
        if kind == "Deployment":
            assert obj["metadata"]["annotations"]["revision"] == "r"
            assert obj["metadata"]["labels"]["app.kubernetes.io/instance"] == "wandb"
            pod = obj["spec"]["template"]["metadata"]
            assert pod["annotations"] == {"a": "b"}
            assert pod["labels"]["team"] == "ml"
            assert pod["labels"]["env"] == "test"


def test_service_accounts_carry_the_identity_of_their_component():
    change = {"api": {"serviceAccount": {"annotations": {"role": "arn"}}, "podLabels": {"use": "true"}}}
    objects = rendered(change)
    assert objects["ServiceAccount", "wandb-api"]["metadata"]["annotations"] == {"role": "arn"}
    assert objects["Deployment", "wandb-api"]["spec"]["template"]["metadata"]["labels"]["use"] == "true"
    assert "annotations" not in objects["ServiceAccount", "wandb-app"]["metadata"]


def test_the_routes_of_the_ingress():
    found = rendered()["Ingress", "wandb"]
    assert found["spec"]["ingressClassName"] == "nginx"
    rule = found["spec"]["rules"][0]
    assert rule["host"] == "wandb.example.com"
    routes = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    assert routes == {
        "/": "wandb-frontend",
        "/api": "wandb-api",
        "/graphql": "wandb-api",
        "/graphql2": "wandb-api",
        "/console": "wandb-console",
        "/traces": "wandb-weave-trace",
    }


def test_every_route_ends_at_a_port_of_a_service_that_is_there():
    objects = rendered({"global": {"api": {"additionalPaths": {"files": True, "artifacts": True}}}})
    for path in objects["Ingress", "wandb"]["spec"]["rules"][0]["http"]["paths"]:
        service = path["backend"]["service"]
        ports = {port["port"] for port in objects["Service", service["name"]]["spec"]["ports"]}
        assert service["port"]["number"] in ports


def test_services_ports_and_targets():
    objects = rendered()
    assert [port["port"] for port in objects["Service", "wandb-app"]["spec"]["ports"]] == [8080, 8181, 8082, 8083]
    assert objects["Service", "wandb-weave-trace"]["spec"]["ports"][0]["targetPort"] == 8080
    assert objects["Service", "wandb-parquet-grpc"]["spec"]["clusterIP"] == "None"


def test_nobody_may_read_the_issuers_keys_when_no_caller_is_trusted():
    assert ("ClusterRoleBinding", "wandb-oidc-reviewer") in rendered()
    assert ("ClusterRoleBinding", "wandb-oidc-reviewer") not in rendered({"app": {"internalJWTMap": []}})


def test_a_fixed_number_of_replicas_needs_the_autoscaler_off():
    fixed = rendered({"api": {"autoscaling": {"horizontal": {"enabled": False}}, "replicaCount": 3}})
    assert fixed["Deployment", "wandb-api"]["spec"]["replicas"] == 3
    assert ("HorizontalPodAutoscaler", "wandb-api") not in fixed


def test_an_autoscaler_that_is_there_governs_the_replicas():
    live = Live(secret=lambda _: None, replicas=lambda name: 2 if name == "wandb-api" else 0)
    assert rendered(live=live)["Deployment", "wandb-api"]["spec"]["replicas"] == 2


def test_a_generated_secret_is_kept_at_an_upgrade():
    held = Live(secret=lambda _: {"GORILLA_SESSION_KEY": "a2VwdA=="}, replicas=lambda _: 0)
    secret = rendered(live=held)["Secret", "wandb-gorilla-session-key"]
    assert secret["data"]["GORILLA_SESSION_KEY"] == "a2VwdA=="


def test_the_schema_is_migrated_by_api_where_there_is_one():
    objects = rendered()
    assert "initContainers" not in objects["Deployment", "wandb-glue"]["spec"]["template"]["spec"]
    without = rendered({"global": {"api": {"enabled": False}}})
    init = without["Deployment", "wandb-glue"]["spec"]["template"]["spec"]["initContainers"]
    assert [one["name"] for one in init] == ["migrate-db"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"redis": {"host": {"valueFrom": {}}}}, r"global\.redis\.host"),
        ({"mysql": {"caCert": {"valueFrom": {}}}}, r"global\.mysql\.caCert"),
        ({"email": {"smtp": {"host": {"valueFrom": {}}}}}, r"global\.email\.smtp\.host"),
        ({"env": {"A": "{{ .Values.x }}"}}, "does not evaluate the template"),
    ],
)
def test_values_that_break_the_templates_break_them_here(change: dict[str, Any], words: str):
    with pytest.raises(RenderError, match=words):
        rendered({"global": change})


def test_a_password_given_as_a_reference_still_leaves_its_text_in_a_secret():
    change = {"mysql": {"passwordSecret": {"name": ""}, "password": {"valueFrom": {"secretKeyRef": {"name": "s"}}}}}
    secret = rendered({"global": change})["Secret", "wandb-mysql"]
    assert secret["data"]["MYSQL_PASSWORD"] == "bWFwW3ZhbHVlRnJvbTptYXBbc2VjcmV0S2V5UmVmOm1hcFtuYW1lOnNdXV0="


def test_what_is_on_and_not_played_is_said():
    assert not_played({}) == [
        "appRenamePreHook.install",
        "appRenamePostHook.install",
        "redis.install",
        "prometheus.install",
        "otel.install",
    ]
    on = ("redis", "prometheus", "otel", "appRenamePreHook", "appRenamePostHook")
    off = {name: {"install": False} for name in on}
    assert not_played(off) == []


def test_what_the_project_emits_leaves_nothing_unplayed():
    assert not_played(values(wandb_space.arguments())) == []


@pytest.mark.parametrize("products", [{"models"}, {"weave"}, {"models", "weave"}])
def test_what_the_project_emits_is_rendered(products: set[str]):
    args = wandb_space.arguments(products=frozenset(products))
    objects = render(values(args), "wandb", "wandb")
    names = {obj["metadata"]["name"] for obj in objects if obj["kind"] == "Deployment"}
    assert ("wandb-weave-trace-bc" in names) == ("weave" in products)
    assert {"wandb-api", "wandb-app-bc", "wandb-console-bc", "wandb-frontend"} <= names


def test_the_one_given_first_wins_and_lists_are_joined():
    first = {"a": 1, "b": {"c": "x"}, "list": [1]}
    second = {"a": 2, "b": {"c": "y", "d": "z"}, "list": [2], "e": True}
    assert merge(first, second) == {"a": 1, "b": {"c": "x", "d": "z"}, "list": [1, 2], "e": True}


def test_different_kinds_do_not_match_and_null_panics():
    with pytest.raises(TypeNotMatch) as mismatch:
        merge({"mysql": {"port": "3306"}}, {"mysql": {"port": 3306}})
    assert (str(mismatch.value), mismatch.value.path) == ("type not match", "mysql.port")
    with pytest.raises(Panic, match="nil pointer dereference"):
        merge({"a": None}, {"a": 1})
    assert merge({"a": None}, {"b": 1}) == {"a": None, "b": 1}


JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
MAPS = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


@given(MAPS, MAPS)
def test_merging_changes_neither_side_and_keeps_every_key(first: dict[str, Any], second: dict[str, Any]):
    before = copy.deepcopy((first, second))
    try:
        merged = merge(first, second)
    except TypeNotMatch:
        merged = None
    assert (first, second) == before
    if merged is not None:
        assert merged.keys() == first.keys() | second.keys()


@given(MAPS)
def test_nothing_is_neutral_in_merging(tree: dict[str, Any]):
    assert merge(tree, {}) == tree == merge({}, tree)


@pytest.mark.parametrize(
    ("text", "seconds"), [("10m", 600), ("1h30m", 5400), ("45s", 45), ("soon", 3600), ("", 3600), (None, 3600)]
)
def test_the_time_between_reconciles(text: Any, seconds: float):
    assert frequency({"reconcileFrequency": text}) == seconds
