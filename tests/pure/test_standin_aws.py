"""What the stand-in for AWS knows: held against the SDK, and against what AWS documents."""

from __future__ import annotations

import importlib.util
import json
import typing
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi_aws  # noqa: F401  (registers the types)
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi import _types

from rehearsal import faults, sdk_types
from rehearsal.aws import force_new, invokes, latency, naming, places, services
from rehearsal.aws.account import Account, Record
from rehearsal.aws.behaviour import Moment, behaviours
from rehearsal.aws.outputs import complete, judgeable, previewed
from rehearsal.aws.services import dependents, identities, references, uniqueness
from rehearsal.providers.base import Call, Refused
from rehearsal.providers.values import UNKNOWN
from rehearsal.state import State

services.load()
OWNER = "123456789012"


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(State(tmp_path / "test"))


def moment(account: Account, token: str, name: str = "name", region: str = "eu-central-1") -> Moment:
    place = places.partition(region)
    return Moment(
        account=account,
        account_id=OWNER,
        region=region,
        partition=place.name,
        dns_suffix=place.dns_suffix,
        call=Call(urn=f"urn:pulumi:test::test::{token}::{name}"),
        say=lambda message, *, fleeting=True, warning=False: None,
        wait=lambda duration: None,
    )


def problems(token: str, inputs: Mapping[str, Any], region: str = "eu-central-1") -> list[str]:
    at = moment(Account(State(Path("/nowhere/test"))), token, region=region)
    return [each for behaviour in behaviours(token) for each in behaviour.check(at, judgeable(token, inputs))]


def make(account: Account, token: str, region: str = "eu-central-1", **inputs: Any) -> Record:
    at = moment(account, token, f"{token}-{len(account.all())}", region)
    for each in behaviours(token):
        each.admit(at, inputs)
    resource_id, outputs = complete(at, inputs)
    record = Record(token=token, id=resource_id, region=region, inputs=inputs, outputs=outputs)
    account.put(record)
    return record


def refusal(account: Account, token: str, **inputs: Any) -> str:
    with pytest.raises(Refused) as caught:
        make(account, token, **inputs)
    return str(caught.value)


def let_go(account: Account, record: Record) -> None:
    at = moment(account, record.token)
    at = replace(at, call=replace(at.call, resource_id=record.id))
    for each in behaviours(record.token):
        each.admit_delete(at, record.outputs)


# --- the tables and the SDK


def _paths() -> Iterator[tuple[str, str]]:
    for token in force_new.tokens():
        told = force_new.rules(token)
        yield from ((token, path) for path in (*told.replace, *told.kept, *told.sets))


def _declares(token: str, path: str) -> bool:
    declared: Mapping[str, Any] = sdk_types.input_types(token)
    for step in path.replace(".*", "").split("."):
        if step not in declared:
            return False
        nested = [sdk_types.alternatives(declared[step])]
        found = [each for each in _flat(nested) if isinstance(each, type) and _types.is_input_type(each)]
        declared = _types.input_type_types(found[0]) if found else {}
    return True


def _flat(value: Any) -> Iterator[Any]:
    for each in value:
        if isinstance(each, tuple):
            yield from _flat(each)
        else:
            yield each
            yield from _flat([sdk_types.alternatives(inner) for inner in typing.get_args(each)])


def test_every_property_that_forces_a_replacement_is_one_of_the_sdk() -> None:
    assert [(token, path) for token, path in _paths() if not _declares(token, path)] == []


@pytest.mark.parametrize(
    "tokens",
    [
        latency.LATENCY.keys(),
        identities._NUMBERED.keys() | identities._FROM_INPUTS.keys() | identities._ARNS.keys(),
        references.REFERENCES.keys(),
        uniqueness.UNIQUE.keys(),
        dependents.HELD.keys(),
    ],
    ids=["latency", "identities", "references", "uniqueness", "dependents"],
)
def test_every_type_in_a_table_is_one_of_the_sdk(tokens: Any) -> None:
    assert [each for each in tokens if sdk_types.resource_class(each) is None] == []


def test_every_reference_names_a_property_of_the_sdk() -> None:
    wrong = [
        (token, each.path)
        for token, found in references.REFERENCES.items()
        for each in found
        if not _declares(token, each.path)
    ]
    wrong += [
        (holder.token, holder.path)
        for held in dependents.HELD.values()
        for holder in held.holders
        if not _declares(holder.token, holder.path)
    ]
    wrong += [(t, key) for t, once in uniqueness.UNIQUE.items() for key in once.properties if not _declares(t, key)]
    assert wrong == []


