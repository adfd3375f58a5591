"""From the settings of the W&B instance to the component's options, and the report of values that its chart does not read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pulumi

from components import contracts
from components.wandb import Options, option_problems
from components.wandb.chart_values import known
from components.wandb.options import OIDC, OLAP, SMTP, ComponentOptions, Kafka, Placing, Proxy, Slack
from settings import Settings, stop
from settings.base import SecretKey, SecretText
from settings.instance import Component, Instance
from settings.problems import Problem, in_order, problem, report

_TAINT = re.compile(r"(?P<key>[^=:]+)(=(?P<value>[^:]*))?(:(?P<effect>.+))?")


def require_known_values(settings: Settings) -> None:
    """End the program with one report (`SystemExit`) where `extraValues` has what W&B's chart would ignore or choke on."""
    if found := value_problems(settings):
        stop(report(in_order(found), pulumi.get_stack()))


def value_problems(settings: Settings) -> list[Problem]:
    """What is wrong with `extraValues`, in the words of the settings. No value is shown: it may be a secret."""
    instance, chart = settings.instance, known()
    wanted = Options(extra_values=instance.extra_values, allow_unknown_values=instance.allow_unknown_values)
    newer = ""
    if settings.versions.wandb_chart != chart.version:
        newer = f" If chart {settings.versions.wandb_chart} reads it, set `instance.allowUnknownValues` to true."
    return [
        problem(f"instance.extraValues.{each.path}", each.wrong, each.right + newer) for each in option_problems(wanted)
    ]


def secret_texts(instance: Instance) -> dict[str, SecretText]:
    """The secrets that the user gave as texts, by what they are for."""
    texts = {
        "oidc": instance.oidc.secret if instance.oidc else None,
        "smtp": instance.smtp.password if instance.smtp else None,
        "slack": instance.slack.secret if instance.slack else None,
    }
    return {name: text for name, text in texts.items() if text}


def given_secrets(instance: Instance) -> dict[str, pulumi.Output[str]]:
    """The same as outputs, within a program."""
    return {name: text.output() for name, text in secret_texts(instance).items()}


def options(
    instance: Instance,
    made: Mapping[str, contracts.SecretKey],
    *,
    registry: str | None = None,
    pull_secrets: Sequence[str] = (),
    authorities: Sequence[str] = (),
) -> Options:
    """The component's options. `made`: where the secrets of `given_secrets` are.

    `registry` is what stands before the names of W&B's own images; `pull_secrets` and `authorities` come after the instance's own.
    """
    return Options(
        additional_hosts=tuple(instance.additional_hosts),
        session_hours=instance.session_hours if "session_hours" in instance.model_fields_set else None,
        oidc=_oidc(instance, made.get("oidc")),
        smtp=_smtp(instance, made.get("smtp")),
        slack=_slack(instance, made.get("slack")),
        ca_certificates=(*instance.ca_certificates, *authorities),
        ca_config_map=instance.ca_config_map,
        proxy=_proxy(instance),
        kafka=_kafka(instance),
        bufstream=instance.bufstream,
        optional_components=frozenset(instance.optional_components),
        weave_token_revision=instance.weave_token_revision,
        olap=_olap(instance),
        executor_concurrency=instance.executor_concurrency,
        panel_cache_gib=instance.panel_cache_gib,
        artifact_garbage_collection=instance.artifact_garbage_collection,
        prometheus=instance.prometheus,
        open_telemetry=instance.open_telemetry,
        env=instance.env,
        env_secrets=_references(instance.env_secrets),
        placing=_placing(instance),
        fs_group=instance.fs_group,
        image_registry=registry,
        image_pull_secrets=tuple(dict.fromkeys([*instance.image_pull_secrets, *pull_secrets])),
        components={
            name: ComponentOptions(env=each.env, env_secrets=_references(each.env_secrets), placing=_placing(each))
            for name, each in instance.components.items()
        },
        extra_values=instance.extra_values,
        allow_unknown_values=instance.allow_unknown_values,
    )


def toleration(text: str) -> dict[str, str]:
    """`key=value:Effect` as a toleration of a pod; without a value of any, without an effect of all."""
    parts = _TAINT.fullmatch(text)
    if parts is None:
        raise ValueError(f"toleration: {text!r} is not of the form key=value:Effect, which settings refuse")
    found = {"key": parts["key"], "operator": "Exists" if parts["value"] is None else "Equal"}
    found |= {name: parts[name] for name in ("value", "effect") if parts[name] is not None}
    return found


def _oidc(instance: Instance, made: contracts.SecretKey | None) -> OIDC | None:
    oidc = instance.oidc
    if oidc is None:
        return None
    secret = made or _reference(oidc.secret_ref)
    return OIDC(issuer=oidc.issuer, client_id=oidc.client_id, method=oidc.method, secret=secret)


def _smtp(instance: Instance, made: contracts.SecretKey | None) -> SMTP | None:
    smtp = instance.smtp
    if smtp is None:
        return None
    password = _required("instance.smtp", made or _reference(smtp.password_secret))
    return SMTP(host=smtp.host, port=smtp.port, user=smtp.user, password=password, sender=smtp.sender)


def _slack(instance: Instance, made: contracts.SecretKey | None) -> Slack | None:
    slack = instance.slack
    if slack is None:
        return None
    secret = _required("instance.slack", made or _reference(slack.secret_ref))
    return Slack(client_id=slack.client_id, secret=secret)


def _proxy(instance: Instance) -> Proxy | None:
    proxy = instance.proxy
    return Proxy(http=proxy.http, https=proxy.https, direct=tuple(proxy.direct)) if proxy else None


def _kafka(instance: Instance) -> Kafka | None:
    kafka = instance.kafka
    if kafka is None:
        return None
    return Kafka(host=kafka.host, port=kafka.port, user=kafka.user, password=_reference(kafka.password_secret))


def _olap(instance: Instance) -> OLAP | None:
    olap = instance.olap
    if olap is None:
        return None
    return OLAP(
        host=olap.host,
        port=olap.port,
        user=olap.user,
        password=contracts.SecretKey(name=olap.password_secret.name, key=olap.password_secret.key),
        tls=olap.tls,
        registry_search=olap.registry_search,
        run_store_accelerator=olap.run_store_accelerator,
        history=olap.history,
    )


def _placing(where: Instance | Component) -> Placing:
    return Placing(
        node_selector=where.node_selector,
        tolerations=tuple(toleration(each) for each in where.tolerations),
        topology_spread=where.topology_spread,
        priority_class=where.priority_class,
        run_as_user=where.run_as_user,
    )


def _references(texts: Mapping[str, str]) -> dict[str, contracts.SecretKey]:
    pairs = {variable: text.split("/", 1) for variable, text in texts.items()}
    return {variable: contracts.SecretKey(name=name, key=key) for variable, (name, key) in pairs.items()}


def _reference(secret: SecretKey | None) -> contracts.SecretKey | None:
    return contracts.SecretKey(name=secret.name, key=secret.key) if secret else None


def _required(section: str, secret: contracts.SecretKey | None) -> contracts.SecretKey:
    if secret is None:
        raise ValueError(f"{section}: no secret is given, which settings refuse")
    return secret
