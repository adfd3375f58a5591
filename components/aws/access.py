"""Reaching an EKS cluster from the machine that runs Pulumi."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes import Provider

from .account import Account


@dataclass(frozen=True, kw_only=True)
class Client:
    """As whom `aws eks get-token` asks for a token: as whoever the AWS provider is, or else nobody knows them there."""

    profile: str | None = None
    """One of the user's AWS profiles; None: the environment's credentials."""
    role_arn: str | None = None
    """A role to take on with them; None: none."""


def kubeconfig(
    *, endpoint: str, certificate: str, cluster: str, arn: str, region: str, client: Client
) -> dict[str, Any]:
    """A kubeconfig without a secret in it: each call gets a token of some minutes by the AWS command line.

    `certificate` is the authority's, in base64 as EKS gives it.
    """
    arguments = ["--region", region, "eks", "get-token", "--cluster-name", cluster, "--output", "json"]
    arguments += ["--profile", client.profile] if client.profile else []
    arguments += ["--role-arn", client.role_arn] if client.role_arn else []
    command = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": arguments,
        "interactiveMode": "Never",
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": arn, "cluster": {"server": endpoint, "certificate-authority-data": certificate}}],
        "users": [{"name": arn, "user": {"exec": command}}],
        "contexts": [{"name": arn, "context": {"cluster": arn, "user": arn}}],
        "current-context": arn,
    }


def kubernetes_provider(
    name: str,
    *,
    account: Account,
    cluster: str,
    arn: str,
    endpoint: pulumi.Input[str],
    certificate: pulumi.Input[str],
    client: Client,
    opts: pulumi.ResourceOptions,
) -> tuple[Provider, pulumi.Output[str]]:
    """The provider for everything in the cluster, and its kubeconfig, a secret.

    `arn` tells the provider which cluster it is, whatever the kubeconfig says: it is known before the cluster is, and stays,
    so a new endpoint, certificate or role replaces nothing.
    """
    known = pulumi.Output.all(endpoint, certificate).apply(
        lambda found: json.dumps(
            kubeconfig(
                endpoint=found[0],
                certificate=found[1],
                cluster=cluster,
                arn=arn,
                region=account.region,
                client=client,
            )
        )
    )
    secret = pulumi.Output.secret(known)
    provider = Provider(
        name,
        cluster_identifier=arn,
        kubeconfig=secret,
        # else new content replaces the object, and whoever starts in between finds none
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        opts=opts,
    )
    return provider, secret
