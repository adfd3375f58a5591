"""The ClickHouse servers: shards, each of whose replicas hold the same data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import ServiceAccount

from .. import contracts
from ..later import lift
from . import authority, backup_store, backup_user, disks, names, pods, storage, users
from . import tls as encryption
from .later import task_id, wait_for
from .system_logs import system_logs
from .tls import TLS

SERVICE_ACCOUNT = "clickhouse"
TABLES_ANNOTATION = "wandb.pulumi/tables"
"""On the installation where Weave's tables are distributed, which never changes while they live."""


@dataclass(frozen=True, kw_only=True)
class BackedUp:
    """What the servers have to know about backups of theirs."""

    bucket: contracts.Bucket
    prefix: str
    user: backup_user.BackupUser


@dataclass(frozen=True, kw_only=True)
class ServerArgs:
    """The replicas of ClickHouse."""

    cluster: contracts.Cluster
    namespace: pulumi.Input[str]
    image: str
    resources: contracts.Resources
    volume_gib: int
    """Per replica: metadata of all parts, local logs, and the cache."""
    cache_gib: int
    """The part of the volume that caches objects of the bucket; at most half."""
    bucket: contracts.Bucket
    user: users.User
    networks: Sequence[str] = users.PRIVATE_NETWORKS
    identity: contracts.Identity = field(default_factory=contracts.Identity)
    backup: BackedUp | None = None
    """None: backups can be made by nobody."""
    tls: TLS | None = None
    """None: no connection is encrypted."""
    shards: int = 1
    replicas: int = 3
    """Of each shard."""
    keepers: int = 3
    installation: str = "wandb"
    cluster_name: str = "weavecluster"
    ids: pods.Ids = pods.IMAGE
    image_pull_secrets: Sequence[str] = ()
    revision: str = ""
    """A new text makes the operator go over the installation again and restarts the replicas one by one."""
    protect: bool = False
    needs: Sequence[pulumi.Resource] = ()
    """Must be there before the servers and until they are gone: the operator, Keeper, the network's rules."""
    timeouts: pulumi.CustomTimeouts | None = None


def manifest(args: ServerArgs) -> dict[str, Any]:
    """The ClickHouseInstallation. Deleting it keeps the volumes, the tables and their objects in the bucket."""
    spec = {
        "defaults": {
            "templates": {
                "podTemplate": "clickhouse",
                "dataVolumeClaimTemplate": "data",
                "serviceTemplate": "client",
            },
            "storageManagement": {"reclaimPolicy": "Retain"},
        },
        "reconcile": _RECONCILE,
        "configuration": _configuration(args),
        "templates": {
            "serviceTemplates": [_service_template(_ports(args))],
            "podTemplates": [_pod_template(args)],
            "volumeClaimTemplates": [pods.volume_claim(args.volume_gib, args.cluster.storage_class)],
        },
    }
    task = task_id(spec)
    return {
        "apiVersion": "clickhouse.altinity.com/v1",
        "kind": "ClickHouseInstallation",
        "metadata": {
            "name": args.installation,
            "namespace": args.namespace,
            "labels": pods.labels("clickhouse-server"),
            "annotations": wait_for(task) | ({TABLES_ANNOTATION: "distributed"} if args.user.distributed else {}),
        },
        "spec": {"taskID": task, **spec},
    }


_RECONCILE: Mapping[str, Any] = {
    "policy": "wait",
    "cleanup": {
        "unknownObjects": {"statefulSet": "Delete", "pvc": "Retain", "configMap": "Delete", "service": "Delete"},
        "reconcileFailedObjects": {
            "statefulSet": "Retain",
            "pvc": "Retain",
            "configMap": "Retain",
            "service": "Retain",
        },
    },
    "host": {"wait": {"probes": {"readiness": "yes"}, "replicas": {"new": "yes", "delay": 10}}},
}


def _configuration(args: ServerArgs) -> dict[str, Any]:
    hosts = [names.keeper(args.installation, index, args.namespace) for index in range(args.keepers)]
    return {
        "zookeeper": {
            "nodes": [{"host": host, "port": _ports(args).keeper, **_secure(args)} for host in hosts],
            "session_timeout_ms": 30000,
            "operation_timeout_ms": 10000,
        },
        "users": users.settings(args.user, args.networks)
        | (backup_user.settings(args.backup.user, args.networks) if args.backup else {}),
        "settings": {
            **pods.metrics(names.SERVER_METRICS_PORT),
            # the operator's own defaults are debug and ten files of 1000 MB, outside the volume
            "logger/level": "information",
            "logger/size": "100M",
            "logger/count": "3",
            # 0.9 by default, which leaves too little of the container's limit for what the server does not count
            "max_server_memory_usage_to_ram_ratio": "0.8",
            # pods get a new address whenever they restart
            "disable_internal_dns_cache": "1",
        },
        "clusters": [
            {
                "name": args.cluster_name,
                "layout": {"shardsCount": args.shards, "replicasCount": args.replicas},
                "secret": {"auto": "yes"},
                **({**_secure(args), "insecure": "no"} if args.tls else {}),
                "pdbManaged": "yes",
                "pdbMaxUnavailable": 1,
            }
        ],
        "files": {
            "config.d/storage_configuration.xml": storage.configuration(args.bucket, args.namespace, args.cache_gib),
            "config.d/system_logs.xml": system_logs(),
            **authority.files(_authority(args)),
            **encryption.server_file(args.tls),
            **_backups(args),
        },
    }


