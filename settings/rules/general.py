"""Rules about licence, products, names, the Ingress and containers."""

from __future__ import annotations

from collections.abc import Iterator

from ..base import ContainerResources, SecretText, cores, gibibytes
from ..lenient import UNDECIDABLE, Undecidable
from ..model import Settings
from ..problems import problem
from ..surface import full
from .registry import Problems, given, rule

_MINIMUM_NODES = 3
"""W&B Reference Architecture: the fewest workers of a production cluster."""


@rule
def _one_licence(settings: Settings) -> Problems:
    found = given(settings.license), given(settings.license_secret)
    if not any(found):
        yield problem(
            "license",
            "is missing",
            f"Run `pulumi config set --secret {full('license')}`, or name an existing Secret under "
            f"`{full('licenseSecret')}`.",
        )
    if all(found):
        yield problem(
            "license",
            f"is given, and `{full('licenseSecret')}` too",
            "Keep one of them: the text here, or the name of a Secret that exists.",
        )


@rule
def _licence_text(settings: Settings) -> Problems:
    if isinstance(settings.license, SecretText) and not settings.license.get_secret_value().strip():
        yield problem("license", "is empty", f"Run `pulumi config set --secret {full('license')}`.")


@rule
def _products_once(settings: Settings) -> Problems:
    if len(set(settings.products)) < len(settings.products):
        yield problem("products", "names a product twice", "Name each once, as in `[models, weave]`.")


@rule
def _tls_secret(settings: Settings) -> Problems:
    ingress = settings.ingress
    if ingress is None:
        return
    if ingress.tls == "secret" and ingress.tls_secret is None:
        yield problem(
            "ingress.tlsSecret",
            "is missing, and `ingress.tls` is secret",
            "Name a Secret of type kubernetes.io/tls in W&B's namespace.",
        )
    if given(ingress.tls) and ingress.tls != "secret" and given(ingress.tls_secret):
        yield problem(
            "ingress.tlsSecret",
            f"is given, and `ingress.tls` is {ingress.tls}, which uses no certificate",
            "Remove it, or set `ingress.tls` to secret.",
        )


@rule
def _way_in_once(settings: Settings) -> Problems:
    """An Ingress, a Gateway, or neither."""
    ingress = settings.ingress
    if ingress is None:
        return
    for other, there in (("gateway", ingress.gateway), ("controller", ingress.controller == "none" or None)):
        if not given(there):
            continue
        for key, value in (("className", ingress.class_name), ("certManager", ingress.cert_manager)):
            if given(value):
                yield problem(
                    f"ingress.{key}",
                    f"is given, and no Ingress is made, as `ingress.{other}` says",
                    "Remove it." if key == "className" else "Remove it: annotate the Gateway, or make a Certificate.",
                )
        if ingress.annotations:
            yield problem(
                "ingress.annotations", f"are given, and no Ingress is made, as `ingress.{other}` says", "Remove them."
            )
    if ingress.gateway and given(ingress.controller):
        yield problem("ingress.controller", "is given, and `ingress.gateway` too", "Keep one of them.")


@rule
def _gateway(settings: Settings) -> Problems:
    gateway = settings.ingress.gateway if settings.ingress else None
    if settings.ingress is None or gateway is None:
        return
    if given(gateway.name) is given(gateway.class_name):
        yield problem(
            "ingress.gateway.name",
            "is given, and `className` too" if given(gateway.name) else "is missing, and so is `className`",
            "Name a Gateway that exists, or the class of one that the stack makes.",
        )
    if given(gateway.name) and given(settings.ingress.tls_secret):
        yield problem(
            "ingress.tlsSecret",
            "is given, and the Gateway that exists has a certificate of its own",
            "Remove it, and set `ingress.tls` to upstream.",
        )
    for key, value in (("namespace", gateway.namespace), ("listener", gateway.listener)):
        if given(gateway.class_name) and given(value):
            yield problem(f"ingress.gateway.{key}", "is given, and the stack makes the Gateway", "Remove it.")


