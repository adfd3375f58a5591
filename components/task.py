"""Jobs that run one shell script in the cluster, made so that running it again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from . import contracts

if TYPE_CHECKING:
    from pulumi_kubernetes.batch.v1 import JobSpecArgsDict
    from pulumi_kubernetes.core.v1 import (
        ContainerArgsDict,
        EnvVarArgsDict,
        LocalObjectReferenceArgsDict,
        PodSecurityContextArgsDict,
        SecurityContextArgsDict,
    )
    from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

REVISION_ANNOTATION = "wandb.pulumi/revision"
"""On the pod of a task: changes when the task has to run again although its script is the same."""


def labels(name: str, component: str) -> dict[str, str]:
    """The labels that Kubernetes recommends, for what belongs to one data store."""
    return {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/component": "data-store",
        "app.kubernetes.io/part-of": "wandb",
        "app.kubernetes.io/managed-by": "pulumi",
    }


def secret_env(variable: str, secret: contracts.SecretKey) -> EnvVarArgsDict:
    """An environment variable whose value comes from a Secret."""
    return {"name": variable, "value_from": {"secret_key_ref": {"name": secret.name, "key": secret.key}}}


def pod_security(user: int) -> PodSecurityContextArgsDict:
    """A pod securityContext that the `restricted` Pod Security Standard accepts."""
    return {
        "run_as_non_root": True,
        "run_as_user": user,
        "run_as_group": user,
        "fs_group": user,
        "fs_group_change_policy": "OnRootMismatch",
        "seccomp_profile": {"type": "RuntimeDefault"},
    }


CONTAINER_SECURITY: SecurityContextArgsDict = {"allow_privilege_escalation": False, "capabilities": {"drop": ["ALL"]}}
"""A container securityContext that the `restricted` Pod Security Standard accepts."""


def pull_secrets(names: Sequence[str]) -> list[LocalObjectReferenceArgsDict]:
    """The Secrets by which a pod's images are pulled, as the pod names them."""
    return [{"name": name} for name in names]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A shell script that a Job runs to completion in the cluster, made so that running it again changes nothing."""

    image: str
    user: int
    script: str
    env: Sequence[EnvVarArgsDict]
    revision: pulumi.Input[str] | None = None
    """Another one runs the script again, such as after a Secret of `env` has another content. None: it never changes."""
    pull_secrets: Sequence[str] = ()
    """Secrets of type dockerconfigjson in the Job's namespace, by which its image is pulled."""


def job_metadata(name: str, component: str, namespace: pulumi.Input[str]) -> ObjectMetaArgsDict:
    """The metadata of a Job whose name Pulumi chooses, so that a changed one runs beside the old before it goes.

    A Job that failed is replaced by the next `up`: waiting for it again would fail again.
    """
    return {
        "namespace": namespace,
        "labels": labels(name, component),
        "annotations": {"pulumi.com/replaceUnready": "true"},
    }


def job_spec(task: Task) -> JobSpecArgsDict:
    """The spec of the Job that runs `task`: tried four times, at most ten minutes in all."""
    container: ContainerArgsDict = {
        "name": "task",
        "image": task.image,
        "command": ["/bin/sh", "-ec", task.script],
        "env": list(task.env),
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "security_context": CONTAINER_SECURITY,
    }
    spec: JobSpecArgsDict = {
        "backoff_limit": 3,
        "active_deadline_seconds": 600,
        "template": {
            "spec": {
                "restart_policy": "Never",
                "automount_service_account_token": False,
                "security_context": pod_security(task.user),
                "containers": [container],
            }
        },
    }
    # only where there are any: another pod template would run the Jobs of stacks that have none again
    if task.pull_secrets:
        spec["template"]["spec"]["image_pull_secrets"] = pull_secrets(task.pull_secrets)
    if task.revision is not None:
        # likewise
        spec["template"]["metadata"] = {"annotations": {REVISION_ANNOTATION: task.revision}}
    return spec
