"""What each workload may do in AWS, and who may be that workload."""

from __future__ import annotations

import functools
import json
import re
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.aws import identity, policies, values
from components.aws.arns import DNS_SUFFIX, dns_suffix
from tests.harness.policies import findings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the linter finds its data by a way that setuptools is about to close
    from parliament import analyze_policy_string

ACCOUNT = "123456789012"
REGIONS = {"aws": "eu-central-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
CLUSTER = "wandb-prod"
READS = re.compile(r"[a-z0-9-]+:(Describe|List|Get)")
WRITES_ANYWHERE = {
    "elasticloadbalancing:SetWebAcl": "AWS ties it to no resource, so any other would never match",
}
"""Every action that changes something and may do so to any resource, with the reason."""
INLINE_LIMIT = 10_240
"""Characters in all inline policies of a role, blanks aside. Source: IAM and AWS STS quotas."""

OTHER_RESOURCES = (
    "s3:GetObjectAttributes arn:*:s3:*:*:accesspoint/*",
    "ec2:CreateSecurityGroup arn:*:ec2:*:*:security-group/*",
    "elasticloadbalancing:* arn:*:elasticloadbalancing:*:*:listener/net/*/*/*",
    "elasticloadbalancing:* arn:*:elasticloadbalancing:*:*:listener-rule/net/*/*/*/*",
)
"""Kinds of resources that the linter misses, and that are not named on purpose: access points, network load balancers, and
the one that another statement names."""
UNKNOWN_TO_THE_LINTER = "elasticloadbalancing:CreateAction"
"""A condition key that is newer than its data. Source: Service Authorization Reference, Elastic Load Balancing V2."""


@functools.cache
def all_policies(partition: str) -> dict[str, policies.Policy]:
    """Every policy that this package can make, in one partition."""
    region = REGIONS[partition]
    suffix = dns_suffix(partition)
    key = f"arn:{partition}:kms:{region}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    place = {"partition": partition, "region": region, "account_id": ACCOUNT, "cluster": CLUSTER}
    return {
        "wandb_bucket": policies.wandb_bucket(partition=partition, bucket="wandb-files"),
        "clickhouse_bucket": policies.clickhouse_bucket(partition=partition, bucket="wandb-clickhouse"),
        "backup_writer": policies.backup_writer(partition=partition, bucket="wandb-backup"),
        "backup_keeper": policies.backup_keeper(partition=partition, bucket="wandb-backup"),
        "key_use": policies.key_use(key_arn=key, service="s3", region=region, dns_suffix=suffix),
        "volume_key": policies.volume_key(key_arn=key, region=region, dns_suffix=suffix),
        "autoscaler": policies.autoscaler(**place),
        "load_balancer_controller": policies.load_balancer_controller(**place),
    }


each_policy = pytest.mark.parametrize(
    ("partition", "name"), [(partition, name) for partition in REGIONS for name in all_policies(partition)]
)


def statements(policy: policies.Policy) -> list[dict[str, Any]]:
    return policy["Statement"]


@each_policy
def test_the_linter_finds_nothing(partition: str, name: str) -> None:
    found = analyze_policy_string(json.dumps(all_policies(partition)[name])).findings
    wrong = [f"{each.issue}: {each.detail}" for each in found if not expected(each)]
    assert not wrong


def expected(finding: Any) -> bool:
    """Whether the linter is known to be wrong here."""
    if finding.issue == "UNKNOWN_CONDITION_FOR_ACTION":
        return UNKNOWN_TO_THE_LINTER in finding.detail
    if finding.issue == "RESOURCE_MISMATCH":
        missing = [f"{each['action']} {each['required_format']}" for each in finding.detail]
        return all(any(_matches(one, pattern) for pattern in OTHER_RESOURCES) for one in missing)
    return False


def _matches(text: str, pattern: str) -> bool:
    action, _, resource = pattern.partition(" ")
    given_action, _, given_resource = text.partition(" ")
    return given_resource == resource and re.fullmatch(action.replace("*", ".*"), given_action) is not None


@each_policy
def test_what_changes_something_names_what(partition: str, name: str) -> None:
    for statement in statements(all_policies(partition)[name]):
        writes = [each for each in statement["Action"] if not READS.match(each) and each not in WRITES_ANYWHERE]
        assert not (writes and "*" in statement["Resource"]), statement["Sid"]


@each_policy
def test_no_policy_reaches_into_another_account_region_or_partition(partition: str, name: str) -> None:
    for statement in statements(all_policies(partition)[name]):
        for resource in statement["Resource"]:
            if resource == "*":
                continue
            _, found, service, region, account, _ = resource.split(":", 5)
            assert found == partition
            assert region in ("" if service in ("s3", "iam", "shield") else REGIONS[partition],)
            assert account in ("" if service == "s3" else ACCOUNT,)


@each_policy
def test_no_action_is_a_service_whole(partition: str, name: str) -> None:
    for statement in statements(all_policies(partition)[name]):
        assert statement["Effect"] == "Allow"
        assert all(re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]+\*?", each) for each in statement["Action"])


@each_policy
def test_every_statement_can_be_told_by_its_name(partition: str, name: str) -> None:
    names = [statement["Sid"] for statement in statements(all_policies(partition)[name])]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9]+", each) for each in names)


