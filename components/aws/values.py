"""What one room of the AWS platform hands the next. A brought network or cluster is the same value as a made one."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi import Input


@dataclass(frozen=True, kw_only=True)
class Network:
    """A VPC and its subnets. Subnet tuples follow `zones` where the network is made; brought ones may hold more."""

    vpc_id: Input[str]
    zones: tuple[str, ...]
    """Zones of the private subnets, in the order of `private_subnets`."""
    private_subnets: tuple[Input[str], ...]
    """For the control plane's interfaces and internal load balancers: known as soon as the subnet is."""
    node_subnets: tuple[Input[str], ...]
    """The same subnets, known once they reach the internet (and the endpoints): nodes join from here."""
    public_subnets: tuple[Input[str], ...]
    """For an internet-facing load balancer; empty where the user's network has none."""
    database_subnets: tuple[Input[str], ...]
    """For Aurora and ElastiCache; no route to the internet where they are made."""


@dataclass(frozen=True, kw_only=True)
class EKS:
    """An EKS cluster, as IAM and the data stores see it."""

    name: Input[str]
    arn: Input[str]
    oidc_issuer: Input[str]
    """URL of the issuer of its service-account tokens, with `https://`."""
    oidc_provider_arn: Input[str]
    """The IAM OIDC provider that trusts that issuer."""
    security_group_id: Input[str]
    """The cluster's security group, which its nodes carry: data stores admit it."""
