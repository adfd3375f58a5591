"""Aurora and ElastiCache as requests: closed, encrypted, made beside the cluster, kept, and rotated without a replacement."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.aws.mysql import MySQL, MySQLArgs
from components.aws.mysql_parameters import (
    AUDIT_PARAMETERS,
    CLUSTER_PARAMETERS,
    INSTANCE_PARAMETERS,
    check_connections,
    default_connections,
    parameters,
)
from components.aws.redis import VERSIONS, Redis, RedisArgs
from tests.harness import Recording, Resource, record_function
from tests.harness import aws_space as space

CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
CLUSTER = "aws:rds/cluster:Cluster"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
JOB = "kubernetes:batch/v1:Job"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
PASSWORD = "random:index/randomPassword:RandomPassword"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
SECRET = "kubernetes:core/v1:Secret"
SNAPSHOT = "random:index/randomId:RandomId"

DEFAULTS: dict[str, dict[str, Any]] = {
    "mysql": {"image": "mysql:8.4", "instance_class": "db.r6g.xlarge", "protect": True},
    "redis": {"node_type": "cache.m6g.large", "protect": True},
}


def program(kind: str, changes: dict[str, Any]) -> None:
    given = space.store(space.account(), space.cluster()) | DEFAULTS[kind] | changes
    if kind == "mysql":
        made = MySQL("mysql", MySQLArgs(**given)).outputs
    else:
        made = Redis("redis", RedisArgs(**given)).outputs
        pulumi.export("tls", made.tls)
    assert made.password
    pulumi.export("host", made.host)
    pulumi.export("port", made.port)
    pulumi.export("version", made.password.version)


@functools.cache
def run(kind: str, **changes: Any) -> Recording:
    return record_function(lambda: program(kind, changes))


def one(recording: Recording, token: str) -> Resource:
    (found,) = recording.recorder.of_type(token)
    return found


def secret(recording: Recording, name: str) -> Resource:
    (found,) = [each for each in recording.recorder.of_type(SECRET) if each.inputs["metadata"]["name"] == name]
    return found


def types_before(recording: Recording, token: str) -> set[str]:
    """What exists before any resource of that type."""
    before = set().union(*(recording.recorder.before(each.urn) for each in recording.recorder.of_type(token)))
    known = recording.recorder.resources_by_urn
    return {known[urn].type for urn in before if urn in known}


each_store = pytest.mark.parametrize(("kind", "token"), [("mysql", CLUSTER), ("redis", CACHE)])


@each_store
def test_a_store_is_made_beside_the_cluster_and_not_after_it(kind: str, token: str) -> None:
    recording = run(kind)
    assert "pulumi:providers:kubernetes" not in types_before(recording, token)
    assert RULE not in types_before(recording, token)
    assert GROUP in types_before(recording, token)


@each_store
def test_only_what_carries_the_clusters_security_group_may_connect(kind: str, token: str) -> None:
    recording = run(kind)
    assert not {"ingress", "egress"} & one(recording, GROUP).inputs.keys()
    rule = one(recording, RULE).inputs
    assert rule["referencedSecurityGroupId"] == "sg-cluster"
    assert rule["fromPort"] == rule["toPort"] == recording.exports["port"]
    assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & rule.keys()


@each_store
def test_a_store_is_encrypted_with_the_stacks_key_and_protected(kind: str, token: str) -> None:
    store = one(run(kind), token)
    assert store.inputs["kmsKeyId"] == space.KEY
    assert store.inputs.get("storageEncrypted", store.inputs.get("atRestEncryptionEnabled")) is True
    assert store.protected
    assert not one(run(kind, protect=False), token).protected


@each_store
def test_a_store_leaves_a_snapshot_whose_name_no_other_store_gets(kind: str, token: str) -> None:
    recording = run(kind)
    name = one(recording, token).inputs["finalSnapshotIdentifier"]
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name), "RDS and ElastiCache take no other"
    assert one(recording, SNAPSHOT).urn in recording.recorder.before(one(recording, token).urn)
    # whatever replaces the store gives the next one another name: the first one's snapshot has the old
    assert one(recording, SNAPSHOT).inputs["keepers"]["key"] == space.KEY
    without = one(run(kind, final_snapshot=False), token).inputs
    assert "finalSnapshotIdentifier" not in without


@each_store
def test_another_revision_makes_another_password_and_replaces_nothing_else(kind: str, token: str) -> None:
    first, second = run(kind), run(kind, password_revision=2)
    for resource in first.recorder.custom():
        other = second.recorder.resources_by_urn[resource.urn]
        changed = {key for key in resource.inputs if resource.inputs[key] != other.inputs[key]}
        assert changed <= ({"keepers"} if resource.type == PASSWORD else {"spec"} if resource.type == JOB else set())
    assert (first.exports["version"], second.exports["version"]) == ("1", "2")
    assert {each.inputs["keepers"]["revision"] for each in second.recorder.of_type(PASSWORD)} == {"2"}


@each_store
def test_passwords_are_in_secrets_of_wandbs_namespace_and_nowhere_in_clear(kind: str, token: str) -> None:
    recording = run(kind)
    for resource in recording.recorder.custom():
        for path, value, hidden in resource.leaves():
            if "password-result" in str(value):
                assert hidden, f"{resource.urn}: {path}"
    for each in recording.recorder.of_type(SECRET):
        assert each.inputs["metadata"]["namespace"] == "wandb"


@each_store
def test_the_store_is_in_the_database_subnets(kind: str, token: str) -> None:
    kinds = {"mysql": "aws:rds/subnetGroup:SubnetGroup", "redis": "aws:elasticache/subnetGroup:SubnetGroup"}
    assert one(run(kind), kinds[kind]).inputs["subnetIds"] == list(space.NETWORK.database_subnets)


@each_store
def test_what_interrupts_connections_waits_for_the_maintenance_window_unless_told_otherwise(
    kind: str, token: str
) -> None:
    assert one(run(kind), token).inputs["applyImmediately"] is False
    assert one(run(kind, apply_immediately=True), token).inputs["applyImmediately"] is True


def test_aurora_is_backed_up_cannot_be_deleted_by_its_own_api_and_is_never_upgraded_by_itself() -> None:
    recording = run("mysql", backup_days=21)
    cluster = one(recording, CLUSTER).inputs
    assert cluster["backupRetentionPeriod"] == 21
    assert cluster["copyTagsToSnapshot"] is True
    assert cluster["deletionProtection"] is True
    assert cluster["skipFinalSnapshot"] is False
    assert cluster["deleteAutomatedBackups"] is False
    for instance in recording.recorder.of_type(INSTANCE):
        assert instance.inputs["autoMinorVersionUpgrade"] is False
        assert instance.inputs["publiclyAccessible"] is False


def test_nothing_that_would_replace_the_cluster_is_left_to_chance() -> None:
    cluster = one(run("mysql"), CLUSTER).inputs
    assert cluster["masterUsername"] == "admin"
    # names and zones that Pulumi and AWS choose stay; a database would be made by the Job anyway
    assert not {"clusterIdentifier", "availabilityZones", "databaseName", "snapshotIdentifier"} & cluster.keys()


def test_a_snapshot_to_start_from_is_handed_on_and_gives_the_final_one_another_name() -> None:
    recording = run("mysql", snapshot_id="before")
    assert one(recording, CLUSTER).inputs["snapshotIdentifier"] == "before"
    assert one(recording, SNAPSHOT).inputs["keepers"] != one(run("mysql"), SNAPSHOT).inputs["keepers"]


@given(st.integers(1, 15))
def test_instances_are_spread_over_the_zones(instances: int) -> None:
    recording = run("mysql", instances=instances)
    zones = [each.inputs["availabilityZone"] for each in recording.recorder.of_type(INSTANCE)]
    assert len(zones) == instances
    counts = [zones.count(zone) for zone in space.ZONES]
    assert max(counts) - min(counts) <= 1


def test_instances_in_brought_subnets_that_do_not_follow_the_zones_are_left_to_aws() -> None:
    network = dataclasses.replace(space.NETWORK, database_subnets=("subnet-1", "subnet-2"))
    recording = run("mysql", network=network)
    assert all("availabilityZone" not in each.inputs for each in recording.recorder.of_type(INSTANCE))


def test_aurora_has_wandbs_parameters_and_takes_no_connection_without_tls() -> None:
    recording = run("mysql")
    groups = {
        "aws:rds/clusterParameterGroup:ClusterParameterGroup": CLUSTER_PARAMETERS,
        "aws:rds/parameterGroup:ParameterGroup": INSTANCE_PARAMETERS,
    }
    for token, expected in groups.items():
        group = one(recording, token).inputs
        assert group["family"] == "aurora-mysql8.0"
        assert {each["name"]: each["value"] for each in group["parameters"]} == expected
    assert CLUSTER_PARAMETERS["require_secure_transport"] == "ON"


def test_a_static_parameter_waits_for_a_restart_because_rds_refuses_it_otherwise() -> None:
    methods = {each["name"]: each.get("apply_method") for each in parameters(CLUSTER_PARAMETERS)}
    assert methods["binlog_format"] == "pending-reboot"
    assert methods["require_secure_transport"] == "immediate"


def test_logs_are_exported_and_each_has_a_group_that_ends_before_an_instance_writes_to_it() -> None:
    recording = run("mysql", log_days=30)
    assert one(recording, CLUSTER).inputs["enabledCloudwatchLogsExports"] == ["error", "slowquery"]
    groups = recording.recorder.of_type(LOG_GROUP)
    assert sorted(each.inputs["name"].rpartition("/")[2] for each in groups) == ["error", "slowquery"]
    assert {each.inputs["retentionInDays"] for each in groups} == {30}
    assert {each.inputs["kmsKeyId"] for each in groups} == {space.KEY}
    assert LOG_GROUP in types_before(recording, INSTANCE)
    assert INSTANCE_PARAMETERS["slow_query_log"] == "1", "else the log would be empty"


def test_an_audit_log_is_exported_only_together_with_the_parameters_that_fill_it() -> None:
    recording = run("mysql", audit=True)
    assert "audit" in one(recording, CLUSTER).inputs["enabledCloudwatchLogsExports"]
    group = one(recording, "aws:rds/clusterParameterGroup:ClusterParameterGroup").inputs
    assert {each["name"] for each in group["parameters"]} >= AUDIT_PARAMETERS.keys()


def test_database_insights_are_on_and_encrypted() -> None:
    cluster = one(run("mysql"), CLUSTER).inputs
    assert cluster["databaseInsightsMode"] == "standard"
    assert cluster["performanceInsightsEnabled"] is True
    assert cluster["performanceInsightsKmsKeyId"] == space.KEY


def test_metrics_of_the_operating_system_have_a_role_of_their_own_where_they_are_asked_for() -> None:
    recording = run("mysql", monitoring_seconds=60)
    assert {each.inputs["monitoringInterval"] for each in recording.recorder.of_type(INSTANCE)} == {60}
    trust = json.loads(one(recording, "aws:iam/role:Role").inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Principal"] == {"Service": "monitoring.rds.amazonaws.com"}
    attached = one(recording, "aws:iam/rolePolicyAttachment:RolePolicyAttachment").inputs["policyArn"]
    assert attached == "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
    assert not run("mysql").recorder.of_type("aws:iam/role:Role")


def test_wandbs_database_is_made_when_an_instance_is_there_that_lets_the_pod_in() -> None:
    recording = run("mysql")
    assert {INSTANCE, RULE, SECRET} <= types_before(recording, JOB)
    (container,) = one(recording, JOB).inputs["spec"]["template"]["spec"]["containers"]
    environment = {each["name"]: each for each in container["env"]}
    assert environment["ADMIN_USER"]["value"] == "admin"
    admin = environment["MYSQL_PWD"]["valueFrom"]["secretKeyRef"]
    assert admin == {"name": "mysql-admin", "key": "MYSQL_ADMIN_PASSWORD"}
    assert secret(recording, "mysql-admin").inputs["stringData"].keys() == {"MYSQL_ADMIN_PASSWORD"}


def test_the_job_runs_again_with_a_new_password() -> None:
    templates = [one(run("mysql", password_revision=each), JOB).inputs["spec"]["template"] for each in (1, 2)]
    assert templates[0] != templates[1]


def test_redis_speaks_tls_alone_asks_for_a_password_and_knows_no_cluster_mode() -> None:
    recording = run("redis")
    cache = one(recording, CACHE)
    assert cache.inputs["transitEncryptionEnabled"] is True
    assert cache.inputs["transitEncryptionMode"] == "required"
    assert "authToken" in cache.secrets
    assert not {"numNodeGroups", "clusterMode", "replicasPerNodeGroup"} & cache.inputs.keys()
    assert recording.exports["tls"] is True


@pytest.mark.parametrize(("replicas", "over"), [(0, False), (1, True), (5, True)])
def test_redis_fails_over_between_zones_where_there_is_a_replica(replicas: int, over: bool) -> None:
    cache = one(run("redis", replicas=replicas), CACHE).inputs
    assert cache["numCacheClusters"] == 1 + replicas
    assert cache["automaticFailoverEnabled"] is cache["multiAzEnabled"] is over


@pytest.mark.parametrize("engine", VERSIONS)
def test_parameter_family_and_version_go_with_the_engine(engine: str) -> None:
    recording = run("redis", engine=engine)
    cache = one(recording, CACHE).inputs
    family = one(recording, "aws:elasticache/parameterGroup:ParameterGroup").inputs["family"]
    assert cache["engine"] == engine
    assert family == f"{engine}{cache['engineVersion'].partition('.')[0]}"


def test_both_passwords_of_redis_work_while_pods_are_restarted_and_the_new_one_works_before_a_pod_reads_it() -> None:
    recording = run("redis")
    assert one(recording, CACHE).inputs["authTokenUpdateStrategy"] == "ROTATE"
    assert CACHE in types_before(recording, SECRET)


def test_logs_of_redis_are_kept_for_a_while_or_not_written() -> None:
    recording = run("redis")
    delivered = {each["logType"] for each in one(recording, CACHE).inputs["logDeliveryConfigurations"]}
    assert delivered == {"slow-log", "engine-log"}
    assert len(recording.recorder.of_type(LOG_GROUP)) == 2
    without = run("redis", log_days=None)
    assert not without.recorder.of_type(LOG_GROUP)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("mysql", {"instances": 0}, "instances: 0 given"),
        ("mysql", {"backup_days": 36}, "backup_days: 36 given"),
        ("mysql", {"monitoring_seconds": 7}, "monitoring_seconds: 7 given"),
        ("mysql", {"user": "admin"}, "user: 'admin' is the master user's name"),
        ("mysql", {"connections": 2001}, "takes 2000 connections, and W&B's pods may open 2001; db.r6g.2xlarge"),
        ("redis", {"replicas": 6}, "replicas: 6 given"),
        ("redis", {"snapshot_days": 36}, "snapshot_days: 36 given"),
    ],
)
def test_what_aws_would_refuse_or_wandb_would_run_out_of_is_refused_at_once(
    kind: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        run(kind, **changes)


@given(st.sampled_from(["db.r6g.large", "db.r7i.4xlarge", "db.t4g.medium", "db.r5.24xlarge"]), st.integers(0, 20000))
def test_a_class_is_refused_only_for_more_connections_than_it_takes(instance_class: str, connections: int) -> None:
    most = default_connections(instance_class)
    assert most is not None
    try:
        check_connections(instance_class, connections)
    except ValueError:
        assert connections > most
    else:
        assert connections <= most


def test_nothing_is_said_about_a_class_that_is_not_known() -> None:
    assert default_connections("db.serverless") is None
    check_connections("db.x9z.mega", 10**6)
