"""W&B's operator, installed by its Helm chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.helm.v3 import Release

from .. import contracts
from .chart import ChartSource

RELEASE = "wandb-operator"


def _resources() -> contracts.Resources:
    return contracts.Resources(cpu_request="400m", memory_request="512Mi", cpu_limit="1", memory_limit="2Gi")


@dataclass(frozen=True, kw_only=True)
class OperatorArgs:
    """Which operator, where, and whether it may change what it was told to install."""

    provider: Provider
    namespace: pulumi.Input[str]
    chart: ChartSource
    """The chart `operator`."""
    image: str
    """Repository of the operator's image, without tag."""
    tag: str
    resources: contracts.Resources = field(default_factory=_resources)
    """Default: those of the chart `operator` 1.4.8."""
    follow_release_channel: bool = False
    """True: the operator asks deploy.wandb.ai what to install and merges the answer into every installation."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Further variables: it fetches W&B's chart, perhaps through a proxy."""
    pull_secrets: Sequence[str] = ()
    """Secrets in `namespace` by which the image is pulled."""


class Operator(pulumi.ComponentResource):
    """W&B's operator and, with its chart, the WeightsAndBiases CustomResourceDefinition.

    Helm installs that definition once and neither upgrades nor deletes it, so no installation is lost with the operator.
    One per cluster: its ClusterRole has a fixed name. It must outlive every WeightsAndBiases resource, whose finalizer
    only it removes: make those depend on `release`.
    """

    release: Release

    def __init__(self, name: str, args: OperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:wandb:Operator", name, {}, opts)
        self.release = Release(
            f"{name}-release",
            # a name of its own: under Pulumi's random one, an install that was cut off is not found again
            name=RELEASE,
            namespace=args.namespace,
            **args.chart.release(),
            values=operator_values(args),
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider),
        )
        self.register_outputs({"release": self.release.name})


def operator_values(args: OperatorArgs) -> dict[str, Any]:
    """The values of the chart `operator`.

    `airgapped` keeps the operator from calling deploy.wandb.ai: its answer would be merged into the installation even
    where the chart is pinned, and while it cannot be reached every reconcile waits for minutes.
    """
    variables = [{"name": name, "value": value} for name, value in args.env.items()]
    return {
        **({"extraEnv": variables} if variables else {}),
        "image": {
            "repository": args.image,
            "tag": args.tag,
            "pullPolicy": "IfNotPresent",
            **({"pullSecrets": list(args.pull_secrets)} if args.pull_secrets else {}),
        },
        "airgapped": not args.follow_release_channel,
        "resources": args.resources.manifest(),
        "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
