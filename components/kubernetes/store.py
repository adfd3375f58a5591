"""What the in-cluster data stores have in common.

Each is one replica on one volume, behind one Service of the same name. That is enough to try W&B out, and no more: there
is no fail-over and no backup, which is why settings allow these stores in test environments only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.apps.v1 import StatefulSet
from pulumi_kubernetes.core.v1 import Service

from .. import contracts
from ..task import CONTAINER_SECURITY, labels, pod_security, pull_secrets

if TYPE_CHECKING:
    from pulumi_kubernetes.core.v1 import (
        ContainerArgsDict,
        EnvVarArgsDict,
        PersistentVolumeClaimArgsDict,
        PodSpecArgsDict,
        ProbeArgsDict,
        VolumeArgsDict,
    )
    from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume of `gib` GiB of a StorageClass (None: the cluster's default class)."""

    gib: int
    storage_class: str | None = None

    def claim(self, name: str) -> PersistentVolumeClaimArgsDict:
        """The volumeClaimTemplate `name`."""
        return {
            "metadata": {"name": name},
            "spec": {
                "access_modes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": f"{self.gib}Gi"}},
                "storage_class_name": self.storage_class,
            },
        }


@dataclass(frozen=True, kw_only=True)
class Server:
    """How one server runs: its container, and what is mounted beside its data."""

    image: str
    port: int
    data: str
    """Where the volume is mounted."""
    user: int
    """The numeric user and group that the image is made for; never root."""
    resources: contracts.Resources
    probe: ProbeArgsDict
    """The handler of the startup, readiness and liveness probes."""
    command: Sequence[str] = ()
    """Empty: the image's own entry point."""
    args: Sequence[str] = ()
    env: Sequence[EnvVarArgsDict] = ()
    config: VolumeArgsDict
    """The server's configuration: a ConfigMap or a Secret, named "config"."""
    config_directory: str
    """Where `config` is mounted, read-only."""
    revision: str = ""
    """Changes when the mounted configuration does, so that the server restarts with it."""
    pull_secrets: Sequence[str] = ()
    """Secrets in the server's namespace by which its image is pulled."""


def single_server(
    name: str,
    component: str,
    namespace: pulumi.Input[str],
    *,
    server: Server,
    volume: Volume,
    opts: pulumi.ResourceOptions,
) -> tuple[StatefulSet, Service]:
    """A StatefulSet of one `server` on `volume`, behind the Service `component`; ready when its probe answers.

    The volume outlives the StatefulSet: deleting or scaling it down keeps the PersistentVolumeClaim.
    """
    marks = labels(name, component)
    metadata: ObjectMetaArgsDict = {"name": component, "namespace": namespace, "labels": marks}
    statefulset = StatefulSet(
        f"{name}-server",
        metadata=metadata,
        spec={
            "service_name": component,
            "replicas": 1,
            "selector": {"match_labels": marks},
            "persistent_volume_claim_retention_policy": {"when_deleted": "Retain", "when_scaled": "Retain"},
            "volume_claim_templates": [volume.claim("data")],
            "template": {
                "metadata": {"labels": marks, "annotations": {"wandb.pulumi/revision": server.revision}},
                "spec": _pod(component, server),
            },
        },
        opts=opts,
    )
    service = Service(
        f"{name}-service",
        metadata=metadata,
        spec={"selector": marks, "ports": [{"name": component, "port": server.port, "target_port": server.port}]},
        opts=opts,
    )
    return statefulset, service


def _pod(component: str, server: Server) -> PodSpecArgsDict:
    container: ContainerArgsDict = {
        "name": component,
        "image": server.image,
        "args": list(server.args),
        "env": list(server.env),
        "ports": [{"name": component, "container_port": server.port}],
        "resources": server.resources.manifest(),
        "security_context": CONTAINER_SECURITY,
        "startup_probe": {**server.probe, "period_seconds": 5, "failure_threshold": 60},
        "readiness_probe": {**server.probe, "period_seconds": 5},
        "liveness_probe": {**server.probe, "period_seconds": 10, "timeout_seconds": 5, "failure_threshold": 6},
        "volume_mounts": [
            # a directory of the volume, not its root: some file systems put a lost+found there, and mysqld refuses that
            {"name": "data", "mount_path": server.data, "sub_path": component},
            {"name": "config", "mount_path": server.config_directory, "read_only": True},
        ],
    }
    if server.command:
        container["command"] = list(server.command)
    pod: PodSpecArgsDict = {
        "automount_service_account_token": False,
        "termination_grace_period_seconds": 60,
        "security_context": pod_security(server.user),
        "containers": [container],
        "volumes": [server.config],
    }
    if server.pull_secrets:
        pod["image_pull_secrets"] = pull_secrets(server.pull_secrets)
    return pod
