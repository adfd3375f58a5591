"""What users read when a setting of the target `aws` is wrong, and what is right."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from settings import Settings, parse
from settings.aws import ManagedCluster, ManagedNetwork
from settings.regions import REGIONS
from settings.stores import ManagedMySQL, ManagedRedis

from .test_settings_documents import ROOT
from .test_settings_problems import ALL_SECRET, changed, problems

REGION, ACCOUNT, ID = "eu-central-1", "123456789012", "01234567-89ab-cdef-0123-456789abcdef"
TEST: dict[str, Any] = {
    "target": "aws",
    "environment": "test",
    "host": "wandb.example.com",
    "license": "text",
    "aws": {"region": REGION, "accountId": ACCOUNT, "dns": {"kind": "existing", "zoneId": "Z0123456789ABCDEFGHIJ"}},
}
PRODUCTION: dict[str, Any] = TEST | {"environment": "production"}
IDS = [f"subnet-0a1b2c3d4e5f6000{each}" for each in range(9)]
NETWORK: dict[str, Any] = {
    "kind": "existing",
    "vpcId": "vpc-0a1b2c3d4e5f60718",
    "zones": [f"{REGION}{letter}" for letter in "abc"],
    "privateSubnetIds": IDS[:3],
    "publicSubnetIds": IDS[3:6],
    "databaseSubnetIds": IDS[6:],
}
IN_NETWORK = changed(PRODUCTION, {"aws/network": NETWORK})
IN_CLUSTER = changed(IN_NETWORK, {"aws/cluster": {"kind": "existing", "name": "platform"}})
SECRET = {"name": "store", "key": "password"}


def _arn(service: str, resource: str, *, partition: str = "aws", region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:{partition}:{service}:{region}:{account}:{resource}"


@pytest.mark.parametrize("document", [TEST, PRODUCTION, IN_NETWORK, IN_CLUSTER], ids=range(4))
def test_complete_settings_have_no_problem(document: dict[str, Any]) -> None:
    assert problems(document) == {}


# base, changes, the one key that the report names, parts of its message
CASES: list[tuple[dict[str, Any], dict[str, Any], str, tuple[str, ...]]] = [
    # account and region
    (TEST, {"aws/region": "eu-central1"}, "aws.region", ("(got eu-central1)", "Did you mean eu-central-1?")),
    (TEST, {"aws/region": "eu-central-1a"}, "aws.region", ("Did you mean eu-central-1?",)),
    (TEST, {"aws/region": "frankfurt"}, "aws.region", ("is not a region of AWS", "such as eu-central-1")),
    (TEST, {"aws/region": None}, "aws.region", ("is missing",)),
    (TEST, {"aws/accountId": 123456789012}, "aws.accountId", ("is not text", 'quotes: "123456789012"')),
    (TEST, {"aws/accountId": "1234"}, "aws.accountId", ("is not the id of an AWS account", "twelve digits")),
    (TEST, {"aws/regoin": "x"}, "aws.regoin", ("Did you mean `wandb:aws.region`?",)),
    (TEST, {"aws/tags": {"aws:team": "x"}}, "aws.tags.aws:team", ("AWS keeps for itself",)),
    (TEST, {"aws/tags": {"team": 1}}, "aws.tags.team", ('Put it in quotes: "1"',)),
    (TEST, {"aws/tags": {"team": "x" * 257}}, "aws.tags.team", ("too long",)),
    # what belongs to another target
    (TEST, {"kubernetes/context": "x"}, "kubernetes.context", ("where `target` is aws", "`wandb:aws.cluster`")),
    (TEST, {"kubernetes/zones": 3}, "kubernetes.zones", ("where `target` is aws", "`wandb:aws.network`")),
    (TEST, {"kubernetes/storageClass": "x"}, "kubernetes.storageClass", ("`wandb:aws.cluster.storageClass`",)),
    (TEST, {"mysql": {"kind": "in-cluster"}}, "mysql.kind", ("is in-cluster, and `target` is aws", "managed")),
    (PRODUCTION, {"redis": {"kind": "in-cluster"}}, "redis.kind", ("is in-cluster, and `target` is aws",)),
    (PRODUCTION, {"objectStore": {"kind": "in-cluster"}}, "objectStore.kind", ("is in-cluster",)),
    # network
    (TEST, {"aws/network": {"kind": "manged"}}, "aws.network.kind", ("(got manged)", "managed, existing")),
    (TEST, {"aws/network": {"cidr": "10.0.0.0/16"}}, "aws.network.kind", ("is missing", "managed, existing")),
    (
        TEST,
        {"aws/network": {"kind": "managed", "vpcId": "vpc-0123456789"}},
        "aws.network.vpcId",
        ("has no meaning where `kind` is managed",),
    ),
    (TEST, {"aws/network": {"kind": "managed", "cidr": "10.0.0.0"}}, "aws.network.cidr", ("address and length",)),
    (TEST, {"aws/network": {"kind": "managed", "cidr": "10.300.0.0/16"}}, "aws.network.cidr", ("go to 255",)),
    (TEST, {"aws/network": {"kind": "managed", "cidr": "10.20.0.5/16"}}, "aws.network.cidr", ("`10.20.0.0/16`",)),
    (TEST, {"aws/network": {"kind": "managed", "cidr": "10.20.0.0/24"}}, "aws.network.cidr", ("too small", "/20")),
    (TEST, {"aws/network": {"kind": "managed", "cidr": "10.0.0.0/12"}}, "aws.network.cidr", ("wider than AWS",)),
    (TEST, {"aws/network": {"kind": "managed", "cidr": "11.20.0.0/16"}}, "aws.network.cidr", ("public addresses",)),
    (TEST, {"aws/network": {"kind": "managed", "cidr": "172.17.0.0/16"}}, "aws.network.cidr", ("Docker's bridge",)),
    (TEST, {"aws/network": {"kind": "managed", "cidr": "172.20.64.0/18"}}, "aws.network.cidr", ("Services",)),
    (
        TEST,
        {"aws/network": {"kind": "managed", "zones": ["eu-west-1a", f"{REGION}b"]}},
        "aws.network.zones[0]",
        ("is not a zone of region eu-central-1 (got eu-west-1a)", "eu-central-1a"),
    ),
    (TEST, {"aws/network": {"kind": "managed", "zones": [f"{REGION}a"]}}, "aws.network.zones", ("two zones",)),
    (
        TEST,
        {"aws/network": {"kind": "managed", "zones": [f"{REGION}a"] * 2}},
        "aws.network.zones",
        ("names eu-central-1a twice",),
    ),
    (TEST, {"aws/region": "us-west-1"}, "aws.network.zones", ("is missing", "describe-availability-zones")),
    (
        PRODUCTION,
        {"aws/network": {"kind": "managed", "zones": [f"{REGION}a", f"{REGION}b"]}},
        "aws.network.zones",
        ("too few zones for production (got 2)", "Use three"),
    ),
    (PRODUCTION, {"aws/network": {"kind": "managed", "nat": "single"}}, "aws.network.nat", ("production", "per-zone")),
    (
        IN_NETWORK,
        {"aws/network/privateSubnetIds": IDS[:2]},
        "aws.network.privateSubnetIds",
        ("has 2 subnets, and `zones` has 3 zones",),
    ),
    (IN_NETWORK, {"aws/network/zones": None}, "aws.network.zones", ("is missing",)),
    (IN_NETWORK, {"aws/network/vpcId": "vpc-main"}, "aws.network.vpcId", ("is not the id of a VPC (got vpc-main)",)),
    (
        IN_NETWORK,
        {"aws/network/publicSubnetIds": None},
        "aws.network.publicSubnetIds",
        ("internet-facing load balancer (got 0)", "`wandb:aws.loadBalancer.scheme` to internal"),
    ),
    (
        IN_NETWORK,
        {"aws/network/publicSubnetIds": IDS[2:5]},
        "aws.network.publicSubnetIds",
        (f"`privateSubnetIds` names too (got {IDS[2]})",),
    ),
    (
        IN_NETWORK,
        {"aws/network/databaseSubnetIds": IDS[6:7]},
        "aws.network.databaseSubnetIds",
        ("has too few subnets (got 1)",),
    ),
    # cluster
    (TEST, {"aws/cluster": {"kind": "managed", "version": "1.33"}}, "aws.cluster.version", ("older", "1.34")),
    (TEST, {"aws/cluster": {"kind": "managed", "version": 1.35}}, "aws.cluster.version", ('quotes: "1.35"',)),
    (TEST, {"aws/cluster": {"kind": "managed", "version": "1.35.2"}}, "aws.cluster.version", ('as in "1.35"',)),
    (TEST, {"aws/cluster": {"kind": "managed", "name": "a b"}}, "aws.cluster.name", ("EKS accepts",)),
    (
        TEST,
        {"aws/cluster": {"kind": "managed", "publicAccessCidrs": ["0.0.0.0/0"]}},
        "aws.cluster.publicAccessCidrs[0]",
        ("opens the cluster's API to the internet (got 0.0.0.0/0)", "203.0.113.0/24"),
    ),
    (
        TEST,
        {"aws/cluster": {"kind": "managed", "publicAccessCidrs": ["128.0.0.0/1"]}},
        "aws.cluster.publicAccessCidrs[0]",
        ("opens the cluster's API",),
    ),
    (
        TEST,
        {"aws/cluster": {"kind": "managed", "publicAccessCidrs": ["10.0.0.0/16"]}},
        "aws.cluster.publicAccessCidrs[0]",
        ("is no public address",),
    ),
    (TEST, {"aws/cluster": {"kind": "managed", "logDays": 8}}, "aws.cluster.logDays", ("Use one of: 1, 3, 5",)),
    (
        TEST,
        {"aws/cluster": {"kind": "managed", "spot": {"maxNodes": 3}}},
        "aws.cluster.spot",
        ("no autoscaler", "`wandb:aws.cluster.autoscaler` to true"),
    ),
    (PRODUCTION, {"aws/cluster": {"kind": "managed", "spot": {}}}, "aws.cluster.spot.maxNodes", ("is missing",)),
    (
        TEST,
        {"aws/cluster": {"kind": "existing", "name": "platform"}},
        "aws.network.kind",
        ("is managed, and `aws.cluster.kind` is existing",),
    ),
    (TEST, {"licenseSecret": {"name": "x"}, "license": None}, "licenseSecret", ("nothing is in it before",)),
    (TEST, {"namespaces": {"create": False}}, "namespaces.create", ("nothing is in it before",)),
    (
        TEST,
        {"mysql": {"kind": "external", "host": "m.example.com", "passwordSecret": SECRET}},
        "mysql.passwordSecret",
        ("nothing is in it before", "--path wandb:mysql.password"),
    ),
    (
        TEST,
        {
            "objectStore": {
                "kind": "external",
                "bucket": {"provider": "s3", "name": "files", "keysSecret": {"name": "keys"}},
                "clickhouseBucket": {"name": "traces"},
            }
        },
        "objectStore.bucket.keysSecret",
        ("the pods' role opens the bucket",),
    ),
    # nodes
    (TEST, {"sizing/nodes": {"type": "r6i.4xlarge", "cpu": 16}}, "sizing.nodes.type", ("Keep the type",)),
    (TEST, {"sizing/nodes": {"type": "huge"}}, "sizing.nodes.type", ("as in `r6i.4xlarge`",)),
    (IN_CLUSTER, {"sizing/nodes": {"diskGiB": 100}}, "sizing.nodes.diskGiB", ("nodes that exist",)),
    (
        IN_CLUSTER,
        {"sizing/clickhouseNodes": {"count": 3}},
        "sizing.clickhouseNodes",
        ("no nodes for ClickHouse alone", "`wandb:aws.cluster.clickhousePool`"),
    ),
    (
        PRODUCTION,
        {"sizing/clickhouseNodes": {"count": 2}},
        "sizing.clickhouseNodes.count",
        ("too few for 3 replicas (got 2)",),
    ),
    (
        PRODUCTION,
        {"products": ["models"], "sizing/clickhouseNodes": {"count": 3}},
        "sizing.clickhouseNodes",
        ("no ClickHouse is made",),
    ),
    # names and the way in
    (TEST, {"aws/dns": None}, "aws.certificateArn", ("is missing", "`wandb:aws.dns`")),
    (TEST, {"aws/dns": {"kind": "none"}}, "aws.certificateArn", ("is missing",)),
    (
        TEST,
        {"aws/dns": {"kind": "managed", "zoneName": "example.org"}},
        "aws.dns.zoneName",
        ("is no domain of `wandb:host` (got example.org, with wandb.example.com)", "such as example.com"),
    ),
    (TEST, {"aws/dns/zoneId": "/hostedzone/Z1"}, "aws.dns.zoneId", ("after /hostedzone/",)),
    (
        TEST,
        {"ingress": {"className": "nginx"}},
        "aws.dns",
        ("`wandb:ingress` names another controller",),
    ),
    (TEST, {"aws/loadBalancer": {"inboundCidrs": []}}, "aws.loadBalancer.inboundCidrs", ("is empty",)),
    (TEST, {"aws/loadBalancer": {"idleTimeoutSeconds": 5}}, "aws.loadBalancer.idleTimeoutSeconds", ("60 to 4000",)),
    # ARNs
    (TEST, {"aws/kmsKeyArn": "alias/wandb"}, "aws.kmsKeyArn", ("is not an ARN", "arn:aws:kms:")),
    (
        TEST,
        {"aws/kmsKeyArn": _arn("kms", "alias/wandb")},
        "aws.kmsKeyArn",
        ("is not the ARN of an kms key",),
    ),
    (
        TEST,
        {"aws/kmsKeyArn": _arn("kms", f"key/{ID}", region="eu-west-1")},
        "aws.kmsKeyArn",
        ("is of region eu-west-1, and not of eu-central-1", "own region"),
    ),
    (
        TEST,
        {"aws/certificateArn": _arn("acm", f"certificate/{ID}", region="us-east-1")},
        "aws.certificateArn",
        ("is of region us-east-1",),
    ),
    (
        TEST,
        {"aws/certificateArn": _arn("acm", f"certificate/{ID}", account="210987654321")},
        "aws.certificateArn",
        ("is of account 210987654321, and not of 123456789012",),
    ),
    (
        TEST,
        {"aws/certificateArn": _arn("acm", f"certificate/{ID}", partition="aws-us-gov")},
        "aws.certificateArn",
        ("is of partition aws-us-gov, and region eu-central-1 of partition aws",),
    ),
    (
        TEST,
        {"aws/loadBalancer": {"wafAclArn": _arn("wafv2", f"global/webacl/wandb/{ID}", region="us-east-1")}},
        "aws.loadBalancer.wafAclArn",
        ("is not the ARN of an wafv2 regional webacl",),
    ),
    (
        TEST,
        {"aws/assumeRoleArn": _arn("iam", "role/deploy", region="", account="210987654321")},
        "aws.assumeRoleArn",
        ("Pulumi would work in that account",),
    ),
    (
        TEST,
        {"aws/cluster": {"kind": "managed", "adminArns": [_arn("sts", "assumed-role/admin/me", region="")]}},
        "aws.cluster.adminArns[0]",
        ("is not the ARN of an iam role or user",),
    ),
    (
        TEST,
        {
            "aws/cluster": {
                "kind": "managed",
                "adminArns": [_arn("iam", "role/admin", region="", partition="aws-cn")],
            }
        },
        "aws.cluster.adminArns[0]",
        ("`arn:aws:`",),
    ),
    (
        TEST,
        {"mysql": {"kind": "managed", "snapshotId": _arn("rds", "snapshot:x")}},
        "mysql.snapshotId",
        (":cluster-snapshot:",),
    ),
    (
        TEST,
        {"mysql": {"kind": "managed", "snapshotId": _arn("rds", "cluster-snapshot:x", region="us-east-1")}},
        "mysql.snapshotId",
        ("copy the snapshot there first",),
    ),
    (
        TEST,
        {
            "objectStore": {
                "kind": "managed",
                "replication": {
                    "bucketArn": "arn:aws:s3:::copies",
                    "kmsKeyArn": _arn("kms", f"key/{ID}", region="us-gov-west-1", partition="aws-us-gov"),
                },
            }
        },
        "objectStore.replication.kmsKeyArn",
        ("is of partition aws-us-gov",),
    ),
    # stores
    (PRODUCTION, {"mysql": {"kind": "managed", "instances": 1}}, "mysql.instances", ("none would take over",)),
    (PRODUCTION, {"mysql": {"kind": "managed", "backupDays": 3}}, "mysql.backupDays", ("7 or more",)),
    (PRODUCTION, {"redis": {"kind": "managed", "replicas": 0}}, "redis.replicas", ("none would take over",)),
    (PRODUCTION, {"redis": {"kind": "managed", "snapshotDays": 0}}, "redis.snapshotDays", ("production",)),
    (TEST, {"mysql": {"kind": "managed", "version": "5.7"}}, "mysql.version", ("8.0.mysql_aurora.3.10.3",)),
    (
        TEST,
        {"mysql": {"kind": "managed", "version": "8.0.mysql_aurora.3.04.0"}},
        "mysql.version",
        ("older than W&B needs",),
    ),
    (TEST, {"mysql": {"kind": "managed", "class": "r6g.large"}}, "mysql.class", ("as in `db.r6g.2xlarge`",)),
    (TEST, {"redis": {"kind": "managed", "class": "m6g.large"}}, "redis.class", ("as in `cache.m6g.large`",)),
    (
        TEST,
        {"mysql": {"kind": "managed", "maintenanceWindow": "sunday 3:00"}},
        "mysql.maintenanceWindow",
        ("as in `sun:03:00-sun:04:00`",),
    ),
    (
        TEST,
        {"mysql": {"kind": "managed", "maintenanceWindow": "sun:03:00-sun:04:00", "backupWindow": "03:30-04:30"}},
        "mysql.backupWindow",
        ("overlaps `maintenanceWindow`",),
    ),
    (
        TEST,
        {"products": ["models"], "objectStore": {"kind": "managed", "backupBucket": True}},
        "objectStore.backupBucket",
        ("no ClickHouse is made",),
    ),
]


@pytest.mark.parametrize(("base", "changes", "key", "parts"), CASES, ids=[f"{c[2]}-{i}" for i, c in enumerate(CASES)])
def test_each_mistake_is_named_by_its_full_key_with_what_would_be_right(
    base: dict[str, Any], changes: dict[str, Any], key: str, parts: tuple[str, ...]
) -> None:
    found = problems(changed(base, changes))
    assert list(found) == [f"wandb:{key}"]
    for part in parts:
        assert part in found[f"wandb:{key}"]


def test_without_its_section_the_report_asks_for_account_and_region() -> None:
    found = problems(changed(TEST, {"aws": None}))
    assert list(found) == ["wandb:aws.region", "wandb:aws.accountId"]


def test_all_problems_are_reported_at_once() -> None:
    wrong = changed(
        PRODUCTION,
        {
            "kubernetes": {"zones": 3},
            "aws/network": {"kind": "managed", "cidr": "10.20.0.0/24", "nat": "single"},
            "aws/cluster": {"kind": "managed", "version": "1.30", "publicAccessCidrs": ["0.0.0.0/0"]},
            "aws/certificateArn": _arn("acm", f"certificate/{ID}", region="us-east-1"),
            "mysql": {"kind": "managed", "instances": 1},
        },
    )
    assert list(problems(wrong)) == [
        "wandb:kubernetes.zones",
        "wandb:aws.network.cidr",
        "wandb:aws.network.nat",
        "wandb:aws.cluster.version",
        "wandb:aws.cluster.publicAccessCidrs[0]",
        "wandb:aws.certificateArn",
        "wandb:mysql.instances",
    ]


def settings(document: dict[str, Any]) -> Settings:
    return parse(copy.deepcopy(document), secret_keys=ALL_SECRET)


@pytest.mark.parametrize(
    ("document", "several"), [(TEST, False), (PRODUCTION, True)], ids=["in a test", "in production"]
)
def test_everything_is_there_twice_in_production_unless_the_user_says_more(
    document: dict[str, Any], several: bool
) -> None:
    found, environment = settings(document), document["environment"]
    assert isinstance(found.mysql, ManagedMySQL)
    assert isinstance(found.redis, ManagedRedis)
    assert found.aws is not None
    assert isinstance(found.aws.network, ManagedNetwork)
    assert isinstance(found.aws.cluster, ManagedCluster)
    assert found.mysql.instance_count(environment) == 1 + several
    assert found.redis.replica_count(environment) == several
    assert found.aws.network.nat_for(environment) == ("per-zone" if several else "single")
    assert found.aws.cluster.autoscaled(environment) is several
    assert found.object_store.kind == "managed"


@given(st.sampled_from(sorted(REGIONS)))
def test_a_stack_stands_in_three_zones_of_its_region_or_is_asked_for_them(region: str) -> None:
    found = problems(changed(PRODUCTION, {"aws/region": region}))
    if REGIONS[region].default_zones:
        assert found == {}
        section = settings(changed(PRODUCTION, {"aws/region": region})).aws
        assert section is not None
        assert len(set(section.zones)) == 3
    else:
        assert list(found) == ["wandb:aws.network.zones"]


@pytest.mark.parametrize(
    ("owner", "name"),
    [("wandb/prod", "wandb-prod"), ("wandb/acme.prod_1", "wandb-acme-prod-1"), ("w/" + "x" * 120, "w-" + "x" * 98)],
)
def test_the_clusters_default_name_is_one_that_eks_accepts(owner: str, name: str) -> None:
    section = settings(TEST).aws
    assert section is not None
    assert section.cluster_name(owner) == name


def test_without_a_load_balancer_of_the_stack_another_controller_serves_w_and_b() -> None:
    document = changed(TEST, {"aws/dns": None, "ingress": {"className": "nginx", "tls": "none"}})
    assert problems(document) == {}
    assert settings(document).url == "http://wandb.example.com"
    assert settings(TEST).url == "https://wandb.example.com"


def test_the_production_stack_makes_everything() -> None:
    config = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]
    document = {key.removeprefix("wandb:"): value for key, value in config.items() if key.startswith("wandb:")}
    found = settings(document | {"license": "text"})
    assert found.aws is not None
    kinds = (found.aws.network, found.aws.cluster, found.mysql, found.redis, found.object_store, found.clickhouse)
    assert {each.kind for each in kinds} == {"managed"}
    assert found.protect
