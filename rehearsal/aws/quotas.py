"""Quotas of the account, those that a stack like this one reaches first.

Defaults: AWS General Reference, "Service endpoints and quotas". A quota that was raised is a resource of the account,
`aws:servicequotas/serviceQuota:ServiceQuota`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .behaviour import Behaviour, Moment, api_error, register

TOKEN = "aws:servicequotas/serviceQuota:ServiceQuota"


@dataclass(frozen=True, kw_only=True)
class Quota:
    """How much of something there may be in a region."""

    service_name: str
    name: str
    default: float
    value: float


def _of(service_name: str, name: str, default: float) -> Quota:
    return Quota(service_name=service_name, name=name, default=default, value=default)


QUOTAS: Mapping[tuple[str, str], Quota] = {
    ("vpc", "L-F678F1CE"): _of("Amazon Virtual Private Cloud (Amazon VPC)", "VPCs per Region", 5),
    ("vpc", "L-FE5A380F"): _of("Amazon Virtual Private Cloud (Amazon VPC)", "NAT gateways per Availability Zone", 5),
    ("ec2", "L-0263D0A3"): _of("Amazon Elastic Compute Cloud (Amazon EC2)", "EC2-VPC Elastic IPs", 5),
    ("ec2", "L-1216C47A"): _of(
        "Amazon Elastic Compute Cloud (Amazon EC2)",
        "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
        5,
    ),
    ("eks", "L-1194D53C"): _of("Amazon Elastic Kubernetes Service (Amazon EKS)", "Clusters", 100),
}
"""By service and code."""

_COUNTED: Mapping[str, tuple[str, str, str, str, str]] = {
    "aws:ec2/vpc:Vpc": ("vpc", "L-F678F1CE", "CreateVpc", "VpcLimitExceeded", "The maximum number of VPCs has been reached."),
    "aws:ec2/eip:Eip": (
        "ec2", "L-0263D0A3", "AllocateAddress", "AddressLimitExceeded", "The maximum number of addresses has been reached."),
}  # fmt: skip


def quota(at: Moment, service: str, code: str) -> Quota | None:
    """The quota as it is for this account and region; None when the stand-in does not know it."""
    known = QUOTAS.get((service, code))
    if known is None:
        return None
    raised = [each["value"] for each in at.find(TOKEN, serviceCode=service, quotaCode=code)]
    return replace(known, value=max([known.value, *raised]))


class _Counted(Behaviour):
    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        service, code, operation, error, message = _COUNTED[at.token]
        allowed = quota(at, service, code)
        if allowed is not None and len(at.find(at.token)) >= allowed.value:
            raise api_error("EC2", operation, error, message)


register(*_COUNTED)(_Counted)
