"""Proof that W&B runs: a Job in the cluster that ends when W&B's own readiness endpoints answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.core.v1 import ConfigMap, ServiceAccount
from pulumi_kubernetes.rbac.v1 import Role, RoleBinding

from ..fingerprint import fingerprint
from ..task import pull_secrets
from .instance import API_VERSION
from .inventory import NAME, Component

if TYPE_CHECKING:
    from pulumi_kubernetes.batch.v1 import JobSpecArgsDict
    from pulumi_kubernetes.core.v1 import ContainerArgsDict, EnvVarArgsDict
    from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

VERIFICATION = "wandb-verification"
SCRIPT = "verify.sh"
POLL_SECONDS = 10
USER_ID = 65534
"""The user `nobody`: the script owns no file."""
MARGIN_SECONDS = 300
"""For pulling the image and starting the pod, and for the report of a failure, on top of the script's own limit."""


@dataclass(frozen=True, kw_only=True)
class VerificationArgs:
    """What has to run, and how long it may take."""

    provider: Provider
    namespace: pulumi.Input[str]
    operator_namespace: pulumi.Input[str]
    image: str
    """An image with a POSIX shell, kubectl and curl."""
    components: Sequence[Component]
    revision: pulumi.Input[str]
    instance: pulumi.Resource
    """The WeightsAndBiases resource: looking begins when it is applied."""
    ready_minutes: int = 30
    pull_secrets: Sequence[str] = ()
    """Secrets in `namespace` by which the image is pulled."""


class Verification(pulumi.ComponentResource):
    """A Job that completes when every Deployment of W&B runs `revision` in full and its endpoints answer.

    Every revision has a Job of its own, and one that failed is replaced by the next `up`. A failure is explained in the
    Job's log: the pods that are not ready and why, the last warnings, the likely cause. The Job may read Deployments,
    pods, events and the WeightsAndBiases resource of W&B's namespace: no Secret, and nothing elsewhere.
    """

    job: Job

    def __init__(self, name: str, args: VerificationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:wandb:Verification", name, {}, opts)
        self._name, self._args = name, args
        script = Path(__file__).with_name(SCRIPT).read_text()
        child = pulumi.ResourceOptions(parent=self, provider=args.provider)
        config = ConfigMap(f"{name}-script", metadata=self._metadata(), data={SCRIPT: script}, opts=child)
        binding = self._permissions(child)
        seconds = args.ready_minutes * 60 + MARGIN_SECONDS + 60
        self.job = Job(
            f"{name}-job",
            metadata={
                "namespace": args.namespace,
                "labels": _labels(),
                # else the next `up` would wait for a Job that has failed for good
                "annotations": {"pulumi.com/replaceUnready": "true"},
            },
            spec=self._spec(fingerprint(script)),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.provider,
                depends_on=[args.instance, config, binding],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s"),
            ),
        )
        self.register_outputs({"job": self.job.metadata.name})

    def _metadata(self) -> ObjectMetaArgsDict:
        return {"name": VERIFICATION, "namespace": self._args.namespace, "labels": _labels()}

    def _permissions(self, opts: pulumi.ResourceOptions) -> RoleBinding:
        account = ServiceAccount(
            f"{self._name}-account", metadata=self._metadata(), automount_service_account_token=False, opts=opts
        )
        group = API_VERSION.partition("/")[0]
        role = Role(
            f"{self._name}-role",
            metadata=self._metadata(),
            rules=[
                {"api_groups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]},
                {"api_groups": [""], "resources": ["pods", "events"], "verbs": ["get", "list"]},
                {
                    "api_groups": [group],
                    "resources": ["weightsandbiases"],
                    "resource_names": [NAME],
                    "verbs": ["get"],
                },
            ],
            opts=opts,
        )
        return RoleBinding(
            f"{self._name}-binding",
            metadata=self._metadata(),
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
            subjects=[
                {"kind": "ServiceAccount", "name": account.metadata.name, "namespace": self._args.namespace},
            ],
            opts=opts,
        )

    def _spec(self, script: str) -> JobSpecArgsDict:
        spec: JobSpecArgsDict = {
            # Once: the script tries until its own limit, and Pulumi knows no other failures than a used-up one. A pod that
            # was evicted has said nothing, so it does not count.
            "backoff_limit": 0,
            "pod_failure_policy": {
                "rules": [{"action": "Ignore", "on_pod_conditions": [{"type": "DisruptionTarget", "status": "True"}]}]
            },
            "active_deadline_seconds": self._args.ready_minutes * 60 + MARGIN_SECONDS,
            "template": {
                "metadata": {"labels": _labels(), "annotations": {"wandb.pulumi/script": script}},
                "spec": {
                    "restart_policy": "Never",
                    "service_account_name": VERIFICATION,
                    "automount_service_account_token": True,
                    "security_context": {
                        "run_as_non_root": True,
                        "run_as_user": USER_ID,
                        "run_as_group": USER_ID,
                        "seccomp_profile": {"type": "RuntimeDefault"},
                    },
                    "containers": [self._container()],
                    "volumes": [
                        {"name": "script", "config_map": {"name": VERIFICATION}},
                        {"name": "tmp", "empty_dir": {}},
                    ],
                },
            },
        }
        if self._args.pull_secrets:
            spec["template"]["spec"]["image_pull_secrets"] = pull_secrets(self._args.pull_secrets)
        return spec

    def _container(self) -> ContainerArgsDict:
        return {
            "name": "verify",
            "image": self._args.image,
            "command": ["/bin/sh", f"/verification/{SCRIPT}"],
            "env": self._environment(),
            # the end of the log, where the likely cause is, becomes part of what Pulumi says
            "termination_message_policy": "FallbackToLogsOnError",
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
            "security_context": {
                "allow_privilege_escalation": False,
                "read_only_root_filesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volume_mounts": [
                {"name": "script", "mount_path": "/verification", "read_only": True},
                {"name": "tmp", "mount_path": "/tmp"},
            ],
        }

    def _environment(self) -> list[EnvVarArgsDict]:
        args = self._args
        return [
            {"name": "NAMESPACE", "value": args.namespace},
            {"name": "INSTANCE", "value": NAME},
            {"name": "OPERATOR_NAMESPACE", "value": args.operator_namespace},
            {"name": "REVISION", "value": args.revision},
            {"name": "COMPONENTS", "value": "\n".join(each.name for each in args.components)},
            {"name": "READY_URLS", "value": ready_urls(args.components, args.namespace)},
            {"name": "TIMEOUT_SECONDS", "value": str(args.ready_minutes * 60)},
            {"name": "POLL_SECONDS", "value": str(POLL_SECONDS)},
            {"name": "HOME", "value": "/tmp"},  # kubectl keeps what it learns of the API server there
        ]


def ready_urls(components: Sequence[Component], namespace: pulumi.Input[str]) -> pulumi.Output[str]:
    """Where W&B's Services say that they are ready, one URL a line."""
    parts = [(each.service_account, each.ready.partition("/")) for each in components if each.ready]
    urls = [
        pulumi.Output.concat(f"http://{service}.", namespace, f".svc.cluster.local:{port}/{path}")
        for service, (port, _, path) in parts
    ]
    return pulumi.Output.all(*urls).apply("\n".join)


def _labels() -> dict[str, str]:
    return {
        "app.kubernetes.io/name": VERIFICATION,
        "app.kubernetes.io/part-of": "wandb",
        "app.kubernetes.io/managed-by": "pulumi",
    }
