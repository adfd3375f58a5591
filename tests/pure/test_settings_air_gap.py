"""A registry of one's own: names of copies, and what is refused because it would still reach out or could not log in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.wandb.images import chart_images
from settings import parse
from settings.air_gap import on_registry, path_of, whole
from settings.versions import Images
from tests.pure.test_settings_problems import ALL_SECRET, TEST, changed, problems

REGISTRY = {"registry": "registry.example.com/mirror"}
CLOSED = TEST | {"airGapped": REGISTRY}
SECRET = ALL_SECRET | {"wandb:airGapped"}
LOGIN = REGISTRY | {"user": "robot", "password": "x"}
EXTERNAL = {"kind": "managed", "crds": "external"}


def test_a_registry_alone_is_enough():
    assert problems(CLOSED) == {}
    settings = parse(CLOSED, secret_keys=ALL_SECRET)
    assert settings.air_gapped
    assert settings.air_gapped.chart_repository == "oci://registry.example.com/mirror/charts"
    assert settings.image("clickhouse_server").startswith("registry.example.com/mirror/altinity/clickhouse-server:")


@given(st.sampled_from([info.default for info in Images.model_fields.values()]))
def test_the_copy_of_an_image_keeps_the_path_that_its_makers_gave_it(repository: str):
    copy = on_registry(repository, "registry.example.com:5000/mirror")
    assert copy == f"registry.example.com:5000/mirror/{path_of(whole(repository))}"
    assert path_of(repository) == path_of(whole(repository)), "whether Docker Hub is named or not"


def test_no_two_images_have_the_same_place_on_a_registry():
    places = [path_of(info.default) for info in Images.model_fields.values()]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("repository", "expected"),
    [("mysql", "library/mysql"), ("wandb/local", "wandb/local"), ("quay.io/a/b", "a/b"), ("localhost/a", "a")],
)
def test_official_images_keep_the_name_that_docker_hub_gives_them(repository: str, expected: str):
    assert path_of(repository) == expected


@pytest.mark.parametrize(
    ("changes", "key", "what"),
    [
        ({"followReleaseChannel": True}, "followReleaseChannel", "deploy.wandb.ai"),
        ({"images/mysql": "other/mysql"}, "images.mysql", "docker.io"),
        ({"images/utility": "quay.io/tools/k8s"}, "images.utility", "quay.io"),
        ({"instance/imageRegistry": "us-docker.pkg.dev/wandb"}, "instance.imageRegistry", "us-docker.pkg.dev"),
        ({"airGapped/registry": "mirror"}, "airGapped.registry", "docker.io"),
        ({"airGapped/registry": "ghcr.io"}, "airGapped.registry", "ghcr.io"),
        ({"airGapped/charts": "http://charts.example.com"}, "airGapped.charts", "oci://"),
        ({"airGapped/user": "robot"}, "airGapped.password", "is missing"),
        ({"airGapped": LOGIN | {"pullSecret": "x"}}, "airGapped.pullSecret", "airGapped.user"),
        ({"airGapped": LOGIN}, "clickhouse.crds", "helm show crds"),
        (
            {"airGapped": REGISTRY | {"charts": "https://charts.example.com", "chartsSecret": "x"}},
            "airGapped.chartsSecret",
            "uninstall",
        ),
    ],
)
def test_what_would_reach_out_or_could_not_log_in_is_refused(changes: dict[str, Any], key: str, what: str):
    found = problems(changed(CLOSED, changes), SECRET)
    assert what in found[f"wandb:{key}"], found


def test_what_a_user_names_on_a_registry_of_their_own_stays_as_they_name_it():
    wanted = {"images/mysql": "other.example.com/mysql", "instance/imageRegistry": "third.example.com/wandb"}
    settings = parse(changed(CLOSED, wanted), secret_keys=ALL_SECRET)
    assert settings.image("mysql").startswith("other.example.com/mysql:")
    assert settings.wandb_registry == "third.example.com/wandb"
    assert settings.image("redis").startswith("registry.example.com/mirror/library/redis:")


def test_a_login_is_taken_where_the_definitions_of_clickhouse_are_there():
    assert problems(changed(CLOSED, {"airGapped": LOGIN, "clickhouse": EXTERNAL}), SECRET) == {}


def test_a_password_in_clear_text_is_refused_and_never_shown():
    found = problems(changed(CLOSED, {"airGapped": LOGIN | {"password": "s3cret"}, "clickhouse": EXTERNAL}))
    assert "is not encrypted" in found["wandb:airGapped.password"]
    assert not any("s3cret" in each for each in found.values())


def test_a_login_on_aws_is_refused_for_what_runs_before_the_namespaces():
    aws = {"region": "eu-central-1", "accountId": "123456789012"}
    found = problems(changed(CLOSED, {"target": "aws", "aws": aws, "airGapped": LOGIN, "ingress": None}), SECRET)
    assert "ECR" in found["wandb:airGapped.user"]


def test_what_the_users_own_values_switch_on_or_replace_is_in_the_list_of_images():
    plain = chart_images(["models"], "1.2.3", {})
    assert ("wandb/anaconda2", "latest") not in plain.images
    extra = {
        "anaconda2": {"install": True},
        "app": {"image": {"repository": "own/local"}},
        "weave": {"containers": {"weave-cache-clear": {"image": {"repository": "own/cache", "tag": "7"}}}},
        "prometheus": {"install": True},
    }
    found = chart_images(["models"], "1.2.3", extra)
    assert {("wandb/anaconda2", "latest"), ("own/local", "1.2.3"), ("own/cache", "7")} <= set(found.images)
    assert ("wandb/local", "1.2.3") not in found.images
    assert found.unknown == ("prometheus",)
