"""Alerts are in Prometheus' language, ask for metrics that exist, and say what to do.

The parser is Prometheus' grammar. What it cannot see: whether a series has the labels that are asked for. That those of ClickHouse's own
metrics exist which are compiled into it, the engine says: tests/cluster/test_clickhouse_engine_metrics.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest

from components.clickhouse import monitoring as clickhouse
from components.monitoring import Alert, Monitoring
from components.wandb import monitoring as wandb
from tests.harness.stacks import ROOT

WATCHED = Monitoring(namespace="monitoring", labels={"release": "prometheus"})
ASYNCHRONOUS = {
    # ClickHouse 25.8, src/Interpreters/ServerAsynchronousMetrics.cpp
    "ReplicasMaxAbsoluteDelay",
    "MaxPartCountForPartition",
    "DiskAvailable_default",
    "DiskTotal_default",
    # ClickHouse 25.8, src/Coordination/KeeperAsynchronousMetrics.cpp
    "KeeperIsLeader",
    "KeeperIsStandalone",
    "KeeperSyncedFollowers",
}
CLUSTER = {
    "up",
    # kubelet, pkg/kubelet/metrics/collectors/volume_stats.go
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_capacity_bytes",
    # kube-state-metrics 2.x, docs/metrics/workload
    "kube_cronjob_next_schedule_time",
    "kube_cronjob_spec_suspend",
    "kube_cronjob_status_last_schedule_time",
    "kube_cronjob_status_last_successful_time",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas_available",
    "kube_job_failed",
    "kube_pod_container_status_restarts_total",
}
_COMPILED = re.compile(r"ClickHouse(Metrics|ProfileEvents)_\w+")


def clickhouse_args(**changes: Any) -> clickhouse.MonitoringArgs:
    given: dict[str, Any] = {"monitoring": WATCHED, "namespace": "clickhouse", "backup_deadline_hours": 12}
    return clickhouse.MonitoringArgs(**(given | changes))


def every_alert() -> list[Alert]:
    """Those of installations that differ in what alerts depend on; each expression once."""
    spaces = [
        clickhouse_args(provider=provider, servers=servers, keepers=keepers)
        for provider in ("s3", "gcs", "az", "cw")
        for servers, keepers in ((1, 1), (3, 3), (9, 5))
    ]
    found = [each for args in spaces for each in clickhouse.alerts(args, "clickhouse")]
    found += wandb.alerts("wandb", "wandb-operator")
    return list({each.expression: each for each in found}.values())


ALERTS = every_alert()
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)


def selectors(expression: Any) -> Iterator[Any]:
    """Every selector in a parsed expression."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    for name in ("expr", "lhs", "rhs", "vector_selector"):
        below = getattr(expression, name, None)
        if below is not None:
            yield from selectors(below)
    for each in getattr(expression, "args", None) or []:
        yield from selectors(each)


def metrics(alert: Alert) -> set[str]:
    return {each.name for each in selectors(promql_parser.parse(alert.expression))}


def compiled_in() -> set[str]:
    """Metrics that the engine can be asked for, without what says their kind."""
    return {name for alert in ALERTS for name in metrics(alert) if _COMPILED.fullmatch(name)}


@each_alert
def test_an_alert_is_in_prometheus_language_and_asks_for_metrics_that_exist(alert: Alert) -> None:
    found = metrics(alert)
    assert found
    for metric in found - CLUSTER - compiled_in():
        assert metric.removeprefix("ClickHouseAsyncMetrics_") in ASYNCHRONOUS, metric


def test_no_metric_is_listed_that_no_alert_asks_for() -> None:
    asked = {metric for alert in ALERTS for metric in metrics(alert)}
    assert {f"ClickHouseAsyncMetrics_{each}" for each in ASYNCHRONOUS} | CLUSTER <= asked


