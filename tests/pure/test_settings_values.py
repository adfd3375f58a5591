"""What valid settings mean: defaults, what follows from what, and secrets."""

from __future__ import annotations

import asyncio
import copy
from typing import Any, get_args

import pulumi
import pytest

from components.clickhouse import Chart, Images
from components.wandb import Versions
from components.wandb.inventory import COMPONENTS
from settings import InvalidSettings, Settings, parse
from settings.sizing import ComponentName

LICENCE = "licence-text-that-nobody-may-see"
SMALLEST: dict[str, Any] = {
    "environment": "test",
    "host": "wandb.example.com",
    "license": LICENCE,
    "ingress": {"className": "nginx"},
}
SECRET_KEYS = frozenset({"wandb:license", "wandb:mysql", "wandb:redis", "wandb:clickhouse"})


def settings(**changes: Any) -> Settings:
    return parse(copy.deepcopy(SMALLEST) | changes, secret_keys=SECRET_KEYS)


def test_four_keys_are_enough_for_a_test_installation():
    found = settings()
    assert found.products == ["models", "weave"]
    assert found.mysql.kind == found.redis.kind == found.object_store.kind == "in-cluster"
    assert found.managed_clickhouse is not None
    assert (found.managed_clickhouse.replicas, found.managed_clickhouse.keepers) == (3, 3)


def test_clickhouse_comes_with_weave_and_not_without():
    assert settings(products=["weave"]).managed_clickhouse is not None
    assert settings(products=["models"]).clickhouse.kind == "none"


@pytest.mark.parametrize(("section", "cache"), [({"volumeGiB": 100}, 40), ({"volumeGiB": 100, "cacheGiB": 50}, 50)])
def test_the_cache_follows_its_volume_unless_it_is_given(section: dict, cache: int):
    clickhouse = settings(clickhouse={"kind": "managed"} | section).managed_clickhouse
    assert clickhouse is not None
    assert clickhouse.cache_gib == cache


@pytest.mark.parametrize(
    ("ingress", "url", "mode"),
    [
        ({}, "https://wandb.example.com", "upstream"),
        ({"tlsSecret": "wandb-tls"}, "https://wandb.example.com", "secret"),
        ({"tls": "upstream"}, "https://wandb.example.com", "upstream"),
        ({"tls": "none"}, "http://wandb.example.com", "none"),
    ],
)
def test_the_url_is_https_unless_tls_is_switched_off(ingress: dict, url: str, mode: str):
    found = settings(ingress={"className": "nginx"} | ingress)
    assert found.ingress is not None
    assert (found.url, found.ingress.tls_mode) == (url, mode)


def test_what_holds_data_is_protected_in_production_unless_the_user_says_otherwise():
    assert settings().protect is False
    assert settings(protect=True).protect is True
    production = {"environment": "production", "products": ["models"], **EXTERNAL}
    assert settings(**production).protect is True
    assert settings(**production, protect=False).protect is False


PASSWORD = {"name": "store", "key": "password"}
EXTERNAL: dict[str, Any] = {
    "mysql": {"kind": "external", "host": "mysql.example.com", "passwordSecret": PASSWORD},
    "redis": {"kind": "external", "host": "redis.example.com", "passwordSecret": PASSWORD},
    "objectStore": {"kind": "external", "bucket": {"provider": "s3", "name": "files"}},
}


def test_images_are_named_with_repository_and_tag():
    found = settings(images={"mysql": "mirror.example.com/library/mysql"}, versions={"mysql": "8.4.9"})
    assert found.image("mysql") == "mirror.example.com/library/mysql:8.4.9"
    assert found.image("utility").startswith("alpine/k8s:1.35.")


def test_no_repr_or_str_shows_a_secret():
    password = "a-password-that-nobody-may-see"
    found = settings(mysql={"kind": "external", "host": "db.example.com", "password": password})
    for text in (repr(found), str(found), repr(found.mysql), f"{found.license}", repr(found.model_dump())):
        assert LICENCE not in text
        assert password not in text
    assert LICENCE not in found.model_dump_json()


def test_a_secret_leaves_the_settings_as_a_secret_output():
    licence = settings().license
    assert licence is not None

    async def read() -> tuple[bool, Any]:
        output = licence.output()
        return await output.is_secret(), await output.future()

    pulumi.runtime.settings.reset_options()
    assert asyncio.new_event_loop().run_until_complete(read()) == (True, LICENCE)


def test_settings_cannot_be_changed_once_they_are_read():
    with pytest.raises(Exception, match="frozen"):
        settings().__setattr__("host", "other.example.com")


def test_a_kubeconfig_may_name_the_home_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert settings(kubernetes={"kubeconfig": "~/kube"}).kubernetes.kubeconfig_file == "/home/someone/kube"
    assert settings().kubernetes.kubeconfig_file is None


def test_the_text_of_the_exception_is_the_whole_report():
    with pytest.raises(InvalidSettings) as raised:
        parse({}, stack="acme")
    text = str(raised.value)
    assert text.startswith("4 problems in the settings of stack acme; nothing was changed:\n  wandb:environment: ")
    assert all(str(problem) in text for problem in raised.value.problems)


def test_the_workloads_that_can_be_sized_are_those_that_the_program_switches_on():
    assert set(get_args(ComponentName)) == {each.name for each in COMPONENTS}


def test_the_default_versions_are_those_of_the_components():
    chosen, wandb = settings(), Versions()
    assert (wandb.operator_chart, wandb.controller) == (
        chosen.versions.wandb_operator_chart,
        chosen.versions.wandb_controller,
    )
    assert (wandb.chart, wandb.server) == (chosen.versions.wandb_chart, chosen.versions.wandb_server)
    assert Chart().version == chosen.versions.clickhouse_operator_chart
    images = Images(hook="unused:1")
    tag = chosen.versions.clickhouse
    assert (images.server, images.keeper) == (
        f"{chosen.images.clickhouse_server}:{tag}",
        f"{chosen.images.clickhouse_keeper}:{tag}",
    )
