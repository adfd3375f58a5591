"""Rules about the W&B instance."""

from __future__ import annotations

from collections.abc import Iterator

from ..base import SecretText
from ..instance import SMTP, Component, Instance
from ..lenient import UNDECIDABLE
from ..model import Settings
from ..problems import problem
from ..sizing import ONLY_FOR, OPTIONAL, READS_QUEUE, READS_RUN_UPDATES
from ..stores import ExternalObjectStore, InClusterObjectStore
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
        elif name in OPTIONAL and instance and name not in instance.optional_components:
            yield problem(
                f"instance.components.{name}",
                f"is given, and {name} runs only where it is asked for",
                f"Add it to `{full('instance.optionalComponents')}`, or remove this.",
            )
    for name in settings.sizing.components:
        asked = instance.optional_components if instance else ()
        if name in OPTIONAL and name not in asked:
            yield problem(
                f"sizing.components.{name}",
                f"is given, and {name} runs only where it is asked for",
                f"Add it to `{full('instance.optionalComponents')}`, or remove this.",
            )


@rule
def _optional_components(settings: Settings) -> Problems:
    instance = _instance(settings)
    names = instance.optional_components if instance else ()
    for index, name in enumerate(names):
        path, product = f"instance.optionalComponents[{index}]", ONLY_FOR.get(name)
        if name in names[:index]:
            yield problem(path, f"is {name} again", "Name each once.")
        elif product and product not in settings.products:
            yield problem(
                path,
                f"is {name}, which runs for the product {product} alone, and that is not among `products`",
                "Remove it.",
            )
        elif name in READS_QUEUE and instance and not (given(instance.kafka) or instance.bufstream):
            yield problem(
                path,
                f"is {name}, which takes its work from a queue, and there is none",
                f"Give `{full('instance.kafka')}`, or set `{full('instance.bufstream')}` where pods open the bucket by a role.",
            )
        elif name in READS_RUN_UPDATES and instance and instance.kafka and instance.kafka.port != 9092:
            yield problem(
                path,
                f"is {name}, which W&B's chart lets read from port 9092 alone, and `instance.kafka.port` is another",
                "Let the broker listen on 9092, or remove it.",
            )


@rule
def _bundled_queue(settings: Settings) -> Problems:
    instance = _instance(settings)
    if instance is None or not instance.bufstream:
        return
    if given(instance.kafka):
        yield problem("instance.bufstream", "is true, and `instance.kafka` is given too", "Keep one of them.")
    store = settings.object_store
    external = store.bucket if isinstance(store, ExternalObjectStore) else None
    by_keys = external and (external.keys_secret or external.endpoint or external.provider not in ("s3", "gcs"))
    if by_keys or isinstance(store, InClusterObjectStore):
        yield problem(
            "instance.bufstream",
            "is true, and its pods would have no role by which they open the bucket",
            f"Use a bucket of S3 or Google without `keysSecret`, or bring a Kafka under `{full('instance.kafka')}`.",
        )


@rule
def _of_models_alone(settings: Settings) -> Problems:
    instance = _instance(settings)
    if instance is None or "models" in settings.products:
        return
    of_models = {
        "olap": instance.olap,
        "executorConcurrency": instance.executor_concurrency,
        "panelCacheGiB": instance.panel_cache_gib,
    }
    for key, value in of_models.items():
        if value is not None:
            yield problem(
                f"instance.{key}", "is given, and it is of Models, which is not among `products`", "Remove it."
            )


@rule
def _token_of_weave(settings: Settings) -> Problems:
    instance = _instance(settings)
    if instance and given(instance.weave_token_revision) and "weave" not in settings.products:
        yield problem(
            "instance.weaveTokenRevision", "is given, and it is of Weave, which is not among `products`", "Remove it."
        )


@rule
def _olap_for_something(settings: Settings) -> Problems:
    instance = _instance(settings)
    olap = instance.olap if instance else None
    if olap and not (olap.registry_search or olap.run_store_accelerator or olap.history):
        yield problem(
            "instance.olap",
            "is given, and nothing is to be kept there",
            "Set `registrySearch`, `runStoreAccelerator` or `history` to true, or remove the section.",
        )


@rule
def _collector_on_nodes(settings: Settings) -> Problems:
    instance = _instance(settings)
    if instance and instance.open_telemetry == "daemonset" and settings.namespaces.create:
        yield problem(
            "instance.openTelemetry",
            "is daemonset, whose pods the namespace that the stack makes would refuse: it allows no files of the node",
            "Use `deployment`, or bring namespaces that allow it (`namespaces.create: false`).",
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
