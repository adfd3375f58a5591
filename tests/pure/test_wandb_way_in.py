"""Whatever leads to W&B, the same paths lead to the same Services, and uploads of any size and long answers get through."""

from __future__ import annotations

from typing import Any

import pytest

from components import contracts
from components.wandb import way_in
from components.wandb.values import values
from rehearsal.operators.wandb.render import render
from tests.harness import wandb_space as space
from tests.pure.test_settings_problems import TEST, changed, problems

TABLE = {
    "/": ("wandb-frontend", 8080),
    "/api": ("wandb-api", 8081),
    "/graphql": ("wandb-api", 8081),
    "/graphql2": ("wandb-api", 8081),
    "/console": ("wandb-console", 8082),
    "/traces": ("wandb-weave-trace", 8722),
}
"""W&B's reference architecture, "W&B service routing"; `/` goes to the frontend, which the chart puts before `app` where it is on."""
GATEWAY = contracts.Gateway(name="shared", namespace="gateways", listener="https")
BOTH = frozenset({"models", "weave"})


def ingress(controller: way_in.Controller | None, **more: Any) -> dict[str, Any]:
    told = way_in.annotations(controller)
    args = space.arguments(products=BOTH, ingress=contracts.Ingress(class_name="some", annotations=told, **more))
    (found,) = [each for each in render(values(args), "wandb", "wandb") if each["kind"] == "Ingress"]
    return found


def paths(found: dict[str, Any]) -> dict[str, tuple[str, int]]:
    (rule,) = found["spec"]["rules"]
    assert all(each["pathType"] == "Prefix" for each in rule["http"]["paths"])
    backends = {each["path"]: each["backend"]["service"] for each in rule["http"]["paths"]}
    return {path: (each["name"], each["port"]["number"]) for path, each in backends.items()}


@pytest.mark.parametrize("controller", [None, *way_in.CONTROLLERS])
def test_every_controller_routes_the_same_paths_to_the_same_services(controller: way_in.Controller | None) -> None:
    assert paths(ingress(controller)) == TABLE


def test_a_gateway_routes_the_same_paths_to_the_same_services() -> None:
    spec = way_in.route_spec(GATEWAY, way_in.parent_reference(GATEWAY), ["wandb.example.com"], BOTH)
    found = {}
    for rule in spec["rules"]:
        (match,), (backend,) = rule["matches"], rule["backendRefs"]
        assert match["path"]["type"] == "PathPrefix"
        assert rule["timeouts"] == {"request": "300s"}
        found[match["path"]["value"]] = (backend["name"], backend["port"])
    assert found == TABLE
    assert spec["parentRefs"] == [{"name": "shared", "namespace": "gateways", "sectionName": "https"}]
    assert spec["hostnames"] == ["wandb.example.com"]


def test_the_services_that_routes_name_are_there() -> None:
    args = space.arguments(products=BOTH)
    services = {
        each["metadata"]["name"]: {port["port"] for port in each["spec"]["ports"]}
        for each in render(values(args), "wandb", "wandb")
        if each["kind"] == "Service"
    }
    assert all(port in services[name] for name, port in TABLE.values())
    assert {each.service for each in way_in.routes(["models"])} == {name for name, _ in TABLE.values()} - {
        "wandb-weave-trace"
    }


def test_without_an_ingress_the_chart_makes_none() -> None:
    for way in (contracts.Ingress(class_name=None), contracts.Ingress(class_name=None, gateway=GATEWAY)):
        tree = values(space.arguments(ingress=way))
        assert tree["ingress"] == {"install": False}
        assert not [each for each in render(tree, "wandb", "wandb") if each["kind"] == "Ingress"]


@pytest.mark.parametrize(
    ("controller", "key", "value"),
    [
        ("nginx", "nginx.ingress.kubernetes.io/proxy-body-size", "0"),
        ("nginx", "nginx.ingress.kubernetes.io/proxy-read-timeout", "300"),
        ("alb", "alb.ingress.kubernetes.io/target-type", "ip"),
        ("alb", "alb.ingress.kubernetes.io/load-balancer-attributes", "idle_timeout.timeout_seconds=300"),
        ("application-gateway", "appgw.ingress.kubernetes.io/request-timeout", "300"),
        ("openshift", "haproxy.router.openshift.io/timeout", "300s"),
    ],
)
def test_a_controller_is_told_what_uploads_and_long_answers_need(
    controller: way_in.Controller, key: str, value: str
) -> None:
    assert ingress(controller)["metadata"]["annotations"][key] == value


def test_openshift_is_told_to_use_its_own_certificate_where_none_is_given() -> None:
    assert ingress("openshift", default_certificate=True)["spec"]["tls"] == [{}]
    assert "tls" not in ingress("nginx")["spec"]


def test_by_http_alone_no_controller_is_told_to_speak_tls() -> None:
    for controller in way_in.CONTROLLERS:
        told = way_in.without_tls(controller, way_in.annotations(controller))
        assert not [key for key in told if "ssl" in key or "termination" in key]


def test_a_gateway_that_is_made_has_the_certificate_and_redirects() -> None:
    made = contracts.Gateway(class_name="istio", tls_secret="wandb-tls")
    http, https = way_in.gateway_spec(made, ["wandb.example.com"])["listeners"]
    assert (http["protocol"], https["protocol"]) == ("HTTP", "HTTPS")
    assert https["tls"]["certificateRefs"] == [{"name": "wandb-tls"}]
    assert way_in.parent_reference(made)["sectionName"] == "https"


NOTHING: dict[str, Any] = {"ingress/className": None}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"ingress/className": None, "ingress/controller": "nginx"}, "ingress.className"),
        ({"ingress/gateway": {"name": "shared"}}, "ingress.className"),
        ({"ingress/controller": "none"}, "ingress.className"),
        (NOTHING | {"ingress/gateway": {}}, "ingress.gateway.name"),
        (NOTHING | {"ingress/gateway": {"name": "a", "className": "b"}}, "ingress.gateway.name"),
        (NOTHING | {"ingress/gateway": {"className": "b", "listener": "x"}}, "ingress.gateway.listener"),
        (NOTHING | {"ingress/gateway": {"name": "a"}, "ingress/tlsSecret": "x"}, "ingress.tlsSecret"),
        (NOTHING | {"ingress/gateway": {"name": "a"}, "ingress/annotations": {"a": "b"}}, "ingress.annotations"),
        (NOTHING | {"ingress/gateway": {"name": "a"}, "ingress/controller": "nginx"}, "ingress.controller"),
        (
            NOTHING | {"ingress/gateway": {"className": "a"}, "ingress/certManager": {"name": "x"}},
            "ingress.certManager",
        ),
        ({"ingress/certManager": {"name": "letsencrypt"}}, "ingress.tlsSecret"),
    ],
)
def test_ways_in_that_exclude_each_other_are_refused(changes: dict[str, Any], key: str) -> None:
    assert f"wandb:{key}" in problems(changed(TEST, changes))


@pytest.mark.parametrize(
    "changes",
    [
        NOTHING | {"ingress/gateway": {"name": "shared", "namespace": "gateways"}},
        NOTHING | {"ingress/gateway": {"className": "istio"}, "ingress/tlsSecret": "wandb-tls"},
        NOTHING | {"ingress/controller": "none"},
        {"ingress/controller": "openshift"},
        {"ingress/certManager": {"name": "letsencrypt"}, "ingress/tlsSecret": "wandb-tls"},
    ],
)
def test_each_way_in_is_taken_by_itself(changes: dict[str, Any]) -> None:
    assert problems(changed(TEST, changes)) == {}
