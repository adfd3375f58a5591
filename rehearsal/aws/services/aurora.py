"""Aurora MySQL: versions, classes, and the names that its resources may have.

Versions: the creatable set that RDS returned in August 2026 (DescribeDBEngineVersions). Classes: Aurora user guide,
"Supported DB engines for DB instance classes"; that a region has a class is judged by EC2's offering of the same type.
"""

from __future__ import annotations

from .. import places

CLUSTER, INSTANCE = "aws:rds/cluster:Cluster", "aws:rds/clusterInstance:ClusterInstance"
SUBNET_GROUP = "aws:rds/subnetGroup:SubnetGroup"
CLUSTER_GROUP, GROUP = "aws:rds/clusterParameterGroup:ClusterParameterGroup", "aws:rds/parameterGroup:ParameterGroup"
SNAPSHOT = "aws:rds/clusterSnapshot:ClusterSnapshot"
FINAL_SNAPSHOTS = "final snapshots of RDS"
"""Fact of the account: names that are taken by snapshots of clusters that are gone."""
IDENTIFIER = r"[a-z](?!.*--)[a-z0-9-]{0,62}(?<!-)"
IDENTIFIER_RULE = "1 to 63 lower-case letters, digits and single hyphens, a letter first"
LOG_EXPORTS = ("audit", "error", "general", "iam-db-auth-error", "instance", "slowquery")

_VERSIONS_3 = (
    "04.0", "04.1", "04.2", "04.3", "04.4", "04.6", "08.0", "08.1", "08.2", "09.0", "10.0", "10.1", "10.2", "10.3", "10.4",
    "11.1", "12.0",
)  # fmt: skip
AURORA_MYSQL = {
    **{f"8.0.mysql_aurora.3.{each}": "aurora-mysql8.0" for each in _VERSIONS_3},
    "8.4.mysql_aurora.8.4.7": "aurora-mysql8.4",
}
"""Engine version to family of parameter groups."""
_FAMILIES = ("r5", "r6g", "r6gd", "r6i", "r6id", "r7g", "r7i", "r8g", "r8gd", "x2g", "t3", "t4g")
_SMALL = {"t3": ("medium", "large"), "t4g": ("medium", "large")}


def orderable(instance_class: str, region: str) -> bool:
    """Whether Aurora MySQL has the class in that region."""
    if instance_class == "db.serverless":
        return True
    prefix, _, kind = instance_class.partition(".")
    family, _, size = kind.partition(".")
    if prefix != "db" or family not in _FAMILIES or (family in _SMALL and size not in _SMALL[family]):
        return False
    return kind in places.instance_types() and (places.offered(kind, region) or not _known(family))


def _known(family: str) -> bool:
    # EC2's data has the families that Aurora shares with it; what it lacks cannot be judged
    return any(name.startswith(f"{family}.") for name in places.instance_types())