@each_alert
def test_every_series_is_one_of_this_installation(alert: Alert) -> None:
    for each in selectors(promql_parser.parse(alert.expression)):
        labels = {matcher.name: matcher.value for matcher in each.matchers.matchers}
        assert labels.get("namespace") in ("clickhouse", "wandb", "wandb-operator"), f"{each.name} of any namespace"


@each_alert
def test_an_alert_says_what_is_the_matter_and_what_to_do(alert: Alert) -> None:
    rule = alert.rule()
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert all(text.endswith(".") for text in rule["annotations"].values())
    assert re.fullmatch(r"\d+m", rule.get("for", "0m"))
    assert rule["alert"].startswith(("ClickHouse", "WandB"))


def names(**changes: Any) -> list[str]:
    return [each.name for each in clickhouse.alerts(clickhouse_args(**changes), "clickhouse")]


def test_what_must_be_known_is_alerted_on() -> None:
    found = names()
    assert len(set(found)) == len(found)
    for wanted in (
        "ReadOnlyTables",
        "ReplicaBehind",
        "VolumeFillingUp",
        "KeeperWithoutLeader",
        "BackupFailed",
        "BackupOverdue",
    ):
        assert f"ClickHouse{wanted}" in found


def test_what_is_not_there_is_not_alerted_on() -> None:
    assert not [name for name in names(backup_deadline_hours=None) if "Backup" in name]
    assert "ClickHouseKeeperFollowersBehind" not in names(keepers=1)
    (leader,) = (
        each for each in clickhouse.alerts(clickhouse_args(keepers=1), "x") if each.name.endswith("WithoutLeader")
    )
    assert "KeeperIsStandalone" in leader.expression, "one keeper is no leader"


def test_a_backup_is_overdue_when_the_last_one_that_was_due_has_not_succeeded() -> None:
    (alert,) = (each for each in clickhouse.alerts(clickhouse_args(), "x") if each.name == "ClickHouseBackupOverdue")
    parsed: Any = promql_parser.parse(alert.expression)
    assert "unless" in str(parsed.op), (
        "all of the comparison stands before it, and one without a success is overdue too"
    )
    assert {each.name for each in selectors(parsed.lhs)} == {"kube_cronjob_status_last_schedule_time"}


def test_thresholds_are_those_of_the_settings() -> None:
    asked = Monitoring(namespace="m", volume_free_percent=22, replica_delay_seconds=77)
    texts = [each.expression for each in clickhouse.alerts(clickhouse_args(monitoring=asked), "x")]
    assert sum(text.endswith("< 22") for text in texts) == 2
    assert sum(text.endswith("> 77") for text in texts) == 1


def test_monitors_find_the_services_and_the_services_find_the_pods() -> None:
    made = clickhouse.manifests(clickhouse_args())
    for who, label, port in (
        ("server", "clickhouse.altinity.com/chi", 9363),
        ("keeper", "clickhouse-keeper.altinity.com/chk", 7000),
    ):
        service, monitor = made[f"{who}-metrics"], made[f"{who}-monitor"]
        wanted = monitor["spec"]["selector"]["matchLabels"]
        assert wanted.items() <= service["metadata"]["labels"].items()
        assert not any(
            wanted.items() <= each["metadata"]["labels"].items()
            for each in made.values()
            if each["kind"] == "Service" and each is not service
        )
        assert service["spec"]["selector"] == {label: "wandb"}
        assert [each["name"] for each in service["spec"]["ports"]] == [
            each["port"] for each in monitor["spec"]["endpoints"]
        ]
        assert [each["targetPort"] for each in service["spec"]["ports"]] == [port]
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert made["alerts"]["metadata"]["labels"]["release"] == "prometheus"
    assert "alerts" not in clickhouse.manifests(clickhouse_args(monitoring=Monitoring(namespace="m", alerts=False)))


def test_the_documentation_has_every_alert_and_no_other() -> None:
    table = re.findall(r"^\| `((?:ClickHouse|WandB)\w+)` \|", (ROOT / "docs/monitoring.md").read_text(), re.MULTILINE)
    assert sorted(table) == sorted({each.name for each in ALERTS})
