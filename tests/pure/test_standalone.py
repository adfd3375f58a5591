"""The server in one container without Kubernetes: what is printed for Docker, Compose and nginx."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import contracts
from components.wandb.container import ServerArgs, environment
from components.wandb.options import OIDC, SMTP, Options, Placing, Proxy
from rehearsal.kubelet.images.wandb_local import refusal
from settings import InvalidSettings, parse
from standalone.documents import Server, compose, docker_run, env_file, nginx, split
from standalone.stack import NoStack, read, server
from tests.harness import wandb_space as space

ROOT = Path(__file__).resolve().parents[2]
KEY = contracts.SecretKey(name="s", key="k")
STACK: dict[str, Any] = {
    "environment": "test",
    "products": ["models"],
    "host": "wandb.example.com",
    "licenseSecret": {"name": "licence"},
    "ingress": {"className": "nginx"},
    "singleContainer": {},
    "sizing": {"nodes": {"cpu": 4, "memoryGiB": 16}},
}


def printed(**changes: Any) -> Server:
    args: dict[str, Any] = {
        "url": "https://wandb.example.com",
        "license": KEY,
        "mysql": contracts.MySQL(host="mysql.example.com", password=KEY),
        "redis": contracts.Redis(host="redis.example.com", tls=True, password=KEY),
        "bucket": space.COMPATIBLE,
    }
    return Server(args=ServerArgs(**args | changes), image="wandb/local:0.82.2", cpus="4", memory="8192m")


def test_what_carries_a_secret_is_in_the_env_file_and_nowhere_else() -> None:
    one = printed(options=Options(smtp=SMTP(host="mail", user="wandb", password=KEY)))
    filled = dict(line.split("=", 1) for line in env_file(one).splitlines() if not line.startswith("#"))
    assert filled == {
        "BUCKET": "s3://<BUCKET_ACCESS_KEY>:<BUCKET_SECRET_KEY>@seaweedfs.wandb.svc.cluster.local:8333/wandb?tls=false",
        "GORILLA_EMAIL_SINK": "smtp://wandb:<SMTP_PASSWORD>@mail:587",
        "LICENSE": "<LICENSE>",
        "MYSQL": "mysql://wandb:<MYSQL_PASSWORD>@mysql.example.com:3306/wandb_local",
        "REDIS": "redis://:<REDIS_PASSWORD>@redis.example.com:6379?tls=true",
    }
    told = yaml.safe_load(compose(one))["services"]["wandb"]
    assert not filled.keys() & told["environment"].keys()
    assert told["env_file"] == ["wandb.env"]
    for document in (docker_run(one), compose(one), nginx(one)):
        assert "<" not in document
        assert "PASSWORD" not in document


def test_docker_compose_and_kubernetes_are_told_the_same() -> None:
    one = printed()
    plain, secret = one.variables
    assert yaml.safe_load(compose(one))["services"]["wandb"]["environment"] == plain
    for name, text in plain.items():
        assert f"{name}={text}" in docker_run(one)
    told = environment(one.args)
    assert plain.keys() | secret.keys() <= told.keys()
    only_within = {"MYSQL_PASSWORD", "REDIS_PASSWORD", "BUCKET_ACCESS_KEY", "BUCKET_SECRET_KEY"}
    assert told.keys() - plain.keys() - secret.keys() == only_within


def test_a_store_that_is_left_out_is_the_containers_own() -> None:
    one = printed(mysql=None, redis=None, bucket=None)
    assert one.variables == ({"HOST": "https://wandb.example.com"}, {"LICENSE": "<LICENSE>"})
    assert "--volume wandb:/vol" in docker_run(one)


def test_nginx_takes_files_of_any_size_and_ends_tls_where_there_is_some() -> None:
    text = nginx(printed(options=Options(additional_hosts=("other.example.com",))))
    assert "client_max_body_size 0;" in text
    assert "server_name wandb.example.com other.example.com;" in text
    assert "listen 8443 ssl;" in text
    assert text.count("{") == text.count("}")
    plain = nginx(printed(url="http://wandb.example.com"))
    assert "ssl" not in plain


def test_the_user_that_is_asked_for_is_in_the_group_of_the_files() -> None:
    one = printed(options=Options(placing=Placing(run_as_user=100000)))
    assert "--user 100000:0" in docker_run(one)
    assert yaml.safe_load(compose(one))["services"]["wandb"]["user"] == "100000:0"


def test_a_dollar_sign_reaches_the_server_through_compose() -> None:
    one = printed(options=Options(env={"A": "$B"}))
    assert yaml.safe_load(compose(one))["services"]["wandb"]["environment"]["A"] == "$$B"


def test_options_that_the_server_knows_are_told_to_it() -> None:
    options = Options(
        session_hours=24,
        oidc=OIDC(issuer="https://i", client_id="c", secret=KEY),
        proxy=Proxy(https="http://proxy:3128", direct=(".corp",)),
        env_secrets={"TOKEN": KEY},
        artifact_garbage_collection=True,
    )
    told = environment(printed(options=options).args)
    assert told["GORILLA_SESSION_LENGTH"] == "24h"
    assert (told["OIDC_ISSUER"], told["OIDC_AUTH_METHOD"], told["OIDC_SECRET"]) == ("https://i", "pkce", KEY)
    assert told["HTTPS_PROXY"] == told["https_proxy"] == "http://proxy:3128"
    assert ".corp" in str(told["NO_PROXY"]).split(",")
    assert told["TOKEN"] == KEY
    assert told["GORILLA_ARTIFACT_GC_ENABLED"] == "true"


def test_secrets_that_only_serve_a_url_are_written_into_it() -> None:
    assert split({"A": KEY, "B": "x://$(A)@h", "C": "plain", "D": KEY}) == (
        {"C": "plain"},
        {"B": "x://<A>@h", "D": "<D>"},
    )


@pytest.mark.parametrize("document", ["compose", "nginx", "env", "run"])
def test_the_command_prints_each_document_of_the_example(document: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "standalone", document], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compose", "--stack", "nowhere"], "There is no Pulumi.nowhere.yaml"),
        (["compose", "--stack", "dev"], "does not ask for a server in one container"),
        (["helm"], "helm: is none of compose, nginx, env, run."),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "standalone", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert message in done.stderr


def test_an_encrypted_value_stays_closed(tmp_path: Path) -> None:
    file = {f"wandb:{key}": value for key, value in STACK.items() if key != "licenseSecret"}
    file["wandb:license"] = {"secure": "AAAB"}
    file["wandb:mysql"] = {"kind": "external", "host": "db.example.com", "password": {"secure": "AAAC"}}
    (tmp_path / "Pulumi.one.yaml").write_text(yaml.safe_dump({"config": file}))
    assert server(read("one", tmp_path)).mysql == contracts.MySQL(
        host="db.example.com", password=contracts.SecretKey(name="mysql", key="value")
    )
    with pytest.raises(NoStack):
        read("two", tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"products": ["models", "weave"]}, "products: has weave, which one container does not run"),
        ({"followReleaseChannel": True}, "followReleaseChannel: is true"),
        ({"networkPolicies": {"ingressNamespaces": ["ingress"]}}, "networkPolicies: is given"),
        ({"monitoring": {"namespace": "monitoring"}}, "monitoring: is given"),
        ({"instance": {"extraValues": {"global": {"size": "small"}}}}, "instance.extraValues: is given"),
        ({"instance": {"kafka": {"host": "k"}}}, "instance.kafka: is given"),
        ({"instance": {"components": {"api": {}}}}, "instance.components: is given"),
        ({"sizing": {"chartSize": "small"}}, "sizing.chartSize: is given"),
        ({"sizing": {"components": {"api": {"cpuRequest": "1"}}}}, "sizing.components: is given"),
        (
            {"objectStore": {"kind": "external", "bucket": {"provider": "az", "name": "a/b", "region": "r"}}},
            "objectStore.bucket.provider: is az",
        ),
    ],
)
def test_settings_that_one_container_cannot_follow_are_refused_in_words(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSettings) as found:
        parse(STACK | changes)
    assert any(message in str(each) for each in found.value.problems), found.value.problems


def pod(**security: int) -> dict[str, Any]:
    return {"spec": {"securityContext": security}}


@pytest.mark.parametrize(
    ("security", "variables", "words"),
    [
        ({"runAsUser": 999, "runAsGroup": 0}, {"HOST": "https://h", "MYSQL": "mysql://u:p@h/d"}, None),
        ({"runAsUser": 1000, "runAsGroup": 1000}, {}, "belong to group 0"),
        ({}, {"MYSQL": "mysql://u:$(MYSQL_PASSWORD)@h/d"}, "a variable that is not there"),
        ({}, {"BUCKET": "https://h/b"}, "BUCKET: is not an address of the form s3://..."),
        ({}, {"HOST": "wandb.example.com"}, "HOST: is not an address"),
    ],
)
def test_the_stand_in_of_the_image_ends_as_the_server_would(
    security: dict[str, int], variables: dict[str, str], words: str | None
) -> None:
    said = refusal(pod(**security), variables)
    assert said is None if words is None else words in (said or "")
