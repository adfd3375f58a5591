"""What preflight says about an AWS account, played here by plain data (tests/harness/aws.py): it proves the questions, the checks
and their words, not that AWS answers so."""

from __future__ import annotations

import ast
import copy
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

import preflight
from arguments import fitting_plan
from preflight import Findings, Unreachable, aws
from preflight.aws import OWNER_TAG, Answer, Missing, Question, Stack, Unreadable, names, questions
from preflight.aws.lookup import failure
from settings import Settings, parse
from settings.regions import EKS_EXCLUDED_ZONE_IDS, REGIONS
from tests.harness.aws import ANSWERS, CERTIFICATE, Absent, World

OWNER = "wandb/prod"
REGION = "eu-central-1"
ACCOUNT = "123456789012"
CLUSTER = "wandb-prod"
ZONES = REGIONS[REGION].default_zones
PRIVATE = [f"subnet-0000000000000000{letter}" for letter in "abc"]
PUBLIC = [f"subnet-1111111111111111{letter}" for letter in "abc"]
DATABASE = [f"subnet-2222222222222222{letter}" for letter in "ab"]
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/01234567-89ab-cdef-0123-456789abcdef"
CERTIFICATE_ARN = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/01234567-89ab-cdef-0123-456789abcdef"
ACL = f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/wandb/01234567-89ab-cdef-0123-456789abcdef"
ZONE_ID = "Z0123456789ABCDEFGHIJ"

OFFICE = ["203.0.113.0/24"]

MANAGED: dict[str, Any] = {
    "target": "aws",
    "environment": "production",
    "host": "wandb.example.com",
    "license": "text",
    "aws": {
        "region": REGION,
        "accountId": ACCOUNT,
        "cluster": {"kind": "managed", "publicAccessCidrs": OFFICE},
        "dns": {"kind": "existing", "zoneId": ZONE_ID},
    },
}
NETWORK: dict[str, Any] = {
    "kind": "existing",
    "vpcId": "vpc-0123456789abcdef0",
    "zones": list(ZONES),
    "privateSubnetIds": PRIVATE,
    "publicSubnetIds": PUBLIC,
    "databaseSubnetIds": DATABASE,
}
EXISTING_CLUSTER: dict[str, Any] = {"kind": "existing", "name": "theirs"}
BROUGHT: dict[str, Any] = {
    "kmsKeyArn": KEY,
    "certificateArn": CERTIFICATE_ARN,
    "loadBalancer": {"wafAclArn": ACL},
    "network": NETWORK,
}


def settings(section: Mapping[str, Any] | None = None, **changes: Any) -> Settings:
    document = copy.deepcopy(MANAGED)
    given = dict(section or {})
    if given.get("cluster", {}).get("kind") == "managed":
        given["cluster"] = {"publicAccessCidrs": OFFICE} | given["cluster"]
    document["aws"] |= given
    return parse(document | changes, secret_keys=["wandb:license"])


@dataclass
class PlainAccount:
    """An account as plain data."""

    world: World
    failures: Mapping[str, Missing | Unreadable] = field(default_factory=dict)
    """By function."""
    asked: list[Question] = field(default_factory=list)

    def ask(self, questions: Mapping[str, Question]) -> Mapping[str, Answer]:
        self.asked += questions.values()
        return {name: self._answer(each) for name, each in questions.items()}

    def _answer(self, question: Question) -> Answer:
        if question.function in self.failures:
            return self.failures[question.function]
        try:
            return self.world.answer(question.function, question.arguments)
        except Absent as error:
            return failure(str(error))

    def certificate(self, arn: str) -> Answer:
        try:
            return self.world.answer(CERTIFICATE, {"id": arn})
        except Absent:
            return Missing()


def world(given: Settings | None = None) -> World:
    section = (given or settings()).aws
    assert section
    zones = {}
    if section.network.kind == "existing":
        for ids in (
            section.network.private_subnet_ids,
            section.network.public_subnet_ids,
            section.network.database_subnet_ids or (),
        ):
            zones |= dict(zip(ids, section.network.zones, strict=False))
    return World(region=section.region, account=section.account_id, zones_of_subnets=zones)


def found(given: Settings | None = None, there: World | None = None, **failures: Missing | Unreadable) -> Findings:
    stack = given or settings()
    account = PlainAccount(there or world(stack), {name.replace("__", "/"): each for name, each in failures.items()})
    return aws.check(stack, fitting_plan(stack), owner=OWNER, lookup=account)


