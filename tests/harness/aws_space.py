"""An AWS stack as its components see it: account, network and cluster as plain values, for tests of what stands on them."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes
import pulumi_random

from components import contracts
from components.aws import values
from components.aws.account import Account, aws_provider

REGION = "eu-central-1"
ACCOUNT_ID = "123456789012"
HOST = "wandb.example.com"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/stack"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT_ID}:certificate/brought"
ZONES = (f"{REGION}a", f"{REGION}b", f"{REGION}c")
NETWORK = values.Network(
    vpc_id="vpc-1",
    zones=ZONES,
    private_subnets=("subnet-a1", "subnet-b1", "subnet-c1"),
    node_subnets=("subnet-a1", "subnet-b1", "subnet-c1"),
    public_subnets=("subnet-a2", "subnet-b2", "subnet-c2"),
    database_subnets=("subnet-a3", "subnet-b3", "subnet-c3"),
)
EKS = values.EKS(
    name="wandb-prod",
    arn=f"arn:aws:eks:{REGION}:{ACCOUNT_ID}:cluster/wandb-prod",
    oidc_issuer=f"https://oidc.eks.{REGION}.amazonaws.com/id/0123456789ABCDEF",
    oidc_provider_arn=f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/oidc.eks.{REGION}.amazonaws.com/id/0123456789ABCDEF",
    security_group_id="sg-cluster",
)


def account(region: str = REGION) -> Account:
    """The account, with a provider. Once in a program."""
    provider = aws_provider("aws", region=region, account_id=ACCOUNT_ID, tags={})
    return Account(provider=provider, region=region, id=ACCOUNT_ID)


def cluster() -> contracts.Cluster:
    """The cluster; the resource `nodes` stands for all that its pods need."""
    provider = pulumi_kubernetes.Provider("cluster", cluster_identifier=EKS.arn)
    opts = pulumi.ResourceOptions(provider=pulumi_random.Provider("nodes"))
    nodes = pulumi_random.RandomUuid("nodes", opts=opts)
    return contracts.Cluster(provider=provider, service_account_issuer=EKS.oidc_issuer, zones=3, ready=(nodes,))


def store(account: Account, cluster: contracts.Cluster) -> dict[str, Any]:
    """What the arguments of Aurora and ElastiCache have in common."""
    return {
        "account": account,
        "provider": cluster.provider,
        "random_provider": pulumi_random.Provider("random"),
        "network": NETWORK,
        "eks": EKS,
        "namespace": "wandb",
        "key_arn": KEY,
    }
