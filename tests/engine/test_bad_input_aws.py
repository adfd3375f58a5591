"""What a user of AWS sees of a mistake: one report from the real CLI, in a preview and before anything but the provider is
registered. Stacks of other partitions get through.

The rules themselves are held in tests/pure; here is whether they reach the user, and in time. No cluster runs: nothing here gets
as far as that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.aws.account import Account
from rehearsal.aws.brought import seed
from rehearsal.engine import Engine, Run
from rehearsal.state import PROJECT, State
from settings import InvalidSettings, parse

GOOD = yaml.safe_load((PROJECT / "Pulumi.prod.yaml").read_text())["config"]
AWS: Mapping[str, Any] = GOOD["wandb:aws"]
REGION, ACCOUNT = AWS["region"], AWS["accountId"]
ZONES = AWS["network"]["zones"]
VPC = "vpc-0a1b2c3d4e5f60718"
PRIVATE = [f"subnet-0a1b2c3d4e5f6000{number}" for number in (1, 2, 3)]
PUBLIC = [f"subnet-0a1b2c3d4e5f6001{number}" for number in (1, 2, 3)]
NETWORK = {
    "kind": "existing",
    "vpcId": VPC,
    "zones": ZONES,
    "privateSubnetIds": PRIVATE,
    "publicSubnetIds": PUBLIC,
}
TOKEN_VPC, TOKEN_SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
TOKEN_CERTIFICATE = "aws:acm/certificate:Certificate"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/01234567-89ab-cdef-0123-456789abcdef"


@pytest.fixture
def engine(tmp_path: Path, binaries: Mapping[str, Path]) -> Engine:
    """The CLI on the project, with a stack file of the test's own."""
    for entry in PROJECT.iterdir():
        if not entry.name.startswith("."):
            (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "Pulumi.prod.yaml").unlink()
    return Engine(State.of_stack("prod", tmp_path), binaries["pulumi"], tmp_path)


Spoil = Callable[[Account], None]
"""Makes something wrong in an account that was as the settings say."""


def preview(
    engine: Engine, section: Mapping[str, Any], others: Mapping[str, Any] | None = None, *, spoil: Spoil | None = None
) -> tuple[int, Run]:
    """A preview of the production stack with changes in its section `aws`, or of others, in an account where all is there that
    the settings name, but for what `spoil` does to it."""
    config = GOOD | {"wandb:aws": {**AWS, **section}} | {f"wandb:{key}": value for key, value in (others or {}).items()}
    (engine.project / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))
    document = {key.removeprefix("wandb:"): value for key, value in config.items() if key.startswith("wandb:")}
    account = Account(engine.state)
    try:
        seed(account, parse(document | {"license": "text"}, secret_keys=["wandb:license"]))
    except InvalidSettings:
        assert spoil is None, "the program gets no further than its settings"
    if spoil:
        spoil(account)
    engine.prepare()
    return engine.run("preview")


def changed(token: str, resource_id: str, **outputs: Any) -> Spoil:
    """One thing in the account is otherwise."""

    def spoil(account: Account) -> None:
        record = account.get(token, resource_id)
        assert record, f"{resource_id} is not there"
        account.put(replace(record, outputs={**record.outputs, **outputs}))

    return spoil


def gone(token: str, resource_id: str) -> Spoil:
    """One thing is not in the account."""

    def spoil(account: Account) -> None:
        assert account.delete(token, resource_id), f"{resource_id} is not there"

    return spoil


def all_of(*spoils: Spoil) -> Spoil:
    """Several things are wrong at once."""

    def spoil(account: Account) -> None:
        for each in spoils:
            each(account)

    return spoil


def refused(result: tuple[int, Run]) -> str:
    """The one report of a run that touched nothing."""
    code, run = result
    assert code != 0
    assert touched(run) <= {"pulumi:providers:aws"}
    texts = {message for _, message in run.errors}
    assert len(texts) == 1, texts
    report = texts.pop()
    assert "nothing was changed" in report
    assert "Traceback" not in report
    return report


def touched(run: Run) -> set[str]:
    return {each.types[-1] for each in run.operations if each.op not in ("same", "read")} - {"pulumi:pulumi:Stack"}