def only(findings: Findings) -> str:
    assert findings.warnings == ()
    [problem] = findings.problems
    return str(problem)


def warned(findings: Findings) -> str:
    assert findings.problems == ()
    [warning] = findings.warnings
    return str(warning)


STACKS = {
    "managed": settings(),
    "test": settings(environment="test"),
    "existing network": settings(BROUGHT),
    "existing cluster": settings({"network": NETWORK, "cluster": EXISTING_CLUSTER}),
    "internal": settings(
        {
            "loadBalancer": {"scheme": "internal"},
            "network": NETWORK | {"publicSubnetIds": []},
            "dns": {"kind": "none"},
            "certificateArn": CERTIFICATE_ARN,
        }
    ),
    "snapshot": settings(mysql={"kind": "managed", "snapshotId": "before"}),
    "spot": settings({"cluster": {"kind": "managed", "autoscaler": True, "spot": {"maxNodes": 6}}}),
    "GovCloud": settings({"region": "us-gov-west-1"}),
    "China": settings({"region": "cn-north-1"}),
}
stacks = pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)


@stacks
def test_an_account_with_everything_in_it_has_no_problem(stack: Settings):
    findings = found(stack)
    assert findings.problems == ()
    assert findings.warnings == ()


def function_file(function: str) -> Path:
    module, _, name = function.partition("/")
    origin = importlib.util.find_spec("pulumi_aws")
    assert origin
    assert origin.origin
    snake = "".join(f"_{each.lower()}" if each.isupper() else each for each in name)
    return Path(origin.origin).parent / ("" if module == "index" else module) / f"{snake}.py"


def arguments_of(function: str) -> set[str]:
    """The arguments on the wire of a function of the SDK, read from its text."""
    return {
        ast.literal_eval(node.slice)
        for node in ast.walk(ast.parse(function_file(function).read_text()))
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "__args__"
    }


@stacks
def test_every_question_is_one_that_the_sdk_can_ask(stack: Settings):
    account = PlainAccount(world(stack))
    aws.check(stack, fitting_plan(stack), owner=OWNER, lookup=account)
    assert account.asked
    for question in account.asked:
        assert f"'{question.token}'" in function_file(question.function).read_text()
        assert set(question.arguments) <= arguments_of(question.function), question.function


@pytest.mark.parametrize("function", [each for each in ANSWERS if each != CERTIFICATE])
def test_answers_have_the_names_of_the_sdk_own(function: str):
    text = function_file(function).read_text()
    arguments = {
        "name": "wandb",
        "id": "vpc-1",
        "url": "https://a",
        "keyId": KEY,
        "scope": "REGIONAL",
        "zoneId": ZONE_ID,
        "filters": [{"values": ["r6i.4xlarge"]}],
        "engine": "aurora-mysql",
        "version": "1",
        "engineVersion": "1",
        "instanceClass": "db.r6g.large",
        "storageType": "aurora",
        "dbClusterSnapshotIdentifier": "before",
        "quotaCode": "L-1",
        "serviceCode": "ec2",
    }
    for key in world().answer(function, arguments):
        snake = "".join(f"_{each.lower()}" if each.isupper() else each for each in key)
        assert f"def {snake}(self)" in text or f'name="{key}"' in text, key


@stacks
def test_the_sdk_of_aws_is_not_imported_for_questions_and_checks(stack: Settings):
    before = "pulumi_aws" in sys.modules
    found(stack)
    assert ("pulumi_aws" in sys.modules) is before


def test_the_report_names_the_account_and_the_switch():
    text = found(there=world().without("route53/getZone")).report()
    assert text.startswith(f"1 problem in the AWS account ({ACCOUNT}, {REGION}); nothing was changed:")
    assert "pulumi config set --path wandb:kubernetes.preflight false" in text


def caller(arn: str, account: str = ACCOUNT) -> World:
    return world().but("index/getCallerIdentity", arn=arn, accountId=account)


def test_credentials_of_another_account_are_refused():
    text = only(found(there=caller("arn:aws:iam::999999999999:user/me", "999999999999")))
    assert text.startswith("wandb:aws.accountId: is not the account that the credentials are of (got 123456789012")
    assert "999999999999" in text


def test_credentials_of_another_partition_are_refused():
    text = only(found(there=caller(f"arn:aws-us-gov:iam::{ACCOUNT}:user/me")))
    assert "is in the partition aws, and the credentials are of aws-us-gov (got eu-central-1)" in text


