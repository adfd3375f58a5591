"""The Secrets that W&B reads and its chart does not make.

Passwords of data stores stay in the Secrets that they came in; W&B's values name those. None of the names here is one
that the chart uses for a Secret of its own (`wandb-license`, `wandb-mysql`, `wandb-bucket`, ...).
"""

from __future__ import annotations

import pulumi
import pulumi_random

from .. import contracts
from ..credentials import random_text, secret
from ..fingerprint import fingerprint

LICENSE = "wandb-server-license"
CHART_CREDENTIALS = "wandb-chart-credentials"
WEAVE_WORKER_AUTH = "weave-worker-auth"
"""A name that the chart has fixed."""


def license_secret(
    name: str,
    license: pulumi.Input[str] | contracts.SecretKey,
    namespace: pulumi.Input[str],
    *,
    opts: pulumi.ResourceOptions,
) -> tuple[contracts.SecretKey, pulumi.Output[str] | None]:
    """Where the licence is, and its fingerprint; None for a Secret of the user's, whose content is not read."""
    if isinstance(license, contracts.SecretKey):
        return license, None
    reference = secret(f"{name}-license", name=LICENSE, namespace=namespace, values={"license": license}, opts=opts)
    # a fingerprint of a signed licence tells nothing about it, so it may stand in a pod's annotations
    content: pulumi.Output[str] = pulumi.Output.from_input(license)
    return reference, pulumi.Output.unsecret(content.apply(fingerprint))


def chart_credentials(
    name: str, login: contracts.RegistryLogin, namespace: pulumi.Input[str], *, opts: pulumi.ResourceOptions
) -> contracts.SecretKey:
    """The login by which W&B's operator reads its chart, under the keys that it looks for."""
    return secret(
        f"{name}-chart-credentials",
        name=CHART_CREDENTIALS,
        namespace=namespace,
        values={"HELM_USERNAME": login.user, "HELM_PASSWORD": login.password},
        opts=opts,
    )


def weave_worker_auth(
    name: str,
    random_provider: pulumi_random.Provider,
    namespace: pulumi.Input[str],
    *,
    revision: int | None,
    parent: pulumi.Resource,
    opts: pulumi.ResourceOptions,
) -> contracts.SecretKey:
    """The token by which Weave's workers know each other. W&B calls for it wherever Weave runs.

    Another `revision` makes another token.
    """
    token = random_text(f"{name}-weave-worker-auth", random_provider, parent=parent, revision=revision)
    return secret(
        f"{name}-weave-worker-auth",
        name=WEAVE_WORKER_AUTH,
        namespace=namespace,
        values={"key": token},
        version=str(revision) if revision is not None else None,
        opts=opts,
    )