def _ports(args: ServerArgs) -> names.Ports:
    return names.ports(tls=args.tls is not None)


def _secure(args: ServerArgs) -> dict[str, str]:
    return {"secure": "yes"} if args.tls else {}


def _backups(args: ServerArgs) -> dict[str, pulumi.Input[str]]:
    if args.backup is None:
        return {}
    root = backup_store.Root(place=_place(args), prefix=args.backup.prefix)
    return {backup_store.FILE: backup_store.configuration(args.backup.bucket, root)}


def _authority(args: ServerArgs) -> contracts.SecretKey | None:
    """The authority of the user's that the servers believe: that of their bucket, or of the one for backups."""
    return args.bucket.ca or (args.backup.bucket.ca if args.backup else None)


def _service_template(open_ports: names.Ports) -> dict[str, Any]:
    ports = {"http": open_ports.http, "tcp": open_ports.native}
    return {
        "name": "client",
        "generateName": "clickhouse-{chi}",
        "spec": {
            "type": "ClusterIP",
            "ports": [{"name": name, "port": port, "targetPort": port} for name, port in ports.items()],
        },
    }


def _pod_template(args: ServerArgs) -> dict[str, Any]:
    return {
        "name": "clickhouse",
        "metadata": {
            "labels": pods.labels("clickhouse-server", args.identity.pod_labels),
            "annotations": {
                "prometheus.io/scrape": "true",
                "prometheus.io/port": str(names.SERVER_METRICS_PORT),
                **(args.tls.mark if args.tls else {}),
                # the operator does not watch Secrets: this is what restarts the replicas, one by one
                "wandb.pulumi/credentials": lift(
                    _revision, args.user.digest, args.revision, *([args.backup.user.digest] if args.backup else [])
                ),
            },
        },
        "spec": {
            "serviceAccountName": SERVICE_ACCOUNT,
            "automountServiceAccountToken": False,
            # long enough for running inserts to reach the bucket
            "terminationGracePeriodSeconds": 120,
            "securityContext": pods.pod_security(args.ids),
            **pods.pull_secrets(args.image_pull_secrets),
            **pods.spread(
                names.CHI_LABEL,
                args.installation,
                args.cluster.zones,
                names.SHARD_LABEL if args.shards > 1 else None,
            ),
            **pods.dedicated(args.cluster.clickhouse_pool),
            **pods.volumes(*authority.volumes(_authority(args)), *encryption.volumes(args.tls)),
            "containers": [_container(args)],
        },
    }


def _revision(digest: str, revision: str, *more: str) -> str:
    return "-".join(each for each in (digest, revision, *more) if each)


def _place(args: ServerArgs) -> disks.Place:
    return disks.Place(namespace=args.namespace, installation=args.installation, cluster=args.cluster_name)


def _container(args: ServerArgs) -> dict[str, Any]:
    return {
        # first in the list under this name, else the operator adds a container with the image's latest version
        "name": "clickhouse",
        "image": args.image,
        "imagePullPolicy": "IfNotPresent",
        "env": [
            *disks.kind(args.bucket).environment(args.bucket, _place(args)),
            *(backup_store.server_environment(args.backup.bucket) if args.backup else []),
            *(authority.environment(_authority(args)) if args.tls else []),
        ],
        # the operator adds none, and its liveness probe gives a starting server no more than 90 seconds
        "startupProbe": {
            "httpGet": {"path": "/ping", "port": _ports(args).http, **({"scheme": "HTTPS"} if args.tls else {})},
            "periodSeconds": 5,
            "failureThreshold": 120,
        },
        "securityContext": dict(pods.CONTAINER_SECURITY),
        "resources": args.resources.manifest(),
        **pods.mounts(*authority.mounts(_authority(args)), *encryption.mounts(args.tls, encryption.SERVER_FOLDER)),
    }


class Server(pulumi.ComponentResource):
    """ClickHouse on `replicas` replicas of each shard, with data in a bucket and metadata on volumes that are kept.

    It is up when the operator has completed this very spec. That is not yet readiness: see `probe`.
    """

    installation: CustomResource
    task: pulumi.Input[str]
    """Names the spec that the servers run with."""

    def __init__(self, name: str, args: ServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:clickhouse:Server", name, {}, opts)
        account = ServiceAccount(
            f"{name}-account",
            metadata={
                "name": SERVICE_ACCOUNT,
                "namespace": args.namespace,
                "labels": pods.labels("clickhouse-server"),
                "annotations": dict(args.identity.service_account_annotations),
            },
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self, provider=args.cluster.provider),
        )
        made = manifest(args)
        self.task = made["spec"]["taskID"]
        self.installation = CustomResource(
            name,
            api_version=made["apiVersion"],
            kind=made["kind"],
            metadata=made["metadata"],
            spec=made["spec"],
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.cluster.provider,
                depends_on=[account, *args.needs],
                protect=args.protect or None,
                custom_timeouts=args.timeouts,
            ),
        )
        self.register_outputs({})