ADMIN = f"arn:aws:iam::{ACCOUNT}:role/platform/admin"


@pytest.mark.parametrize(
    ("who", "collides"),
    [
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/pulumi", True),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/admin", False),
        (f"arn:aws:iam::{ACCOUNT}:user/admin", False),
        (f"arn:aws:iam::{ACCOUNT}:root", False),
    ],
)
def test_whoever_makes_the_cluster_is_no_second_administrator(who: str, collides: bool):
    given = settings({"cluster": {"kind": "managed", "adminArns": [f"arn:aws:iam::{ACCOUNT}:role/other", ADMIN]}})
    findings = found(given, caller(who))
    assert [each.key for each in findings.problems] == (["wandb:aws.cluster.adminArns[1]"] if collides else [])


def ours() -> World:
    return world().but("eks/getClusters", names=[CLUSTER]).but("eks/getCluster", tags={OWNER_TAG: OWNER})


def test_an_administrator_may_work_on_a_cluster_that_is_there():
    given = settings({"cluster": {"kind": "managed", "adminArns": [ADMIN]}})
    there = ours().but("index/getCallerIdentity", arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/me")
    assert found(given, there).problems == ()


@given(st.sampled_from(["role", "user"]), st.lists(st.sampled_from(["a", "team", "eu"]), max_size=3))
def test_the_path_of_an_administrator_does_not_hide_the_caller(kind: str, path: list[str]):
    arn = f"arn:aws:iam::{ACCOUNT}:{'/'.join([kind, *path, 'me'])}"
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/me/now" if kind == "role" else f"arn:aws:iam::{ACCOUNT}:user/me"
    given = settings({"cluster": {"kind": "managed", "adminArns": [arn]}})
    assert "Remove it" in only(found(given, caller(who)))


def test_a_zone_that_the_account_does_not_have_is_named_with_those_that_it_has():
    given = settings({"network": {"kind": "managed", "zones": [*ZONES[:2], f"{REGION}f"]}})
    text = only(found(given, world(given).but("ec2/getInstanceTypeOfferings", **offered([*ZONES, f"{REGION}f"]))))
    assert text == (
        "wandb:aws.network.zones: names a zone that this account does not have (got eu-central-1f). "
        "It has: eu-central-1a, eu-central-1b, eu-central-1c."
    )


def offered(zones: list[str], types: list[str] | None = None) -> dict[str, list[str]]:
    kinds = types or sorted({each for pool in fitting_plan(settings()).pools for each in pool.instance_types})
    pairs = [(kind, zone) for kind in kinds for zone in zones]
    return {"instanceTypes": [kind for kind, _ in pairs], "locations": [zone for _, zone in pairs]}


@pytest.mark.parametrize("excluded", sorted(EKS_EXCLUDED_ZONE_IDS))
def test_a_zone_without_eks_is_recognised_by_its_id(excluded: str):
    there = world().but("index/getAvailabilityZones", zoneIds=["euc1-az1", excluded, "euc1-az3"])
    text = only(found(there=there))
    assert f"(got eu-central-1b, which is {excluded} for this account)" in text
    assert text.endswith("Use others: eu-central-1a, eu-central-1c.")


def test_a_zone_without_eks_is_of_use_to_a_cluster_that_is_there():
    given = STACKS["existing cluster"]
    there = world(given).but("index/getAvailabilityZones", zoneIds=["euc1-az1", "use1-az3", "euc1-az3"])
    assert found(given, there).problems == ()


def with_quota(name: str, value: int) -> World:
    return world().but(f"servicequotas/getServiceQuota {questions.QUOTAS[name][1]}", value=value)


def test_one_vpc_more_than_the_account_may_have_is_refused():
    assert found(there=with_quota("vpcs", 2)).problems == ()
    text = only(found(there=with_quota("vpcs", 1)))
    assert "needs 1 more of the VPCs than the account may have (quota 1, in use 1)" in text
    assert "--service-code vpc --quota-code L-F678F1CE" in text


def test_an_address_for_each_zone_is_counted():
    assert found(there=with_quota("addresses", 3)).problems == ()
    assert "needs 3 more of the Elastic IP addresses" in only(found(there=with_quota("addresses", 2)))


def test_nat_gateways_are_a_warning_because_their_zones_are_not_known():
    there = with_quota("nat", 2)
    assert found(there=there.but("ec2/getNatGateways all", ids=["nat-1", "nat-2", "nat-3"])).warnings == ()
    text = warned(found(there=there.but("ec2/getNatGateways all", ids=["nat-1", "nat-2", "nat-3", "nat-4"])))
    assert "NAT gateways in a zone than the account may have (quota 2, in use 2)" in text


def test_more_cpu_than_the_account_may_run_is_refused():
    pools = fitting_plan(settings()).pools
    least, most = sum(pool.count * pool.cpu for pool in pools), sum(pool.max_count * pool.cpu for pool in pools)
    text = only(found(there=with_quota("cpus", least - 1)))
    assert f"needs {least} vCPU of On-Demand instances, and the account may run {least - 1}" in text
    assert f"comes to {most} vCPU" in warned(found(there=with_quota("cpus", least)))
    assert found(there=with_quota("cpus", most)).warnings == ()


def test_what_the_stack_made_before_is_not_counted_against_it():
    there = with_quota("vpcs", 1).but("ec2/getVpcs own", ids=["vpc-0own"])
    assert found(there=there).problems == ()


def test_a_quota_that_cannot_be_read_is_a_warning():
    text = warned(found(servicequotas__getServiceQuota=Unreadable("servicequotas:GetServiceQuota is not allowed")))
    assert text.startswith("wandb:kubernetes.preflight: could not look at the quota L-")
    assert "servicequotas:GetServiceQuota is not allowed" in text


def test_what_cannot_be_read_is_one_problem_with_the_switch():
    denied = Unreadable("ec2:DescribeSubnets is not allowed")
    text = only(found(STACKS["existing network"], ec2__getSubnet=denied, ec2__getVpc=denied))
    assert "could not look at the VPC vpc-0123456789abcdef0" in text
    assert PRIVATE[0] in text
    assert text.endswith(
        "Allow it for whoever runs Pulumi and try again, or set `wandb:kubernetes.preflight` to false."
    )


class Silent(PlainAccount):
    """An account that nobody gets into."""

    def ask(self, questions: Mapping[str, Question]) -> Mapping[str, Answer]:
        raise Unreachable("AWS does not accept the credentials (expired)", "Log in again.")


def test_without_credentials_there_is_one_problem_and_nothing_else():
    stack = settings()
    findings = aws.check(stack, fitting_plan(stack), owner=OWNER, lookup=Silent(world()))
    assert only(findings) == (
        "wandb:aws: leads to no account that can be used: AWS does not accept the credentials (expired). Log in again."
    )


WRAPPED = (
    "invoke of aws:x/y:y failed: invocation of aws:x/y:y returned an error: invoking aws:x/y:y: 1 error occurred:\n\t* "
)


@pytest.mark.parametrize(
    "text",
    [
        "no matching EC2 VPC found",
        "reading EC2 Subnet: operation error EC2: DescribeSubnets, api error InvalidSubnetID.NotFound: it does not exist",
        "reading EKS Cluster (theirs): couldn't find resource",
        "no RDS engine versions found: {Engine: aurora-mysql}",
        "no RDS Orderable DB Instance Options found matching criteria; try different search",
        "Your query returned no results. Please change your search criteria and try again.",
        "reading KMS Key (x): operation error KMS: DescribeKey, NotFoundException: Key 'x' does not exist",
        "WAFv2 WebACL not found for name: wandb",
        "api error InvalidParameterValue: Invalid DB Instance class: db.x.large",
        "api error InvalidParameterCombination: Cannot find version 8.0.mysql_aurora.3.99.0 for aurora-mysql",
        "NoSuchHostedZone: No hosted zone found with ID: Z1",
    ],
)
def test_errors_that_say_that_something_is_not_there_are_told_from_others(text: str):
    assert failure(WRAPPED + text + "\n\n") == Missing()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "api error UnauthorizedOperation: You are not authorized to perform this operation. User: x is not authorized to "
            + "perform: ec2:DescribeVpcs because no identity-based policy allows it",
            "ec2:DescribeVpcs is not allowed",
        ),
        ("api error AccessDeniedException: denied", "it is not allowed"),
        ("api error ThrottlingException: Rate exceeded", "ThrottlingException: Rate exceeded"),
    ],
)
def test_errors_that_say_nothing_about_the_thing_are_no_answer(text: str, reason: str):
    assert failure(WRAPPED + text + "\n\n") == Unreadable(reason)