def test_every_duration_has_a_source_and_no_scale_below_zero_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(each.source and each.create >= 0 for each in latency.LATENCY.values())
    monkeypatch.setenv(latency.SCALE, "-1")
    with pytest.raises(latency.BadScale, match="0 or more"):
        latency.scale()


def test_the_slow_things_take_as_long_as_aws_says() -> None:
    minutes = {token: latency.seconds(token, "create") / 60 for token in latency.LATENCY}
    assert 8 <= minutes["aws:eks/cluster:Cluster"] <= 10
    assert 2 <= minutes["aws:eks/nodeGroup:NodeGroup"] <= 3
    aurora = minutes["aws:rds/cluster:Cluster"] + minutes["aws:rds/clusterInstance:ClusterInstance"]
    assert 6 <= aurora <= 10
    assert 5 <= minutes["aws:elasticache/replicationGroup:ReplicationGroup"] <= 8
    assert 1 <= minutes["aws:ec2/natGateway:NatGateway"] <= 2


# --- names


@given(
    st.sampled_from(sorted(force_new.tokens())), st.text("abcXYZ09-", min_size=1, max_size=300), st.binary(max_size=8)
)
def test_made_up_names_keep_to_their_limit_and_are_recognised(token: str, logical: str, seed: bytes) -> None:
    if naming.field(token) is None:
        return
    name = naming.draw(token, logical, seed)
    assert len(name) <= naming.limit(token)
    assert naming.is_drawn(token, logical, name)


def test_a_name_that_the_program_gives_is_kept_and_a_prefix_makes_one() -> None:
    token = "aws:iam/role:Role"
    assert naming.named(token, "role", {"name": "mine"}, {}, b"1") is None
    assert naming.named(token, "role", {"namePrefix": "mine-"}, {}, b"1") is None
    drawn = naming.named(token, "role", {}, {}, b"1")
    assert drawn is not None
    assert naming.named(token, "role", {}, {"name": drawn[1]}, b"2") == drawn
    # dropped from the program, a given name goes
    assert naming.named(token, "role", {}, {"name": "mine"}, b"2") != ("name", "mine")


# --- differences


def test_the_order_of_sets_and_the_spelling_of_policies_are_no_change() -> None:
    token = "aws:rds/subnetGroup:SubnetGroup"
    assert force_new.differences(token, {"subnetIds": ["a", "b"]}, {"subnetIds": ["b", "a"]}) == {}
    old, new = {"policy": '{"a": 1, "b": [2]}'}, {"policy": '{"b":[2],"a":1}'}
    assert force_new.differences("aws:iam/policy:Policy", old, new) == {}


def test_what_cannot_change_replaces_and_what_is_ignored_does_not_show() -> None:
    token = "aws:rds/cluster:Cluster"
    old, new = {"engine": "aurora-mysql", "port": 3306}, {"engine": "aurora-postgresql", "port": 3307}
    assert force_new.differences(token, old, new) == {"engine": "update-replace", "port": "update"}
    assert force_new.differences(token, old, new, ("engine",)) == {"port": "update"}
    cluster = "aws:eks/cluster:Cluster"
    encrypted = {"encryptionConfig": {"resources": ["secrets"]}}
    assert force_new.differences(cluster, encrypted, {}) == {"encryptionConfig": "delete-replace"}
    assert force_new.differences(cluster, {}, encrypted) == {"encryptionConfig": "add"}


def test_nothing_unknown_hides_a_replacement() -> None:
    found = force_new.differences("aws:ec2/subnet:Subnet", {"vpcId": "vpc-1"}, {"vpcId": UNKNOWN})
    assert found == {"vpcId": "update-replace"}


# --- limits


