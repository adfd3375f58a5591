"""Settings of monitoring by a Prometheus operator that runs in the cluster."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from .base import DnsLabel, Model, refusal

_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def _labels(value: dict[str, str]) -> dict[str, str]:
    for key, text in value.items():
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(text):
            raise refusal(
                f"has a label that Kubernetes does not accept ({key})",
                "Write it as `kubectl get prometheuses --all-namespaces --output yaml` shows it under `ruleSelector`.",
            )
    return value


class Monitoring(Model):
    """What a Prometheus operator is told: which metrics to read, and what to alert on. The operator and its
    CustomResourceDefinitions must be in the cluster, with kube-state-metrics, as the chart kube-prometheus-stack brings them."""

    namespace: DnsLabel
    """Namespace in which Prometheus runs: it may read the metrics of ClickHouse and its keepers."""
    labels: Annotated[dict[str, str], AfterValidator(_labels)] = Field(default_factory=dict)
    """Labels by which Prometheus selects rules and monitors, such as `release: kube-prometheus-stack`. Default: none, for one that
    selects all."""
    alerts: bool = True
    """Whether there are alerts (PrometheusRule)."""
    dashboards: bool = True
    """Whether the dashboards of ClickHouse's operator are there, in a ConfigMap as Grafana's sidecar looks for them."""
    volume_free_percent: int = Field(default=15, ge=1, le=90)
    """An alert where less of a volume of ClickHouse or a keeper is free."""
    replica_delay_seconds: int = Field(default=300, ge=10, le=86400)
    """An alert where a replica of ClickHouse is further behind."""