@pytest.mark.parametrize(
    "text",
    [
        "No valid credential sources found",
        "operation error STS: GetCallerIdentity, api error ExpiredToken: The security token included in the request is expired",
        "failed to refresh cached credentials, no EC2 IMDS role found",
        "dial tcp: lookup sts.eu-central-1.amazonaws.com: no such host",
        "AWS account ID not allowed: 999999999999",
    ],
)
def test_errors_that_every_question_would_meet_end_the_asking(text: str):
    with pytest.raises(Unreachable) as caught:
        failure(WRAPPED + text)
    assert "aws sts get-caller-identity" in caught.value.advice


def existing(section: Mapping[str, Any] | None = None) -> tuple[Settings, World]:
    given = settings({**BROUGHT, **(section or {})})
    return given, world(given)


def test_a_vpc_that_does_not_exist_is_refused():
    given, there = existing()
    assert "wandb:aws.network.vpcId: names a VPC that does not exist in eu-central-1" in only(
        found(given, there.without("ec2/getVpc"))
    )


@pytest.mark.parametrize(
    ("key", "flag"), [("enableDnsSupport", "--enable-dns-support"), ("enableDnsHostnames", "--enable-dns-hostnames")]
)
def test_a_vpc_without_dns_is_refused_with_the_command_that_turns_it_on(key: str, flag: str):
    given, there = existing()
    assert flag in only(found(given, there.but("ec2/getVpc", **{key: False})))


