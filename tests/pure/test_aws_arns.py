"""ARNs, partitions, and the provider's account: names that differ between AWS' commercial, GovCloud and China regions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import botocore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.aws.account import Account
from components.aws.arns import DNS_SUFFIX, Arn, dns_suffix, partition_of

PARTITIONS = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())["partitions"]
REGIONS = {
    region: partition
    for partition in PARTITIONS
    for region in partition["regions"]
    if not region.endswith("-global")  # what has no region is listed as if it were one
}
part = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-", max_size=20)


def account(region: str) -> Account:
    return Account(provider=cast(Any, None), region=region, id="123456789012")


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_that_the_aws_sdk_knows_is_in_its_partition(region: str) -> None:
    assert partition_of(region) == REGIONS[region]["id"]
    assert dns_suffix(partition_of(region)) == REGIONS[region]["outputs"]["dnsSuffix"]


def test_every_partition_that_the_aws_sdk_knows_has_a_dns_suffix_and_there_are_no_others() -> None:
    assert DNS_SUFFIX.keys() == {each["id"] for each in PARTITIONS}


def test_a_partition_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"no partition 'aws-mars'; there are aws, aws-cn"):
        dns_suffix("aws-mars")


@given(
    st.builds(
        Arn,
        partition=st.sampled_from(sorted(DNS_SUFFIX)),
        service=part.filter(bool),
        region=part,
        account=part,
        resource=st.text(min_size=1, max_size=40),
    )
)
def test_an_arn_is_the_same_after_writing_and_reading_it(arn: Arn) -> None:
    assert Arn.parse(str(arn)) == arn


def test_a_resource_may_itself_have_colons() -> None:
    arn = Arn.parse("arn:aws:logs:eu-central-1:123456789012:log-group:/aws/eks/wandb/cluster:*")
    assert arn.resource == "log-group:/aws/eks/wandb/cluster:*"


@pytest.mark.parametrize("text", ["", "arn", "arn:aws:s3", "nra:aws:s3:::bucket", "arn:aws:s3:::", "arn::s3:::bucket"])
def test_what_is_no_arn_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no ARN; an ARN has six parts.* such as arn:aws:iam::"):
        Arn.parse(text)


def test_an_arn_of_an_unknown_partition_is_refused() -> None:
    with pytest.raises(ValueError, match="names the partition 'asw'"):
        Arn.parse("arn:asw:s3:::bucket")


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("eu-central-1", "arn:aws:kms:eu-central-1:123456789012:key/k"),
        ("us-gov-west-1", "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/k"),
        ("cn-north-1", "arn:aws-cn:kms:cn-north-1:123456789012:key/k"),
    ],
)
def test_an_arn_of_the_account_has_its_partition_region_and_number(region: str, expected: str) -> None:
    assert account(region).arn("kms", "key/k") == expected


def test_an_arn_leaves_out_what_its_service_has_none_of() -> None:
    here = account("cn-north-1")
    assert here.arn("iam", "role/r", region="") == "arn:aws-cn:iam::123456789012:role/r"
    assert here.arn("s3", "bucket", region="", account="") == "arn:aws-cn:s3:::bucket"
    assert here.arn("iam", "policy/AmazonEKSClusterPolicy", region="", account="aws").startswith("arn:aws-cn:iam::aws:")
