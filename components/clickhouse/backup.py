"""Backups of ClickHouse: a CronJob that makes them and deletes old ones, and one that lists and restores when told to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes.batch.v1 import CronJob
from pulumi_kubernetes.core.v1 import ServiceAccount
from pulumi_kubernetes.networking.v1 import NetworkPolicy

from .. import contracts
from . import authority, backup_script, backup_store, disks, names, pods
from . import tls as encryption
from .backup_user import BackupUser
from .later import text
from .tls import TLS
from .users import User

NAME = "clickhouse-backup"
RESTORE = "clickhouse-restore"
SERVICE_ACCOUNT = "clickhouse-backup"
RESOURCES = contracts.Resources(cpu_request="50m", memory_request="512Mi", memory_limit="2Gi")
"""The servers do the work; the pod holds the list of objects, some 100 bytes for each."""
RETRIES = 2
FAILED_AND_DONE_KEPT = 3


@dataclass(frozen=True, kw_only=True)
class BackupArgs:
    """Backups of the ClickHouse in the cluster. Raises ValueError with every problem of the plain values."""

    bucket: contracts.Bucket
    """Where they go: another bucket than the data's, best in another account. Its `keys`, if any, are a Secret in the
    namespace of ClickHouse. None: the servers' identity writes, the Job's lists and deletes; on S3, where the data's bucket
    has keys, these write here too."""
    identity: contracts.Identity = field(default_factory=contracts.Identity)
    """Of the Job, which lists and deletes; the servers write with their own."""
    prefix: str = "clickhouse-backup"
    """In the bucket. Two clusters that share a bucket need one each where their namespaces have the same name."""
    schedule: str = "0 3 * * *"
    """When a backup is made, as in cron, in UTC."""
    full_every_days: int = 7
    """A backup is full when the last full one is older; else it holds what is new since that one."""
    keep_days: int = 30
    """How far back one can go: a chain is deleted when its last backup is older. The newest chain is never deleted."""
    deadline_hours: int = 12
    """A backup that takes longer counts as failed."""

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise ValueError("backup: " + "; ".join(problems))


@dataclass(frozen=True, kw_only=True)
class BackupJobsArgs:
    """The Jobs of one installation."""

    backup: BackupArgs
    cluster: contracts.Cluster
    namespace: pulumi.Input[str]
    image: str
    """The image of the servers: client and local engine in it speak their version."""
    user: BackupUser
    owner: User
    """Weave's, who may make all that a backup holds: restores run as this one."""
    installation: str = "wandb"
    cluster_name: str = "weavecluster"
    replicas: int = 3
    """Of the only shard."""
    tls: TLS | None = None
    ids: pods.Ids = pods.IMAGE
    image_pull_secrets: Sequence[str] = ()
    needs: Sequence[pulumi.Resource] = ()
    """Must be there before the Jobs: the servers."""


def root(args: BackupArgs, place: disks.Place) -> backup_store.Root:
    """Where the backups of the installation at `place` lie."""
    return backup_store.Root(place=place, prefix=args.prefix)


def backup_job(args: BackupJobsArgs) -> dict[str, Any]:
    """The CronJob that makes one backup at a time, full or incremental as is due, then deletes what is too old.

    A run that was killed leaves a backup that goes on in the server; the next run waits for that one.
    """
    asks = {
        "FULL_EVERY_DAYS": str(args.backup.full_every_days),
        "KEEP_DAYS": str(args.backup.keep_days),
        "STALE_HOURS": str(backup_script.STALE_HOURS),
    }
    password = contracts.SecretKey(name=args.user.password.name, key=args.user.password.key)
    template = _job(args, NAME, backup_script.BACKUP, args.user.name, password, asks, retries=RETRIES)
    return {
        "metadata": {"name": NAME, "namespace": args.namespace, "labels": pods.labels(NAME)},
        "spec": {
            "schedule": args.backup.schedule,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            # a control plane that was away for longer waits for the next time
            "startingDeadlineSeconds": 6 * 3600,
            "successfulJobsHistoryLimit": FAILED_AND_DONE_KEPT,
            "failedJobsHistoryLimit": FAILED_AND_DONE_KEPT,
            "jobTemplate": template,
        },
    }


def restore_job(args: BackupJobsArgs) -> dict[str, Any]:
    """The CronJob that never runs by itself: Jobs made from it list the backups, or restore the one named in `BACKUP`."""
    cluster = {"ON_CLUSTER": f" ON CLUSTER '{args.cluster_name}'"} if args.replicas > 1 else {}
    # tried once: what a restore that failed has left must be looked at before the next
    template = _job(
        args, RESTORE, backup_script.RESTORE, args.owner.name, args.owner.password, {"BACKUP": "", **cluster}, retries=0
    )
    return {
        "metadata": {"name": RESTORE, "namespace": args.namespace, "labels": pods.labels(RESTORE)},
        "spec": {
            # a day that never comes: with `suspend` it is not even looked for
            "schedule": "0 0 31 2 *",
            "suspend": True,
            "concurrencyPolicy": "Forbid",
            "jobTemplate": template,
        },
    }


