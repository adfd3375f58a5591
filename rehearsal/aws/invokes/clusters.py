"""EKS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.providers.base import Refused
from rehearsal.providers.values import Properties

from ..behaviour import Moment
from ..eks.cluster import EXTENDED, STANDARD
from . import answers
from .found import one, shown

_CLUSTER, _NODES = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup"
_ENDS = {
    "1.31": ("2025-11-26", "2026-11-26"),
    "1.32": ("2026-03-23", "2027-03-23"),
    "1.33": ("2026-07-29", "2027-07-29"),
    "1.34": ("2026-12-02", "2027-12-02"),
    "1.35": ("2027-03-27", "2028-03-27"),
    "1.36": ("2027-08-02", "2028-08-02"),
}
"""Ends of standard and of extended support. Source: EKS user guide, "Kubernetes version lifecycle"."""
_BLOCKS = ("accessConfig", "computeConfig", "kubernetesNetworkConfig", "outpostConfig", "remoteNetworkConfig")
_MORE_BLOCKS = ("storageConfig", "upgradePolicy", "zonalShiftConfig")


@answers("eks/getCluster")
def cluster(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """One cluster, its blocks as lists."""
    name = arguments["name"]
    found = one(at, "EKS Cluster", name, at.find(_CLUSTER, name=name))
    lists = {}
    for block in (*_BLOCKS, *_MORE_BLOCKS):
        plural = f"{block[:-1]}ies" if block.endswith("y") else f"{block}s"
        lists[plural] = [found[block]] if found.get(block) else []
    lists["certificateAuthorities"] = [found["certificateAuthority"]] if found.get("certificateAuthority") else []
    properties = shown(found, **lists)
    return {
        key: value for key, value in properties.items() if key not in (*_BLOCKS, *_MORE_BLOCKS, "certificateAuthority")
    }


@answers("eks/getClusters")
def clusters(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """Names of the region's clusters."""
    return {"names": [each["name"] for each in at.find(_CLUSTER)], "id": at.region, "region": at.region}


@answers("eks/getNodeGroups")
def node_groups(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """Names of a cluster's node groups."""
    found = at.find(_NODES, clusterName=arguments["clusterName"])
    names = [each["nodeGroupName"] for each in found]
    return {
        "clusterName": arguments["clusterName"],
        "names": names,
        "id": arguments["clusterName"],
        "region": at.region,
    }


@answers("eks/getClusterVersions")
def cluster_versions(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """Versions that EKS makes clusters of, newest first."""
    only = arguments.get("clusterVersionsOnlies")
    rows = []
    for version in reversed([*EXTENDED, *STANDARD]):
        standard = version in STANDARD
        status = "STANDARD_SUPPORT" if standard else "EXTENDED_SUPPORT"
        if (only and version not in only) or arguments.get("versionStatus") not in (None, status):
            continue
        if arguments.get("defaultOnly") and version != STANDARD[-2]:
            continue
        first, last = _ENDS[version]
        rows.append(
            {
                "clusterVersion": version,
                "clusterType": "eks",
                "defaultVersion": version == STANDARD[-2],
                "versionStatus": status,
                "status": status.lower().replace("_", "-"),
                "endOfStandardSupportDate": f"{first}T00:00:00Z",
                "endOfExtendedSupportDate": f"{last}T00:00:00Z",
                "defaultPlatformVersion": "eks.1",
                "kubernetesPatchVersion": f"{version}.0",
                "releaseDate": "",
            }
        )
    return {"clusterVersions": rows, "region": at.region}


@answers("eks/getAddonVersion")
def addon_version(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """Refused: which versions an add-on has only AWS knows, and this project pins them."""
    raise Refused(
        "the rehearsal's stand-in for the aws provider does not know the versions of add-ons; pin them, as in "
        "`wandb:aws.cluster.addonVersions`"
    )
