"""Preflight against a real API server: reading it, what it refuses, and a cluster that is gone."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight import check
from rehearsal.api import Api
from rehearsal.control_plane import BINARIES, ControlPlane, NodeShape, Surroundings, shut_down
from rehearsal.state import State
from settings import Settings, parse
from tools import bootstrap

POOL = NodeShape(count=3, cpu="3920m", memory="31Gi", zones=("a", "b", "c"))
OWNER = "wandb/dev"
USED: dict[str, Any] = {"wandb": "brought", "operator": "brought-operator", "clickhouse": "brought-clickhouse"}


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    state = State((tmp_path_factory.mktemp("preflight") / "dev").resolve())
    around = Surroundings(pools=[POOL], context="dev", storage_class="ssd", ingress_class="traefik")
    plane = ControlPlane(state, bootstrap.ensure(list(BINARIES)), around, kubelet=False)
    try:
        plane.start()
        yield plane
    finally:
        shut_down(state)


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[Api]:
    """The cluster's API; the namespaces that a test makes are emptied of Secrets afterwards."""
    api = control_plane.api
    yield api
    for secret in api.list("v1", "Secret", "brought"):
        api.delete("v1", "Secret", secret["metadata"]["name"], "brought")


def settings(kubeconfig: Path, **changes: Any) -> Settings:
    document: dict[str, Any] = {
        "environment": "test",
        "host": "wandb.example.com",
        "licenseSecret": {"name": "licence"},
        "ingress": {"className": "traefik"},
        "kubernetes": {"kubeconfig": str(kubeconfig), "context": "dev", "zones": 3},
        "namespaces": USED | {"create": False},
    }
    return parse(document | changes)


def make_namespaces(api: Api) -> None:
    for name in USED.values():
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def make_licence(api: Api, key: str) -> None:
    data = {key: base64.b64encode(b"text").decode()}
    metadata = {"name": "licence", "namespace": "brought"}
    api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})


def test_a_real_cluster_that_fits_has_neither_problem_nor_warning(control_plane: ControlPlane, api: Api):
    make_namespaces(api)
    make_licence(api, "license")
    found = check(settings(control_plane.kubeconfig), owner=OWNER)
    assert found.problems == found.warnings == ()
    assert found.where.startswith("context dev, server https://127.0.0.1:")


def test_what_a_real_cluster_lacks_is_found(control_plane: ControlPlane, api: Api):
    make_namespaces(api)
    make_licence(api, "licence-text")
    wanted = settings(
        control_plane.kubeconfig,
        ingress={"className": "nginx"},
        kubernetes={"kubeconfig": str(control_plane.kubeconfig), "storageClass": "fast"},
        clickhouse={"kind": "managed", "crds": "external"},
        namespaces=USED | {"clickhouse": "not-there", "create": False},
    )
    found = {each.key: str(each) for each in check(wanted, owner=OWNER).problems}
    assert list(found) == [
        "wandb:namespaces.clickhouse",
        "wandb:kubernetes.storageClass",
        "wandb:ingress.className",
        "wandb:licenseSecret",
        "wandb:clickhouse.crds",
    ]
    assert "The cluster has: ssd." in found["wandb:kubernetes.storageClass"]
    assert "The cluster has: traefik." in found["wandb:ingress.className"]
    assert "Its keys are: licence-text." in found["wandb:licenseSecret"]


def test_a_namespace_that_someone_else_made_is_not_taken(control_plane: ControlPlane, api: Api):
    make_namespaces(api)
    make_licence(api, "license")
    wanted = settings(control_plane.kubeconfig, namespaces={"wandb": "brought"})
    assert [each.key for each in check(wanted, owner=OWNER).problems] == ["wandb:namespaces.wandb"]


def with_user(control_plane: ControlPlane, path: Path, user: dict[str, Any]) -> Path:
    """A kubeconfig of the same cluster for another user."""
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    for each in config["users"]:
        each["user"] = user
    path.write_text(yaml.safe_dump(config))
    return path


def test_credentials_that_the_cluster_does_not_accept_are_named(control_plane: ControlPlane, tmp_path: Path):
    kubeconfig = with_user(control_plane, tmp_path / "config", {"token": "not-a-token"})
    [problem] = check(settings(kubeconfig), owner=OWNER).problems
    assert "it does not accept your credentials. Log in again" in str(problem)


def test_a_user_who_may_read_nothing_gets_warnings(control_plane: ControlPlane, api: Api, tmp_path: Path):
    metadata = {"name": "nobody", "namespace": "default"}
    api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    kubeconfig = with_user(control_plane, tmp_path / "config", {"token": token(api)})
    found = check(settings(kubeconfig), owner=OWNER)
    assert found.problems == ()
    assert found.warnings
    assert all("not allowed" in str(each) for each in found.warnings)


def token(api: Api) -> str:
    """A token of the service account `nobody`, by a Secret that the controllers fill."""
    metadata = {
        "name": "nobody-token",
        "namespace": "default",
        "annotations": {"kubernetes.io/service-account.name": "nobody"},
    }
    api.apply(
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": metadata}
    )
    for _ in range(300):
        secret = api.read("v1", "Secret", "nobody-token", "default") or {}
        if "token" in secret.get("data", {}):
            return base64.b64decode(secret["data"]["token"]).decode()
        time.sleep(0.1)
    raise AssertionError("the controllers made no token")


def test_a_cluster_that_is_another_one_is_told_from_its_certificate(control_plane: ControlPlane, tmp_path: Path):
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    for each in config["clusters"]:
        each["cluster"].pop("certificate-authority-data", None)
        each["cluster"].pop("certificate-authority", None)
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    [problem] = check(settings(path), owner=OWNER).problems
    assert "its certificate is not the one in the kubeconfig" in str(problem)