@pytest.mark.parametrize(
    ("path", "subnet"),
    [("privateSubnetIds[1]", PRIVATE[1]), ("publicSubnetIds[0]", PUBLIC[0]), ("databaseSubnetIds[1]", DATABASE[1])],
)
def test_a_subnet_that_does_not_exist_is_named_by_its_setting(path: str, subnet: str):
    given, there = existing()
    text = only(found(given, there.without(f"ec2/getSubnet {subnet}")))
    assert text.startswith(f"wandb:aws.network.{path}: names a subnet that does not exist")


def test_a_subnet_of_another_vpc_is_refused():
    given, there = existing()
    text = only(found(given, there.but(f"ec2/getSubnet {PUBLIC[2]}", vpcId="vpc-0fedcba9876543210")))
    assert text.startswith("wandb:aws.network.publicSubnetIds[2]: names a subnet of another VPC")


def test_a_subnet_in_another_zone_than_is_said_is_refused():
    given, there = existing()
    text = only(found(given, there.but(f"ec2/getSubnet {PRIVATE[2]}", availabilityZone=ZONES[0])))
    assert text == (
        f"wandb:aws.network.zones[2]: is not the zone of {PRIVATE[2]} (got {ZONES[2]}). The subnet is in {ZONES[0]}."
    )


@pytest.mark.parametrize(
    ("path", "ids", "who"),
    [
        ("databaseSubnetIds", DATABASE, "Aurora and ElastiCache need"),
        ("publicSubnetIds", PUBLIC, "A load balancer that is internet-facing needs"),
    ],
)
def test_subnets_that_are_all_in_one_zone_are_refused(path: str, ids: list[str], who: str):
    given, there = existing()
    for each in ids:
        there = there.but(f"ec2/getSubnet {each}", availabilityZone=ZONES[1])
    text = only(found(given, there))
    assert text.startswith(
        f"wandb:aws.network.{path}: has subnets in fewer than two zones (got {len(ids)}, in {ZONES[1]})"
    )
    assert who in text


def test_private_subnets_without_room_for_the_nodes_are_refused_with_the_numbers():
    given, there = existing()
    findings = found(given, there.but(f"ec2/getSubnet {PRIVATE[0]}", availableIpAddressCount=27))
    text = only(findings)
    assert text.startswith("wandb:aws.network.privateSubnetIds[0]: has too few free addresses for nodes and pods")
    assert "with 27" in text


@given(st.integers(0, 5000))
def test_more_free_addresses_never_make_a_problem(free: int):
    given, there = existing()
    before = len(found(given, there.but("ec2/getSubnet", availableIpAddressCount=free)).problems)
    after = len(found(given, there.but("ec2/getSubnet", availableIpAddressCount=free + 1)).problems)
    assert after <= before


