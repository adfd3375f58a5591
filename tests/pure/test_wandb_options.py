"""What is said of the W&B instance reaches the values of its chart, where docs/wandb.md says, and no secret with it."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arguments.options import options, secret_texts, toleration, value_problems
from components import contracts
from components.wandb.chart_values import known, problems, secrets_in_clear
from components.wandb.inventory import COMPONENTS, running
from components.wandb.operator import OperatorArgs, operator_values
from components.wandb.option_values import merged, proxy_environment
from components.wandb.options import ComponentOptions, Options, Placing, Proxy
from components.wandb.values import ComponentSizing, ValuesArgs, values
from preflight.checks import brought_secrets
from rehearsal.operators.wandb.render import render
from settings import InvalidSettings, Settings, parse
from settings.sizing import ONLY_FOR
from settings.surface import surface
from tests.harness import aws_settings
from tests.harness import instance_settings as instance
from tests.harness import wandb_space as space

ROOT = Path(__file__).resolve().parents[2]
STACK: dict[str, Any] = {
    "environment": "test",
    "host": "wandb.example.com",
    "licenseSecret": {"name": "licence"},
    "ingress": {"className": "nginx"},
}
SECRET_KEYS = ("wandb:instance",)


def settings(**of_instance: Any) -> Settings:
    return parse(STACK | {"instance": of_instance}, secret_keys=SECRET_KEYS)


def problems_of(**of_instance: Any) -> list[str]:
    with pytest.raises(InvalidSettings) as found:
        parse(STACK | {"instance": of_instance}, secret_keys=())
    return [str(each) for each in found.value.problems]


def made(read: Settings) -> Options:
    keys = {
        name: contracts.SecretKey(name=f"{name}-password", key="password", version="v")
        for name in secret_texts(read.instance)
    }
    return options(read.instance, keys, registry=read.wandb_registry)


def tree(of_instance: Mapping[str, Any]) -> dict[str, Any]:
    return values(space.arguments(options=made(settings(**of_instance))))


def flat(of_tree: dict[str, Any]) -> dict[str, Any]:
    return {".".join(path): value for path, value in space.leaves(of_tree)}


def leaves(document: Mapping[str, Any], path: str = "instance") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, Mapping) and key not in instance.ONE_SETTING:
            yield from leaves(value, f"{path}.{key}")
        else:
            yield f"{path}.{key}", value


def changed(path: str, value: Any) -> dict[str, Any]:
    document = {"instance": copy.deepcopy(instance.SET)}
    for where, what in ((instance.EXCLUDED_BY.get(path), None), (path, value)):
        here: Any = document
        *parents, last = (where or "instance.none").split(".")
        for each in parents:
            here = here[each]
        if what is None:
            here.pop(last, None)
        else:
            here[last] = what
    return document["instance"]


def table() -> dict[str, tuple[list[str], str]]:
    """By setting: the chart's paths and the test that docs/wandb.md names."""
    text = (ROOT / "docs" / "wandb.md").read_text()
    rows = re.findall(r"^\| `((?:instance|sizing)\.[^`]+)` \| (.+?) \| `(tests/[^`]+)` \|$", text, re.MULTILINE)
    return {setting: (re.findall(r"`([^`]+)`", paths), test) for setting, paths, test in rows}


CASES = list(leaves(instance.OTHERWISE))


@pytest.mark.parametrize(("path", "value"), CASES, ids=[path for path, _ in CASES])
def test_a_setting_changes_the_values_that_the_documentation_names_and_no_others(path: str, value: Any) -> None:
    before, after = flat(tree(instance.SET)), flat(tree(changed(path, value)))
    different = {each for each in before.keys() | after.keys() if before.get(each) != after.get(each)}
    documented = table()[path.replace(".api.", ".<name>.")][0]
    patterns = [re.escape(each).replace("<component>", r"[\w-]+").replace(r"\*", ".+") for each in documented]
    unnamed = [each for each in different if not any(re.fullmatch(rf"{one}(\..+)?", each) for one in patterns)]
    marks = {each for each in unnamed if each.startswith("global.pod.annotations.")}
    assert set(unnamed) == marks, "what else changes is the mark by which pods start anew"
    for one in patterns:
        assert any(re.fullmatch(rf"{one}(\..+)?", each) for each in different), f"{path} does not change {one}"


