"""Who a workload is to AWS: a role of its own, never the node's.

Two ways lead from a pod to its role, and each has its place. IRSA, an annotation on the ServiceAccount, serves W&B and
ClickHouse: their ServiceAccounts are made by others, from values that take annotations. EKS Pod Identity, an association
that EKS keeps, serves AWS' own add-ons and controllers: it needs no issuer, so their roles are made while the control
plane still is. Where a partition has no Pod Identity, IRSA serves those too, once the control plane has its issuer.

Service principals end in `amazonaws.com` in every partition, and so does the audience of IRSA, China's too (eksctl,
pkg/iam/oidc; terraform-aws-eks, issues 1704 and 2700).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from .. import contracts
from ..ordering import after
from . import offered, values
from .account import Account
from .policies import text
from .resource_policies import document

AUDIENCE = "sts.amazonaws.com"
"""Whom the tokens are for that EKS mounts into pods. Source: Amazon EKS User Guide, IAM roles for service accounts."""
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
"""Of a ServiceAccount whose pods have a role by IRSA; pods that are there already have it once they start again."""

Way = Literal["pod-identity", "irsa"]
"""How a pod of AWS' own add-ons and controllers comes to its role."""


def way(partition: str) -> Way:
    """Pod Identity where EKS has it, else IRSA."""
    return "pod-identity" if offered.pod_identity(partition) else "irsa"


@dataclass(frozen=True, kw_only=True)
class WorkloadRoleArgs:
    """A role for some ServiceAccounts of one namespace. Raises `ValueError` without any, or for a pattern."""

    account: Account
    eks: values.EKS
    namespace: pulumi.Input[str]
    service_accounts: Sequence[str]
    """Exact names. Whoever has one of them in `namespace` has the role."""
    policies: Mapping[str, pulumi.Input[str]]
    """What the role may do: IAM policies as JSON, by the names that they have in the role."""

    def __post_init__(self) -> None:
        if not self.service_accounts:
            raise ValueError("service_accounts: none given, so nobody could have the role; give at least one name")
        patterns = [each for each in self.service_accounts if "*" in each or "?" in each]
        if patterns:
            raise ValueError(
                f"service_accounts: {patterns} given; exact names only, so that no other can have the role"
            )


class WorkloadRole(pulumi.ComponentResource):
    """A role by IRSA, for ServiceAccounts that carry its ARN and for no others.

    Whoever uses `identity` or `role_arn` waits until the role may do what it should.
    """

    identity: contracts.Identity
    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: WorkloadRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:WorkloadRole", name, {}, opts)
        eks = args.eks
        trust = text(
            web_identity_trust, eks.oidc_provider_arn, eks.oidc_issuer, args.namespace, list(args.service_accounts)
        )
        self.role_arn, _ = role(name, account=args.account, trust=trust, policies=args.policies, parent=self)
        self.identity = contracts.Identity(service_account_annotations={ROLE_ANNOTATION: self.role_arn})
        self.register_outputs({"role_arn": self.role_arn})


@dataclass(frozen=True, kw_only=True)
class ControllerRoleArgs:
    """A role for one ServiceAccount of a cluster, of AWS' own add-ons and controllers."""

    account: Account
    eks: values.EKS
    """Its `arn` should be plain text: then a role by Pod Identity need not wait for the cluster."""
    namespace: str
    service_account: str
    policies: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """IAM policies as JSON, by the names that they have in the role."""
    managed_policies: Sequence[str] = ()
    """Names of AWS' own policies, with their path, such as `AmazonEKS_CNI_Policy`."""
    associate: bool = True
    """False: whoever uses `role_arn` gives it to the pods, as an EKS add-on does for its own ServiceAccount."""


