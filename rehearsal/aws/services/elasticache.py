"""ElastiCache: replication groups for Redis OSS and Valkey.

Versions: ElastiCache user guide, "Supported engines and versions". Node types: "Supported node types"; that a region
has one is judged by EC2's offering of the same type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from .. import places
from ..behaviour import Behaviour, Moment, api_error, register
from ..outputs import digits
from .limits import between, matching, number, text
from .subnets import spread

GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
SUBNET_GROUP, PARAMETER_GROUP = (
    "aws:elasticache/subnetGroup:SubnetGroup",
    "aws:elasticache/parameterGroup:ParameterGroup",
)
FINAL_SNAPSHOTS = "final snapshots of ElastiCache"
VERSIONS = {
    "redis": ("4.0.10", "5.0.6", "6.0", "6.2", "7.0", "7.1"),
    "valkey": ("7.2", "8.0", "8.1", "8.2", "9.0", "9.1"),
}
_FAMILIES = ("t3", "t4g", "m5", "m6g", "m7g", "m8g", "r5", "r6g", "r6gd", "r7g", "r8g", "c7gn")
_TOKEN = re.compile(r"[!-~]{16,128}")
_TOKEN_FORBIDDEN = set('@"/')
_NODES = (1, 6)
"""Nodes of a group without cluster mode: a primary and up to five replicas."""
PARAMETER_FAMILIES = ("redis4.0", "redis5.0", "redis6.x", "redis7", "valkey7", "valkey8", "valkey9", "memcached1.6")


def family(engine: str, version: str) -> str:
    """The family of parameter groups of an engine's version."""
    major = version.split(".")[0]
    if engine == "redis" and major in ("4", "5"):
        return f"redis{major}.0"
    return f"redis{major}.x" if (engine, major) == ("redis", "6") else f"{engine}{major}"


