"""The platform as a whole: exactly what every target hands on, made or brought, with an identity for each workload."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import pulumi
import pytest

from components import contracts
from components.aws.bucket import BucketArgs
from components.aws.ingress import IngressArgs
from components.aws.load_balancer import LoadBalancerControllerArgs
from components.aws.mysql import MySQLArgs
from components.aws.platform import BucketsArgs, Platform, PlatformArgs
from components.aws.redis import RedisArgs
from components.external import ExternalBuckets
from components.mysql_database import MySQLDatabaseArgs
from components.namespaces import Namespaces, NamespacesArgs
from components.wandb.inventory import COMPONENTS
from tests.harness import Recording, Resource, record_function, wandb_space
from tests.harness import aws_space as space
from tests.harness.aws import World

BUCKET = "aws:s3/bucket:Bucket"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
CLUSTER = "aws:rds/cluster:Cluster"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
POLICY = "aws:iam/rolePolicy:RolePolicy"
ROLE = "aws:iam/role:Role"
S3 = contracts.Bucket(provider="s3", name="brought", region="eu-central-1", kms_key=space.KEY)
WEAVE = contracts.Bucket(provider="s3", name="brought-weave", region="eu-central-1")
BROUGHT_INGRESS = contracts.Ingress(class_name="nginx")
ACCOUNTS = tuple(each.service_account for each in COMPONENTS if each.opens_bucket)


def _buckets(base: dict[str, Any], **more: Any) -> BucketsArgs:
    bucket = BucketArgs(account=base["account"], key_arn=space.KEY, protect=True)
    return BucketsArgs(bucket=bucket, clickhouse_bucket=bucket, **more)


def _mysql(base: dict[str, Any]) -> MySQLArgs:
    return MySQLArgs(**base, image="mysql:8.4", instance_class="db.r6g.xlarge", protect=True)


def _redis(base: dict[str, Any]) -> RedisArgs:
    return RedisArgs(**base, node_type="cache.m6g.large", protect=True)


def _ingress(base: dict[str, Any], cluster: contracts.Cluster, **more: Any) -> IngressArgs:
    account = base["account"]
    controller = LoadBalancerControllerArgs(account=account, cluster=cluster, eks=space.EKS, network=space.NETWORK)
    given: dict[str, Any] = {"host": space.HOST, "zone_id": "Z1", "controller": controller, "protect": True} | more
    return IngressArgs(account=account, cluster=cluster, network=space.NETWORK, namespace=base["namespace"], **given)


def program(changes: dict[str, Any]) -> None:
    account, cluster = space.account(), space.cluster()
    namespaces = Namespaces("namespaces", NamespacesArgs(provider=cluster.provider, ready=cluster.ready)).outputs
    base = space.store(account, cluster) | {"namespace": namespaces.wandb}
    given: dict[str, Any] = {
        "account": account,
        "cluster": cluster,
        "eks": space.EKS,
        "namespaces": namespaces,
        "mysql": _mysql,
        "redis": _redis,
        "object_store": _buckets,
        "ingress": lambda base: _ingress(base, cluster),
        "wandb_service_accounts": ACCOUNTS,
        "clickhouse_service_accounts": ("clickhouse-server",),
    }
    given |= changes
    args = {key: value(base) if callable(value) else value for key, value in given.items()}
    made = Platform("platform", PlatformArgs(**args))
    outputs = made.outputs
    pulumi.export("fields", sorted(vars(outputs)))
    pulumi.export("tls", outputs.redis.tls)
    pulumi.export("wandb", dict(outputs.wandb_identity.service_account_annotations))
    pulumi.export("clickhouse", dict(outputs.clickhouse_identity.service_account_annotations))
    pulumi.export("bucket", outputs.bucket.name)
    pulumi.export("class", outputs.ingress.class_name)
    pulumi.export("load_balancer_host", made.load_balancer_host)
    pulumi.export("name_servers", made.name_servers)
    pulumi.export("backup", made.backup_bucket.name if made.backup_bucket else None)
    pulumi.export("mysql", outputs.mysql.host)


def run(*, preview: bool = False, **changes: Any) -> Recording:
    return record_function(lambda: program(changes), answer=World(region=space.REGION), preview=preview)


@pytest.fixture(scope="module")
def up() -> Recording:
    return run()


@functools.cache
def brought() -> Recording:
    """Everything is brought but roles."""
    return run(
        mysql=wandb_space.MYSQL,
        redis=wandb_space.REDIS,
        object_store=ExternalBuckets(bucket=S3, clickhouse_bucket=WEAVE),
        ingress=BROUGHT_INGRESS,
    )


def role(recording: Recording, who: str) -> Resource:
    (found,) = [each for each in recording.recorder.of_type(ROLE) if f"{who}-role" in each.urn]
    return found


def policies(recording: Recording, who: str) -> list[dict[str, Any]]:
    made = [each for each in recording.recorder.of_type(POLICY) if f"platform-{who}-role" in each.urn]
    return [json.loads(each.inputs["policy"]) for each in made]


def test_every_target_hands_on_the_same(up: Recording) -> None:
    assert up.exports["fields"] == sorted(each.name for each in dataclasses.fields(contracts.Platform))


def test_what_holds_data_is_protected(up: Recording) -> None:
    holding = [each for token in (BUCKET, CACHE, CLUSTER) for each in up.recorder.of_type(token)]
    assert len(holding) == 4
    assert all(each.protected for each in holding)


def test_wandb_and_clickhouse_have_a_role_each_that_only_their_own_service_accounts_have(up: Recording) -> None:
    trusts = {who: json.loads(role(up, who).inputs["assumeRolePolicy"]) for who in ("wandb", "clickhouse")}
    for who, expected in (("wandb", ACCOUNTS), ("clickhouse", ("clickhouse-server",))):
        text = json.dumps(trusts[who])
        assert "sts.amazonaws.com" in text
        assert all(f"system:serviceaccount:{who}:{account}" in text for account in expected)
        assert "*" not in json.dumps(trusts[who]["Statement"][0]["Condition"])
    assert up.exports["wandb"].keys() == up.exports["clickhouse"].keys() == {"eks.amazonaws.com/role-arn"}
    assert up.exports["wandb"] != up.exports["clickhouse"]


def test_a_role_opens_its_own_bucket_and_no_other() -> None:
    recording = brought()
    names = {"wandb": "brought", "clickhouse": "brought-weave"}
    for who, name in names.items():
        resources = {
            each
            for policy in policies(recording, who)
            for statement in policy["Statement"]
            for each in ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"])
        }
        assert resources <= {f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*", space.KEY}
        assert f"arn:aws:s3:::{name}/*" in resources


def test_a_bucket_with_keys_of_its_own_or_elsewhere_needs_no_role() -> None:
    keys = contracts.BucketKeys(name="keys")
    for bucket in (dataclasses.replace(S3, keys=keys), wandb_space.COMPATIBLE):
        recording = run(
            mysql=wandb_space.MYSQL,
            redis=wandb_space.REDIS,
            object_store=ExternalBuckets(bucket=bucket),
            ingress=BROUGHT_INGRESS,
        )
        assert not recording.recorder.of_type(ROLE)
        assert recording.exports["wandb"] == recording.exports["clickhouse"] == {}


def test_what_is_brought_is_handed_on_and_nothing_is_made_for_it() -> None:
    recording = brought()
    for token in (CLUSTER, CACHE, BUCKET, INGRESS):
        assert not recording.recorder.of_type(token)
    assert recording.exports["bucket"] == "brought"
    assert recording.exports["class"] == "nginx"
    assert recording.exports.get("load_balancer_host") is None


def test_a_database_on_a_server_that_is_brought_is_made_there() -> None:
    def database(base: dict[str, Any]) -> MySQLDatabaseArgs:
        return MySQLDatabaseArgs(
            provider=base["provider"],
            namespace=base["namespace"],
            image="mysql:8.4",
            server=wandb_space.MYSQL,
            admin_password=contracts.SecretKey(name="mysql-root", key="password"),
        )

    recording = run(mysql=database)
    assert not recording.recorder.of_type(CLUSTER)
    assert len(recording.recorder.of_type("kubernetes:batch/v1:Job")) == 1


def test_clickhouse_may_write_to_the_bucket_of_its_backups() -> None:
    def backups(base: dict[str, Any]) -> BucketsArgs:
        return _buckets(base, backup_bucket=BucketArgs(account=base["account"], key_arn=space.KEY))

    recording = run(object_store=backups)
    assert len(recording.recorder.of_type(BUCKET)) == 3
    assert recording.exports["backup"]
    assert len(policies(recording, "clickhouse")) > len(policies(run(), "clickhouse"))


def test_the_outputs_for_whoever_makes_the_record_are_there(up: Recording) -> None:
    assert up.exports["load_balancer_host"].endswith(".elb.example.com")
    assert up.exports.get("name_servers") is None


def test_stores_do_not_wait_for_nodes_and_the_load_balancer_does(up: Recording) -> None:
    (nodes,) = up.recorder.of_type("random:index/randomUuid:RandomUuid")
    for token in (CLUSTER, CACHE, BUCKET):
        for each in up.recorder.of_type(token):
            assert nodes.urn not in up.recorder.before(each.urn)
    (ingress,) = up.recorder.of_type(INGRESS)
    assert nodes.urn in up.recorder.before(ingress.urn)


def test_every_resource_has_an_explicit_provider_and_a_component_above_it(up: Recording) -> None:
    components = {each.urn for each in up.recorder.components()}
    managed = [each for each in up.recorder.custom() if not each.type.startswith("pulumi:providers:")]
    assert all(each.provider for each in managed)
    ours = [each for each in managed if each.name != "nodes"]
    assert all(each.parent in components for each in ours)


def test_no_password_travels_in_clear(up: Recording) -> None:
    for resource in up.recorder.custom():
        for path, value, hidden in resource.leaves():
            if "password-result" in str(value):
                assert hidden, f"{resource.urn}: {path}"


def test_a_preview_knows_all_that_settings_decide() -> None:
    recording = run(preview=True)
    (cluster,) = recording.recorder.of_type(CLUSTER)
    assert cluster.inputs["engineVersion"].startswith("8.0.mysql_aurora.3.")
    assert recording.exports["class"] == "wandb"
