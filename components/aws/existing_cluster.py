"""An EKS cluster that the user brings: looked up, and left as it is."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from .. import contracts
from . import values
from .access import Client, kubernetes_provider
from .account import Account
from .arns import Arn


@dataclass(frozen=True, kw_only=True)
class ExistingClusterArgs:
    """An EKS cluster that exists. Raises `ValueError` if `oidc_provider_arn` is no ARN."""

    account: Account
    name: str
    storage_class: str | None = None
    """None: the cluster's default class."""
    zones: int = 1
    """Zones that its nodes span."""
    clickhouse_pool: str | None = None
    """`key=value` of the label and NoSchedule taint of nodes that are ClickHouse's alone; None: it has none."""
    oidc_provider_arn: str | None = None
    """The IAM OIDC provider of the cluster's issuer; None: the one that the account has for it."""
    client: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        if self.oidc_provider_arn is not None:
            Arn.parse(self.oidc_provider_arn)


class ExistingCluster(pulumi.ComponentResource):
    """An EKS cluster that exists, as the same values as a made one. Nothing is made, in AWS or in the cluster."""

    outputs: contracts.Cluster
    eks: values.EKS

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:ExistingCluster", name, {}, opts)
        account = args.account
        ask = pulumi.InvokeOutputOptions(parent=self, provider=account.provider)
        found = aws.eks.get_cluster_output(name=args.name, opts=ask)
        issuer = found.identities.apply(lambda each: each[0].oidcs[0].issuer)
        trusted = args.oidc_provider_arn or aws.iam.get_open_id_connect_provider_output(url=issuer, opts=ask).arn
        arn = account.arn("eks", f"cluster/{args.name}")
        self.eks = values.EKS(
            name=args.name,
            arn=arn,
            oidc_issuer=issuer,
            oidc_provider_arn=trusted,
            security_group_id=found.vpc_config.apply(lambda each: each.cluster_security_group_id),
        )
        provider, kubeconfig = kubernetes_provider(
            f"{name}-kubernetes",
            account=account,
            cluster=args.name,
            arn=arn,
            endpoint=found.endpoint,
            certificate=found.certificate_authorities.apply(lambda each: each[0].data),
            client=args.client,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.outputs = contracts.Cluster(
            provider=provider,
            service_account_issuer=issuer,
            kubeconfig=kubeconfig,
            storage_class=args.storage_class,
            zones=args.zones,
            clickhouse_pool=args.clickhouse_pool,
        )
        self.register_outputs({"arn": arn})
