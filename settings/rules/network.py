"""Rules about network policies."""

from __future__ import annotations

from ..aws import ManagedNetwork
from ..model import Settings
from ..problems import problem
from .registry import Problems, rule


@rule
def _entrance(settings: Settings) -> Problems:
    """Policies that let nobody in would cut users off."""
    asked = settings.network_policies
    if asked is None or asked.ingress_namespaces or asked.ingress_networks:
        return
    made = settings.aws is not None and isinstance(settings.aws.network, ManagedNetwork)
    if settings.target == "aws" and settings.ingress is None and made:
        return
    yield problem(
        "networkPolicies.ingressNamespaces",
        "is empty, and so is `networkPolicies.ingressNetworks`: users could not reach W&B",
        "Name the namespace of the ingress controller (`kubectl get pods --all-namespaces`), or under `ingressNetworks` the subnets "
        "of a load balancer that reaches pods itself.",
    )
