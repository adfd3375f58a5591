"""Checks of the data stores that are made, of what they are made from, and of the key."""

from __future__ import annotations

from settings.arns import parts
from settings.problems import problem
from settings.stores import ManagedMySQL

from ..findings import Found, Warned
from .look import Look
from .questions import ENGINE


def aurora(look: Look) -> Found:
    """Aurora's version is offered, and its class with that version, where the instances are to be."""
    made = look.stack.settings.mysql
    if not isinstance(made, ManagedMySQL):
        return
    region = look.stack.region
    if look.missing("engine"):
        yield problem(
            "mysql.version",
            f"is not a version of Aurora MySQL that {region} offers (got {made.version})",
            f"`aws rds describe-db-engine-versions --engine {ENGINE} --region {region} --query "
            "'DBEngineVersions[].EngineVersion'` lists those that it does.",
        )
        return  # without the version no class can be ordered either
    planned = look.stack.plan.mysql
    if planned and look.missing("database"):
        yield problem(
            "mysql.class",
            f"is not offered in {region} with version {made.version} (got {planned.class_name})",
            f"`aws rds describe-orderable-db-instance-options --engine {ENGINE} --engine-version {made.version} --region "
            f"{region} --query 'OrderableDBInstanceOptions[].DBInstanceClass'` lists what is.",
        )
    offered = look.values("database", "availabilityZones")
    without = [zone for zone in look.stack.zones if offered and zone not in offered]
    instances = made.instance_count(look.stack.settings.environment)
    if planned and len(look.stack.zones) - len(without) < instances:
        yield problem(
            "mysql.class",
            f"is not offered in {', '.join(without)} (got {planned.class_name}, for {instances} instances)",
            f"The region offers it in {', '.join(sorted(offered))}: choose those zones, or another class.",
        )


def snapshot(look: Look) -> Found:
    """The snapshot exists, is whole, and is one that the engine can start from."""
    made = look.stack.settings.mysql
    if not isinstance(made, ManagedMySQL) or not made.snapshot_id:
        return
    if look.missing("snapshot"):
        yield problem(
            "mysql.snapshotId",
            f"names a snapshot that does not exist in {look.stack.region} (got {made.snapshot_id})",
            "`aws rds describe-db-cluster-snapshots` lists those of clusters; a snapshot of another account is named by "
            "its ARN.",
        )
    found = look.found("snapshot")
    if found is None:
        return
    engine, version, status = (str(found.get(key) or "") for key in ("engine", "engineVersion", "status"))
    if engine != ENGINE:
        yield problem(
            "mysql.snapshotId",
            f"is a snapshot of another engine (got {made.snapshot_id}, of {engine})",
            "Use one of an Aurora MySQL cluster.",
        )
    elif _newer(version, made.version):
        yield problem(
            "mysql.version",
            f"is older than that of the snapshot (got {made.version}; {made.snapshot_id} has {version})",
            f"Use {version} or newer: a version never goes back.",
        )
    if status and status != "available":
        yield problem("mysql.snapshotId", f"is not available (got {made.snapshot_id}, {status})", "Wait until it is.")


def _newer(version: str, other: str) -> bool:
    """Whether a version of Aurora MySQL 3 is newer; False where either is of another line."""
    mark = "mysql_aurora."
    if mark not in version or mark not in other:
        return False
    left, right = (tuple(map(int, each.partition(mark)[2].split("."))) for each in (version, other))
    return left > right


def key(look: Look) -> Found:
    """The key encrypts, and is whole."""
    arn = look.stack.aws.kms_key_arn
    if arn is None:
        return
    if look.missing("key"):
        yield problem(
            "aws.kmsKeyArn",
            f"names a key that does not exist (got {arn})",
            f"`aws kms list-keys --region {look.stack.region}` lists those that do.",
        )
    found = look.found("key")
    if found is None:
        return
    state = str(found.get("keyState") or "")
    if found.get("enabled") is False or state not in ("", "Enabled"):
        yield problem(
            "aws.kmsKeyArn", f"names a key that is not enabled (got {arn}, {state})", "Enable it, or use another."
        )
    spec, usage = str(found.get("keySpec") or ""), str(found.get("keyUsage") or "")
    if usage not in ("", "ENCRYPT_DECRYPT") or spec not in ("", "SYMMETRIC_DEFAULT"):
        yield problem(
            "aws.kmsKeyArn",
            f"names a key that is not symmetric, for encrypting (got {arn}: {spec}, {usage})",
            "EBS, RDS and EKS take symmetric keys alone.",
        )
    if found.get("keyManager") == "AWS":
        yield problem(
            "aws.kmsKeyArn",
            f"names a key that AWS manages (got {arn})",
            "Its policy cannot be changed, and EKS and node groups need to be in it: use a key of your own.",
        )
    if parts(arn).account != look.stack.aws.account_id:
        yield Warned(
            problem(
                "aws.kmsKeyArn",
                f"is of another account (got {arn})",
                "Its policy, there, must let this account's services use it: that cannot be looked at from here.",
            )
        )
