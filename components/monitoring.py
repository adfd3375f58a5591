"""What the Prometheus operator is told: which Services to scrape, and what to alert on. Pure functions.

Source of the kinds and their fields: Prometheus operator, `monitoring.coreos.com/v1`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

API_VERSION = "monitoring.coreos.com/v1"
DEFINITIONS = ("prometheusrules.monitoring.coreos.com", "servicemonitors.monitoring.coreos.com")
"""The CustomResourceDefinitions that have to be there."""


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """A Prometheus operator that runs in the cluster, and what it is to watch."""

    namespace: str
    """Where Prometheus runs; its pods may then read metrics."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """On every object, for the selectors of the Prometheus that is to find it."""
    alerts: bool = True
    dashboards: bool = True
    """Whether ClickHouse's operator brings its dashboards, in a ConfigMap as Grafana's sidecar looks for them."""
    volume_free_percent: int = 15
    """An alert below this."""
    replica_delay_seconds: int = 300
    """An alert above this."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert. Its texts say what is the matter and what to do."""

    name: str
    expression: str
    """PromQL; every series that it returns is an alert."""
    minutes: int
    """How long that has to be so; 0: at once."""
    severity: Literal["critical", "warning"]
    """`critical`: users notice, or data may be lost. `warning`: they will, if nobody looks at it."""
    summary: str
    description: str

    def rule(self) -> dict[str, Any]:
        """As in a PrometheusRule."""
        return {
            "alert": self.name,
            "expr": self.expression,
            **({"for": f"{self.minutes}m"} if self.minutes else {}),
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "description": self.description},
        }


def prometheus_rule(
    name: str, namespace: pulumi.Input[str], labels: Mapping[str, str], rules: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A PrometheusRule with one group of rules."""
    return {
        "apiVersion": API_VERSION,
        "kind": "PrometheusRule",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {"groups": [{"name": name, "rules": list(rules)}]},
    }


def service_monitor(
    name: str, namespace: pulumi.Input[str], labels: Mapping[str, str], selector: Mapping[str, str], port: str
) -> dict[str, Any]:
    """A ServiceMonitor: `port` of the Services of this namespace that carry `selector`."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ServiceMonitor",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {"selector": {"matchLabels": dict(selector)}, "endpoints": [{"port": port, "interval": "30s"}]},
    }
