"""Settings of how pods are known to a cloud, so that no key has to be kept in the cluster."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from .arns import arn
from .base import Model, matching


class WorkloadIdentity(Model):
    """How the pods that open a bucket are known to the cloud. Nothing of it is a secret."""

    role_arn: Annotated[str, *arn("iam", "role", "arn:aws:iam::123456789012:role/wandb")] | None = None
    """AWS: role of the pods' ServiceAccounts (IRSA). With EKS Pod Identity leave it out, and make an association."""
    google_service_account: (
        Annotated[
            str,
            *matching(
                re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z0-9.-]+\.iam\.gserviceaccount\.com"),
                "is not the address of a Google service account",
                "Write it as in `wandb-files@my-project.iam.gserviceaccount.com`.",
            ),
        ]
        | None
    ) = None
    """Google: service account that the pods act as (Workload Identity). Leave it out where the Kubernetes ServiceAccounts
    themselves may open the bucket."""
    azure_client_id: (
        Annotated[
            str,
            *matching(
                re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
                "is not the client id of an identity",
                "`az identity show --query clientId` prints it.",
            ),
        ]
        | None
    ) = None
    """Azure: client id of the managed identity that the pods act as (workload identity)."""
    service_account_annotations: dict[str, str] = Field(default_factory=dict)
    """Further annotations of the ServiceAccounts, for a platform with another way."""
    pod_labels: dict[str, str] = Field(default_factory=dict)
    """Further labels of the pods, for a platform with another way."""
