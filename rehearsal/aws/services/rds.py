"""Aurora clusters: the storage and the endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import UNKNOWN, Properties

from .. import places
from ..behaviour import Behaviour, Moment, api_error, register
from ..outputs import digits
from .aurora import AURORA_MYSQL, CLUSTER, FINAL_SNAPSHOTS, IDENTIFIER, IDENTIFIER_RULE, INSTANCE, LOG_EXPORTS, SNAPSHOT
from .identities import letters
from .limits import between, matching, text
from .rds_groups import require_groups

_BACKUP_DAYS = (1, 35)
_MINUTES = 30
"""Shortest backup and maintenance window."""


@register(CLUSTER)
class Cluster(Behaviour):
    """The storage and the endpoints; instances do the work."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: RDS API, CreateDBCluster."""
        yield from matching(inputs, "clusterIdentifier", IDENTIFIER, IDENTIFIER_RULE)
        yield from matching(
            inputs, "databaseName", r"[A-Za-z][A-Za-z0-9_]{0,63}", "1 to 64 letters, digits, underscores"
        )
        yield from matching(
            inputs, "finalSnapshotIdentifier", r"[A-Za-z](?!.*--)[0-9A-Za-z-]{0,254}(?<!-)", "letters, digits, hyphens"
        )
        yield from between(inputs, "backupRetentionPeriod", *_BACKUP_DAYS, "RDS API")
        engine, version = text(inputs, "engine"), text(inputs, "engineVersion")
        if engine == "aurora-mysql" and version and version not in AURORA_MYSQL and version not in ("8.0", "8.4"):
            newest = ", ".join([*AURORA_MYSQL][-4:])
            yield f"engineVersion: Cannot find version {version} for aurora-mysql. The newest are {newest}"
        yield from (
            f"enabledCloudwatchLogsExports: {each!r} is none of {', '.join(LOG_EXPORTS)}"
            for each in inputs.get("enabledCloudwatchLogsExports") or ()
            if isinstance(each, str) and each != UNKNOWN and engine == "aurora-mysql" and each not in LOG_EXPORTS
        )
        yield from _windows(inputs)
        yield from _password(inputs)
        for zone in inputs.get("availabilityZones") or ():
            if isinstance(zone, str) and zone != UNKNOWN and zone not in places.zones(at.region):
                yield f"availabilityZones: {zone} is not a valid availability zone in {at.region}"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Groups and snapshot must be there and fit."""
        require_groups(at, inputs, "CreateDBCluster")
        snapshot = inputs.get("snapshotIdentifier")
        if snapshot:
            names = {*at.account.facts(FINAL_SNAPSHOTS), *_snapshots(at)}
            if snapshot not in names and snapshot.rpartition(":")[2] not in names:
                message = f"DBClusterSnapshot {snapshot} not found"
                raise api_error(
                    "RDS", "RestoreDBClusterFromSnapshot", "DBClusterSnapshotNotFoundFault", message, status=404
                )

    def admit_update(self, at: Moment, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """A version never goes back, and a major one only when that is allowed."""
        before, after = old.get("engineVersion"), new.get("engineVersion")
        if before and after and before != after:
            if _order(after) < _order(before):
                message = f"Cannot upgrade aurora-mysql from {before} to {after}"
                raise api_error("RDS", "ModifyDBCluster", "InvalidParameterCombination", message)
            if before.split(".")[0:2] != after.split(".")[0:2] and not new.get("allowMajorVersionUpgrade"):
                message = "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
                raise api_error("RDS", "ModifyDBCluster", "InvalidParameterCombination", message)
        require_groups(at, {**new, "dbSubnetGroupName": None}, "ModifyDBCluster")

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Endpoints and defaults."""
        tail = outputs.get("clusterResourceId", "").lower().removeprefix("cluster-")[:12] or digits(at, 12)
        default = next(each for each in reversed([*AURORA_MYSQL]) if each.startswith("8.0"))
        version = outputs.get("engineVersion") or (default if outputs.get("engine") == "aurora-mysql" else "")
        domain = f"{tail}.{at.region}.rds.{at.dns_suffix}"
        family = AURORA_MYSQL.get(version, "aurora-mysql8.0")
        fresh: Properties = {
            "clusterIdentifierPrefix": "",
            "clusterResourceId": f"cluster-{letters(at, 26)}",
            "endpoint": f"{resource_id}.cluster-{domain}",
            "readerEndpoint": f"{resource_id}.cluster-ro-{domain}",
            "hostedZoneId": f"Z{letters(at, 12, 'zone')}",
            "port": 3306,
            "engineVersion": version,
            "availabilityZones": list(places.zones(at.region)[:3]),
            "backupRetentionPeriod": 1,
            "dbClusterParameterGroupName": f"default.{family}",
            "dbSubnetGroupName": "default",
            "databaseName": "",
            "masterUsername": "",
            "kmsKeyId": "",
            "vpcSecurityGroupIds": [],
            "preferredBackupWindow": "07:00-09:00",
            "preferredMaintenanceWindow": "sun:03:00-sun:04:00",
            "networkType": "IPV4",
            "storageType": "",
            "engineMode": "provisioned",
            "engineLifecycleSupport": "open-source-rds-extended-support",
            "caCertificateIdentifier": "rds-ca-rsa2048-g1",
            "caCertificateValidTill": "2061-05-25T00:00:00Z",
            "clusterMembers": [],
            "masterUserSecrets": [],
        }
        made = {key: outputs[key] if outputs.get(key) is not None else value for key, value in fresh.items()}
        return made | {"engineVersionActual": version}

    def refreshed(self, at: Moment, outputs: Properties) -> Properties:
        """Its instances, as they are now."""
        found = [each["identifier"] for each in at.find(INSTANCE, clusterIdentifier=at.id)]
        return {"clusterMembers": sorted(found)} if "clusterMembers" in outputs else {}

    def admit_delete(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Protection, instances and final snapshot, in this order."""
        if outputs.get("deletionProtection"):
            message = "Cannot delete protected Cluster, please disable deletion protection and try again."
            raise api_error("RDS", "DeleteDBCluster", "InvalidParameterCombination", message)
        if at.find(INSTANCE, clusterIdentifier=at.id):
            message = "Cluster cannot be deleted, it still contains DB instances in non-deleting state."
            raise api_error("RDS", "DeleteDBCluster", "InvalidDBClusterStateFault", message)
        if outputs.get("skipFinalSnapshot"):
            return
        snapshot = outputs.get("finalSnapshotIdentifier")
        if not snapshot:
            message = "RDS Cluster final_snapshot_identifier is required when skip_final_snapshot is false"
            raise api_error("RDS", "DeleteDBCluster", "InvalidParameterCombination", message)
        if snapshot in (*at.account.facts(FINAL_SNAPSHOTS), *_snapshots(at)):
            message = f"Cannot create the cluster snapshot because one with the identifier {snapshot} already exists."
            raise api_error("RDS", "DeleteDBCluster", "DBClusterSnapshotAlreadyExistsFault", message)

    def deleted(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """The final snapshot outlives it."""
        if not outputs.get("skipFinalSnapshot") and outputs.get("finalSnapshotIdentifier"):
            at.account.remember(FINAL_SNAPSHOTS, outputs["finalSnapshotIdentifier"])


def _snapshots(at: Moment) -> list[str]:
    return [each.id for each in at.find(SNAPSHOT)]


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", version))


def _windows(inputs: Mapping[str, Any]) -> Iterable[str]:
    clock, day = r"([01]\d|2[0-3]):[0-5]\d", "(mon|tue|wed|thu|fri|sat|sun)"
    yield from matching(
        inputs, "preferredBackupWindow", f"{clock}-{clock}", 'hh24:mi-hh24:mi, in UTC, such as "03:00-04:00"'
    )
    yield from matching(
        inputs,
        "preferredMaintenanceWindow",
        f"(?i:{day}:{clock}-{day}:{clock})",
        'ddd:hh24:mi-ddd:hh24:mi, such as "sun:04:00-sun:05:00"',
    )
    backup = text(inputs, "preferredBackupWindow")
    if backup is not None and re.fullmatch(f"{clock}-{clock}", backup):
        begin, end = (int(each[:2]) * 60 + int(each[3:]) for each in backup.split("-"))
        if (end - begin) % 1440 < _MINUTES:
            yield f"preferredBackupWindow: {backup} is shorter than {_MINUTES} minutes"


def _password(inputs: Mapping[str, Any]) -> Iterable[str]:
    password = text(inputs, "masterPassword")
    if password is not None and not (
        8 <= len(password) <= 41 and re.fullmatch(r"[!-~]+", password) and not set(password) & set('/@"')
    ):
        yield 'masterPassword: 8 to 41 printable ASCII characters other than / @ " and space (RDS API, MasterUserPassword)'
    if (
        not inputs.get("snapshotIdentifier")
        and not inputs.get("restoreToPointInTime")
        and not inputs.get("replicationSourceIdentifier")
    ):
        if inputs.get("masterUsername") is None:
            yield "masterUsername: required for a cluster that is not restored"
        if not any(inputs.get(key) for key in ("masterPassword", "masterPasswordWo", "manageMasterUserPassword")):
            yield "masterPassword: required for a cluster that is not restored, unless manageMasterUserPassword is true"