@pytest.mark.parametrize(
    "key", [each for each in surface() if each.path.startswith("instance.")], ids=lambda key: key.path
)
def test_the_documentation_names_the_chart_values_and_a_test_of_every_setting(key: Any) -> None:
    if key.models or key.type == "section" or key.path == "instance.allowUnknownValues":
        return
    paths, test = table()[key.path]
    file, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text()
    for path in () if paths == ["*"] else paths:
        concrete = path.replace("<component>", "api").replace("*", "anything")
        wrong = problems({concrete.split(".")[0]: _below(concrete.split(".")[1:])})
        assert not [each for each in wrong if "is read by nothing" in each.wrong], path


def _below(parts: list[str]) -> Any:
    return {parts[0]: _below(parts[1:])} if parts else ""


def test_what_the_documentation_says_of_replicas_is_so() -> None:
    rows = {path: paths for path, (paths, _) in table().items() if path.startswith("sizing.")}
    sizing = ComponentSizing(replicas=(2, 4), cpu_percent=60, memory_percent=70)
    emitted = flat(values(space.arguments(components={"api": sizing})))
    documented = {path.replace("<component>", "api") for paths in rows.values() for path in paths}
    assert documented <= emitted.keys()
    assert emitted["api.autoscaling.horizontal.targetCPUUtilizationPercentage"] == 60
    assert emitted["api.autoscaling.horizontal.targetMemoryUtilizationPercentage"] == 70


def test_nothing_that_is_left_out_changes_a_value() -> None:
    assert made(settings()) == Options()
    assert values(space.arguments(options=Options())) == values(space.arguments())


_names = st.sampled_from(["a", "team-b"])
_variables = st.dictionaries(st.sampled_from(["A", "B_C", "HTTP_PROXY"]), st.sampled_from(["", "1", "a b"]), max_size=2)
_references = st.dictionaries(st.sampled_from(["D", "E_F"]), st.sampled_from(["s/k", "a.b/tls.key"]), max_size=2)
_placing: dict[str, st.SearchStrategy[Any]] = {
    "env": _variables,
    "envSecrets": _references,
    "nodeSelector": st.sampled_from([{}, {"pool": "a"}, {"example.com/pool": ""}]),
    "tolerations": st.lists(st.sampled_from(["a=b:NoSchedule", "a", "a:NoExecute", "example.com/a=b"]), max_size=2),
    "topologySpread": st.dictionaries(
        st.sampled_from(["topology.kubernetes.io/zone", "rack"]), st.sampled_from(["DoNotSchedule", "ScheduleAnyway"])
    ),
    "priorityClass": _names,
    "runAsUser": st.integers(1, 2**32 - 2),
}
_key = st.fixed_dictionaries({"name": _names, "key": st.just("k")})
_section = st.fixed_dictionaries({}, optional=_placing)
instances = st.fixed_dictionaries(
    {},
    optional={
        **_placing,
        "additionalHosts": st.sampled_from([[], ["a.example.com"], ["a.example.com", "b.example.com"]]),
        "sessionHours": st.integers(1, 8760),
        "oidc": st.fixed_dictionaries(
            {"issuer": st.just("https://i.example.com/x"), "clientId": _names},
            optional={"method": st.sampled_from(["pkce", "implicit"]), "secretRef": _key},
        ),
        "smtp": st.one_of(
            st.fixed_dictionaries({"host": st.just("m"), "user": _names, "passwordSecret": _key}),
            st.fixed_dictionaries({"host": st.just("m"), "user": _names, "password": st.just("a-hidden-text")}),
        ),
        "slack": st.one_of(
            st.fixed_dictionaries({"clientId": _names, "secretRef": _key}),
            st.fixed_dictionaries({"clientId": _names, "secret": st.just("a-hidden-text")}),
        ),
        "caCertificates": st.sampled_from([[], [instance.CERTIFICATE]]),
        "caConfigMap": _names,
        "proxy": st.fixed_dictionaries({"https": st.just("http://proxy:3128")}, optional={"direct": st.just([".b"])}),
        "kafka": st.one_of(
            st.fixed_dictionaries({"host": st.just("k")}),
            st.fixed_dictionaries({"host": st.just("k"), "user": _names, "passwordSecret": _key}),
        ),
        "optionalComponents": st.sampled_from([[], ["mcp-server"]]),
        "artifactGarbageCollection": st.booleans(),
        "prometheus": st.booleans(),
        "openTelemetry": st.just("deployment"),
        "fsGroup": st.integers(0, 2**32 - 2),
        "imageRegistry": st.just("mirror.example.com/wandb"),
        "imagePullSecrets": st.lists(_names, max_size=2),
        "components": st.dictionaries(
            st.sampled_from([each.name for each in COMPONENTS if not each.optional]), _section, max_size=3
        ),
        "extraValues": st.sampled_from(
            [{}, {"api": {"resources": {"limits": {"cpu": "3"}}}}, {"mcp-server": {"install": True}}]
        ),
    },
)


