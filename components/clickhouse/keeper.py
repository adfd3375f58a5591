"""ClickHouse Keeper: agrees on what the replicas of ClickHouse hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from .. import contracts
from . import names, pods
from . import tls as encryption
from .later import task_id, wait_for
from .tls import TLS


@dataclass(frozen=True, kw_only=True)
class KeeperArgs:
    """The nodes of ClickHouse Keeper."""

    cluster: contracts.Cluster
    namespace: pulumi.Input[str]
    image: str
    resources: contracts.Resources
    volume_gib: int
    nodes: int = 3
    """Fixed for life: a changed number has cost others their quorum."""
    installation: str = "wandb"
    ids: pods.Ids = pods.IMAGE
    image_pull_secrets: Sequence[str] = ()
    revision: str = ""
    """A new text makes the operator go over the installation again; it restarts nothing, or with `tls` the nodes right after
    each other, which is how these learn among themselves of a new certificate."""
    tls: TLS | None = None
    """None: no connection is encrypted."""
    protect: bool = False
    needs: Sequence[pulumi.Resource] = ()
    """Must be there before the nodes and until they are gone: the operator, and what the pods mount."""
    timeouts: pulumi.CustomTimeouts | None = None


def manifest(args: KeeperArgs) -> dict[str, Any]:
    """The ClickHouseKeeperInstallation. Deleting it keeps the volumes, and with them the state of the tables."""
    spec = {
        "defaults": {
            "templates": {"podTemplate": "keeper", "dataVolumeClaimTemplate": "data"},
            "storageManagement": {"reclaimPolicy": "Retain"},
        },
        "configuration": {
            "clusters": [
                {
                    "name": names.KEEPER_CLUSTER,
                    "layout": {"replicasCount": args.nodes},
                    "pdbManaged": "yes",
                    "pdbMaxUnavailable": 1,
                }
            ],
            "settings": {
                "logger/level": "information",
                "logger/console": "true",
                # ruok is what the liveness probe asks; none of these changes anything
                "keeper_server/four_letter_word_white_list": "ruok,mntr,srvr,stat,conf,isro",
                "keeper_server/coordination_settings/raft_logs_level": "information",
                **pods.metrics(names.KEEPER_METRICS_PORT),
            },
            **({"files": encryption.keeper_file(args.tls)} if args.tls else {}),
        },
        "templates": {
            "podTemplates": [_pod_template(args)],
            "volumeClaimTemplates": [pods.volume_claim(args.volume_gib, args.cluster.storage_class)],
        },
    }
    task = task_id(spec, args.revision)
    return {
        "apiVersion": "clickhouse-keeper.altinity.com/v1",
        "kind": "ClickHouseKeeperInstallation",
        "metadata": {
            "name": args.installation,
            "namespace": args.namespace,
            "labels": pods.labels("clickhouse-keeper"),
            "annotations": wait_for(task),
        },
        "spec": {"taskID": task, **spec},
    }


def _pod_template(args: KeeperArgs) -> dict[str, Any]:
    container = {
        # first in the list under this name, else the operator adds a container with the image's latest version
        "name": "clickhouse-keeper",
        "image": args.image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": dict(pods.CONTAINER_SECURITY),
        "resources": args.resources.manifest(),
        **(_PROBE if args.tls else {}),
        **pods.mounts(*encryption.mounts(args.tls, encryption.KEEPER_FOLDER)),
    }
    revision = {"wandb.pulumi/revision": args.revision} if args.tls and args.revision else {}
    return {
        "name": "keeper",
        "metadata": {
            "labels": pods.labels("clickhouse-keeper"),
            "annotations": {
                "prometheus.io/scrape": "true",
                "prometheus.io/port": str(names.KEEPER_METRICS_PORT),
                **(args.tls.mark if args.tls else {}),
                **revision,
            },
        },
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 60,
            "securityContext": pods.pod_security(args.ids),
            **pods.pull_secrets(args.image_pull_secrets),
            **pods.spread(names.CHK_LABEL, args.installation, args.cluster.zones),
            **pods.dedicated(args.cluster.clickhouse_pool),
            **pods.volumes(*encryption.volumes(args.tls)),
            "containers": [container],
        },
    }


_PROBE: Mapping[str, Any] = {
    # the operator's own asks the port without encryption, which is closed
    "livenessProbe": {
        "httpGet": {"path": "/metrics", "port": names.KEEPER_METRICS_PORT},
        "initialDelaySeconds": 5,
        "periodSeconds": 5,
        "failureThreshold": 12,
    }
}


class Keeper(pulumi.ComponentResource):
    """ClickHouse Keeper on `nodes` nodes, each with a volume that is kept.

    It is up when the operator says so; whether its nodes agree is for whoever needs them to find out, because the
    operator does not wait for their pods.
    """

    installation: CustomResource

    def __init__(self, name: str, args: KeeperArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:clickhouse:Keeper", name, {}, opts)
        made = manifest(args)
        self.installation = CustomResource(
            name,
            api_version=made["apiVersion"],
            kind=made["kind"],
            metadata=made["metadata"],
            spec=made["spec"],
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.cluster.provider,
                depends_on=list(args.needs) or None,
                protect=args.protect or None,
                custom_timeouts=args.timeouts,
            ),
        )
        self.register_outputs({})
