"""The control plane of an EKS cluster, and what IAM needs to know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from ..fingerprint import fingerprint
from . import identity, values
from .account import Account

LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
"""Every log that a control plane can write. `authenticator` says who was who: without it audit names only a session."""
ADMIN_POLICY = "cluster-access-policy/AmazonEKSClusterAdminPolicy"


@dataclass(frozen=True, kw_only=True)
class ControlPlaneArgs:
    """A control plane; what the fields mean is said at `ClusterArgs`."""

    account: Account
    name: str
    version: str
    network: values.Network
    key_arn: pulumi.Input[str]
    public_access_cidrs: Sequence[str]
    admin_arns: Sequence[str]
    log_days: int
    protect: bool


class ControlPlane(pulumi.ComponentResource):
    """A control plane with a private API server, encrypted Secrets, all its logs, and access by IAM alone.

    It waits for subnets, key and role, and for nothing else of the network.
    """

    cluster: aws.eks.Cluster
    eks: values.EKS
    certificate: pulumi.Output[str]
    """The API server's authority, in base64."""

    def __init__(self, name: str, args: ControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:ControlPlane", name, {}, opts)
        self._name, self._args = name, args
        self._opts = pulumi.ResourceOptions(parent=self, provider=args.account.provider)
        self.cluster = self._control_plane()
        self.certificate = self.cluster.certificate_authority.apply(_certificate)
        self.eks = self._seen_by_iam()
        for arn in args.admin_arns:
            self._admin(arn)
        self.register_outputs({"name": self.cluster.name})

    def _control_plane(self) -> aws.eks.Cluster:
        args = self._args
        role_arn, granted = identity.role(
            f"{self._name}-role",
            account=args.account,
            trust=identity.text(identity.service_trust, "eks.amazonaws.com"),
            managed_policies=("AmazonEKSClusterPolicy",),
            parent=self,
        )
        # EKS would make it by itself, without an end to its days and without the key
        logs = aws.cloudwatch.LogGroup(
            f"{self._name}-logs",
            name=f"/aws/eks/{args.name}/cluster",
            retention_in_days=args.log_days,
            kms_key_id=args.key_arn,
            opts=self._opts,
        )
        return aws.eks.Cluster(
            self._name,
            name=args.name,
            version=args.version,
            role_arn=role_arn,
            vpc_config={
                "subnet_ids": list(args.network.private_subnets),
                "endpoint_private_access": True,
                "endpoint_public_access": bool(args.public_access_cidrs),
                "public_access_cidrs": list(args.public_access_cidrs) or None,
            },
            # the second is fixed for life: without it nobody but EKS could name the first administrator
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
            # fixed for life: the add-ons are ours from the beginning
            bootstrap_self_managed_addons=False,
            encryption_config={"provider": {"key_arn": args.key_arn}, "resources": ["secrets"]},
            enabled_cluster_log_types=list(LOGS),
            # EKS raises the minor at the end of standard support by itself; EXTENDED, its default, charges for staying
            upgrade_policy={"support_type": "STANDARD"},
            deletion_protection=args.protect,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.account.provider,
                depends_on=[logs, *granted],
                protect=args.protect or None,
                # EKS refuses subnets in other zones than those it began with (aws/containers-roadmap, issue 2258): a zone
                # that is added is for nodes, which may stand where the control plane has no interface
                ignore_changes=["vpcConfig.subnetIds"],
            ),
        )

    def _admin(self, arn: str) -> None:
        name = f"{self._name}-admin-{fingerprint(arn)}"
        entry = aws.eks.AccessEntry(
            name, cluster_name=self.cluster.name, principal_arn=arn, type="STANDARD", opts=self._opts
        )
        aws.eks.AccessPolicyAssociation(
            name,
            cluster_name=self.cluster.name,
            principal_arn=entry.principal_arn,
            policy_arn=self._args.account.arn("eks", ADMIN_POLICY, region="", account="aws"),
            access_scope={"type": "cluster"},
            opts=self._opts,
        )

    def _seen_by_iam(self) -> values.EKS:
        issuer = self.cluster.identities.apply(_issuer)
        # no thumbprints: IAM knows the authorities behind EKS's issuers
        trusted = aws.iam.OpenIdConnectProvider(
            f"{self._name}-issuer", url=issuer, client_id_lists=[identity.AUDIENCE], opts=self._opts
        )
        return values.EKS(
            name=self.cluster.name,
            # as text: roles that trust the cluster need not wait for it
            arn=self._args.account.arn("eks", f"cluster/{self._args.name}"),
            oidc_issuer=issuer,
            oidc_provider_arn=trusted.arn,
            security_group_id=self.cluster.vpc_config.apply(_security_group),
        )


# The SDK calls all of these optional; EKS gives them with every cluster that is ACTIVE.


def _certificate(authority: Any) -> str:
    return authority.data


def _issuer(identities: Any) -> str:
    return identities[0].oidcs[0].issuer


def _security_group(vpc_config: Any) -> str:
    return vpc_config.cluster_security_group_id