def with_options(args: ValuesArgs, read: Settings) -> dict[str, Any]:
    return values(dataclasses.replace(args, options=made(read)))


@given(space.installations(), instances)
def test_any_settings_give_values_that_the_chart_reads(args: ValuesArgs, of_instance: dict[str, Any]) -> None:
    emitted = with_options(args, settings(**of_instance))
    assert problems(emitted) == []
    assert secrets_in_clear(emitted) == []
    assert json.loads(json.dumps(emitted)) == emitted


@given(space.installations(), instances)
def test_no_secret_of_any_settings_is_in_the_values(args: ValuesArgs, of_instance: dict[str, Any]) -> None:
    assert "a-hidden-text" not in json.dumps(with_options(args, settings(**of_instance)))


@given(space.installations(), instances)
def test_a_reference_names_a_secret_and_its_key_and_nothing_else(args: ValuesArgs, of_instance: dict[str, Any]) -> None:
    for path, value in flat(with_options(args, settings(**of_instance))).items():
        if ".valueFrom." in path:
            assert re.search(r"\.valueFrom\.secretKeyRef\.(name|key)$", path), path
            assert isinstance(value, str)


@given(instances)
def test_the_chart_can_be_rendered_from_any_settings(of_instance: dict[str, Any]) -> None:
    objects = render(values(space.arguments(options=made(settings(**of_instance)))), "wandb", "wandb")
    assert [each for each in objects if each["kind"] == "Ingress"]


def deployments(of_instance: Mapping[str, Any], **arguments: Any) -> dict[str, dict[str, Any]]:
    given_options = made(settings(**of_instance))
    objects = render(values(space.arguments(options=given_options, **arguments)), "wandb", "wandb")
    named = {each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]: each for each in objects if each["kind"] == "Deployment"}  # fmt: skip
    return {name: each["spec"]["template"]["spec"] for name, each in named.items()}


def test_pods_run_where_and_as_whom_the_settings_say() -> None:
    pods = deployments(instance.SET)
    glue, api = pods["glue"], pods["api"]
    assert (glue["nodeSelector"], api["nodeSelector"]) == ({"pool": "wandb"}, {"pool": "api"})
    assert (glue["priorityClassName"], api["priorityClassName"]) == ("important", "critical")
    assert glue["tolerations"] == [{"key": "dedicated", "operator": "Equal", "value": "wandb", "effect": "NoSchedule"}]
    assert api["tolerations"] == [{"key": "dedicated", "operator": "Equal", "value": "api"}]
    assert [each["topologyKey"] for each in glue["topologySpreadConstraints"]] == ["topology.kubernetes.io/zone"]
    assert [each["topologyKey"] for each in api["topologySpreadConstraints"]] == ["kubernetes.io/hostname"]
    assert (glue["securityContext"]["runAsUser"], api["securityContext"]["runAsUser"]) == (1000660000, 1000660001)
    for pod in pods.values():
        assert pod["securityContext"]["runAsGroup"] == 0, "the files in W&B's images belong to it"
        assert pod["securityContext"]["fsGroup"] == 1000660000
        assert pod["imagePullSecrets"] == [{"name": "mirror-login"}]
        assert all(each["image"].startswith("mirror.example.com/wandb/wandb/") for each in pod["containers"])


