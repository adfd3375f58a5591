"""What is watched of ClickHouse: metrics Services, their monitors, and alerts. Pure functions.

The metrics are those that servers and Keeper serve themselves (`ClickHouseMetrics_…`, `ClickHouseProfileEvents_…`,
`ClickHouseAsyncMetrics_…`), those of the kubelet and those of kube-state-metrics, which come with every common installation of the
Prometheus operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi

from ..later import lift
from ..monitoring import Alert, Monitoring, prometheus_rule, service_monitor
from . import backup, names, operator, pods

PORT = "metrics"
PARTS_IN_PARTITION = 700
"""Inserts are slowed down from 1000 parts on. Source: ClickHouse 25.8, MergeTree setting `parts_to_delay_insert`."""
STORE_ERRORS = {"az": "Azure", "s3": "S3", "gcs": "S3", "cw": "S3"}
"""The part of the names of ClickHouse's events that says which store's requests failed, by provider."""
START_OVERDUE_HOURS = 6
"""As the CronJob's own `startingDeadlineSeconds`."""


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """The installation that is watched."""

    monitoring: Monitoring
    namespace: pulumi.Input[str]
    installation: str = "wandb"
    provider: str = "s3"
    """Of the bucket."""
    servers: int = 3
    keepers: int = 3
    backup_deadline_hours: int | None = None
    """None: no backups are made."""


def manifests(args: MonitoringArgs) -> dict[str, dict[str, Any]]:
    """Every object, by a short name: for servers and keepers a Service and its monitor, and the alerts."""
    made: dict[str, dict[str, Any]] = {}
    watched = {
        "server": (names.CHI_LABEL, names.SERVER_METRICS_PORT),
        "keeper": (names.CHK_LABEL, names.KEEPER_METRICS_PORT),
    }
    for who, (label, port) in watched.items():
        name = f"clickhouse-{who}-metrics"
        made[f"{who}-metrics"] = _service(name, args.namespace, {label: args.installation}, port)
        made[f"{who}-monitor"] = service_monitor(
            name, args.namespace, _labels(args, name), {"app.kubernetes.io/name": name}, PORT
        )
    if args.monitoring.alerts:
        # the namespace is a part of every expression
        rules = lift(lambda namespace: [each.rule() for each in alerts(args, namespace)], args.namespace)
        made["alerts"] = prometheus_rule("clickhouse", args.namespace, _labels(args, "clickhouse"), [])
        made["alerts"]["spec"] = {"groups": [{"name": "clickhouse", "rules": rules}]}
    return made


def alerts(args: MonitoringArgs, namespace: str) -> Iterator[Alert]:
    """What somebody should know of."""
    yield from _server_alerts(args, f'namespace="{namespace}",pod=~"chi-{args.installation}-.+"')
    yield from _keeper_alerts(args, namespace)
    deployment = f'namespace="{namespace}",deployment="{operator.FULL_NAME}"'
    yield Alert(
        name="ClickHouseOperatorUnavailable",
        expression=f"kube_deployment_status_replicas_available{{{deployment}}} < 1",
        minutes=15,
        severity="warning",
        summary="ClickHouse's operator does not run.",
        description="Servers go on, but nothing that is changed is carried out, and no installation can be deleted.",
    )
    if args.backup_deadline_hours is not None:
        yield from _backup_alerts(args.backup_deadline_hours, namespace)


