"""Rules about the W&B instance."""

from __future__ import annotations

from collections.abc import Iterator

from ..base import SecretText
from ..instance import SMTP, Component, Instance
from ..lenient import UNDECIDABLE
from ..model import Settings
from ..problems import problem
from ..sizing import ONLY_FOR
from ..surface import full
from .passwords import not_url_safe
from .registry import Problems, given, rule


def _instance(settings: Settings) -> Instance | None:
    return None if settings.instance is UNDECIDABLE else settings.instance


@rule
def _secrets_once(settings: Settings) -> Problems:
    """OIDC needs no secret; mail and Slack need theirs, once."""
    instance = _instance(settings)
    if instance is None:
        return
    if instance.oidc and given(instance.oidc.secret) and given(instance.oidc.secret_ref):
        yield problem(
            "instance.oidc.secret", f"is given, and `{full('instance.oidc.secretRef')}` too", "Keep one of them."
        )
    if instance.smtp:
        yield from _one(
            "instance.smtp", "password", "passwordSecret", instance.smtp.password, instance.smtp.password_secret
        )
    if instance.slack:
        yield from _one("instance.slack", "secret", "secretRef", instance.slack.secret, instance.slack.secret_ref)


def _one(section: str, text: str, reference: str, first: object, second: object) -> Problems:
    if not (given(first) or given(second)):
        yield problem(
            f"{section}.{reference}",
            "is missing",
            f"Name a Secret in W&B's namespace and its key, or run `pulumi config set --secret --path "
            f"{full(section)}.{text}`.",
        )
    if given(first) and given(second):
        yield problem(f"{section}.{text}", f"is given, and `{full(section)}.{reference}` too", "Keep one of them.")


@rule
def _smtp_password(settings: Settings) -> Problems:
    instance = _instance(settings)
    smtp = instance.smtp if instance else None
    if smtp and isinstance(smtp.password, SecretText) and not_url_safe(smtp.password):
        yield problem(
            "instance.smtp.password",
            "has characters that W&B would paste unescaped into a URL",
            "Keep it in a Secret, URL-encoded, and name that under `passwordSecret`.",
        )


@rule
def _kafka_password(settings: Settings) -> Problems:
    instance = _instance(settings)
    kafka = instance.kafka if instance else None
    if kafka and given(kafka.user) is not given(kafka.password_secret):
        missing, there = ("passwordSecret", "user") if given(kafka.user) else ("user", "passwordSecret")
        yield problem(f"instance.kafka.{missing}", f"is missing, and `{there}` is given", "Give both, or none of them.")


@rule
def _empty_proxy(settings: Settings) -> Problems:
    instance = _instance(settings)
    proxy = instance.proxy if instance else None
    if proxy and not given(proxy.http) and not given(proxy.https):
        yield problem(
            "instance.proxy.https", "is missing, and so is `http`", "Give one of them, or remove the section."
        )


@rule
def _own_hosts(settings: Settings) -> Problems:
    instance = _instance(settings)
    hosts = instance.additional_hosts if instance else []
    if settings.host in hosts or len(set(hosts)) < len(hosts):
        yield problem("instance.additionalHosts", "names a host twice", "Name each once, and leave `host` out.")


@rule
def _certificate_of_further_hosts(settings: Settings) -> Problems:
    instance, aws = _instance(settings), settings.aws
    issued = settings.target == "aws" and aws is not None and aws.certificate_arn is None and settings.ingress is None
    if issued and instance and instance.additional_hosts:
        yield problem(
            "instance.additionalHosts",
            "is given, and the certificate that the stack has issued is for `host` alone",
            f"Bring one that covers them all under `{full('aws.certificateArn')}`, and make their DNS records yourself.",
        )


def _everywhere(instance: Instance) -> Iterator[tuple[str, Instance | Component]]:
    yield "instance", instance
    if instance.components is not UNDECIDABLE:
        for name, each in instance.components.items():
            yield f"instance.components.{name}", each


@rule
def _components_that_run(settings: Settings) -> Problems:
    instance = _instance(settings)
    for name in instance.components if instance else ():
        product = ONLY_FOR.get(name)
        if product and product not in settings.products:
            yield problem(
                f"instance.components.{name}",
                f"is given, and {name} runs for the product {product} alone, which is not among `products`",
                "Remove it.",
            )


@rule
def _variables_once(settings: Settings) -> Problems:
    instance = _instance(settings)
    for path, each in _everywhere(instance) if instance else ():
        twice = sorted(set(each.env) & set(each.env_secrets))
        if twice:
            yield problem(f"{path}.env", f"has {', '.join(twice)}, and `{path}.envSecrets` too", "Keep one of them.")


def texts_that_are_secret(settings: Settings) -> Iterator[tuple[str, object]]:
    """The paths under which a secret may stand, and what stands there."""
    instance = _instance(settings)
    if instance is None:
        return
    for path, section in (("oidc", instance.oidc), ("slack", instance.slack), ("smtp", instance.smtp)):
        if section is not None and section is not UNDECIDABLE:
            name = "password" if isinstance(section, SMTP) else "secret"
            yield f"instance.{path}.{name}", getattr(section, name)
