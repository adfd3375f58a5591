"""What is watched of W&B: alerts on its Deployments, by the metrics of kube-state-metrics. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi

from ..later import lift
from ..monitoring import Alert, Monitoring, prometheus_rule
from .inventory import NAME


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """The installation that is watched."""

    monitoring: Monitoring
    namespace: pulumi.Input[str]
    operator_namespace: pulumi.Input[str]


def rules(args: MonitoringArgs) -> dict[str, Any]:
    """The PrometheusRule of W&B."""
    made = lift(
        lambda *namespaces: [each.rule() for each in alerts(*namespaces)], args.namespace, args.operator_namespace
    )
    labels = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "wandb", **args.monitoring.labels}
    found = prometheus_rule(NAME, args.namespace, labels, [])
    return {**found, "spec": {"groups": [{"name": NAME, "rules": made}]}}


def alerts(namespace: str, operator_namespace: str) -> Iterator[Alert]:
    """What somebody should know of."""
    which = f'namespace="{namespace}",deployment=~"{NAME}-.+"'
    available = f"kube_deployment_status_replicas_available{{{which}}}"
    yield Alert(
        name="WandBComponentUnavailable",
        expression=f"{available} < 1 and kube_deployment_spec_replicas{{{which}}} > 0",
        minutes=5,
        severity="critical",
        summary="No pod of {{ $labels.deployment }} is ready.",
        description="`kubectl describe` of its pods says why; the readiness endpoints tell which data store is missing.",
    )
    yield Alert(
        name="WandBComponentIncomplete",
        expression=f"{available} < kube_deployment_spec_replicas{{{which}}}",
        minutes=20,
        severity="warning",
        summary="{{ $labels.deployment }} has only {{ $value }} pods that are ready.",
        description="Look for pods that are pending, that restart, or whose image cannot be pulled.",
    )
    yield Alert(
        name="WandBContainerRestarting",
        expression=f'increase(kube_pod_container_status_restarts_total{{namespace="{namespace}"}}[30m]) > 3',
        minutes=0,
        severity="warning",
        summary="{{ $labels.container }} in {{ $labels.pod }} restarts again and again.",
        description="`kubectl logs --previous` has its last words; exit code 137 is memory.",
    )
    deployment = f'namespace="{operator_namespace}",deployment="{NAME}-controller-manager"'
    yield Alert(
        name="WandBOperatorUnavailable",
        expression=f"kube_deployment_status_replicas_available{{{deployment}}} < 1",
        minutes=15,
        severity="warning",
        summary="W&B's operator does not run.",
        description="W&B goes on, but no change is carried out, and it cannot be uninstalled.",
    )
