"""Whether a workload would get the credentials that it needs: IRSA, EKS Pod Identity, or the node's role.

Roles are judged by what AWS itself evaluates first: who may assume the role (trust policy), and whether any attached
policy names the action. Resources and conditions of the permissions are not evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..account import Account, Record
from .tokens import CLUSTER, POD_IDENTITY

ROLE_ARN = "eks.amazonaws.com/role-arn"
"""Annotation of a ServiceAccount: IRSA."""
AUDIENCE = "sts.amazonaws.com"
POD_IDENTITY_SERVICE = "pods.eks.amazonaws.com"

_ROLE = "aws:iam/role:Role"
_PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
_ATTACHMENTS = ("aws:iam/rolePolicyAttachment:RolePolicyAttachment",)
_INLINE = ("aws:iam/rolePolicy:RolePolicy",)
_POLICY = "aws:iam/policy:Policy"

# What AWS's own policies allow, as far as a rehearsal asks. Source: AWS Managed Policy Reference Guide.
_MANAGED = {
    "AmazonEKSClusterPolicy": ("ec2:*", "elasticloadbalancing:*", "kms:DescribeKey", "autoscaling:*"),
    "AmazonEKSWorkerNodePolicy": ("ec2:Describe*", "eks:DescribeCluster", "eks-auth:AssumeRoleForPodIdentity"),
    "AmazonEKSWorkerNodeMinimalPolicy": ("ec2:DescribeInstances", "eks-auth:AssumeRoleForPodIdentity"),
    "AmazonEC2ContainerRegistryReadOnly": ("ecr:Get*", "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability"),
    "AmazonEC2ContainerRegistryPullOnly": ("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
    "AmazonEKS_CNI_Policy": ("ec2:AssignPrivateIpAddresses", "ec2:*NetworkInterface*", "ec2:Describe*", "ec2:CreateTags"),
    "AmazonEBSCSIDriverPolicy": ("ec2:CreateVolume", "ec2:AttachVolume", "ec2:ModifyVolume", "ec2:Describe*"),
    "AmazonEBSCSIDriverPolicyV2": ("ec2:CreateVolume", "ec2:AttachVolume", "ec2:ModifyVolume", "ec2:Describe*"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a workload of kube-system cannot do without."""

    actions: tuple[str, ...]
    node_role_will_do: bool = False
    """True for pods on the host's network, which reach the node's credentials whatever the hop limit."""


NEEDS: Mapping[tuple[str, str], Need] = {
    ("kube-system", "aws-node"): Need(
        actions=("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DescribeInstances"),
        node_role_will_do=True,
    ),
    ("kube-system", "ebs-csi-controller-sa"): Need(
        actions=("ec2:CreateVolume", "ec2:AttachVolume", "ec2:DescribeVolumes")
    ),
    ("kube-system", "aws-load-balancer-controller"): Need(
        actions=("elasticloadbalancing:CreateLoadBalancer", "ec2:DescribeSubnets", "acm:DescribeCertificate")
    ),
    ("kube-system", "cluster-autoscaler"): Need(
        actions=("autoscaling:DescribeAutoScalingGroups", "autoscaling:SetDesiredCapacity")
    ),
}
"""By namespace and ServiceAccount. Sources: each controller's documented policy."""


def refusal(account: Account, service_account: Mapping[str, Any], *, node_role_arn: str | None = None) -> str | None:
    """Why a pod of this ServiceAccount would be refused by AWS; None when it would not, or asks AWS for nothing."""
    meta = service_account["metadata"]
    place = (meta.get("namespace", ""), meta["name"])
    arn = (meta.get("annotations") or {}).get(ROLE_ARN)
    association = _association(account, *place)
    need = NEEDS.get(place)
    if association is not None:
        role = role_of(account, association["roleArn"])
        problem = _not_assumable(role, association["roleArn"], trusted_by_pod_identity)
    elif arn:
        role = role_of(account, arn)
        problem = _not_assumable(role, arn, lambda found: trusted_by_token(account, found, *place))
    elif need and need.node_role_will_do and node_role_arn:
        role, problem = role_of(account, node_role_arn), None
    elif need:
        return f"no EC2 IMDS role found: ServiceAccount {'/'.join(place)} has neither a Pod Identity association nor {ROLE_ARN}"
    else:
        return None
    if problem or role is None or need is None:
        return problem
    missing = [action for action in need.actions if not allowed(account, role, action)]
    if missing:
        return f"UnauthorizedOperation: {role['arn']} is not authorized to perform: {', '.join(missing)}"
    return None


def role_of(account: Account, arn: str) -> Record | None:
    """The role of an ARN."""
    return next(iter(account.find(_ROLE, arn=arn)), None)