def test_the_addresses_of_a_cluster_that_runs_are_its_own():
    given, there = existing()
    there = there.but("eks/getClusters", names=[CLUSTER]).but("eks/getCluster", tags={OWNER_TAG: OWNER})
    assert found(given, there.but("ec2/getSubnet", availableIpAddressCount=9)).problems == ()


def test_a_subnet_without_room_for_a_load_balancer_is_a_warning():
    given, there = existing()
    text = warned(found(given, there.but(f"ec2/getSubnet {PUBLIC[1]}", availableIpAddressCount=3)))
    assert "wandb:aws.network.publicSubnetIds[1]" in text


def test_addresses_that_another_vpc_has_are_a_warning():
    taken = [{"associationId": "a", "cidrBlock": "10.20.128.0/20", "state": "associated"}]
    text = warned(found(there=world().but("ec2/getVpc", cidrBlockAssociations=taken)))
    assert "has addresses that vpc-0aaaaaaaaaaaaaaaa has too" in text
    assert "10.20.128.0/20" in text


def test_a_cluster_of_that_name_must_be_the_stacks():
    theirs = world().but("eks/getClusters", names=[CLUSTER])
    assert "the cluster is not this stack's" in only(found(there=theirs))
    assert "stack wandb/other made that cluster" in only(
        found(there=theirs.but("eks/getCluster", tags={OWNER_TAG: "wandb/other"}))
    )
    assert found(there=ours()).problems == ()


def test_a_version_that_eks_does_not_offer_is_refused_with_those_that_it_does():
    text = only(found(settings({"cluster": {"kind": "managed", "version": "1.39"}})))
    assert text.endswith("(got 1.39). In standard support here: 1.34, 1.35, 1.36.")


def test_a_version_out_of_standard_support_is_a_warning():
    versions = [
        {
            "clusterVersion": "1.34",
            "versionStatus": "EXTENDED_SUPPORT",
            "endOfStandardSupportDate": "2026-12-02T00:00:00Z",
        },
        {"clusterVersion": "1.35", "versionStatus": "STANDARD_SUPPORT"},
    ]
    given = settings({"cluster": {"kind": "managed", "version": "1.34"}})
    text = warned(found(given, world().but("eks/getClusterVersions", clusterVersions=versions)))
    assert "is out of standard support since 2026-12-02, and costs more per hour (got 1.34)" in text


def test_a_machine_that_a_zone_does_not_offer_is_refused_with_the_zone():
    there = world().but("ec2/getInstanceTypeOfferings", **offered(list(ZONES[:2])))
    findings = found(there=there)
    assert findings.problems
    assert {each.key for each in findings.problems} <= {"wandb:sizing.nodes.type", "wandb:sizing.clickhouseNodes.type"}
    assert all("is not offered in eu-central-1c" in str(each) for each in findings.problems)


def test_spot_machines_stand_in_for_each_other():
    given = STACKS["spot"]
    spot = fitting_plan(given).spot_nodes
    assert spot
    assert len(spot.instance_types) > 1
    kinds = sorted(
        {each for pool in fitting_plan(given).pools for each in pool.instance_types} | {spot.instance_types[0]}
    )
    lacking = world(given).but("ec2/getInstanceTypeOfferings", **offered(list(ZONES), kinds))
    findings = found(given, lacking)
    assert findings.problems == ()
    assert {each.key for each in findings.warnings} == {"wandb:aws.cluster.spot.instanceTypes"}


THEIRS = STACKS["existing cluster"]


@pytest.mark.parametrize(
    ("changes", "key", "part"),
    [
        ({"status": "CREATING"}, "aws.cluster.name", "is not active (got theirs, CREATING)"),
        ({"version": "1.33"}, "aws.cluster.name", "is too old (got Kubernetes 1.33)"),
        (
            {"vpcConfig": {"vpcId": "vpc-0fedcba9876543210"}},
            "aws.network.vpcId",
            "is not the VPC of the cluster theirs",
        ),
    ],
)
def test_a_brought_cluster_is_held_against_what_wandb_needs(changes: dict, key: str, part: str):
    text = only(found(THEIRS, world(THEIRS).but("eks/getCluster", **changes)))
    assert text.startswith(f"wandb:{key}: ")
    assert part in text


def test_a_brought_cluster_that_does_not_exist_is_refused():
    assert "names a cluster that does not exist in eu-central-1 (got theirs)" in only(
        found(THEIRS, world(THEIRS).without("eks/getCluster"))
    )


