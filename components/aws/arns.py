"""ARNs, partitions and their DNS suffixes: what differs between AWS' commercial, GovCloud, China and other regions."""

from __future__ import annotations

from dataclasses import dataclass

PARTITION_OF_PREFIX = {
    "us-gov-": "aws-us-gov",
    "cn-": "aws-cn",
    "eusc-": "aws-eusc",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
}
"""Partition of the regions that are not `aws`, by the beginning of their names. Source: botocore, partitions.json."""

DNS_SUFFIX = {
    "aws": "amazonaws.com",
    "aws-us-gov": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}
"""What the names of a partition's endpoints end in. Source: botocore, partitions.json."""


@dataclass(frozen=True, kw_only=True)
class Arn:
    """An Amazon Resource Name in its parts. `region` and `account` are empty where the service has none in its ARNs."""

    partition: str
    service: str
    region: str = ""
    account: str = ""
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """The parts of `text`. Raises `ValueError` that says what an ARN looks like."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not (parts[1] and parts[2] and parts[5]):
            raise ValueError(
                f"{text!r} is no ARN; an ARN has six parts, arn:partition:service:region:account:resource, "
                "such as arn:aws:iam::123456789012:role/admin"
            )
        _, partition, service, region, account, resource = parts
        if partition not in DNS_SUFFIX:
            raise ValueError(f"{text!r} names the partition {partition!r}; there are {', '.join(sorted(DNS_SUFFIX))}")
        return cls(partition=partition, service=service, region=region, account=account, resource=resource)

    def __str__(self) -> str:
        """As AWS writes it."""
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def partition_of(region: str) -> str:
    """The partition of a region, by its name: `aws` unless the name begins as those of another partition do."""
    return next((name for prefix, name in PARTITION_OF_PREFIX.items() if region.startswith(prefix)), "aws")


def dns_suffix(partition: str) -> str:
    """What the partition's endpoints and regional service principals end in. Raises `ValueError` if there is none such."""
    if partition not in DNS_SUFFIX:
        raise ValueError(f"there is no partition {partition!r}; there are {', '.join(sorted(DNS_SUFFIX))}")
    return DNS_SUFFIX[partition]
