"""The Job that finds out whether ClickHouse can really be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from .. import contracts
from . import names, pods, storage, users
from . import tls as encryption
from .later import text
from .tls import TLS

NAME = "clickhouse-probe"
PATIENCE_SECONDS = 600
"""How long the Job waits for ClickHouse to be ready."""

SCRIPT = """\
ask() {
  clickhouse-client --host "${1%:*}" --port "${1##*:}" --connect_timeout 5 --receive_timeout 30 --query "$2" 2>&1
}
# expect <host:port> <what> <answer> <query>
expect() {
  answer=$(ask "$1" "$4") && [ "$answer" = "$3" ] && return
  problem="$1: $2: expected $3, got: $answer"
  return 1
}
ready() {
  for host in $REPLICA_HOSTS; do
    expect "$host" "replicas of cluster $CLUSTER" "$REPLICAS" \\
      "SELECT count() FROM system.clusters WHERE cluster = '$CLUSTER'" &&
    expect "$host" "Keeper answers" 1 \\
      "SELECT count() > 0 FROM system.zookeeper WHERE path = '/'" &&
    expect "$host" "read-only tables" 0 \\
      "SELECT count() FROM system.replicas WHERE is_readonly" &&
    expect "$host" "storage policy $POLICY" 1 \\
      "SELECT count() FROM system.storage_policies WHERE policy_name = '$POLICY'" &&
    expect "$host" "system tables in the bucket" 0 \\
      "SELECT count() FROM system.tables WHERE database = 'system' AND storage_policy = '$POLICY'" || return 1
    echo "$host: ready"
  done
  expect "$SERVICE_HOST" "SQL through the Service" 1 "SELECT 1"
}
deadline=$(($(date +%s) + PATIENCE))
until ready; do
  if [ "$(date +%s)" -ge "$deadline" ]; then
    echo "ClickHouse is not ready after $PATIENCE seconds. $problem" >&2
    exit 1
  fi
  echo "waiting: $problem"
  sleep "${PAUSE:-5}"
done
echo "ClickHouse is ready: $REPLICAS of $REPLICAS replicas"
"""


@dataclass(frozen=True, kw_only=True)
class ProbeArgs:
    """What is probed, and as whom."""

    namespace: pulumi.Input[str]
    image: str
    """The image of the servers: the client in it speaks their version."""
    task: pulumi.Input[str]
    """Names the spec that is probed; a new one makes a new Job."""
    user: users.User
    installation: str = "wandb"
    cluster_name: str = "weavecluster"
    shards: int = 1
    replicas: int = 3
    """Of each shard."""
    tls: TLS | None = None
    ids: pods.Ids = pods.IMAGE
    image_pull_secrets: Sequence[str] = ()


def environment(args: ProbeArgs) -> list[dict[str, Any]]:
    """The Job's environment. The client reads its user and password from there, so that neither is in a command line."""
    port = names.ports(tls=args.tls is not None).native
    hosts: list[pulumi.Input[str]] = []
    for host in names.replicas(args.installation, args.cluster_name, args.shards, args.replicas, args.namespace):
        hosts += [" " if hosts else "", host, f":{port}"]
    plain = {
        "TASK": args.task,
        "REPLICA_HOSTS": text(*hosts),
        "SERVICE_HOST": text(names.service(args.installation, args.namespace), f":{port}"),
        "CLUSTER": args.cluster_name,
        "REPLICAS": str(args.shards * args.replicas),
        "POLICY": storage.POLICY,
        "PATIENCE": str(PATIENCE_SECONDS),
        "HOME": "/tmp",
        "CLICKHOUSE_USER": args.user.name,
    }
    password = {"secretKeyRef": {"name": args.user.password.name, "key": args.user.password.key}}
    variables: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in plain.items()]
    return [*variables, {"name": "CLICKHOUSE_PASSWORD", "valueFrom": password}]


def job(args: ProbeArgs) -> dict[str, Any]:
    """The Job: metadata and spec. It changes nothing, so it can run again at any time.

    Done means, on every replica of every shard: it sees all replicas, Keeper answers it, none of its tables is read-only, it has the
    storage policy, and no table of the system's own lies in the bucket; and the Service leads to one of them.
    """
    container = {
        "name": "probe",
        "image": args.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-ec", encryption.client(SCRIPT, args.tls)],
        "env": environment(args),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": dict(pods.CONTAINER_SECURITY),
        "resources": contracts.Resources(cpu_request="50m", memory_request="256Mi", memory_limit="1Gi").manifest(),
        **pods.mounts(*encryption.mounts(args.tls, encryption.CLIENT_FOLDER)),
    }
    marks = pods.labels(NAME)
    return {
        # no name: Pulumi makes one, so that the next Job can run before this one is deleted
        "metadata": {
            "namespace": args.namespace,
            "labels": marks,
            "annotations": {"pulumi.com/replaceUnready": "true"},  # a failed one would fail every later `up`
        },
        "spec": {
            "backoffLimit": 1,
            # the pull of the image, and two attempts
            "activeDeadlineSeconds": 2 * PATIENCE_SECONDS + 300,
            "template": {
                "metadata": {"labels": marks},
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": False,
                    "securityContext": pods.pod_security(args.ids),
                    **pods.pull_secrets(args.image_pull_secrets),
                    **pods.volumes(*encryption.client_volumes(args.tls)),
                    "containers": [container],
                },
            },
        },
    }