def test_variables_reach_the_containers_that_they_are_for() -> None:
    pods = deployments(instance.SET)
    environment = {name: {one["name"]: one for one in pod["containers"][0]["env"]} for name, pod in pods.items()}
    for of_pod in environment.values():
        assert of_pod["HTTP_TIMEOUT"]["value"] == "60"
        assert of_pod["FURTHER_TOKEN"]["valueFrom"] == {"secretKeyRef": {"name": "further", "key": "token"}}
        assert of_pod["HTTPS_PROXY"]["value"] == of_pod["https_proxy"]["value"] == "http://proxy.example.com:3128"
        assert "wandb-api" in of_pod["NO_PROXY"]["value"].split(",")
        assert of_pod["KAFKA_CLIENT_USER"]["value"] == "wandb"
        for name in ("SLACK_SECRET", "GORILLA_SLACK_SECRET"):
            assert of_pod[name]["valueFrom"] == {"secretKeyRef": {"name": "slack-app", "key": "secret"}}
    assert [name for name, of_pod in environment.items() if "GOGC" in of_pod] == ["api"]
    assert [name for name, of_pod in environment.items() if "OWN_TOKEN" in of_pod] == ["api"]
    mail = environment["api"]
    assert mail["SMTP_HOST"]["value"] == "mail.example.com"
    assert mail["SMTP_PASSWORD"]["valueFrom"] == {"secretKeyRef": {"name": "mail", "key": "password"}}
    assert mail["OIDC_SECRET"]["valueFrom"] == {"secretKeyRef": {"name": "oidc-client", "key": "secret"}}


def config_map(of_instance: Mapping[str, Any], name: str) -> dict[str, str]:
    objects = render(tree(of_instance), "wandb", "wandb")
    (found,) = [each for each in objects if (each["kind"], each["metadata"]["name"]) == ("ConfigMap", f"wandb-{name}")]
    return found["data"]


def test_the_servers_configuration_says_how_users_sign_in_and_whom_w_and_b_trusts() -> None:
    server = config_map(instance.SET, "api-configmap")
    assert server["GORILLA_OIDC_ISSUER"] == "https://login.example.com"
    assert (server["GORILLA_OIDC_CLIENT_ID"], server["GORILLA_AUTH_METHOD"]) == ("wandb", "pkce")
    assert server["GORILLA_SESSION_LENGTH"] == "24h"
    assert list(config_map(instance.SET, "ca-certs").values()) == [instance.CERTIFICATE]
    broker = config_map(instance.SET, "kafka-configmap")
    assert (broker["KAFKA_BROKER_HOST"], broker["KAFKA_BROKER_PORT"]) == ("kafka.example.com", "9093")
    for pod in deployments(instance.SET).values():
        named = [each["configMap"]["name"] for each in pod["volumes"] if each["name"] == "wandb-ca-certs-user"]
        assert named == ["company-authorities"]


def test_the_ingress_answers_under_every_host_and_with_one_certificate() -> None:
    tls = contracts.Ingress(class_name="nginx", tls_secret="certificate")
    emitted = values(space.arguments(ingress=tls, options=Options(additional_hosts=("a.example.com",))))
    (made_ingress,) = [each for each in render(emitted, "wandb", "wandb") if each["kind"] == "Ingress"]
    hosts = ["wandb.example.com", "a.example.com"]
    assert [each["host"] for each in made_ingress["spec"]["rules"]] == hosts
    assert made_ingress["spec"]["tls"] == [{"secretName": "certificate", "hosts": hosts}]


def test_replicas_that_are_asked_for_run_and_scale_so() -> None:
    sizing = ComponentSizing(replicas=(2, 4), cpu_percent=60, memory_percent=70)
    objects = render(values(space.arguments(components={"weave-trace": sizing})), "wandb", "wandb")
    (scaler,) = [
        each["spec"]
        for each in objects
        if each["kind"] == "HorizontalPodAutoscaler" and each["metadata"]["name"] == "wandb-weave-trace"
    ]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 4)
    targets = {each["resource"]["name"]: each["resource"]["target"]["averageUtilization"] for each in scaler["metrics"]}
    assert targets == {"cpu": 60, "memory": 70}


def test_every_secret_that_is_named_is_looked_for_before_anything_is_made() -> None:
    looked_for = {(each.path, each.name, each.keys) for each in brought_secrets(settings(**instance.SET))}
    assert {
        ("instance.oidc.secretRef", "oidc-client", ("secret",)),
        ("instance.smtp.passwordSecret", "mail", ("password",)),
        ("instance.slack.secretRef", "slack-app", ("secret",)),
        ("instance.kafka.passwordSecret", "kafka-user", ("password",)),
        ("instance.olap.passwordSecret", "olap-user", ("password",)),
        ("instance.envSecrets.FURTHER_TOKEN", "further", ("token",)),
        ("instance.components.api.envSecrets.OWN_TOKEN", "own", ("token",)),
    } <= looked_for