def _server_alerts(args: MonitoringArgs, which: str) -> Iterator[Alert]:
    yield Alert(
        name="ClickHouseServerDown",
        expression=f"up{{{which}}} == 0",
        minutes=5,
        severity="critical",
        summary="ClickHouse server {{ $labels.pod }} does not answer.",
        description="Look at the pod's events and log. With other replicas Weave goes on; with one it does not.",
    )
    yield Alert(
        name="ClickHouseServersMissing",
        expression=f"(count(up{{{which}}}) or vector(0)) < {args.servers}",
        minutes=15,
        severity="critical",
        summary="Prometheus finds {{ $value }} ClickHouse servers.",
        description=f"There should be {args.servers}. Look for pods that are not there or wait for a node or a volume.",
    )
    yield Alert(
        name="ClickHouseReadOnlyTables",
        expression=f"ClickHouseMetrics_ReadonlyReplica{{{which}}} > 0",
        minutes=5,
        severity="critical",
        summary="{{ $value }} tables of {{ $labels.pod }} are read-only.",
        description="The server has no session with Keeper, or Keeper has no majority: look at the keepers first.",
    )
    yield Alert(
        name="ClickHouseReplicaBehind",
        expression=f"ClickHouseAsyncMetrics_ReplicasMaxAbsoluteDelay{{{which}}} > {args.monitoring.replica_delay_seconds}",
        minutes=10,
        severity="warning",
        summary="{{ $labels.pod }} is {{ $value }} seconds behind the other replicas.",
        description="`SELECT * FROM system.replication_queue` on it says what it waits for, and the last error.",
    )
    free = args.monitoring.volume_free_percent
    disk = "ClickHouseAsyncMetrics_Disk{}_default{{" + which + "}}"
    yield Alert(
        name="ClickHouseVolumeFillingUp",
        expression=f"100 * {disk.format('Available')} / {disk.format('Total')} < {free}",
        minutes=15,
        severity="critical",
        summary="The volume of {{ $labels.pod }} has {{ $value | humanize }} % left.",
        description="A full volume stops inserts. Raise `wandb:clickhouse.volumeGiB`.",
    )
    yield Alert(
        name="ClickHouseInsertsRejected",
        expression=f"increase(ClickHouseProfileEvents_RejectedInserts{{{which}}}[10m]) > 0",
        minutes=0,
        severity="critical",
        summary="{{ $labels.pod }} refuses inserts: too many parts.",
        description="Merges cannot keep up. Look at `system.merges`, at the processor, and at the bucket's errors.",
    )
    yield Alert(
        name="ClickHousePartsPilingUp",
        expression=f"ClickHouseAsyncMetrics_MaxPartCountForPartition{{{which}}} > {PARTS_IN_PARTITION}",
        minutes=15,
        severity="warning",
        summary="A partition on {{ $labels.pod }} has {{ $value }} parts.",
        description="Inserts are slowed down at 1000 and refused at 3000. Look at `system.merges`.",
    )
    yield Alert(
        name="ClickHousePartsLost",
        expression=f"increase(ClickHouseProfileEvents_ReplicatedDataLoss{{{which}}}[1h]) > 0",
        minutes=0,
        severity="critical",
        summary="{{ $labels.pod }} found a part that no replica has.",
        description="Its rows are lost unless a backup has them. The server's log names the part.",
    )
    store = STORE_ERRORS[args.provider]
    failed = [
        f"increase(ClickHouseProfileEvents_Disk{store}{what}RequestsErrors{{{which}}}[10m])"
        for what in ("Read", "Write")
    ]
    yield Alert(
        name="ClickHouseBucketErrors",
        expression=f"{' + '.join(failed)} > 20",
        minutes=10,
        severity="warning",
        summary="Requests of {{ $labels.pod }} to its bucket fail.",
        description="The server's log says how: access, throttling, or the network. What fails is tried again.",
    )


