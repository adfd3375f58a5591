"""The account that a stack's settings describe, before the stack comes."""

from __future__ import annotations

from pathlib import Path

import pulumi_aws  # noqa: F401  (registers the types)
import pytest
import yaml

from rehearsal.aws import brought
from rehearsal.aws.account import Account
from rehearsal.state import State
from settings import Settings, parse

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    path.name.removeprefix("Pulumi.").removesuffix(".yaml"): path
    for path in [*(ROOT / "examples").glob("Pulumi.aws-*.yaml"), ROOT / "Pulumi.prod.yaml"]
}


def settings(name: str) -> Settings:
    config = yaml.safe_load(FILES[name].read_text())["config"]
    given = {key.removeprefix("wandb:"): value for key, value in config.items() if key.startswith("wandb:")}
    return parse(
        given | {"license": "x"} if "licenseSecret" not in given else given, secret_keys={"wandb:license"}, stack=name
    )


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(State(tmp_path / "test"))


@pytest.mark.parametrize("name", sorted(set(FILES) - {"aws-existing-cluster", "aws-external-stores"}))
def test_what_the_settings_name_is_there_and_is_not_the_stacks(name: str, account: Account) -> None:
    read = settings(name)
    brought.seed(account, read)
    assert read.aws is not None
    assert account.id == read.aws.account_id
    assert account.leftovers() == []
    text = account.path.read_text()
    named = [read.aws.kms_key_arn, read.aws.certificate_arn, read.aws.load_balancer.waf_acl_arn]
    named += [getattr(read.aws.network, "vpc_id", None), getattr(read.aws.dns, "zone_id", None)]
    named += [*getattr(read.aws.network, "private_subnet_ids", ()), *getattr(read.aws.network, "public_subnet_ids", ())]
    assert [each for each in named if each and each not in text] == []


def test_a_brought_network_has_a_subnet_in_each_zone_and_a_way_out(account: Account) -> None:
    read = settings("aws-existing-network")
    brought.seed(account, read)
    assert read.aws is not None
    zones = {each["availabilityZone"] for each in account.all("aws:ec2/subnet:Subnet")}
    assert zones == set(getattr(read.aws.network, "zones", ()))
    assert account.all("aws:ec2/natGateway:NatGateway", "aws:ec2/internetGateway:InternetGateway")


def test_to_seed_twice_changes_nothing(account: Account) -> None:
    read = settings("aws-existing-network")
    brought.seed(account, read)
    before = account.path.read_text()
    brought.seed(account, read)
    assert account.path.read_text() == before