def test_a_brought_cluster_needs_iams_trust():
    text = only(found(THEIRS, world(THEIRS).without("iam/getOpenIdConnectProvider")))
    assert "eksctl utils associate-iam-oidc-provider --cluster theirs" in text


def test_an_oidc_provider_of_another_cluster_is_refused():
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/FFFF"
    given = settings({"network": NETWORK, "cluster": EXISTING_CLUSTER | {"oidcProviderArn": arn}})
    assert "is not of the cluster theirs" in only(found(given, world(given)))


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"name": "example.org"}, "names the zone example.org, which wandb.example.com is not in"),
        ({"name": "ample.com"}, "names the zone ample.com"),
        ({"privateZone": True}, "names a private zone"),
    ],
)
def test_the_hosted_zone_is_public_and_has_the_host(changes: dict, part: str):
    text = only(found(there=world().but("route53/getZone", **changes)))
    assert text.startswith("wandb:aws.dns.zoneId: ")
    assert part in text


@pytest.mark.parametrize(
    ("certificate", "host", "good"),
    [
        (["wandb.example.com"], "wandb.example.com", True),
        (["WANDB.example.com"], "wandb.example.com", True),
        (["*.example.com"], "wandb.example.com", True),
        (["example.com", "*.example.com"], "wandb.example.com", True),
        (["*.example.com"], "a.b.example.com", False),
        (["*.example.com"], "example.com", False),
        (["example.com"], "wandb.example.com", False),
        (["*.com"], "wandb.example.com", False),
        (["*"], "wandb", False),
        ([], "wandb.example.com", False),
    ],
)
def test_which_hosts_a_certificate_is_good_for(certificate: list[str], host: str, good: bool):
    assert names.covers(certificate, host) is good


labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


@given(st.lists(labels, min_size=2, max_size=5), labels)
def test_a_wildcard_stands_for_exactly_one_label(parts: list[str], more: str):
    wildcard = ".".join(["*", *parts[1:]])
    assert names.covers([wildcard], ".".join(parts))
    assert not names.covers([wildcard], ".".join([more, *parts]))
    assert not names.covers([wildcard], ".".join(parts[1:]))


def test_a_certificate_for_another_host_is_refused_with_its_names():
    given, there = existing()
    other = {"domainName": "other.example.com", "subjectAlternativeNames": ["other.example.com", "example.org"]}
    text = only(found(given, there.but(CERTIFICATE, **other)))
    assert text.startswith(
        "wandb:aws.certificateArn: is of a certificate for other names than wandb.example.com "
        "(got other.example.com, example.org)"
    )
    assert "*.example.com" in text


def test_a_certificate_that_does_not_exist_is_refused():
    given, there = existing()
    assert "names a certificate that does not exist" in only(found(given, there.without(CERTIFICATE)))


def test_a_certificate_that_is_not_issued_is_refused():
    given, there = existing()
    assert "PENDING_VALIDATION" in only(found(given, there.but(CERTIFICATE, status="PENDING_VALIDATION")))


def test_a_web_acl_of_another_arn_is_not_the_one():
    given, there = existing()
    assert "wandb:aws.loadBalancer.wafAclArn" in only(found(given, there.but("wafv2/getWebAcl", arn=f"{ACL}0")))
    assert "wandb:aws.loadBalancer.wafAclArn" in only(found(given, there.without("wafv2/getWebAcl")))


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"enabled": False, "keyState": "PendingDeletion"}, "PendingDeletion"),
        ({"keySpec": "RSA_2048"}, "is not symmetric"),
        ({"keyUsage": "SIGN_VERIFY"}, "is not symmetric"),
        ({"keyManager": "AWS"}, "that AWS manages"),
    ],
)
def test_a_key_encrypts_and_is_the_users(changes: dict, part: str):
    given, there = existing()
    text = only(found(given, there.but("kms/getKey", **changes)))
    assert text.startswith("wandb:aws.kmsKeyArn: ")
    assert part in text


def test_a_key_that_does_not_exist_is_refused():
    given, there = existing()
    assert "names a key that does not exist" in only(found(given, there.without("kms/getKey")))


def test_a_version_of_aurora_that_the_region_lacks_is_refused_once():
    text = only(found(there=world().without("rds/getEngineVersion", "rds/getOrderableDbInstance")))
    assert text.startswith("wandb:mysql.version: is not a version of Aurora MySQL that eu-central-1 offers")


