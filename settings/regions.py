"""AWS' regions: the partition that each belongs to, and the zones that a network takes where the stack names none.

Names are those of the SDK (pulumi_aws, `Region`); a test holds that. Partitions: botocore, partitions.json. Zone letters: EC2,
DescribeAvailabilityZones; where accounts see different letters, only those that every account sees.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_PARTITIONS = {
    "aws": """
        af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1
        ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1
        eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1
        me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2
    """,
    "aws-cn": "cn-north-1 cn-northwest-1",
    "aws-us-gov": "us-gov-east-1 us-gov-west-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-iso": "us-iso-east-1 us-iso-west-1",
    "aws-iso-b": "us-isob-east-1 us-isob-west-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-east-1 us-isof-south-1",
}
_LETTERS = {"ap-northeast-1": "acd", "ca-central-1": "abd", "cn-north-1": "abd"}
"""Regions whose first three zones for everybody are not a, b and c."""
_NO_THREE = frozenset(
    {"us-west-1", "eusc-de-east-1"}
    | {name for partition, names in _PARTITIONS.items() if partition.startswith("aws-iso") for name in names.split()}
)
"""Regions where no three zones are known to be everybody's. An account sees two of the three of us-west-1, and which they are
differs; nothing is published on the isolated partitions."""

EKS_EXCLUDED_ZONE_IDS = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Zones in which a control plane of EKS can have no subnet. The letter of such a zone may differ from account to account, its id
does not. Source: EKS user guide, "View Amazon EKS networking requirements for VPC and subnets"."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """One region of AWS."""

    name: str
    partition: str
    """`aws`, `aws-cn`, `aws-us-gov`, ...: the second part of every ARN."""
    default_zones: tuple[str, ...]
    """Three zones that every account sees; empty where no such three are known: the stack must name its zones."""


def _region(name: str, partition: str) -> Region:
    letters = "" if name in _NO_THREE else _LETTERS.get(name, "abc")
    return Region(name=name, partition=partition, default_zones=tuple(f"{name}{letter}" for letter in letters))


REGIONS: Mapping[str, Region] = MappingProxyType(
    {name: _region(name, partition) for partition, names in _PARTITIONS.items() for name in names.split()}
)
"""Every region by its name."""


def nearest_region(text: str) -> str | None:
    """The region that `text` was probably meant to be, such as `eu-central-1` for `eu-central1` or for a zone of it."""
    plain = text.strip().lower().replace("_", "-")
    if plain[:-1] in REGIONS:
        return plain[:-1]
    same = [name for name in REGIONS if name.replace("-", "") == plain.replace("-", "")]
    close = same or difflib.get_close_matches(plain, REGIONS, n=1, cutoff=0.7)
    return close[0] if close else None


def is_zone_of(zone: str, region: str) -> bool:
    """Whether `zone` has the form of an availability zone's name in `region`: the region and one letter."""
    return zone[:-1] == region and zone[-1:] in "abcdefghijklmnopqrstuvwxyz"
