"""Rules about W&B's server in one container."""

from __future__ import annotations

from ..lenient import UNDECIDABLE
from ..model import Settings
from ..problems import problem
from ..single import UNSUPPORTED
from ..stores import ExternalObjectStore
from ..surface import alias, full
from .registry import Problems, rule

_OPERATOR = "Remove it, or let W&B's operator install W&B (without `singleContainer`)."


@rule
def _models_on_kubernetes(settings: Settings) -> Problems:
    if settings.single_container is None:
        return
    if settings.target != "kubernetes":
        yield problem(
            "singleContainer",
            f"is given, and `target` is {settings.target}",
            "It is for a cluster that exists and allows no operator; on a cloud let W&B's operator install W&B.",
        )
    if "weave" in settings.products:
        yield problem(
            "products", "has weave, which one container does not run", f"Set `{full('products')}` to `[models]`."
        )


@rule
def _nothing_of_the_chart(settings: Settings) -> Problems:
    if settings.single_container is None:
        return
    instance = settings.instance
    given = set() if instance is UNDECIDABLE else instance.model_fields_set
    for name in UNSUPPORTED:
        if name in given:
            key = alias(name, type(instance).model_fields[name])
            yield problem(f"instance.{key}", "is given, and one container has nothing of it", _OPERATOR)
    of_the_chart = {
        "airGapped": settings.air_gapped,
        "ingress.gateway": settings.ingress.gateway if settings.ingress else None,
        "monitoring": settings.monitoring,
        "networkPolicies": settings.network_policies,
    }
    for name, value in of_the_chart.items():
        if value is not None:
            yield problem(name, "is given, and it is for the chart's components and ClickHouse", _OPERATOR)
    if settings.follow_release_channel:
        yield problem("followReleaseChannel", "is true, and it is W&B's operator that follows it", _OPERATOR)
    for name in ("chart_size", "components"):
        if name in settings.sizing.model_fields_set:
            key = alias(name, type(settings.sizing).model_fields[name])
            yield problem(
                f"sizing.{key}",
                "is given, and it is of the chart's components",
                f"Use `{full('singleContainer.resources')}`.",
            )


@rule
def _bucket_of_one_container(settings: Settings) -> Problems:
    store = settings.object_store
    external = store.bucket if isinstance(store, ExternalObjectStore) else None
    if settings.single_container is not None and external and external.provider == "az":
        yield problem(
            "objectStore.bucket.provider",
            "is az, which needs the identity of the chart's components",
            "Use a bucket of S3, Google, CoreWeave, or what speaks S3.",
        )