@register(GROUP)
class ReplicationGroup(Behaviour):
    """A primary and its replicas."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: ElastiCache API, CreateReplicationGroup."""
        yield from matching(
            inputs, "replicationGroupId", r"[A-Za-z](?!.*--)[A-Za-z0-9-]{0,39}(?<!-)",
            "1 to 40 letters, digits and single hyphens, a letter first, no hyphen last",
        )  # fmt: skip
        yield from _engine(inputs)
        kind = text(inputs, "nodeType")
        if kind is not None and not _orderable(kind, at.region):
            yield f"nodeType: The specified node type {kind} is not available in {at.region}"
        yield from _safety(inputs)
        yield from between(inputs, "snapshotRetentionLimit", 0, 35, "ElastiCache API")
        if not inputs.get("clusterMode") and not inputs.get("numNodeGroups"):
            yield from between(inputs, "numCacheClusters", *_NODES, "ElastiCache API")
        for zone in inputs.get("preferredCacheClusterAzs") or ():
            if isinstance(zone, str) and zone[:-1] == at.region and zone not in places.zones(at.region):
                yield f"preferredCacheClusterAzs: {zone} is not a valid availability zone"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Groups must be there and fit."""
        group = inputs.get("subnetGroupName")
        if group and at.account.get(SUBNET_GROUP, group) is None:
            message = f"Cache Subnet Group {group} does not exist."
            raise api_error("ElastiCache", "CreateReplicationGroup", "CacheSubnetGroupNotFoundFault", message)
        for each in inputs.get("securityGroupIds") or ():
            if at.account.get("aws:ec2/securityGroup:SecurityGroup", each) is None:
                message = f"Invalid security group ids: {each}"
                raise api_error("ElastiCache", "CreateReplicationGroup", "InvalidParameterValue", message)
        _parameters(at, inputs, "CreateReplicationGroup")

    def admit_update(self, at: Moment, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """Encryption in transit is turned on in two steps; its mode goes from preferred to required."""
        _parameters(at, new, "ModifyReplicationGroup")
        turned_on = new.get("transitEncryptionEnabled") and not old.get("transitEncryptionEnabled")
        if turned_on and new.get("transitEncryptionMode") != "preferred":
            message = "To turn encryption in transit on, set its mode to preferred first, then to required"
            raise api_error("ElastiCache", "ModifyReplicationGroup", "InvalidParameterCombination", message)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Endpoints, members and defaults."""
        engine = outputs.get("engine") or "redis"
        version = outputs.get("engineVersion") or VERSIONS[engine][-1]
        host = str(outputs.get("primaryEndpointAddress") or "").split(".")
        tail = host[2] if len(host) > 4 else digits(at, 6)
        place = places_short(at.region)
        suffix = f"{tail}.{place}.cache.{at.dns_suffix}"
        nodes = int(outputs.get("numCacheClusters") or 1)
        tls = bool(outputs.get("transitEncryptionEnabled"))
        fresh: Properties = {
            "engine": engine,
            "engineVersion": version,
            "port": 6379,
            "primaryEndpointAddress": f"master.{resource_id}.{suffix}" if tls else f"{resource_id}.{tail}.ng.0001.{place}.cache.{at.dns_suffix}",
            "readerEndpointAddress": f"replica.{resource_id}.{suffix}" if tls else f"{resource_id}-ro.{tail}.ng.0001.{place}.cache.{at.dns_suffix}",
            "configurationEndpointAddress": "",
            "clusterEnabled": False,
            "clusterMode": "disabled",
            "numCacheClusters": nodes,
            "numNodeGroups": 1,
            "replicasPerNodeGroup": nodes - 1,
            "parameterGroupName": f"default.{family(engine, version)}",
            "subnetGroupName": "default",
            "securityGroupIds": [],
            "securityGroupNames": [],
            "autoMinorVersionUpgrade": True,
            "dataTieringEnabled": False,
            "atRestEncryptionEnabled": engine == "valkey",
            "transitEncryptionEnabled": False,
            "transitEncryptionMode": "required" if tls else "",
            "maintenanceWindow": "sun:05:00-sun:06:00",
            "snapshotWindow": "03:00-04:00",
            "networkType": "ipv4",
            "ipDiscovery": "ipv4",
            "globalReplicationGroupId": "",
            "nodeGroupConfigurations": [],
        }  # fmt: skip
        made = {key: outputs[key] if outputs.get(key) is not None else value for key, value in fresh.items()}
        actual = version if version.count(".") > 1 else f"{version}.0"
        return made | {
            "engineVersionActual": actual,
            "memberClusters": [f"{resource_id}-{index + 1:03d}" for index in range(nodes)],
        }

    def admit_delete(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """A final snapshot needs a name of its own."""
        snapshot = outputs.get("finalSnapshotIdentifier")
        if snapshot and snapshot in at.account.facts(FINAL_SNAPSHOTS):
            message = f"Snapshot with specified name already exists: {snapshot}"
            raise api_error("ElastiCache", "DeleteReplicationGroup", "SnapshotAlreadyExistsFault", message)

    def deleted(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """The final snapshot outlives it."""
        if outputs.get("finalSnapshotIdentifier"):
            at.account.remember(FINAL_SNAPSHOTS, outputs["finalSnapshotIdentifier"])


@register(SUBNET_GROUP)
class SubnetGroup(Behaviour):
    """Subnets of one VPC."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: ElastiCache API, CreateCacheSubnetGroup."""
        yield from matching(inputs, "name", r"(?!default$)[A-Za-z0-9-]{1,255}", "1 to 255 letters, digits and hyphens")

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """They exist."""
        missing, _, vpcs = spread(at, inputs.get("subnetIds") or ())
        if missing:
            message = f"One or more subnets are invalid: {', '.join(missing)}"
            raise api_error("ElastiCache", "CreateCacheSubnetGroup", "InvalidSubnet", message)
        if len(vpcs) > 1:
            message = "Subnets must belong to the same VPC."
            raise api_error("ElastiCache", "CreateCacheSubnetGroup", "InvalidSubnet", message)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The VPC."""
        _, _, vpcs = spread(at, outputs.get("subnetIds") or ())
        return {"vpcId": next(iter(vpcs), "")}


@register(PARAMETER_GROUP)
class ParameterGroup(Behaviour):
    """Settings of the engine."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: ElastiCache API, CreateCacheParameterGroup."""
        yield from matching(
            inputs, "name", r"[a-zA-Z](?!.*--)[a-zA-Z0-9.-]{0,254}(?<!-)", "1 to 255 letters, digits, . and -"
        )
        wanted = text(inputs, "family")
        if wanted is not None and wanted not in PARAMETER_FAMILIES:
            yield f"family: CacheParameterGroupFamily {wanted} is not a valid parameter group family"


def _engine(inputs: Mapping[str, Any]) -> Iterable[str]:
    engine, version = text(inputs, "engine") or "redis", text(inputs, "engineVersion")
    if engine not in VERSIONS:
        yield f"expected engine to be one of [redis valkey], got {engine}"
    elif version is not None and version not in VERSIONS[engine]:
        yield f"engineVersion: Invalid version {version} for {engine}: it is one of {', '.join(VERSIONS[engine])}"


def _safety(inputs: Mapping[str, Any]) -> Iterable[str]:
    token = text(inputs, "authToken")
    if token is not None:
        if not _TOKEN.fullmatch(token) or set(token) & _TOKEN_FORBIDDEN:
            yield 'authToken: must be between 16 and 128 printable characters, without @ " / and spaces'
        if not inputs.get("transitEncryptionEnabled"):
            yield "authToken: To enable AUTH, encryption in transit (transitEncryptionEnabled) must be on"
    if inputs.get("multiAzEnabled") is True and inputs.get("automaticFailoverEnabled") is not True:
        yield "automatic_failover_enabled must be true if multi_az_enabled is true"
    nodes = number(inputs, "numCacheClusters")
    if inputs.get("automaticFailoverEnabled") is True and nodes is not None and nodes < 2:
        yield f'"num_cache_clusters": must be at least 2 if automatic_failover_enabled is true, got {nodes:g}'
    kind = text(inputs, "nodeType")
    if inputs.get("automaticFailoverEnabled") is True and kind is not None and kind.startswith("cache.t1"):
        yield f"nodeType: {kind} has no automatic failover"


def _parameters(at: Moment, inputs: Mapping[str, Any], operation: str) -> None:
    name = inputs.get("parameterGroupName")
    if not name:
        return
    engine = inputs.get("engine") or "redis"
    wanted = family(engine, inputs.get("engineVersion") or VERSIONS[engine][-1])
    group = at.account.get(PARAMETER_GROUP, name)
    given = group["family"] if group else name.removeprefix("default.").partition(".cluster.on")[0]
    if group is None and (not name.startswith("default.") or given not in PARAMETER_FAMILIES):
        message = f"CacheParameterGroup not found: {name}"
        raise api_error("ElastiCache", operation, "CacheParameterGroupNotFound", message, status=404)
    if given != wanted:
        message = f"Expected a parameter group of family {wanted} but found one of family {given}"
        raise api_error("ElastiCache", operation, "InvalidParameterCombination", message)


def _orderable(kind: str, region: str) -> bool:
    prefix, _, machine = kind.partition(".")
    known = machine.partition(".")[0] in _FAMILIES and machine in places.instance_types()
    return prefix == "cache" and known and places.offered(machine, region)


def places_short(region: str) -> str:
    """A region as the endpoints of ElastiCache spell it: `euc1` for eu-central-1, `usgw1` for us-gov-west-1."""
    parts = region.split("-")
    middle = "".join("g" if part == "gov" else _SHORT.get(part, part[0]) for part in parts[1:-1])
    return f"{parts[0]}{middle}{parts[-1]}"


_SHORT = {
    "central": "c", "east": "e", "north": "n", "northeast": "ne", "northwest": "nw", "south": "s", "southeast": "se",
    "southwest": "sw", "west": "w",
}  # fmt: skip
