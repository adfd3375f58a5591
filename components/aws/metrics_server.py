"""Metrics Server by its chart, where EKS has no add-on of it: without it nothing scales W&B's pods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.helm.v3 import Release

from .. import contracts

NAMESPACE = "kube-system"
NAME = "metrics-server"
INSTALL_SECONDS = 600
RESOURCES = contracts.Resources(cpu_request="100m", memory_request="200Mi", memory_limit="400Mi")
"""As EKS' add-on has it, up to 100 nodes (metrics-server, README, "Scaling")."""


@dataclass(frozen=True, kw_only=True)
class MetricsServerChart:
    """Which release of Metrics Server, and where it comes from."""

    version: str = "3.13.1"
    """Of the chart, which brings metrics-server 0.8.1. Source: its CHANGELOG, 2026-02-27."""
    chart: str = NAME
    """A name in `repository`, or a whole `oci://` reference or path."""
    repository: str | None = "https://kubernetes-sigs.github.io/metrics-server"
    """None: `chart` says it all."""
    image: str = "registry.k8s.io/metrics-server/metrics-server"
    """Without tag."""
    tag: str = "v0.8.1"
    """The one that the chart was made for."""


@dataclass(frozen=True, kw_only=True)
class MetricsServerArgs:
    """Metrics Server in one cluster."""

    provider: Provider
    """For the cluster."""
    chart: MetricsServerChart = field(default_factory=MetricsServerChart)
    needs: Sequence[pulumi.Resource] = ()
    """What its pods need: nodes."""


class MetricsServer(pulumi.ComponentResource):
    """Metrics Server, answering: `release` is up once its pods are."""

    release: Release

    def __init__(self, name: str, args: MetricsServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:MetricsServer", name, {}, opts)
        chart = args.chart
        self.release = Release(
            f"{name}-release",
            # a name of its own: under Pulumi's random one, an install that was cut off is not found again
            name=NAME,
            namespace=NAMESPACE,
            chart=chart.chart,
            version=chart.version,
            repository_opts={"repo": chart.repository} if chart.repository else None,
            values=chart_values(chart),
            # a failed installation leaves nothing behind, a failed upgrade goes back
            atomic=True,
            timeout=INSTALL_SECONDS,
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=list(args.needs)),
        )
        self.register_outputs({"release": self.release.name})


def chart_values(chart: MetricsServerChart) -> dict[str, Any]:
    """The values of the chart: two replicas apart from each other, as EKS' add-on. Source: values.yaml of chart 3.13.1."""
    labels = {"matchLabels": {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": NAME}}
    return {
        "fullnameOverride": NAME,
        "image": {"repository": chart.image, "tag": chart.tag},
        "replicas": 2,
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1},
        "resources": RESOURCES.manifest(),
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": labels}
            for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
    }