@pytest.mark.parametrize(
    ("token", "inputs", "said"),
    [
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/15"}, "/16 and /28"),
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.1/16"}, "valid network CIDR"),
        ("aws:ec2/subnet:Subnet", {"cidrBlock": "10.0.0.0/29", "vpcId": "vpc-1"}, "/16 and /28"),
        ("aws:ec2/subnet:Subnet", {"availabilityZone": "eu-central-1x", "vpcId": "vpc-1"}, "availability zones"),
        ("aws:ec2/launchTemplate:LaunchTemplate", {"instanceType": "r6i.nano"}, "not offered"),
        ("aws:kms/key:Key", {"deletionWindowInDays": 6}, "(7 - 30)"),
        ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 42}, "retentionInDays"),
        ("aws:lb/loadBalancer:LoadBalancer", {"name": "internal-x"}, "internal-"),
        ("aws:lb/loadBalancer:LoadBalancer", {"name": "x" * 33}, "1 to 32"),
        ("aws:s3/bucket:Bucket", {"bucket": "Upper"}, "valid bucket name"),
        ("aws:s3/bucket:Bucket", {"bucket": "10.0.0.1"}, "valid bucket name"),
        ("aws:iam/role:Role", {"name": "x" * 65, "assumeRolePolicy": "{}"}, "1 to 64"),
        ("aws:iam/policy:Policy", {"policy": "not json"}, "invalid JSON"),
        ("aws:rds/cluster:Cluster", {"engine": "aurora-mysql", "engineVersion": "8.0.mysql_aurora.3.99.0"}, "Cannot find version"),
        ("aws:rds/cluster:Cluster", {"engine": "aurora-mysql", "masterPassword": "has@sign-in-it"}, "masterPassword"),
        ("aws:rds/clusterInstance:ClusterInstance", {"engine": "aurora-mysql", "instanceClass": "db.m5.large"}, "does not support"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", {"engine": "redis", "engineVersion": "7.2"}, "Invalid version"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", {"authToken": "short", "transitEncryptionEnabled": True}, "16 and 128"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", {"replicationGroupId": "a--b"}, "1 to 40"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", {"multiAzEnabled": True}, "automatic_failover"),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", {"ipProtocol": "tcp", "fromPort": 1, "toPort": 2}, "exactly one"),
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {"ipProtocol": "tcp", "fromPort": 443, "toPort": 80, "cidrIpv4": "0.0.0.0/0"},
            "no range",
        ),
        ("aws:route53/record:Record", {"type": "A", "records": ["192.0.2.1"]}, "ttl"),
        ("aws:acm/certificate:Certificate", {"domainName": "x" * 65 + ".example.com", "validationMethod": "DNS"}, "domain"),
        ("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", {"corsRules": [{"allowedMethods": ["PATCH"]}]}, "PATCH"),
    ],
)  # fmt: skip
def test_what_aws_documents_as_a_limit_is_one(token: str, inputs: dict[str, Any], said: str) -> None:
    assert any(said in each for each in problems(token, inputs)), problems(token, inputs)


def test_an_arn_of_another_partition_is_refused() -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Resource": "arn:aws:s3:::x", "Effect": "Allow"}]})
    assert problems("aws:iam/policy:Policy", {"policy": policy}) == []
    assert any("aws-us-gov" in each for each in problems("aws:iam/policy:Policy", {"policy": policy}, "us-gov-west-1"))


def test_a_policy_that_is_too_large_is_refused_by_its_size_without_white_space() -> None:
    def policy(characters: int) -> str:
        statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" * characters}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=8)

    assert problems("aws:iam/policy:Policy", {"policy": policy(5900)}) == []
    assert any("LimitExceeded" in each for each in problems("aws:iam/policy:Policy", {"policy": policy(6200)}))


@given(st.sampled_from(sorted(force_new.tokens())))
def test_nothing_that_a_preview_does_not_know_is_judged(token: str) -> None:
    given_unknown = dict.fromkeys(sdk_types.input_types(token), UNKNOWN)
    try:
        found = problems(token, given_unknown)
    except (TypeError, ValueError, KeyError) as error:
        pytest.fail(f"{token}: {error!r}")
    exclusive = ("must be specified", "not together", "must be set", "only for", "not for", "required", "not allowed")
    assert [each for each in found if not any(word in each for word in exclusive)] == []


# --- what only the account knows


def test_subnets_lie_in_their_vpc_and_apart_from_each_other(account: Account) -> None:
    subnet = "aws:ec2/subnet:Subnet"
    assert "InvalidVpcID.NotFound" in refusal(account, subnet, vpcId="vpc-0", cidrBlock="10.0.0.0/24")
    vpc = make(account, "aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")
    make(account, subnet, vpcId=vpc.id, cidrBlock="10.0.0.0/24")
    assert "InvalidSubnet.Conflict" in refusal(account, subnet, vpcId=vpc.id, cidrBlock="10.0.0.0/25")
    assert "InvalidSubnet.Range" in refusal(account, subnet, vpcId=vpc.id, cidrBlock="10.1.0.0/24")