def _keeper_alerts(args: MonitoringArgs, namespace: str) -> Iterator[Alert]:
    which = f'namespace="{namespace}",pod=~"chk-{args.installation}-.+"'
    yield Alert(
        name="ClickHouseKeeperDown",
        expression=f"up{{{which}}} == 0",
        minutes=5,
        severity="warning" if args.keepers > 1 else "critical",
        summary="Keeper {{ $labels.pod }} does not answer.",
        description="A majority of the keepers has to run, or every table becomes read-only.",
    )
    yield Alert(
        name="ClickHouseKeeperWithoutLeader",
        expression=f"(sum(ClickHouseAsyncMetrics_KeeperIsLeader{{{which}}}) or vector(0)) < 1"
        if args.keepers > 1
        else f"(sum(ClickHouseAsyncMetrics_KeeperIsStandalone{{{which}}}) or vector(0)) < 1",
        minutes=5,
        severity="critical",
        summary="The keepers have no leader: the majority is lost.",
        description="No row can be written. Bring pods back before anything else; never delete a keeper's volume.",
    )
    if args.keepers > 1:
        leading = f"ClickHouseAsyncMetrics_KeeperIsLeader{{{which}}} == 1"
        yield Alert(
            name="ClickHouseKeeperFollowersBehind",
            expression=f"ClickHouseAsyncMetrics_KeeperSyncedFollowers{{{which}}} < {args.keepers - 1} and {leading}",
            minutes=15,
            severity="warning",
            summary="Only {{ $value }} followers of the leading keeper are in step.",
            description=f"There should be {args.keepers - 1}. Look for keepers that are down or slow.",
        )
    yield Alert(
        name="ClickHouseKeeperSlow",
        expression=f"ClickHouseMetrics_KeeperOutstandingRequests{{{which}}} > 10",
        minutes=10,
        severity="warning",
        summary="{{ $value }} requests wait for Keeper {{ $labels.pod }}.",
        description="Most often its volume is slow, or its processor limit too low.",
    )
    volume = f'namespace="{namespace}",persistentvolumeclaim=~"data-chk-{args.installation}-.+"'
    free = f"kubelet_volume_stats_available_bytes{{{volume}}} / kubelet_volume_stats_capacity_bytes{{{volume}}}"
    yield Alert(
        name="ClickHouseKeeperVolumeFillingUp",
        expression=f"100 * {free} < {args.monitoring.volume_free_percent}",
        minutes=15,
        severity="critical",
        summary="The volume of a keeper ({{ $labels.persistentvolumeclaim }}) has {{ $value | humanize }} % left.",
        description="Raise `wandb:clickhouse.keeperVolumeGiB`.",
    )


def _backup_alerts(deadline_hours: int, namespace: str) -> Iterator[Alert]:
    job = f'namespace="{namespace}",cronjob="{backup.NAME}"'
    yield Alert(
        name="ClickHouseBackupFailed",
        expression=f'kube_job_failed{{namespace="{namespace}",job_name=~"{backup.NAME}-.+",condition="true"}} == 1',
        minutes=0,
        severity="warning",
        summary="Backup {{ $labels.job_name }} failed.",
        description="Its log says why. The next one is made as scheduled.",
    )
    scheduled, done = (
        f"kube_cronjob_status_last_schedule_time{{{job}}}",
        f"kube_cronjob_status_last_successful_time{{{job}}}",
    )
    yield Alert(
        name="ClickHouseBackupOverdue",
        # also where none has ever succeeded, and there is no such time
        expression=f"time() - {scheduled} > {deadline_hours * 3600} unless {done} >= {scheduled}",
        minutes=60,
        severity="critical",
        summary="The backup that was due last has not been completed.",
        description="What is lost from now on cannot be brought back. Look at the Jobs of the CronJob.",
    )
    yield Alert(
        name="ClickHouseBackupNotStarted",
        expression=f"time() - kube_cronjob_next_schedule_time{{{job}}} > {START_OVERDUE_HOURS * 3600} or kube_cronjob_spec_suspend{{{job}}} == 1",
        minutes=60,
        severity="warning",
        summary="Backups are suspended, or do not start when they are due.",
        description="`kubectl get cronjob` shows whether it is suspended and when it ran last.",
    )


def _service(name: str, namespace: pulumi.Input[str], selector: dict[str, str], port: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": pods.labels(name)},
        "spec": {
            "clusterIP": "None",
            "selector": selector,
            # one that is not ready is what somebody wants to look at
            "publishNotReadyAddresses": True,
            "ports": [{"name": PORT, "port": port, "targetPort": port}],
        },
    }


def _labels(args: MonitoringArgs, name: str) -> dict[str, str]:
    return {**pods.labels(name), **args.monitoring.labels}