def test_a_certificate_that_is_issued_for_one_host_serves_no_other() -> None:
    stack = aws_settings.MADE | {"instance": {"additionalHosts": ["a.example.com"]}}
    with pytest.raises(InvalidSettings, match="the certificate that the stack has issued is for `host` alone"):
        parse(stack, secret_keys=("wandb:license",))


def test_a_kafka_without_user_is_addressed_without_one() -> None:
    emitted = tree({"kafka": {"host": "k.example.com"}})
    assert emitted["global"]["bufstream"] == {"enabled": True}
    assert "passwordSecret" not in emitted["global"]["kafka"]


def test_the_operator_fetches_the_chart_through_the_proxy_and_reaches_the_api_without_it() -> None:
    on = running({"models", "weave"})
    variables = proxy_environment(Proxy(https="http://proxy:3128", direct=(".corp",)), on)
    fields: dict[str, Any] = dict.fromkeys(("provider", "namespace", "chart", "image", "tag"), "x")
    emitted = {
        each["name"]: each["value"] for each in operator_values(OperatorArgs(**fields, env=variables))["extraEnv"]
    }
    assert emitted["HTTPS_PROXY"] == "http://proxy:3128"
    assert {"$(KUBERNETES_SERVICE_HOST)", ".svc", ".corp", "wandb-weave-trace"} <= set(emitted["NO_PROXY"].split(","))
    assert "extraEnv" not in operator_values(OperatorArgs(**fields))


def test_tolerations_of_spot_nodes_do_not_push_out_those_of_all_components() -> None:
    wanted = Options(placing=Placing(tolerations=({"key": "a", "operator": "Exists"},)))
    emitted = values(space.arguments(spot_pool="dedicated=spot", options=wanted))
    assert [each["key"] for each in emitted["frontend"]["tolerations"]] == ["dedicated", "a"]
    assert "tolerations" not in emitted["api"], "the global ones hold"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", {"key": "a", "operator": "Exists"}),
        ("a:NoExecute", {"key": "a", "operator": "Exists", "effect": "NoExecute"}),
        ("x.y/a=b", {"key": "x.y/a", "operator": "Equal", "value": "b"}),
        ("a=b:NoSchedule", {"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}),
    ],
)
def test_a_taint_is_tolerated_as_it_is_written(text: str, found: dict[str, str]) -> None:
    assert toleration(text) == found


def test_a_secret_that_is_given_as_a_text_restarts_the_pods_when_it_changes() -> None:
    emitted = tree({"oidc": {"issuer": "https://i.example.com", "clientId": "w", "secret": "a-hidden-text"}})
    assert emitted["global"]["pod"]["annotations"] == {"wandb.pulumi/oidc-password": "v"}


def test_values_of_the_user_come_last_and_leave_their_neighbours() -> None:
    emitted = tree({"env": {"A": "1"}, "extraValues": {"global": {"env": {"B": "2"}}, "ingress": {"class": "other"}}})
    assert {"A": "1", "B": "2"}.items() <= emitted["global"]["env"].items()
    assert emitted["ingress"]["class"] == "other"
    assert merged({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}}) == {"a": {"b": 1, "c": [2]}}


def test_every_value_that_the_chart_does_not_read_is_reported_at_once_with_the_one_that_was_meant() -> None:
    wrong = {"global": {"redis": {"passwordSecret": {"name": "x"}}, "hosts": {}}, "api": {"replicaCount": "2"}}
    found = [str(each) for each in value_problems(settings(extraValues=wrong))]
    assert [each.partition(": ")[0] for each in found] == [
        "wandb:instance.extraValues.global.redis.passwordSecret",
        "wandb:instance.extraValues.global.hosts",
        "wandb:instance.extraValues.api.replicaCount",
    ]
    assert "`global.redis.secret`" in found[0]


def test_unknown_values_pass_only_when_the_user_says_so() -> None:
    values_of_tomorrow = {"global": {"tomorrow": True}}
    assert len(value_problems(settings(extraValues=values_of_tomorrow))) == 1
    assert value_problems(settings(extraValues=values_of_tomorrow, allowUnknownValues=True)) == []


def test_with_another_chart_the_report_says_how_to_pass() -> None:
    other = {"versions": {"wandbChart": "0.44.0"}, "instance": {"extraValues": {"global": {"tomorrow": 1}}}}
    (found,) = value_problems(parse(STACK | other))
    assert "If chart 0.44.0 reads it, set `instance.allowUnknownValues` to true." in str(found)
    assert known().version != "0.44.0"