def test_history_cannot_be_deleted_for_good() -> None:
    for name in ("wandb_bucket", "clickhouse_bucket", "backup_keeper"):
        actions = {action for each in statements(all_policies("aws")[name]) for action in each["Action"]}
        assert "s3:DeleteObject" in actions
        assert not [each for each in actions if "Version" in each and "Delete" in each]
        assert not [each for each in actions if each.startswith(("s3:PutBucket", "s3:DeleteBucket", "s3:PutLifecycle"))]


def test_who_writes_backups_cannot_take_them_away() -> None:
    deleting = [
        each for each in statements(all_policies("aws")["backup_writer"]) if "s3:DeleteObject" in each["Action"]
    ]
    assert [each["Resource"] for each in deleting] == [["arn:aws:s3:::wandb-backup/*/.lock"]]


@pytest.mark.parametrize("partition", REGIONS)
def test_a_key_is_used_through_its_service_in_its_region_alone(partition: str) -> None:
    via = {"key_use": "s3", "volume_key": "ec2"}
    for name, service in via.items():
        for statement in statements(all_policies(partition)[name]):
            expected_via = f"{service}.{REGIONS[partition]}.{dns_suffix(partition)}"
            assert statement["Condition"]["StringEquals"]["kms:ViaService"] == expected_via


def test_grants_of_the_volume_key_are_for_aws_alone() -> None:
    (grant,) = [each for each in statements(all_policies("aws")["volume_key"]) if "kms:CreateGrant" in each["Action"]]
    assert grant["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}


def test_the_autoscaler_scales_nothing_but_groups_of_its_cluster() -> None:
    (scale,) = [each for each in statements(all_policies("aws")["autoscaler"]) if each["Sid"] == "Scale"]
    assert scale["Condition"]["StringEquals"] == {
        "aws:ResourceTag/k8s.io/cluster-autoscaler/enabled": "true",
        f"aws:ResourceTag/k8s.io/cluster-autoscaler/{CLUSTER}": "owned",
    }


def test_load_balancers_of_another_cluster_are_out_of_reach() -> None:
    tag = policies.LOAD_BALANCER_TAG
    for statement in statements(all_policies("aws")["load_balancer_controller"]):
        deletes = {each for each in statement["Action"] if ":Delete" in each and each not in ("ec2:DeleteTags",)}
        if deletes and not deletes <= {"elasticloadbalancing:DeleteListener", "elasticloadbalancing:DeleteRule"}:
            assert statement["Condition"]["StringEquals"][f"aws:ResourceTag/{tag}"] == CLUSTER


def test_the_mark_of_a_cluster_cannot_be_put_on_what_exists() -> None:
    for statement in statements(all_policies("aws")["load_balancer_controller"]):
        if {"ec2:DeleteTags", "elasticloadbalancing:RemoveTags"} & set(
            statement["Action"]
        ) and "Condition" in statement:
            assert statement["Condition"]["Null"] == {f"aws:RequestTag/{policies.LOAD_BALANCER_TAG}": "true"}


@given(st.sampled_from(sorted(REGIONS)), st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=100))
def test_policies_fit_into_a_role_however_long_the_name_of_the_cluster(partition: str, cluster: str) -> None:
    place = {"partition": partition, "region": REGIONS[partition], "account_id": ACCOUNT, "cluster": cluster}
    for policy in (policies.autoscaler(**place), policies.load_balancer_controller(**place)):
        assert len(json.dumps(policy, separators=(",", ":"))) < INLINE_LIMIT


