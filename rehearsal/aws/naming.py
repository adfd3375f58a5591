"""Names that the bridged provider makes up: the resource's name, a hyphen and seven hexadecimal digits.

Source: pulumi-terraform-bridge (`SetAutonaming`), pulumi-aws `provider/resources.go` for the maximum lengths and for
the fields that are named differently. A name is drawn once and kept for as long as the resource is not replaced.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from rehearsal import sdk_types

_HEX = 7
_LIMIT = 255
_FIELDS: Mapping[str, str] = {
    "aws:s3/bucket:Bucket": "bucket",
    "aws:rds/cluster:Cluster": "clusterIdentifier",
    "aws:rds/instance:Instance": "identifier",
    "aws:elasticache/replicationGroup:ReplicationGroup": "replicationGroupId",
    "aws:elasticache/cluster:Cluster": "clusterId",
    "aws:eks/nodeGroup:NodeGroup": "nodeGroupName",
    "aws:eks/fargateProfile:FargateProfile": "fargateProfileName",
}
"""Types whose name is not `name`."""
_UNNAMED = frozenset({"aws:route53/zone:Zone", "aws:route53/record:Record"})
"""Types whose `name` only the user can know."""
_LIMITS: Mapping[str, int] = {
    "aws:s3/bucket:Bucket": 63,
    "aws:iam/role:Role": 64,
    "aws:iam/user:User": 64,
    "aws:lb/loadBalancer:LoadBalancer": 32,
    "aws:lb/targetGroup:TargetGroup": 32,
    "aws:elasticache/replicationGroup:ReplicationGroup": 40,
    "aws:elasticache/cluster:Cluster": 50,
}
_LOWER = frozenset(
    {
        "aws:s3/bucket:Bucket",
        "aws:rds/instance:Instance",
        "aws:rds/subnetGroup:SubnetGroup",
        "aws:rds/parameterGroup:ParameterGroup",
        "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:elasticache/cluster:Cluster",
        "aws:elasticache/subnetGroup:SubnetGroup",
        "aws:elasticache/parameterGroup:ParameterGroup",
    }
)
_PREFIXES: Mapping[str, str] = {"aws:kms/alias:Alias": "alias/"}
_DESCRIPTION = "Managed by Pulumi"
_DESCRIBED = frozenset(
    {
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:rds/subnetGroup:SubnetGroup",
        "aws:rds/parameterGroup:ParameterGroup",
        "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        "aws:elasticache/subnetGroup:SubnetGroup",
        "aws:elasticache/parameterGroup:ParameterGroup",
        "aws:route53/zone:Zone",
    }
)
"""Types that the provider describes as its own when the program does not (`managedByPulumi`); a zone in its comment."""


def field(token: str) -> str | None:
    """The property that is the resource's name; None for types without one, or whose name only the user knows."""
    if token in _UNNAMED:
        return None
    if token in _FIELDS:
        return _FIELDS[token]
    return "name" if str in sdk_types.alternatives(sdk_types.input_types(token).get("name")) else None


def described(token: str, inputs: Mapping[str, Any]) -> dict[str, str]:
    """The description that the provider gives where the program gives none."""
    key = "comment" if token == "aws:route53/zone:Zone" else "description"
    return {key: _DESCRIPTION} if token in _DESCRIBED and inputs.get(key) is None else {}


def limit(token: str) -> int:
    """The longest name that the provider makes up, in characters."""
    return _LIMITS.get(token, _LIMIT)


def named(
    token: str, logical: str, inputs: Mapping[str, Any], old: Mapping[str, Any], seed: bytes
) -> tuple[str, str] | None:
    """Field and name for a resource whose program gave none; None where it has one, or a prefix of one."""
    key = field(token)
    if key is None or inputs.get(key) is not None:
        return None
    if inputs.get(f"{key}Prefix") is not None:
        return None
    if isinstance(old.get(key), str) and is_drawn(token, logical, old[key]):
        return key, old[key]
    return key, draw(token, logical, seed)


def draw(token: str, logical: str, seed: bytes) -> str:
    """A fresh name, the same for the same seed."""
    prefix = _PREFIXES.get(token, "")
    text = logical.lower() if token in _LOWER else logical
    if token.startswith(("aws:lb/", "aws:elasticache/", "aws:rds/")):
        text = re.sub(r"[^A-Za-z0-9-]", "-", text)
    room = limit(token) - len(prefix) - _HEX - 1
    return f"{prefix}{text[:room]}-{hashlib.sha256(seed + logical.encode()).hexdigest()[:_HEX]}"


def is_drawn(token: str, logical: str, name: str) -> bool:
    """Whether the provider made that name up for the resource of the given logical name."""
    stem, hyphen, digits = draw(token, logical, b"").rpartition("-")
    own, _, end = name.rpartition("-")
    return bool(hyphen) and own == stem and len(end) == len(digits) and set(end) <= set("0123456789abcdef")


def from_prefix(prefix: str, seed: str) -> str:
    """A name that Terraform makes of a prefix: it appends a time and a counter, 26 characters."""
    return f"{prefix}{hashlib.sha256((seed + prefix).encode()).hexdigest()[:26]}"
