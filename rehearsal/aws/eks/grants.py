"""Who administers the cluster."""

from __future__ import annotations

from ..account import Account, Record
from .tokens import ACCESS_POLICY

CALLER_ROLE = "deploy"
"""The role that the rehearsal's credentials are a session of."""
ADMINISTRATOR = "AmazonEKSClusterAdminPolicy"


def caller(cluster: Record) -> str:
    """The principal that deploys, as access entries name it: the role behind the session."""
    _, partition, _, _, owner, _ = cluster["arn"].split(":", 5)
    return f"arn:{partition}:iam::{owner}:role/{CALLER_ROLE}"


def bootstrapped(cluster: Record) -> bool:
    """Whether EKS gave whoever made the cluster an administrator's entry: so it does unless told otherwise."""
    return (cluster.get("accessConfig") or {}).get("bootstrapClusterCreatorAdminPermissions") is not False


def administers(account: Account, cluster: Record) -> bool:
    """Whether the principal that deploys administers the cluster: by its own creation, or by entry and policy."""
    if bootstrapped(cluster):
        return True
    principal = caller(cluster)
    entries = account.find(ACCESS_POLICY, clusterName=cluster["name"], principalArn=principal)
    return any(each["policyArn"].endswith(f"/{ADMINISTRATOR}") for each in entries)
