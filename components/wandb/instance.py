"""The WeightsAndBiases resource: one installation of W&B."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.apiextensions import CustomResource

from .inventory import NAME

API_VERSION = "apps.wandb.com/v1"
KIND = "WeightsAndBiases"


@dataclass(frozen=True, kw_only=True)
class InstanceArgs:
    """What is installed, and who installs it."""

    provider: Provider
    namespace: pulumi.Input[str]
    chart: dict[str, Any] | None
    """`spec.chart`; None: the operator asks W&B's release channel."""
    values: dict[str, Any]
    operator: pulumi.Resource
    """The operator's release: it has to be there before the resource, and after it."""
    protect: bool = False
    ready_minutes: int = 30
    """How long the operator may take to apply the chart."""
    delete_minutes: int = 20
    """How long the removal may take. The operator waits ten minutes for the chart's objects to go, then tries again."""

    def __post_init__(self) -> None:
        if self.delete_minutes < 15:
            raise ValueError(f"delete_minutes: {self.delete_minutes} given; the operator needs 15 or more")


class Instance(pulumi.ComponentResource):
    """W&B, as its operator has applied it.

    It is up when the operator's Helm call has returned (phase `Completed`). That says nothing about pods, and after a
    change it may be the phase of the state before: `Verification` looks at what really runs.
    """

    resource: CustomResource

    def __init__(self, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:wandb:Instance", name, {}, opts)
        spec = {"chart": args.chart} if args.chart else {}
        self.resource = CustomResource(
            f"{name}-resource",
            api_version=API_VERSION,
            kind=KIND,
            metadata={
                "name": NAME,
                "namespace": args.namespace,
                "labels": {
                    "app.kubernetes.io/name": "weightsandbiases",
                    "app.kubernetes.io/part-of": "wandb",
                    "app.kubernetes.io/managed-by": "pulumi",
                },
                "annotations": {"pulumi.com/waitFor": "jsonpath={.status.phase}=Completed"},
            },
            spec={**spec, "values": args.values},
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.provider,
                depends_on=[args.operator],
                protect=args.protect,
                custom_timeouts=pulumi.CustomTimeouts(
                    create=f"{args.ready_minutes}m",
                    update=f"{args.ready_minutes}m",
                    delete=f"{args.delete_minutes}m",
                ),
            ),
        )
        self.register_outputs({"name": NAME})
