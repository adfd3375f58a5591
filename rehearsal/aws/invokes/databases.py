"""RDS and ElastiCache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.providers.base import Refused
from rehearsal.providers.values import Properties

from .. import places
from ..behaviour import Moment
from ..services.aurora import AURORA_MYSQL, CLUSTER, FINAL_SNAPSHOTS, LOG_EXPORTS, SNAPSHOT, orderable
from ..services.elasticache import GROUP
from . import answers
from .found import one, shown

_NO_ENGINE = "the rehearsal's stand-in for the aws provider knows the engine aurora-mysql only, not {}"


@answers("rds/getEngineVersion")
def engine_version(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """A version of Aurora MySQL; the newest of a prefix or of a family where one is wanted."""
    if arguments["engine"] != "aurora-mysql":
        raise Refused(_NO_ENGINE.format(arguments["engine"]))
    wanted, family = arguments.get("version"), arguments.get("parameterGroupFamily")
    fitting = [each for each, own in AURORA_MYSQL.items() if family in (None, own)]
    fitting = [
        each
        for each in fitting
        if not wanted or each == wanted or (each.startswith(wanted) and arguments.get("latest"))
    ]
    preferred = [each for each in arguments.get("preferredVersions") or () if each in fitting]
    if not fitting:
        raise Refused("no RDS engine versions match the criteria: couldn't find resource")
    version = preferred[0] if preferred else fitting[-1]
    later = [*AURORA_MYSQL][[*AURORA_MYSQL].index(version) + 1 :]
    minor = [each for each in later if AURORA_MYSQL[each] == AURORA_MYSQL[version]]
    return {
        "engine": "aurora-mysql",
        "engineDescription": "Aurora MySQL",
        "exportableLogTypes": list(LOG_EXPORTS),
        "id": version,
        "version": version,
        "versionActual": version,
        "versionDescription": f"Aurora MySQL {version}",
        "parameterGroupFamily": AURORA_MYSQL[version],
        "status": "available",
        "supportsGlobalDatabases": True,
        "supportsParallelQuery": True,
        "supportsReadReplica": False,
        "supportsLogExportsToCloudwatch": True,
        "supportedModes": ["provisioned"],
        "validUpgradeTargets": later,
        "validMinorTargets": minor,
        "validMajorTargets": [each for each in later if each not in minor],
        "region": at.region,
    }


@answers("rds/getOrderableDbInstance")
def orderable_db_instance(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """Whether a class can be had, and in which zones."""
    if arguments["engine"] != "aurora-mysql":
        raise Refused(_NO_ENGINE.format(arguments["engine"]))
    wanted = [arguments.get("instanceClass"), *(arguments.get("preferredInstanceClasses") or ())]
    version = arguments.get("engineVersion")
    classes = [each for each in wanted if each and orderable(each, at.region)]
    if not classes or (version and version not in AURORA_MYSQL):
        raise Refused("no RDS DB Instance Classes match the criteria: couldn't find resource")
    kind = classes[0].removeprefix("db.")
    zones = places.zones_offering(kind, at.region) or places.zones(at.region)
    return {
        "availabilityZones": list(zones),
        "engine": "aurora-mysql",
        "engineVersion": version or [*AURORA_MYSQL][-1],
        "id": classes[0],
        "instanceClass": classes[0],
        "licenseModel": "general-public-license",
        "storageType": arguments.get("storageType") or "aurora",
        "multiAzCapable": False,
        "supportsClusters": True,
        "supportsPerformanceInsights": True,
        "supportsStorageEncryption": True,
        "supportedEngineModes": ["provisioned"],
        "supportedNetworkTypes": ["IPV4", "DUAL"],
        "vpc": True,
        "region": at.region,
    }


@answers("rds/getCluster")
def cluster(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """An Aurora cluster."""
    name = arguments["clusterIdentifier"]
    return shown(one(at, "RDS Cluster", name, at.find(CLUSTER, clusterIdentifier=name)))


@answers("rds/getClusterSnapshot")
def cluster_snapshot(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """A snapshot of an Aurora cluster, final ones among them."""
    wanted = arguments.get("dbClusterSnapshotIdentifier")
    found = [each for each in at.find(SNAPSHOT) if wanted in (None, each.id, each.get("dbClusterSnapshotArn"))]
    if found:
        return shown(found[-1])
    if wanted and wanted.rpartition(":")[2] in at.account.facts(FINAL_SNAPSHOTS):
        name = wanted.rpartition(":")[2]
        return {
            "dbClusterSnapshotIdentifier": name,
            "dbClusterSnapshotArn": at.arn("rds", f"cluster-snapshot:{name}"),
            "engine": "aurora-mysql",
            "engineVersion": "",
            "status": "available",
            "storageEncrypted": True,
            "id": name,
        }
    raise Refused("Your query returned no results. Please change your search criteria and try again.")


@answers("elasticache/getReplicationGroup")
def replication_group(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """A replication group."""
    name = arguments["replicationGroupId"]
    found = one(at, "ElastiCache Replication Group", name, at.find(GROUP, replicationGroupId=name))
    return shown(found, authTokenEnabled="authToken" in found.outputs)
