"""Rules about a registry of one's own: what would still reach out, and what could not log in."""

from __future__ import annotations

from ..air_gap import AirGapped, host_of
from ..base import SecretText
from ..lenient import UNDECIDABLE
from ..model import Settings
from ..problems import problem
from ..surface import alias, full
from ..versions import Images
from .registry import Problems, given, rule

PUBLIC = (
    "docker.io",
    "registry-1.docker.io",
    "index.docker.io",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "us-docker.pkg.dev",
    "registry.k8s.io",
    "public.ecr.aws",
)
"""Registries that are everybody's. Whether another one can be reached is the network's to say."""


def _air_gapped(settings: Settings) -> AirGapped | None:
    return None if settings.air_gapped is UNDECIDABLE else settings.air_gapped


@rule
def _no_release_channel(settings: Settings) -> Problems:
    if _air_gapped(settings) and settings.follow_release_channel:
        yield problem(
            "followReleaseChannel",
            "is true, and `airGapped` is given: W&B's operator would ask deploy.wandb.ai",
            "Set it to false: what the stack says is then what runs.",
        )


@rule
def _no_public_registry(settings: Settings) -> Problems:
    asked = _air_gapped(settings)
    if asked is None:
        return
    named = {f"images.{alias(name, Images.model_fields[name])}": name for name in settings.images.model_fields_set}
    found = {path: getattr(settings.images, name) for path, name in named.items()}
    found |= {"instance.imageRegistry": settings.instance.image_registry} if settings.instance.image_registry else {}
    for path, repository in {**found, "airGapped.registry": asked.registry}.items():
        # a registry alone has no path, and a name without a registry is Docker Hub's
        host = host_of(f"{repository}/image" if path.endswith("egistry") else repository) or "docker.io"
        if host in PUBLIC:
            yield problem(
                path,
                f"is on {host}, and `airGapped` is given (got {repository})",
                "Name a registry of your own, as in `mirror.example.com/wandb`"
                + (", or remove it." if path in found else "."),
            )


@rule
def _one_login(settings: Settings) -> Problems:
    asked = _air_gapped(settings)
    if asked is None:
        return
    if given(asked.user) is not given(asked.password):
        missing, there = ("password", "user") if given(asked.user) else ("user", "password")
        yield problem(f"airGapped.{missing}", f"is missing, and `{there}` is given", "Give both, or none of them.")
    for key, name in (("pullSecret", asked.pull_secret), ("chartsSecret", asked.charts_secret)):
        if given(asked.user) and given(name):
            yield problem(
                f"airGapped.{key}",
                f"is given, and `{full('airGapped.user')}` too",
                "Keep one of them: the stack makes the Secrets for a user.",
            )


@rule
def _charts_with_a_login(settings: Settings) -> Problems:
    asked = _air_gapped(settings)
    if asked and given(asked.charts_secret) and not asked.chart_repository.startswith("oci://"):
        yield problem(
            "airGapped.chartsSecret",
            f"is given, and `charts` is no oci:// repository (got {asked.chart_repository})",
            "Use oci://, or a repository that can be read without a login inside your network: to uninstall W&B its operator "
            "fetches the chart from an https:// repository again, and does not log in for that.",
        )


@rule
def _hook_without_a_login(settings: Settings) -> Problems:
    asked = _air_gapped(settings)
    made = settings.managed_clickhouse
    if asked and asked.has_login and made and made.crds == "managed":
        yield problem(
            "clickhouse.crds",
            "is managed, and images are pulled with a login: the chart's Job that applies the definitions takes none",
            "Use external, and apply them before the stack: "
            "`helm show crds <the mirrored chart> | kubectl apply --server-side -f -`.",
        )


@rule
def _login_on_aws(settings: Settings) -> Problems:
    asked = _air_gapped(settings)
    if asked and settings.target == "aws" and asked.has_login:
        key = "user" if given(asked.user) else "pullSecret"
        yield problem(
            f"airGapped.{key}",
            "is given, and `target` is aws: what runs in kube-system before the stack's namespaces are there has no such Secret",
            "Use a repository of ECR, which EKS' nodes open by their role, or a registry that asks for no login.",
        )


def texts_that_are_secret(settings: Settings) -> list[tuple[str, object]]:
    """The path under which a secret may stand, and what stands there."""
    asked = _air_gapped(settings)
    return [("airGapped.password", asked.password)] if asked and isinstance(asked.password, SecretText) else []