def trusted_by_service(role: Record, service: str) -> bool:
    """Whether a service, as `eks.amazonaws.com` or its name under another DNS suffix, may assume the role."""
    name = service.partition(".amazonaws.com")[0]
    return any(
        str(each).startswith(f"{name}.amazonaws.com")
        for statement in statements(role.get("assumeRolePolicy"))
        for each in _listed(_principal(statement).get("Service"))
    )


def trusted_by_pod_identity(role: Record) -> str | None:
    """Why EKS Pod Identity cannot hand the role out: it assumes it and tags the session."""
    for statement in statements(role.get("assumeRolePolicy")):
        if POD_IDENTITY_SERVICE in _listed(_principal(statement).get("Service")):
            lacking = {"sts:AssumeRole", "sts:TagSession"} - set(_listed(statement.get("Action")))
            return f"its trust policy lacks {', '.join(sorted(lacking))}" if lacking else None
    return f"its trust policy does not name {POD_IDENTITY_SERVICE}"


def trusted_by_token(account: Account, role: Record, namespace: str, name: str) -> str | None:
    """Why a token of the cluster does not open the role: provider, issuer, subject and audience have to fit."""
    issuers = {oidc["issuer"].removeprefix("https://") for oidc in _issuers(account)}
    subject = f"system:serviceaccount:{namespace}:{name}"
    reason = "its trust policy names no OIDC provider"
    for statement in statements(role.get("assumeRolePolicy")):
        federated = _listed(_principal(statement).get("Federated"))
        if "sts:AssumeRoleWithWebIdentity" not in _listed(statement.get("Action")) or not federated:
            continue
        known = {each["arn"] for each in account.all(_PROVIDER)}
        if not known.intersection(federated):
            reason = f"no OpenIDConnect provider found in your account for {federated[0]}"
        elif not any(str(arn).endswith(f"oidc-provider/{issuer}") for arn in federated for issuer in issuers):
            reason = f"its OIDC provider {federated[0]} is not the cluster's ({', '.join(sorted(issuers))})"
        elif wrong := _unmet(statement.get("Condition") or {}, {"sub": subject, "aud": AUDIENCE}):
            reason = f"its trust policy wants {wrong}; the pod is {subject}"
        else:
            return None
    return reason


def allowed(account: Account, role: Record, action: str) -> bool:
    """Whether some policy of the role names the action."""
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _patterns(account, role))


def statements(policy: Any) -> Iterator[Mapping[str, Any]]:
    """The `Allow` statements of a policy document, given as JSON or decoded."""
    try:
        document = json.loads(policy) if isinstance(policy, str) else policy
    except ValueError:
        return
    found = (document or {}).get("Statement") or ()
    for statement in [found] if isinstance(found, Mapping) else found:
        if statement.get("Effect") == "Allow":
            yield statement


def _not_assumable(role: Record | None, arn: str, judge: Any) -> str | None:
    if role is None:
        return f"AccessDenied: Not authorized to assume {arn}: there is no such role"
    problem = judge(role)
    return f"AccessDenied: Not authorized to assume {arn}: {problem}" if problem else None


def _association(account: Account, namespace: str, name: str) -> Record | None:
    found = account.find(POD_IDENTITY, namespace=namespace, serviceAccount=name)
    return next(iter(found), None)


def _patterns(account: Account, role: Record) -> Iterator[str]:
    names = (role["name"], role.id)
    for each in account.all(*_ATTACHMENTS):
        if each.get("role") in names:
            yield from _of_policy(account, each["policyArn"])
    for arn in role.get("managedPolicyArns") or ():
        yield from _of_policy(account, arn)
    documents = [each["policy"] for each in account.all(*_INLINE) if each.get("role") in names]
    documents += [each.get("policy") for each in role.get("inlinePolicies") or ()]
    for document in documents:
        for statement in statements(document):
            yield from _listed(statement.get("Action"))


def _of_policy(account: Account, arn: str) -> Iterable[str]:
    own = next(iter(account.find(_POLICY, arn=arn)), None)
    if own is None:
        return _MANAGED.get(arn.rpartition("/")[2], ())
    return [action for statement in statements(own["policy"]) for action in _listed(statement.get("Action"))]


def _issuers(account: Account) -> Iterator[Mapping[str, str]]:
    for cluster in account.all(CLUSTER):
        for identity in cluster.get("identities") or ():
            yield from identity.get("oidcs") or ()


def _unmet(condition: Mapping[str, Any], facts: Mapping[str, str]) -> str | None:
    """The first condition that the token's claims do not meet, in words."""
    for operator, tests in condition.items():
        for key, wanted in tests.items():
            fact = facts.get(key.rpartition(":")[2])
            values = [str(each) for each in _listed(wanted)]
            met = (
                any(fnmatchcase(fact or "", each) for each in values) if "Like" in operator else (fact or "") in values
            )
            if not met:
                return f"{key.rpartition(':')[2]} = {' or '.join(values)}"
    return None


def _principal(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    principal = statement.get("Principal")
    return principal if isinstance(principal, Mapping) else {}


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