def test_a_policy_of_known_values_is_known_in_the_preview() -> None:
    made = policies.text(lambda bucket: policies.wandb_bucket(partition="aws", bucket=bucket), "files")
    assert isinstance(made, str)
    assert json.loads(made) == policies.wandb_bucket(partition="aws", bucket="files")


ISSUER = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER.removeprefix('https://')}"


@given(
    st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
    st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True), min_size=1, max_size=12, unique=True),
)
def test_irsa_trusts_exact_subjects_and_audience(namespace: str, accounts: list[str]) -> None:
    (statement,) = identity.web_identity_trust(PROVIDER, ISSUER, namespace, accounts)["Statement"]
    host = ISSUER.removeprefix("https://")
    assert statement["Principal"] == {"Federated": PROVIDER}
    assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert set(statement["Condition"]) == {"StringEquals"}
    assert statement["Condition"]["StringEquals"] == {
        f"{host}:aud": "sts.amazonaws.com",
        f"{host}:sub": [f"system:serviceaccount:{namespace}:{each}" for each in accounts],
    }


def test_pod_identity_trusts_one_service_account_of_one_cluster() -> None:
    arn = f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/{CLUSTER}"
    (statement,) = identity.pod_trust(arn, "kube-system", "aws-node")["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert statement["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": arn,
        "aws:RequestTag/kubernetes-namespace": "kube-system",
        "aws:RequestTag/kubernetes-service-account": "aws-node",
    }


def eks(partition: str) -> values.EKS:
    """A cluster of that partition, all of it known."""
    region = REGIONS[partition]
    issuer = f"oidc.eks.{region}.{dns_suffix(partition)}/id/EXAMPLED539D4633E53DE1B716D3041E"
    return values.EKS(
        name=CLUSTER,
        arn=f"arn:{partition}:eks:{region}:{ACCOUNT}:cluster/{CLUSTER}",
        oidc_issuer=f"https://{issuer}",
        oidc_provider_arn=f"arn:{partition}:iam::{ACCOUNT}:oidc-provider/{issuer}",
        security_group_id="sg-cluster",
    )


def trusted(partition: str) -> dict[str, Any]:
    made = identity.controller_trust(partition, eks(partition), "kube-system", "aws-node")
    assert isinstance(made, str), "it is known in a preview"
    return json.loads(made)


@pytest.mark.parametrize("partition", DNS_SUFFIX)
def test_only_china_gives_controllers_their_roles_by_irsa(partition: str) -> None:
    assert identity.way(partition) == ("irsa" if partition == "aws-cn" else "pod-identity")


@pytest.mark.parametrize("partition", REGIONS)
def test_the_linter_has_nothing_against_whom_a_role_trusts(partition: str) -> None:
    assert findings(trusted(partition), "trust") == []


@pytest.mark.parametrize("key", ["aud", "sub"])
def test_the_linter_would_find_a_trust_in_what_no_token_says(key: str) -> None:
    wrong = json.loads(json.dumps(trusted("aws-cn")).replace(f":{key}", f":{key}s"))
    assert [each.split(" ")[0] for each in findings(wrong, "trust")] == ["UNKNOWN_CONDITION_FOR_ACTION"]


@pytest.mark.parametrize("partition", REGIONS)
def test_a_controllers_role_is_for_one_service_account_of_one_cluster(partition: str) -> None:
    (statement,) = trusted(partition)["Statement"]
    if partition == "aws-cn":
        host = str(eks(partition).oidc_issuer).removeprefix("https://")
        assert statement["Principal"] == {"Federated": eks(partition).oidc_provider_arn}
        assert statement["Condition"]["StringEquals"] == {
            f"{host}:aud": "sts.amazonaws.com",
            f"{host}:sub": ["system:serviceaccount:kube-system:aws-node"],
        }
    else:
        assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        assert statement["Condition"]["StringEquals"]["aws:RequestTag/eks-cluster-arn"] == eks(partition).arn
