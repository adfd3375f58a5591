"""The namespaces of one installation."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import Namespace, Secret

from . import contracts
from .ordering import after

PodSecurity = Literal["restricted", "baseline", "privileged"]
"""Kubernetes' Pod Security Standards."""
PULL_SECRET = "registry-credentials"
"""The Secret by which images are pulled, in each namespace; pods name it."""
OWNER_ANNOTATION = "wandb.pulumi/stack"
"""Names the stack that created a namespace, so that another stack, or a person, can tell."""


@dataclass(frozen=True, kw_only=True)
class NamespacesArgs:
    """Which namespaces, and whether they are this stack's to create."""

    provider: Provider
    wandb: str = "wandb"
    operator: str = "wandb-operator"
    clickhouse: str | None = "clickhouse"
    """None: nothing of ClickHouse runs in this cluster."""
    pod_security: PodSecurity = "restricted"
    """The Pod Security Standard that created ones enforce."""
    at_most_baseline: Collection[str] = ()
    """Of the names above those with a pod that cannot meet `restricted`."""
    create: bool = True
    """False: the namespaces exist and stay when the stack goes."""
    ready: Sequence[pulumi.Resource] = ()
    """What pods need before they run (`contracts.Cluster.ready`): names are handed out after it, brought ones too."""
    registry: contracts.RegistryLogin | None = None
    """Images are pulled as this user: each namespace gets the Secret `PULL_SECRET`. None: it gets none."""
    protect: bool = False
    """True: destroying the stack refuses to delete the namespaces, and with them the volumes inside."""


class Namespaces(pulumi.ComponentResource):
    """The namespaces of W&B, its operator and ClickHouse, created or used.

    Created ones enforce a Pod Security Standard, warn of what `restricted` would refuse, and carry `OWNER_ANNOTATION`. Names in `outputs` wait for their namespace, so whoever uses a name needs no `depends_on`.
    """

    outputs: contracts.Namespaces

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:index:Namespaces", name, {}, opts)
        self._name, self._args = name, args
        made = {each: self._opened(each) for each in dict.fromkeys(filter(None, self._names()))}
        self.outputs = contracts.Namespaces(
            wandb=made[args.wandb],
            operator=made[args.operator],
            clickhouse=made[args.clickhouse] if args.clickhouse else made[args.wandb],
        )
        self.register_outputs({"wandb": self.outputs.wandb})

    def _names(self) -> tuple[str | None, ...]:
        return self._args.wandb, self._args.operator, self._args.clickhouse

    def _enforced(self, name: str) -> PodSecurity:
        wanted = self._args.pod_security
        return "baseline" if wanted == "restricted" and name in self._args.at_most_baseline else wanted

    def _opened(self, name: str) -> pulumi.Input[str]:
        """The namespace, once pods in it can pull their images."""
        namespace, login = self._namespace(name), self._args.registry
        if login is None:
            return namespace
        made = Secret(
            f"{self._name}-{name}-{PULL_SECRET}",
            type="kubernetes.io/dockerconfigjson",
            metadata={
                "name": PULL_SECRET,
                "namespace": namespace,
                "labels": {"app.kubernetes.io/part-of": "wandb", "app.kubernetes.io/managed-by": "pulumi"},
            },
            string_data={".dockerconfigjson": docker_config(login)},
            opts=pulumi.ResourceOptions(parent=self, provider=self._args.provider),
        )
        return after(name, made)

    def _namespace(self, name: str) -> pulumi.Input[str]:
        if not self._args.create:
            return after(name, *self._args.ready) if self._args.ready else name
        namespace = Namespace(
            f"{self._name}-{name}",
            metadata={
                "name": name,
                "annotations": {OWNER_ANNOTATION: f"{pulumi.get_project()}/{pulumi.get_stack()}"},
                "labels": {
                    "app.kubernetes.io/managed-by": "pulumi",
                    "pod-security.kubernetes.io/enforce": self._enforced(name),
                    "pod-security.kubernetes.io/warn": "restricted",
                },
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=self._args.provider,
                protect=self._args.protect,
                depends_on=self._args.ready,
            ),
        )
        return after(name, namespace)


def docker_config(login: contracts.RegistryLogin) -> pulumi.Output[str]:
    """What a kubelet logs in to a registry with; secret."""

    def text(password: str) -> str:
        pair = base64.b64encode(f"{login.user}:{password}".encode()).decode()
        return json.dumps({"auths": {login.server: {"username": login.user, "password": password, "auth": pair}}})

    content: pulumi.Output[str] = pulumi.Output.from_input(login.password)
    return pulumi.Output.secret(content).apply(text)