class ControllerRole(pulumi.ComponentResource):
    """A role for one ServiceAccount of one cluster, whether or not that exists already, by the partition's `way`.

    A pod that starts before `ready`, or before its ServiceAccount has `annotations`, has no role until it is started again.
    """

    role_arn: pulumi.Output[str]
    """Known once the role may do what it should."""
    annotations: Mapping[str, pulumi.Output[str]]
    """What the ServiceAccount has to carry; nothing by Pod Identity."""
    ready: Sequence[pulumi.Resource]
    """What a pod needs before it starts: the policies, and the association unless someone else makes it."""

    def __init__(self, name: str, args: ControllerRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:ControllerRole", name, {}, opts)
        self.role_arn, granted = role(
            name,
            account=args.account,
            trust=controller_trust(args.account.partition, args.eks, args.namespace, args.service_account),
            policies=args.policies,
            managed_policies=args.managed_policies,
            parent=self,
        )
        by_association = way(args.account.partition) == "pod-identity"
        self.annotations = {} if by_association else {ROLE_ANNOTATION: self.role_arn}
        associated = [self._association(name, args)] if by_association and args.associate else []
        self.ready = [*granted, *associated]
        self.register_outputs({"role_arn": self.role_arn})

    def _association(self, name: str, args: ControllerRoleArgs) -> aws.eks.PodIdentityAssociation:
        return aws.eks.PodIdentityAssociation(
            f"{name}-association",
            cluster_name=args.eks.name,
            namespace=args.namespace,
            service_account=args.service_account,
            role_arn=self.role_arn,
            opts=pulumi.ResourceOptions(parent=self, provider=args.account.provider),
        )


def role(
    name: str,
    *,
    account: Account,
    trust: pulumi.Input[str],
    policies: Mapping[str, pulumi.Input[str]] | None = None,
    managed_policies: Sequence[str] = (),
    parent: pulumi.Resource,
) -> tuple[pulumi.Output[str], list[pulumi.Resource]]:
    """A role with its policies: its ARN, which is handed out once the policies are there, and the policies.

    `trust` is the trust policy as JSON; the others are as in `ControllerRoleArgs`.
    """
    opts = pulumi.ResourceOptions(parent=parent, provider=account.provider)
    made = aws.iam.Role(name, assume_role_policy=trust, opts=opts)
    granted: list[pulumi.Resource] = [
        aws.iam.RolePolicy(f"{name}-{policy}", role=made.name, name=policy, policy=body, opts=opts)
        for policy, body in (policies or {}).items()
    ]
    for policy in managed_policies:
        arn = account.arn("iam", f"policy/{policy}", region="", account="aws")
        short = policy.rpartition("/")[2]
        granted.append(aws.iam.RolePolicyAttachment(f"{name}-{short}", role=made.name, policy_arn=arn, opts=opts))
    return after(made.arn, *granted), granted


def service_trust(service: str) -> dict[str, Any]:
    """The trust policy of a role that an AWS service takes on, such as `eks.amazonaws.com`."""
    return _trust({"Service": service}, ["sts:AssumeRole"], {})


def controller_trust(partition: str, eks: values.EKS, namespace: str, service_account: str) -> pulumi.Input[str]:
    """The trust policy, as JSON, of a role for one ServiceAccount of one cluster, by the partition's `way`."""
    if way(partition) == "pod-identity":
        return text(pod_trust, eks.arn, namespace, service_account)
    return text(web_identity_trust, eks.oidc_provider_arn, eks.oidc_issuer, namespace, [service_account])


def web_identity_trust(
    provider_arn: str, issuer: str, namespace: str, service_accounts: Sequence[str]
) -> dict[str, Any]:
    """The trust policy of IRSA: exactly these ServiceAccounts of `namespace`, with a token made for AWS."""
    host = issuer.removeprefix("https://")
    subjects = [f"system:serviceaccount:{namespace}:{each}" for each in service_accounts]
    exact = {f"{host}:aud": AUDIENCE, f"{host}:sub": subjects}
    return _trust({"Federated": provider_arn}, ["sts:AssumeRoleWithWebIdentity"], exact)


def pod_trust(cluster_arn: str, namespace: str, service_account: str) -> dict[str, Any]:
    """The trust policy of EKS Pod Identity: one ServiceAccount of one cluster, by the tags that EKS sets on the session.

    Source: Amazon EKS User Guide, "Create IAM role with trust policy required by EKS Pod Identity".
    """
    session = {
        "aws:RequestTag/eks-cluster-arn": cluster_arn,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": service_account,
    }
    return _trust({"Service": "pods.eks.amazonaws.com"}, ["sts:AssumeRole", "sts:TagSession"], session)


def _trust(principal: Mapping[str, str], actions: Sequence[str], equals: Mapping[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": dict(principal), "Action": list(actions)}
    condition = {"Condition": {"StringEquals": dict(equals)}} if equals else {}
    return document(statement | condition)
