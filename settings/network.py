"""Settings of network policies."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, Field

from .base import DnsLabel, Model, refusal


def _network(value: str) -> str:
    try:
        found = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise refusal(
            "is not a block of addresses", "Write address and length, as in `10.20.0.0/16` or `fd00::/8`."
        ) from None
    if str(found) != value:
        raise refusal(
            "is not written as blocks are", "Write the block's first address and its length.", like=str(found)
        )
    return value


Network = Annotated[str, AfterValidator(_network)]


class NetworkPolicies(Model):
    """NetworkPolicies for every pod of the stack: each may be reached by those who need it, and reaches what it needs itself. The
    cluster's network plugin must enforce them, as Calico, Cilium and those of EKS, GKE and AKS do when they are asked to."""

    ingress_namespaces: list[DnsLabel] = Field(default_factory=list)
    """Namespaces of the ingress controllers that send users' requests to W&B's pods, such as `ingress-nginx`."""
    ingress_networks: list[Network] = Field(default_factory=list)
    """Blocks of addresses of load balancers that reach the pods without a controller in between. Default: none, and where the stack
    makes the network on AWS, that network."""
    egress_networks: list[Network] = Field(default=["0.0.0.0/0", "::/0"], min_length=1)
    """Blocks of addresses where everything is that is not in the cluster: brought and managed stores, buckets, the API server,
    OIDC, mail. Only the ports of these are opened, and never the addresses at which clouds hand out identities to nodes."""
    dns_namespaces: list[DnsLabel] = Field(default=["kube-system", "openshift-dns"], min_length=1)
    """Namespaces of the cluster's DNS."""