def test_every_mistake_in_the_settings_is_in_one_report(engine: Engine):
    section = {
        "network": {"kind": "managed", "cidr": "10.20.0.0/24", "zones": [*ZONES[:2], "eu-west-1c"]},
        "cluster": {"kind": "managed", "version": "1.29"},
        "certificateArn": CERTIFICATE.replace("arn:aws:", "arn:aws-us-gov:"),
    }
    report = refused(preview(engine, section, {"sizing": {"nodes": {"type": "r6i.17xlarge"}}}))
    assert "wandb:aws.network.zones[2]: is not a zone of region eu-central-1 (got eu-west-1c)" in report
    assert "wandb:aws.network.cidr: is too small" in report
    assert "wandb:aws.cluster.version: " in report
    assert "wandb:aws.certificateArn: is of partition aws-us-gov" in report


def test_an_instance_type_that_there_is_not_is_refused(engine: Engine):
    report = refused(preview(engine, {}, {"sizing": {"nodes": {"type": "r6i.17xlarge"}}}))
    assert "wandb:sizing.nodes.type: " in report
    assert "r6i.17xlarge" in report


def test_what_the_region_lacks_is_refused_in_one_report(engine: Engine):
    zones = ["ap-southeast-4a", "ap-southeast-4b", "ap-southeast-4f"]
    section = {"region": "ap-southeast-4", "network": {"kind": "managed", "zones": zones}}
    report = refused(preview(engine, section, {"sizing": {"nodes": {"type": "r7a.4xlarge"}}}))
    assert "wandb:aws.network.zones: names a zone that this account does not have (got ap-southeast-4f)" in report
    assert "wandb:sizing.nodes.type: is not offered in ap-southeast-4a" in report


def test_a_brought_vpc_whose_subnets_do_not_fit_is_refused_in_one_report(engine: Engine):
    spoil = all_of(
        changed(TOKEN_VPC, VPC, enableDnsHostnames=False),
        *(changed(TOKEN_SUBNET, each, availabilityZone=ZONES[0]) for each in PUBLIC),
        gone(TOKEN_SUBNET, PRIVATE[1]),
        changed(TOKEN_SUBNET, PRIVATE[2], cidrBlock="10.0.200.0/27"),
    )
    report = refused(preview(engine, {"network": NETWORK}, spoil=spoil))
    assert "--enable-dns-hostnames" in report
    assert f"wandb:aws.network.publicSubnetIds: has subnets in fewer than two zones (got 3, in {ZONES[0]})" in report
    assert "wandb:aws.network.privateSubnetIds[1]: names a subnet that does not exist" in report
    assert "wandb:aws.network.privateSubnetIds[2]: has too few free addresses for nodes and pods" in report


def test_a_certificate_for_another_host_is_refused_with_its_names(engine: Engine):
    other = {"domainName": "other.example.com", "subjectAlternativeNames": ["other.example.com", "*.example.org"]}
    spoil = changed(TOKEN_CERTIFICATE, CERTIFICATE, **other)
    report = refused(preview(engine, {"certificateArn": CERTIFICATE}, spoil=spoil))
    assert "wandb:aws.certificateArn: is of a certificate for other names than wandb.example.com" in report
    assert "(got other.example.com, *.example.org)" in report


def test_a_certificate_that_does_not_exist_is_named(engine: Engine):
    spoil = gone(TOKEN_CERTIFICATE, CERTIFICATE)
    code, run = preview(engine, {"certificateArn": CERTIFICATE}, spoil=spoil)
    assert code != 0
    assert touched(run) <= {"pulumi:providers:aws"}
    assert any(CERTIFICATE in message and "does not exist" in message for _, message in run.errors)


def test_a_brought_vpc_that_fits_and_a_wildcard_for_the_host_get_through(engine: Engine):
    names = {"domainName": "example.com", "subjectAlternativeNames": ["example.com", "*.example.com"]}
    section = {"network": NETWORK, "certificateArn": CERTIFICATE}
    passed(preview(engine, section, spoil=changed(TOKEN_CERTIFICATE, CERTIFICATE, **names)))


def test_credentials_of_another_account_are_refused(engine: Engine):
    def spoil(account: Account) -> None:
        with account.transaction() as content:
            content["id"] = "999999999999"

    code, run = preview(engine, {}, spoil=spoil)
    assert code != 0
    assert touched(run) <= {"pulumi:providers:aws"}
    assert any("999999999999" in message for _, message in run.errors)


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_a_stack_in_another_partition_gets_through(engine: Engine, region: str):
    cluster = {"kind": "managed", "publicAccessCidrs": ["203.0.113.0/24"]}
    passed(preview(engine, {"region": region, "network": {"kind": "managed"}, "cluster": cluster}))


def passed(result: tuple[int, Run]) -> None:
    """Nothing was wrong, and a whole installation would be made."""
    code, run = result
    assert code == 0, run.errors
    assert run.errors == ()
    assert "aws:eks/cluster:Cluster" in touched(run)