def test_a_role_is_there_before_its_use_and_a_name_is_there_once(account: Account) -> None:
    attachment = {"role": "app", "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"}
    assert "NoSuchEntity" in refusal(account, "aws:iam/rolePolicyAttachment:RolePolicyAttachment", **attachment)
    trust = '{"Statement": []}'
    make(account, "aws:iam/role:Role", name="app", assumeRolePolicy=trust)
    make(account, "aws:iam/rolePolicyAttachment:RolePolicyAttachment", **attachment)
    assert "EntityAlreadyExists" in refusal(account, "aws:iam/role:Role", name="app", assumeRolePolicy=trust)
    unknown = {"role": "app", "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicyy"}
    assert "does not exist" in refusal(account, "aws:iam/rolePolicyAttachment:RolePolicyAttachment", **unknown)


def test_what_is_in_use_is_not_deleted(account: Account) -> None:
    vpc = make(account, "aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")
    subnet = make(account, "aws:ec2/subnet:Subnet", vpcId=vpc.id, cidrBlock="10.0.0.0/24")
    with pytest.raises(Refused, match="DependencyViolation"):
        let_go(account, vpc)
    account.delete(subnet.token, subnet.id)
    let_go(account, vpc)


def test_the_sixth_vpc_of_a_region_is_one_too_many(account: Account) -> None:
    for number in range(5):
        make(account, "aws:ec2/vpc:Vpc", cidrBlock=f"10.{number}.0.0/16")
    assert "VpcLimitExceeded" in refusal(account, "aws:ec2/vpc:Vpc", cidrBlock="10.9.0.0/16")
    make(account, "aws:ec2/vpc:Vpc", region="eu-west-1", cidrBlock="10.9.0.0/16")


def test_a_final_snapshots_name_is_free_once(account: Account) -> None:
    assert account.remember("final snapshots of RDS", "last")
    assert not account.remember("final snapshots of RDS", "last")


# --- outputs


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "cn-north-1"])
@pytest.mark.parametrize("token", sorted(identities._ARNS.keys() | identities._GLOBAL_ARNS.keys()))
def test_arns_are_of_the_right_partition_and_account(token: str, region: str, account: Account) -> None:
    key = naming.field(token)
    inputs = {key: "some-name"} if key else {}
    for more in ("clusterIdentifier", "engine", "replicationGroupId"):
        if more in sdk_types.input_types(token):
            inputs.setdefault(more, "redis" if more == "engine" else "some-name")
    _, outputs = complete(moment(account, token, region=region), inputs)
    parts = outputs["arn"].split(":", 5)
    assert parts[1] == places.partition(region).name
    assert parts[3] in ("", region)
    assert parts[4] in ("", OWNER)
    assert parts[5]


def test_a_preview_knows_the_inputs_and_nothing_that_aws_makes_up() -> None:
    shown = previewed("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"})
    assert shown["cidrBlock"] == "10.0.0.0/16"
    assert shown["arn"] == UNKNOWN
    changed = previewed("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "tags": {}}, {"arn": "arn:known"})
    assert changed["arn"] == "arn:known"


def test_types_without_a_table_exist_too(account: Account) -> None:
    resource_id, outputs = complete(moment(account, "aws:dynamodb/table:Table"), {"name": "locks"})
    assert resource_id == "locks"
    assert outputs["arn"] == f"arn:aws:dynamodb:eu-central-1:{OWNER}:table/locks"


# --- functions


def test_every_function_that_is_answered_is_one_of_the_sdk() -> None:
    for token in invokes.known():
        module, name = token.split(":")[1].split("/")
        spelled = "".join(f"_{each.lower()}" if each.isupper() else each for each in name)
        spelled = {"get_open_id_connect_provider": spelled}.get(spelled, spelled)
        package = "pulumi_aws" if module == "index" else f"pulumi_aws.{module}"
        assert importlib.util.find_spec(f"{package}.{spelled}") is not None, token


# --- faults


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{"operation": "make", "type": "*", "error": "quota"}], "operation is one of"),
        ([{"type": "*", "error": "quota"}], "is wanted"),
        ([{"operation": "create", "type": "*", "error": "quota", "times": 0}], "from 1 on"),
        ({"operation": "create"}, "is wanted"),
    ],
)
def test_a_fault_that_cannot_be_played_is_refused(content: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        faults.parse({"aws": content})


def test_a_fault_fits_by_pattern() -> None:
    (fault,) = faults.parse({"aws": [{"operation": "create", "type": "aws:eks/*", "error": "quota"}]}).aws
    assert fault.fits("create", "aws:eks/nodeGroup:NodeGroup", "any")
    assert not fault.fits("delete", "aws:eks/nodeGroup:NodeGroup", "any")
    assert not fault.fits("create", "aws:ec2/vpc:Vpc", "any")
