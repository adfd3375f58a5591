"""Properties that AWS decides and that a preview cannot know, where the SDK's types do not say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NESTED: Mapping[str, tuple[str, ...]] = {
    "aws:eks/cluster:Cluster": ("vpcConfig.clusterSecurityGroupId", "vpcConfig.vpcId"),
}
"""Inside a block that the program gives."""

_ON_UPDATE: Mapping[str, tuple[str, ...]] = {
    # terraform-provider-aws: CustomizeDiff of these resources marks the fields as newly computed
    "aws:ec2/launchTemplate:LaunchTemplate": ("latestVersion",),
    "aws:elasticache/replicationGroup:ReplicationGroup": (),
    "aws:secretsmanager/secretVersion:SecretVersion": ("versionId",),
}


def nested(token: str) -> tuple[str, ...]:
    """Paths inside of given blocks that are unknown until the resource exists."""
    return _NESTED.get(token, ())


def on_update(token: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Properties that a change from `old` to `new` makes unknown again."""
    if all(old.get(key) == value for key, value in new.items() if key not in ("tags", "tagsAll")):
        return ()
    found = _ON_UPDATE.get(token, ())
    if token == "aws:ec2/launchTemplate:LaunchTemplate" and new.get("updateDefaultVersion"):
        found = (*found, "defaultVersion")
    if token == "aws:elasticache/replicationGroup:ReplicationGroup" and (
        old.get("numCacheClusters") != new.get("numCacheClusters")
    ):
        found = (*found, "memberClusters")
    if token.startswith("aws:rds/") and old.get("engineVersion") != new.get("engineVersion"):
        found = (*found, "engineVersionActual")
    return found
