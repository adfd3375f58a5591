"""The policies of key, buckets, flow logs and replication: held against parliament, and what each must never allow."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.aws.account import Account
from components.aws.endpoints import INTERFACE_SERVICES, endpoint_service, interface_services
from components.aws.resource_policies import (
    Encrypted,
    Policy,
    bucket_policy,
    flow_logs_policy,
    flow_logs_trust,
    key_policy,
    replication_policy,
    replication_trust,
)
from tests.harness.policies import Kind, findings

REGIONS = ("eu-central-1", "us-gov-west-1", "cn-north-1")
ELSEWHERE = {"eu-central-1": "eu-west-1", "us-gov-west-1": "us-gov-east-1", "cn-north-1": "cn-northwest-1"}
ID = "123456789012"
each_region = pytest.mark.parametrize("region", REGIONS)


def account(region: str) -> Account:
    return Account(provider=cast(Any, None), region=region, id=ID)


def policies(region: str) -> dict[str, tuple[Policy, Kind]]:
    """Every policy of the module, as an account in that region gets it."""
    here = account(region)
    bucket = here.arn("s3", "wandb", region="", account="")
    source = Encrypted(bucket_arn=bucket, key_arn=here.arn("kms", "key/k"), region=region)
    target = Encrypted(
        bucket_arn=here.arn("s3", "copies", region="", account=""),
        key_arn=here.arn("kms", "key/c", region=ELSEWHERE[region]),
        region=ELSEWHERE[region],
    )
    return {
        "key": (key_policy(here, [here.arn("iam", "role/admin", region="")]), "key"),
        "bucket": (bucket_policy(bucket), "bucket"),
        "flow logs": (flow_logs_policy(here.arn("logs", "log-group:flow")), "identity"),
        "flow logs trust": (flow_logs_trust(here), "trust"),
        "replication": (replication_policy(here, source, target, foreign=True), "identity"),
        "replication trust": (replication_trust(here, bucket), "trust"),
    }


def statements(policy: Policy) -> list[dict[str, Any]]:
    return policy["Statement"]


@each_region
def test_parliament_has_nothing_against_any_policy(region: str) -> None:
    found = {name: findings(policy, kind) for name, (policy, kind) in policies(region).items()}
    assert found == {name: [] for name in found}


@each_region
def test_every_policy_names_its_own_partition_only(region: str) -> None:
    partition = account(region).partition
    text = json.dumps({name: policy for name, (policy, _) in policies(region).items()})
    assert text.count("arn:") == text.count(f"arn:{partition}:")
    if partition != "aws-cn":
        assert "amazonaws.com.cn" not in text


@each_region
def test_whoever_has_no_principal_of_their_own_is_bound_by_a_condition(region: str) -> None:
    for name, (policy, _) in policies(region).items():
        for statement in statements(policy):
            everyone = statement.get("Principal") in ("*", {"AWS": "*"})
            if everyone and statement["Effect"] == "Allow":
                assert statement["Condition"]["StringEquals"] == {"kms:CallerAccount": ID}, name
                assert statement["Condition"]["ArnLike"]["aws:PrincipalArn"], name


@each_region
def test_a_service_is_trusted_for_this_account_alone(region: str) -> None:
    for name, (policy, kind) in policies(region).items():
        for statement in statements(policy) if kind == "trust" else ():
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ID}, name
            assert statement["Condition"]["ArnLike"]["aws:SourceArn"], name


@each_region
def test_the_account_keeps_its_key_so_that_nobody_can_lock_it_away(region: str) -> None:
    root = account(region).arn("iam", "root", region="")
    assert {
        "Sid": "IamPoliciesOfTheAccount",
        "Effect": "Allow",
        "Principal": {"AWS": root},
        "Action": "kms:*",
        "Resource": "*",
    } in statements(key_policy(account(region)))


@given(st.lists(st.from_regex(r"arn:aws:iam::123456789012:role/[a-z]{1,20}", fullmatch=True), unique=True))
def test_administrators_manage_the_key_and_cannot_decrypt_with_it(administrators: list[str]) -> None:
    theirs = [
        each
        for each in statements(key_policy(account("eu-central-1"), administrators))
        if each["Sid"] == "Administrators"
    ]
    assert [each["Principal"]["AWS"] for each in theirs] == ([administrators] if administrators else [])
    for action in (action for each in theirs for action in each["Action"]):
        assert action.removeprefix("kms:").rstrip("*") not in ("", "Decrypt", "Encrypt", "GenerateDataKey", "ReEncrypt")


def test_nodes_volumes_need_no_role_that_a_fresh_account_does_not_have_yet() -> None:
    policy = key_policy(account("eu-central-1"))
    principals = [each["Principal"] for each in statements(policy)]
    assert not any("aws-service-role" in json.dumps(principal) for principal in principals), (
        "KMS refuses a policy with a principal that does not exist, and these roles come with the first node group"
    )
    condition = next(each for each in statements(policy) if each["Sid"] == "GrantsForVolumesOfNodes")["Condition"]
    assert condition["Bool"] == {"kms:GrantIsForAWSResource": "true"}
    assert (
        f"arn:aws:iam::{ID}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling*"
        in condition["ArnLike"]["aws:PrincipalArn"]
    )


def test_the_log_service_of_china_has_the_name_that_it_has_there() -> None:
    (logs,) = [each for each in statements(key_policy(account("cn-north-1"))) if each["Sid"] == "CloudWatchLogs"]
    assert logs["Principal"] == {"Service": "logs.cn-north-1.amazonaws.com.cn"}


def test_a_buckets_policy_only_refuses_and_covers_bucket_and_objects() -> None:
    for statement in statements(bucket_policy("arn:aws:s3:::wandb")):
        assert statement["Effect"] == "Deny"
        assert statement["Resource"] == ["arn:aws:s3:::wandb", "arn:aws:s3:::wandb/*"]


def test_replication_never_reads_or_writes_but_by_the_keys_of_the_two_buckets() -> None:
    policy, _ = policies("eu-central-1")["replication"]
    keys = {
        each["Resource"]: (each["Action"], each["Condition"]["StringEquals"]["kms:ViaService"])
        for each in statements(policy)
        if each["Action"][0].startswith("kms:")
    }
    assert keys == {
        f"arn:aws:kms:eu-central-1:{ID}:key/k": (["kms:Decrypt"], "s3.eu-central-1.amazonaws.com"),
        f"arn:aws:kms:eu-west-1:{ID}:key/c": (["kms:Encrypt", "kms:GenerateDataKey"], "s3.eu-west-1.amazonaws.com"),
    }


def test_only_copies_for_another_account_change_their_owner() -> None:
    here = account("eu-central-1")
    one = Encrypted(bucket_arn="arn:aws:s3:::one", key_arn=here.arn("kms", "key/k"), region=here.region)
    owner = "s3:ObjectOwnerOverrideToBucketOwner"
    assert owner in json.dumps(replication_policy(here, one, one, foreign=True))
    assert owner not in json.dumps(replication_policy(here, one, one, foreign=False))


@pytest.mark.parametrize(
    ("partition", "region", "service", "name"),
    [
        ("aws", "eu-central-1", "ecr.api", "com.amazonaws.eu-central-1.ecr.api"),
        ("aws-us-gov", "us-gov-west-1", "sts", "com.amazonaws.us-gov-west-1.sts"),
        ("aws-cn", "cn-north-1", "ecr.dkr", "cn.com.amazonaws.cn-north-1.ecr.dkr"),
        ("aws-cn", "cn-north-1", "logs", "com.amazonaws.cn-north-1.logs"),
        ("aws-eusc", "eusc-de-east-1", "ecr.api", "eu.amazonaws.eusc-de-east-1.ecr.api"),
    ],
)
def test_an_endpoint_asks_for_a_service_by_the_name_that_it_has_in_the_partition(
    partition: str, region: str, service: str, name: str
) -> None:
    assert endpoint_service(partition, region, service) == name


def test_china_gets_no_endpoint_of_pod_identity_because_it_has_none() -> None:
    assert set(INTERFACE_SERVICES) - set(interface_services("aws-cn")) == {"eks-auth"}
    assert interface_services("aws-us-gov") == INTERFACE_SERVICES
