"""Reaching a cluster that exists."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import Provider

from .. import contracts


def existing_cluster(
    name: str,
    *,
    identifier: str,
    service_account_issuer: str,
    context: str | None = None,
    kubeconfig: pulumi.Input[str] | None = None,
    storage_class: str | None = None,
    zones: int = 1,
    opts: pulumi.ResourceOptions | None = None,
) -> contracts.Cluster:
    """The cluster behind `context` of `kubeconfig` (left out: what kubectl would use).

    `identifier` tells the provider which cluster it is, whatever the kubeconfig says: while it stays the same, a new
    address, certificate or token is an update and replaces nothing. Change it when the stack moves to another cluster.
    """
    provider = Provider(
        name,
        cluster_identifier=identifier,
        context=context,
        kubeconfig=kubeconfig,
        # else new content replaces the object, and whoever starts in between finds none
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        opts=opts,
    )
    return contracts.Cluster(
        provider=provider, service_account_issuer=service_account_issuer, storage_class=storage_class, zones=zones
    )
