"""What EKS does not offer in every partition. Pure."""

from __future__ import annotations

WITHOUT_POD_IDENTITY = frozenset({"aws-cn"})
"""Source: Amazon EKS User Guide for China, "EKS Pod Identities": "Pod Identity is not available in China Regions. Use IAM
roles for service accounts." """
WITH_METRICS_SERVER = frozenset({"aws"})
"""Where metrics-server is an EKS add-on. Source: eksctl, known_addons.go of August 2026, by AWS' EKS team: not in the regions
of China, GovCloud and the isolated partitions. Of the European Sovereign Cloud nothing is known, so it is not counted on."""


def pod_identity(partition: str) -> bool:
    """Whether EKS Pod Identity gives pods their roles there; if not, IRSA does."""
    return partition not in WITHOUT_POD_IDENTITY


def metrics_server(partition: str) -> bool:
    """Whether EKS has the add-on metrics-server there; if not, its chart installs it."""
    return partition in WITH_METRICS_SERVER