def network_policy(namespace: pulumi.Input[str]) -> dict[str, Any]:
    """Nobody connects to the pods of these Jobs."""
    names_ = {"key": "app.kubernetes.io/name", "operator": "In", "values": [NAME, RESTORE]}
    return {
        "metadata": {"name": NAME, "namespace": namespace, "labels": pods.labels(NAME)},
        "spec": {"podSelector": {"matchExpressions": [names_]}, "policyTypes": ["Ingress"], "ingress": []},
    }


def _job(
    args: BackupJobsArgs,
    name: str,
    script: str,
    user: str,
    password: contracts.SecretKey,
    asks: Mapping[str, str],
    *,
    retries: int,
) -> dict[str, Any]:
    bucket = args.backup.bucket
    marks = pods.labels(name, args.backup.identity.pod_labels)
    container = {
        "name": "backup" if name == NAME else "restore",
        "image": args.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-ec", encryption.client(script, args.tls)],
        "env": [*_environment(args, user, password, asks), *_store(args)],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": dict(pods.CONTAINER_SECURITY),
        "resources": RESOURCES.manifest(),
        **pods.mounts(*authority.mounts(bucket.ca), *encryption.mounts(args.tls, encryption.CLIENT_FOLDER)),
    }
    return {
        "metadata": {"labels": marks},
        "spec": {
            "backoffLimit": retries,
            "activeDeadlineSeconds": args.backup.deadline_hours * 3600,
            "template": {
                "metadata": {"labels": marks},
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": SERVICE_ACCOUNT,
                    "automountServiceAccountToken": False,
                    "securityContext": pods.pod_security(args.ids),
                    **pods.pull_secrets(args.image_pull_secrets),
                    **pods.volumes(*authority.volumes(bucket.ca), *encryption.client_volumes(args.tls)),
                    "containers": [container],
                },
            },
        },
    }


def _store(args: BackupJobsArgs) -> list[dict[str, Any]]:
    place = disks.Place(namespace=args.namespace, installation=args.installation, cluster=args.cluster_name)
    return backup_store.job_environment(args.backup.bucket, root(args.backup, place))


def _environment(
    args: BackupJobsArgs, user: str, password: contracts.SecretKey, asks: Mapping[str, str]
) -> list[dict[str, Any]]:
    port = names.ports(tls=args.tls is not None).native
    hosts: list[pulumi.Input[str]] = []
    for host in names.replicas(args.installation, args.cluster_name, 1, args.replicas, args.namespace):
        hosts += [" " if hosts else "", host, f":{port}"]
    plain = {
        "HOSTS": text(*hosts),
        "DATABASES": " ".join(args.user.databases),
        "HOME": "/tmp",
        "CLICKHOUSE_USER": user,
        **asks,
    }
    secret = {"secretKeyRef": {"name": password.name, "key": password.key}}
    variables: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in plain.items()]
    return [*variables, {"name": "CLICKHOUSE_PASSWORD", "valueFrom": secret}]


class BackupJobs(pulumi.ComponentResource):
    """The Jobs that back ClickHouse up and restore it, and their ServiceAccount. Destroying it keeps every backup."""

    def __init__(self, name: str, args: BackupJobsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:clickhouse:BackupJobs", name, {}, opts)
        in_cluster = pulumi.ResourceOptions(parent=self, provider=args.cluster.provider)
        account = ServiceAccount(
            f"{name}-account",
            metadata={
                "name": SERVICE_ACCOUNT,
                "namespace": args.namespace,
                "labels": pods.labels(NAME),
                "annotations": dict(args.backup.identity.service_account_annotations),
            },
            automount_service_account_token=False,
            opts=in_cluster,
        )
        policy = network_policy(args.namespace)
        access = NetworkPolicy(f"{name}-access", metadata=policy["metadata"], spec=policy["spec"], opts=in_cluster)
        for what, made in {"schedule": backup_job(args), "restore": restore_job(args)}.items():
            CronJob(
                f"{name}-{what}",
                metadata=made["metadata"],
                spec=made["spec"],
                opts=pulumi.ResourceOptions(
                    parent=self, provider=args.cluster.provider, depends_on=[account, access, *args.needs]
                ),
            )
        self.register_outputs({})


_FIELD = r"[0-9*/,-]+"


def _problems(args: BackupArgs) -> Iterator[str]:
    try:
        backup_store.check(args.bucket)
    except ValueError as error:
        yield str(error)
    if not re.fullmatch(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?(/[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?)*", args.prefix):
        yield f"prefix: {args.prefix!r} given; a-z, 0-9, '.', '_' and '-' are possible, with '/' between"
    if args.prefix.split("/")[0] == "weave":
        yield "prefix: 'weave' is where the servers keep their data"
    if not re.fullmatch(rf"{_FIELD}( {_FIELD}){{4}}", args.schedule):
        yield f"schedule: {args.schedule!r} given; five fields in digits are needed, such as '0 3 * * *'"
    limits = {"full_every_days": (1, 90), "keep_days": (1, 3650), "deadline_hours": (1, backup_script.STALE_HOURS - 1)}
    for name, (least, most) in limits.items():
        if not least <= getattr(args, name) <= most:
            yield f"{name}: {getattr(args, name)} given; {least} to {most} are possible"
