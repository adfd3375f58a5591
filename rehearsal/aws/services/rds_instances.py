"""Aurora instances: the machines of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from .. import places
from ..behaviour import Behaviour, Moment, api_error, register
from ..outputs import digits
from .aurora import AURORA_MYSQL, CLUSTER, GROUP, IDENTIFIER, IDENTIFIER_RULE, INSTANCE, SUBNET_GROUP, orderable
from .identities import letters
from .limits import between, matching, number, text
from .rds_groups import parameter_group
from .subnets import spread


@register(INSTANCE)
class Instance(Behaviour):
    """A machine of a cluster; the first one writes."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: RDS API, CreateDBInstance."""
        yield from matching(inputs, "identifier", IDENTIFIER, IDENTIFIER_RULE)
        kind, engine = text(inputs, "instanceClass"), text(inputs, "engine")
        if kind is not None and engine == "aurora-mysql" and not orderable(kind, at.region):
            yield (
                f"instanceClass: RDS does not support creating a DB instance with the following combination: "
                f"DBInstanceClass={kind}, Engine=aurora-mysql, in {at.region}"
            )
        zone = text(inputs, "availabilityZone")
        if zone is not None and zone not in places.zones(at.region):
            yield f"availabilityZone: {zone} is not a valid availability zone in {at.region}"
        yield from between(inputs, "promotionTier", 0, 15, "RDS API")
        if number(inputs, "monitoringInterval") not in (None, 0, 1, 5, 10, 15, 30, 60):
            yield f"expected monitoringInterval to be one of [0 1 5 10 15 30 60], got {inputs['monitoringInterval']}"
        if inputs.get("monitoringInterval") and not inputs.get("monitoringRoleArn"):
            yield "monitoringRoleArn: A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."
        days = number(inputs, "performanceInsightsRetentionPeriod")
        if days is not None and days not in (7, 731) and days % 31:
            yield f"performanceInsightsRetentionPeriod: 7, 731 or a multiple of 31 days, got {days:g}"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """The cluster's engine, a group of the right family, a zone with one of its subnets, a role for monitoring."""
        cluster = at.account.get(CLUSTER, inputs["clusterIdentifier"])
        if cluster is not None and cluster["engine"] != inputs["engine"]:
            message = f"The engine name requested for your DB instance ({inputs['engine']}) doesn't match the cluster's"
            raise api_error("RDS", "CreateDBInstance", "InvalidParameterCombination", message)
        family = AURORA_MYSQL.get(str(cluster.get("engineVersion")), "") if cluster else ""
        parameter_group(at, GROUP, inputs.get("dbParameterGroupName"), family, "CreateDBInstance")
        role = inputs.get("monitoringRoleArn")
        if role and not at.account.find("aws:iam/role:Role", arn=role):
            message = f"The role {role} does not exist or cannot be assumed by monitoring.rds.amazonaws.com"
            raise api_error("RDS", "CreateDBInstance", "InvalidParameterValue", message)
        group = at.account.get(SUBNET_GROUP, cluster.get("dbSubnetGroupName") or "") if cluster else None
        if inputs.get("availabilityZone") and group:
            _, zones, _ = spread(at, group["subnetIds"])
            if inputs["availabilityZone"] not in zones:
                message = f"DBSubnetGroup {group['name']} has no subnet in {inputs['availabilityZone']}"
                raise api_error("RDS", "CreateDBInstance", "InvalidVPCNetworkStateFault", message)

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The identifier; where none is given, one of Terraform's."""
        return inputs.get("identifier") or f"{inputs.get('identifierPrefix') or 'tf-'}{digits(at, 26)}"

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Address, zone, and whether it writes."""
        cluster = at.account.get(CLUSTER, outputs["clusterIdentifier"])
        there = [
            each for each in at.find(INSTANCE, clusterIdentifier=outputs["clusterIdentifier"]) if each.id != resource_id
        ]
        zones = places.zones(at.region)
        domain = str(cluster["endpoint"]).partition(".cluster-")[2] if cluster else ""
        version = str(cluster["engineVersion"]) if cluster else ""
        fresh: Properties = {
            "identifier": resource_id,
            "identifierPrefix": "",
            "dbiResourceId": f"db-{letters(at, 26)}",
            "availabilityZone": zones[len(there) % min(3, len(zones))],
            "dbParameterGroupName": f"default.{AURORA_MYSQL.get(version, 'aurora-mysql8.0')}",
            "dbSubnetGroupName": cluster.get("dbSubnetGroupName") if cluster else "",
            "endpoint": f"{resource_id}.{domain}",
            "port": cluster.get("port") if cluster else 3306,
            "writer": not any(each.get("writer") for each in there),
            "kmsKeyId": cluster.get("kmsKeyId") or "" if cluster else "",
            "storageEncrypted": bool(cluster and cluster.get("storageEncrypted")),
            "engineVersion": version,
            "engineVersionActual": version,
            "networkType": "IPV4",
            "caCertIdentifier": "rds-ca-rsa2048-g1",
            "monitoringRoleArn": "",
            "preferredBackupWindow": cluster.get("preferredBackupWindow") if cluster else "",
            "preferredMaintenanceWindow": "sun:05:00-sun:06:00",
            "performanceInsightsEnabled": False,
            "performanceInsightsKmsKeyId": "",
            "performanceInsightsRetentionPeriod": 7 if outputs.get("performanceInsightsEnabled") else 0,
        }
        made = {key: outputs[key] if outputs.get(key) is not None else value for key, value in fresh.items()}
        return made | {"engineVersionActual": version}