@pytest.mark.parametrize("path", sorted(known().secret))
def test_a_secret_in_clear_text_among_the_users_values_is_refused_without_being_shown(path: str) -> None:
    here: Any = "a-hidden-text"
    for part in reversed(path.split(".")):
        here = {part: here}
    (found,) = value_problems(settings(extraValues=here))
    assert "is a secret in clear text" in str(found)
    assert "a-hidden-text" not in str(found)


@pytest.mark.parametrize(
    ("of_instance", "message"),
    [
        ({"additionalHosts": ["https://a.b"]}, "additionalHosts[0]: is not a host name"),
        ({"additionalHosts": ["wandb.example.com"]}, "additionalHosts: names a host twice"),
        ({"oidc": {"issuer": "http://a", "clientId": "b"}}, "oidc.issuer: is not the URL of an OIDC issuer"),
        ({"oidc": {"clientId": "b"}}, "oidc.issuer: is missing"),
        ({"oidc": {"issuer": "https://a.b", "clientId": "b", "method": "saml"}}, "Use one of: pkce, implicit"),
        ({"oidc": {"issuer": "https://a.b", "clientId": "b", "secret": "t"}}, "oidc.secret: is not encrypted"),
        ({"smtp": {"host": "m", "user": "u"}}, "smtp.passwordSecret: is missing"),
        ({"smtp": {"host": "m", "user": "u", "password": "a b"}}, "paste unescaped into a URL"),
        ({"smtp": {"host": "m:25", "user": "u"}}, "smtp.host: has a port"),
        ({"slack": {"clientId": "u"}}, "slack.secretRef: is missing"),
        ({"caCertificates": ["-----BEGIN PRIVATE KEY-----\nhidden"]}, "is not a certificate in PEM form."),
        ({"proxy": {"https": "http://u:hidden@p"}}, "proxy.https: has a user and password in clear text"),
        ({"proxy": {}}, "proxy.https: is missing"),
        ({"kafka": {"host": "k", "user": "u"}}, "kafka.passwordSecret: is missing"),
        ({"env": {"a-b": "1"}}, "env: has a key that is not the name of a variable"),
        ({"env": {"A": "{{ .Values.hidden }}"}}, "which W&B's chart would run as a template"),
        ({"env": {"A": "1"}, "envSecrets": {"A": "s/k"}}, "env: has A, and `instance.envSecrets` too"),
        ({"envSecrets": {"A": "hidden"}}, "envSecrets: does not name a Secret and its key for A"),
        ({"tolerations": ["a=b:Never"]}, "tolerations[0]: is not a toleration"),
        ({"topologySpread": {"zone": "Maybe"}}, "topologySpread: has a value for zone that no scheduler knows"),
        ({"nodeSelector": {"a b": "c"}}, "nodeSelector: has a key that is not the key of a label"),
        ({"runAsUser": 0}, "runAsUser: is not a whole number from 1"),
        ({"components": {"apy": {}}}, "instance.components.apy: is not a known value"),
        ({"components": {"api": {"env": {"A": "1"}, "envSecrets": {"A": "s/k"}}}}, "components.api.env: has A"),
        ({"sso": {}}, "instance.sso: is not a known key"),
    ],
)
def test_what_cannot_be_is_refused_in_words(of_instance: dict[str, Any], message: str) -> None:
    found = problems_of(**of_instance)
    assert any(message in each for each in found), found
    assert "hidden" not in " ".join(found)


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"maxReplicas": 3}, "sizing.components.api.replicas: is missing"),
        ({"replicas": 3, "maxReplicas": 2}, "sizing.components.api.maxReplicas: is less than `replicas`"),
    ],
)
def test_replicas_that_cannot_be_are_refused(resources: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidSettings, match=re.escape(message)):
        parse(STACK | {"sizing": {"components": {"api": resources}}})


def test_what_is_said_of_a_component_that_does_not_run_is_refused() -> None:
    assert {each.name: each.product for each in COMPONENTS if each.product} == ONLY_FOR
    of_weave = {"components": {"weave-trace": {"env": {"A": "1"}}}}
    with pytest.raises(InvalidSettings, match="weave-trace runs for the product weave alone"):
        parse(STACK | {"products": ["models"], "instance": of_weave})


def test_options_for_a_component_that_is_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="the chart has no nginx"):
        space.arguments(options=Options(components={"nginx": ComponentOptions()}))
