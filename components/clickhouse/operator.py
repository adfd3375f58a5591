"""The Altinity operator, which runs ClickHouse and Keeper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi
import pulumi_random
from pulumi_kubernetes.helm.v3 import Release

from .. import contracts
from ..credentials import random_text, secret
from ..monitoring import Monitoring
from . import pods

FULL_NAME = "clickhouse-operator"
NOBODY = 65534
"""Whom the operator's images run as."""
IMAGE = pods.Ids(user=NOBODY, group=NOBODY, volumes=None)
"""As the operator's images are made for; it has no volume."""
START_SECONDS = 900
"""How long a new or changed server may take to become ready before the operator gives up on it. Its own default, 300,
is less than a new node plus a first pull of the image can take."""
INSTALL_SECONDS = 600
"""How long the chart may take, its hook and the first pull of the images included."""
PULUMI_ANNOTATIONS = (
    "pulumi.com/waitFor",
    "pulumi.com/patchForce",
    "pulumi.com/skipAwait",
    "pulumi.com/timeoutSeconds",
)
OPERATOR_RESOURCES = contracts.Resources(cpu_request="100m", memory_request="128Mi", memory_limit="512Mi")
METRICS_RESOURCES = contracts.Resources(cpu_request="50m", memory_request="64Mi", memory_limit="256Mi")
HOOK_RESOURCES = contracts.Resources(cpu_request="50m", memory_request="64Mi", memory_limit="256Mi")


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Which release of the operator, and where it comes from."""

    version: str = "0.25.6"
    """Its CRDs and values are what this package is made for. Raise it minor by minor, and the CRDs in the tests with it."""
    chart: str = "altinity-clickhouse-operator"
    """A name in `repository`, or a whole `oci://` reference or path."""
    repository: str | None = "https://helm.altinity.com"
    """None: `chart` says it all."""
    crds: Literal["managed", "external"] = "managed"
    """`managed`: a hook of the chart applies the CRDs, at upgrades too. `external`: they are there and are kept up to
    date by whoever applied them."""
    operator_image: str | None = None
    """`repository:tag` of a mirror; None: the chart's own."""
    metrics_image: str | None = None
    """`repository:tag` of a mirror; None: the chart's own."""


@dataclass(frozen=True, kw_only=True)
class OperatorArgs:
    """The Altinity operator for one namespace."""

    cluster: contracts.Cluster
    random_provider: pulumi_random.Provider
    namespace: pulumi.Input[str]
    """Where the operator runs, and the only one it looks at."""
    hook_image: str
    """`repository:tag` with sh and kubectl; applies the CRDs."""
    chart: Chart = field(default_factory=Chart)
    image_pull_secrets: Sequence[str] = ()
    ids: pods.Ids = IMAGE
    monitoring: Monitoring | None = None
    """None: nothing is told to watch it, and it brings no dashboards."""


def values(args: OperatorArgs) -> dict[str, Any]:
    """The values of the operator's chart. Source: values.yaml and values.schema.json of chart 0.25.6."""
    chart = args.chart
    security = dict(pods.CONTAINER_SECURITY)
    pod_security = pods.pod_security(args.ids)
    return {
        "fullnameOverride": FULL_NAME,
        "crdHook": {
            "enabled": chart.crds == "managed",
            "image": image(args.hook_image),
            "resources": HOOK_RESOURCES.manifest(),
        },
        "operator": {
            **_image(chart.operator_image),
            "resources": OPERATOR_RESOURCES.manifest(),
            "containerSecurityContext": security,
        },
        "metrics": {
            "enabled": True,
            **_image(chart.metrics_image),
            "resources": METRICS_RESOURCES.manifest(),
            "containerSecurityContext": security,
        },
        "podSecurityContext": {key: value for key, value in pod_security.items() if not key.startswith("fsGroup")},
        "imagePullSecrets": [{"name": name} for name in args.image_pull_secrets],
        # the chart would make one with a password that everybody knows
        "secret": {"create": False},
        "configs": {"files": {"config.yaml": _config(args.namespace)}},
        **_watched(args.monitoring),
    }


def _watched(monitoring: Monitoring | None) -> dict[str, Any]:
    if monitoring is None:
        return {}
    return {
        "serviceMonitor": {"enabled": True, "additionalLabels": dict(monitoring.labels)},
        "dashboards": {"enabled": monitoring.dashboards},
    }


def _config(namespace: pulumi.Input[str]) -> dict[str, Any]:
    return {
        # exactly one plain name: a second one, or a pattern, makes the operator read every namespace of the cluster
        "watch": {"namespaces": [namespace]},
        "reconcile": {
            "statefulSet": {
                # the chart's default is to carry on with a server that never became ready
                "create": {"onFailure": "abort"},
                "update": {"timeout": START_SECONDS},
            }
        },
        # the operator copies annotations to pods; a copy of one that changes with the spec would restart every pod at
        # every change, however small
        "annotation": {"exclude": list(PULUMI_ANNOTATIONS)},
    }


def image(reference: str) -> dict[str, str]:
    """`repository:tag` as the chart wants it. Raises ValueError when there is no tag."""
    repository, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        raise ValueError(f"image {reference!r} has no tag; the chart needs repository:tag")
    return {"repository": repository, "tag": tag}


def _image(reference: str | None) -> dict[str, Any]:
    return {"image": image(reference)} if reference else {}


class Operator(pulumi.ComponentResource):
    """The Altinity operator, its CRDs and its own user of ClickHouse, which has a random password.

    Whatever it runs must depend on `release`: without the operator, a ClickHouseInstallation never finishes deleting.
    """

    release: Release

    def __init__(self, name: str, args: OperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:clickhouse:Operator", name, {}, opts)
        chart = args.chart
        user = secret(
            f"{name}-user",
            name=FULL_NAME,
            namespace=args.namespace,
            values={
                "username": "clickhouse_operator",
                "password": random_text(f"{name}-password", args.random_provider, parent=self),
            },
            opts=pulumi.ResourceOptions(parent=self, provider=args.cluster.provider),
        )
        self.release = Release(
            name,
            name=FULL_NAME,
            # read through the Secret, so that the operator, which reads it as it starts, finds it there
            namespace=pulumi.Output.all(args.namespace, user.name).apply(lambda known: known[0]),
            chart=chart.chart,
            version=chart.version,
            repository_opts={"repo": chart.repository} if chart.repository else None,
            skip_crds=chart.crds == "external",
            values=values(args),
            # a failed installation leaves nothing behind, a failed upgrade goes back
            atomic=True,
            timeout=INSTALL_SECONDS,
            opts=pulumi.ResourceOptions(parent=self, provider=args.cluster.provider),
        )
        self.register_outputs({})