def test_a_database_class_that_the_region_lacks_is_refused():
    assert only(found(there=world().without("rds/getOrderableDbInstance"))).startswith(
        "wandb:mysql.class: is not offered"
    )


def test_a_database_class_needs_as_many_zones_as_there_are_instances():
    assert found(there=world().but("rds/getOrderableDbInstance", availabilityZones=list(ZONES[:2]))).problems == ()
    text = only(found(there=world().but("rds/getOrderableDbInstance", availabilityZones=list(ZONES[:1]))))
    assert "is not offered in eu-central-1b, eu-central-1c" in text


SNAPSHOT = STACKS["snapshot"]


@pytest.mark.parametrize(
    ("changes", "key", "part"),
    [
        ({"engine": "aurora-postgresql", "engineVersion": "16.4"}, "mysql.snapshotId", "of another engine"),
        ({"engineVersion": "8.0.mysql_aurora.3.99.0"}, "mysql.version", "is older than that of the snapshot"),
        ({"status": "creating"}, "mysql.snapshotId", "is not available"),
    ],
)
def test_a_snapshot_is_one_that_the_database_can_start_from(changes: dict, key: str, part: str):
    text = only(found(SNAPSHOT, world(SNAPSHOT).but("rds/getClusterSnapshot", **changes)))
    assert text.startswith(f"wandb:{key}: ")
    assert part in text


def test_a_snapshot_that_does_not_exist_is_refused():
    assert "names a snapshot that does not exist" in only(
        found(SNAPSHOT, world(SNAPSHOT).without("rds/getClusterSnapshot"))
    )


def test_all_problems_are_reported_at_once():
    given, there = existing({"cluster": {"kind": "managed", "version": "1.39"}})
    there = (
        there.without("kms/getKey", "rds/getEngineVersion", f"ec2/getSubnet {PRIVATE[0]}")
        .but("ec2/getVpc", enableDnsHostnames=False)
        .but(CERTIFICATE, domainName="a.b", subjectAlternativeNames=[])
    )
    findings = found(given, there)
    assert [each.key for each in findings.problems] == [
        "wandb:aws.network.vpcId",
        "wandb:aws.network.privateSubnetIds[0]",
        "wandb:aws.cluster.version",
        "wandb:aws.kmsKeyArn",
        "wandb:aws.certificateArn",
        "wandb:mysql.version",
    ]
    assert all(f"  {each}" in findings.report() for each in findings.problems)


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    for level in ("error", "warn"):
        monkeypatch.setattr(pulumi.log, level, lambda text, level=level: said.append((level, text)))
    monkeypatch.setattr(pulumi, "get_project", lambda: "wandb")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    return said


def test_problems_end_the_program_with_one_report(messages: list):
    given = settings()
    account = PlainAccount(world().without("route53/getZone", "rds/getEngineVersion"))
    with pytest.raises(SystemExit) as raised:
        preflight.require(given, fitting_plan(given), lookup=account)
    assert raised.value.code == 32
    [(level, text)] = messages
    assert level == "error"
    assert text.startswith("2 problems in the AWS account")


def test_a_preflight_that_is_switched_off_asks_nothing(messages: list):
    given, account = settings(kubernetes={"preflight": False}), PlainAccount(world())
    preflight.require(given, fitting_plan(given), lookup=account)
    assert account.asked == messages == []


def test_the_account_is_looked_at_through_its_provider(messages: list):
    given = settings()
    with pytest.raises(ValueError, match="looked at through its provider"):
        preflight.require(given, fitting_plan(given))


def test_a_stack_of_another_target_is_a_mistake_of_the_program():
    plain = parse(
        {"environment": "test", "host": "w.example.com", "license": "text", "ingress": {"className": "nginx"}},
        secret_keys=["wandb:license"],
    )
    with pytest.raises(ValueError, match="the target is kubernetes"):
        _ = Stack(settings=plain, plan=fitting_plan(plain), owner=OWNER).aws


def test_a_first_up_that_could_not_reach_its_own_cluster_is_refused_and_later_ones_are_not():
    private = settings({"cluster": {"kind": "managed", "publicAccessCidrs": []}})
    first = world(private)
    assert "wandb:aws.cluster.publicAccessCidrs: is empty" in only(found(private, first))
    in_a_network_that_exists = settings({"network": NETWORK, "cluster": {"kind": "managed", "publicAccessCidrs": []}})
    there = world(in_a_network_that_exists)
    assert found(in_a_network_that_exists, there).problems == ()