@rule
def _certificate_of_cert_manager(settings: Settings) -> Problems:
    ingress = settings.ingress
    if ingress and given(ingress.cert_manager) and not given(ingress.tls_secret):
        yield problem(
            "ingress.tlsSecret",
            "is missing, and `certManager` is given",
            "Name the Secret that cert-manager is to keep the certificate in, as in `wandb-tls`.",
        )


@rule
def _tls_in_production(settings: Settings) -> Problems:
    if settings.ingress is not None and settings.environment == "production" and settings.ingress.tls == "none":
        yield problem(
            "ingress.tls",
            "is none, and `environment` is production: passwords and API keys would travel in clear text",
            "Use secret (and name `ingress.tlsSecret`) or upstream.",
        )


@rule
def _distinct_namespaces(settings: Settings) -> Problems:
    seen: dict[str, str] = {}
    for key in ("wandb", "operator", "clickhouse"):
        name = getattr(settings.namespaces, key)
        if name is UNDECIDABLE:
            continue
        if name in seen:
            yield problem(
                f"namespaces.{key}",
                f"is also the namespace of `namespaces.{seen[name]}` (got {name})",
                "Use three different namespaces: each has an operator or workloads that the others must not touch.",
            )
        seen.setdefault(name, key)


@rule
def _default_namespace(settings: Settings) -> Problems:
    for key in ("wandb", "operator", "clickhouse"):
        if settings.namespaces.create and getattr(settings.namespaces, key) == "default":
            yield problem(
                f"namespaces.{key}",
                "belongs to the cluster and cannot be made or deleted by the stack (got default)",
                "Use a namespace of its own, or set `namespaces.create` to false.",
            )


@rule
def _nodes_in_production(settings: Settings) -> Problems:
    count = settings.sizing.nodes.count
    if settings.environment == "production" and count is not None and count < _MINIMUM_NODES:
        yield problem(
            "sizing.nodes.count",
            f"is too few for production (got {count})",
            f"W&B's reference architecture asks for {_MINIMUM_NODES} or more.",
        )


def _container_resources(settings: Settings) -> Iterator[tuple[str, ContainerResources]]:
    for name, resources in settings.sizing.components.items():
        yield f"sizing.components.{name}", resources
    for path, section in (
        ("mysql", settings.mysql),
        ("redis", settings.redis),
        ("objectStore", settings.object_store),
        ("clickhouse", settings.clickhouse),
    ):
        for field, key in (("resources", "resources"), ("keeper_resources", "keeperResources")):
            if section is not UNDECIDABLE and field in type(section).model_fields:
                yield f"{path}.{key}", getattr(section, field)


@rule
def _limits_cover_requests(settings: Settings) -> Problems:
    for path, resources in _container_resources(settings):
        try:
            yield from _limit_problems(path, resources)
        except Undecidable:
            continue


@rule
def _replicas_of_components(settings: Settings) -> Problems:
    for name, component in settings.sizing.components.items():
        path, least, most = f"sizing.components.{name}", component.replicas, component.max_replicas
        if least is None and most is not None:
            yield problem(
                f"{path}.replicas", "is missing, and `maxReplicas` is given", "Say how many pods run at least."
            )
        if least is not None and most is not None and most < least:
            yield problem(f"{path}.maxReplicas", f"is less than `replicas` (got {most})", f"Use {least} or more.")


def _limit_problems(path: str, resources: ContainerResources) -> Problems:
    for what, request, limit, size in (
        ("cpu", resources.cpu_request, resources.cpu_limit, cores),
        ("memory", resources.memory_request, resources.memory_limit, gibibytes),
    ):
        if request is None or limit is None:
            continue
        if size(request) > size(limit):
            yield problem(
                f"{path}.{what}Limit",
                f"is less than the request (got {limit}, with `{what}Request` {request})",
                "Raise the limit or lower the request: Kubernetes refuses such a pod.",
            )
