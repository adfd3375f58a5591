"""Kinds of text in settings of the target `aws`: names and ids, as AWS writes them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from .base import matching, refusal

MINIMUM_KUBERNETES = (1, 34)
"""The oldest Kubernetes that W&B's documents ask for."""

_VERSION = re.compile(r"1\.([0-9]{2})")

Zone = Annotated[
    str,
    *matching(
        re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9][a-z]"),
        "is not the name of an availability zone",
        "Write the region and a letter, as in `eu-central-1a`.",
    ),
]
VpcId = Annotated[
    str,
    *matching(re.compile(r"vpc-[0-9a-f]{8,17}"), "is not the id of a VPC", "Write it as in `vpc-0123456789abcdef0`."),
]
SubnetId = Annotated[
    str,
    *matching(
        re.compile(r"subnet-[0-9a-f]{8,17}"), "is not the id of a subnet", "Write it as in `subnet-0123456789abcdef0`."
    ),
]
ZoneId = Annotated[
    str,
    *matching(
        re.compile(r"Z[0-9A-Z]{1,31}"),
        "is not the id of a hosted zone",
        "Write it as in `Z0123456789ABCDEFGHIJ`: `aws route53 list-hosted-zones` shows it after /hostedzone/.",
    ),
]
ClusterName = Annotated[
    str,
    *matching(
        re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}"),
        "is not a name that EKS accepts",
        "Use at most 100 letters, digits, hyphens and underscores, beginning with a letter or digit.",
    ),
]
Pool = Annotated[
    str,
    *matching(
        re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_./]{0,251}[A-Za-z0-9])?=[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"),
        "is not a label of nodes",
        "Write key and value, as in `dedicated=clickhouse`.",
    ),
]
BucketName = Annotated[
    str,
    *matching(
        re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
        "is not the name of an S3 bucket",
        "Give the bare name: 3 to 63 lower-case letters, digits, hyphens and dots.",
    ),
]
DomainName = Annotated[
    str,
    Field(max_length=253),
    *matching(
        re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+"),
        "is not the name of a domain",
        "Use lower-case letters, digits, hyphens and dots, as in `wandb.example.com`.",
    ),
]


def _kubernetes_version(value: str) -> str:
    parts = _VERSION.fullmatch(value)
    if not parts:
        raise refusal("is not a version that EKS knows", 'Write major and minor version in quotes, as in "1.35".')
    if (1, int(parts[1])) < MINIMUM_KUBERNETES:
        raise refusal("is older than W&B needs", f"Use {'.'.join(map(str, MINIMUM_KUBERNETES))} or newer.")
    return value


KubernetesVersion = Annotated[
    str, AfterValidator(_kubernetes_version), Field(json_schema_extra={"pattern": f"^{_VERSION.pattern}$"})
]
