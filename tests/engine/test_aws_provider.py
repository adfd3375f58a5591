"""The stand-in for AWS, asked by the real engine.

What it cannot see: whether AWS itself behaves as the stand-in says. EKS, which needs a control plane, has tests of its own.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import ResourceOptions, automation

from rehearsal.aws.account import Account
from rehearsal.state import MARK, State
from tools import bootstrap

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-central-1"
OWNER = "123456789012"
SOURCE = {"version": "8.0.mysql_aurora.3.10.3", "class": "db.r6g.large"}


class Runs:
    """One stack, with a home, a backend and an account of its own."""

    def __init__(self, folder: Path) -> None:
        self.state = State((folder / "aws-test").resolve())
        self.state.folder.mkdir()
        (folder / "backend").mkdir()
        self._settings: dict[str, Any] = {"region": REGION, "allowed_account_ids": [OWNER]}
        self.environment = {
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true",
            "REHEARSAL_SECONDS_PER_MINUTE": "0",
            MARK: str(self.state.folder),
        }
        version = metadata.version("pulumi-aws")
        script = folder / "home" / "plugins" / f"resource-aws-v{version}" / "pulumi-resource-aws"
        script.parent.mkdir(parents=True)
        command = shlex.join([sys.executable, "-m", "rehearsal.providers", "aws", version])
        script.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {command} "$@"\n')
        script.chmod(0o755)

    @property
    def account(self) -> Account:
        return Account(self.state)

    def faults(self, *faults: Mapping[str, Any]) -> None:
        self.state.faults.write_text(json.dumps({"aws": list(faults)}))

    def stack(self, program: Callable[[ResourceOptions], None], **settings: Any) -> automation.Stack:
        """A stack of `program(options)`, the options with the provider in them."""

        def whole() -> None:
            program(ResourceOptions(provider=aws.Provider("aws", **{**self._settings, **settings})))

        options = automation.LocalWorkspaceOptions(env_vars=self.environment)
        return automation.create_or_select_stack("test", project_name="test", program=whole, opts=options)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    folder = bootstrap.ensure(["pulumi"])["pulumi"].parent
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Runs(tmp_path)


def network(opts: ResourceOptions, zones: str = "abc") -> tuple[aws.ec2.Vpc, list[aws.ec2.Subnet]]:
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, opts=opts)
    subnets = [
        aws.ec2.Subnet(
            f"subnet-{zone}",
            vpc_id=vpc.id,
            cidr_block=f"10.0.{index}.0/24",
            availability_zone=f"{REGION}{zone}",
            opts=opts,
        )
        for index, zone in enumerate(zones)
    ]
    return vpc, subnets


def one_subnet(opts: ResourceOptions) -> None:
    network(opts, "a")


def three_subnets(opts: ResourceOptions) -> None:
    network(opts)


def too_large(opts: ResourceOptions) -> None:
    aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/8", opts=opts)


def database(opts: ResourceOptions, subnets: list[aws.ec2.Subnet], **changes: Any) -> aws.rds.Cluster:
    group = aws.rds.SubnetGroup("group", subnet_ids=[each.id for each in subnets], opts=opts)
    parameters = aws.rds.ClusterParameterGroup("parameters", family="aurora-mysql8.0", opts=opts)
    settings: dict[str, Any] = {
        "engine": "aurora-mysql",
        "engine_version": SOURCE["version"],
        "master_username": "admin",
        "master_password": pulumi.Output.secret("correct-horse-battery"),
        "db_subnet_group_name": group.name,
        "db_cluster_parameter_group_name": parameters.name,
        "skip_final_snapshot": True,
        "storage_encrypted": True,
    }
    cluster = aws.rds.Cluster("cluster", **{**settings, **changes}, opts=opts)
    aws.rds.ClusterInstance(
        "instance",
        cluster_identifier=cluster.id,
        engine=aws.rds.EngineType.AURORA_MYSQL,
        instance_class=SOURCE["class"],
        opts=opts,
    )
    pulumi.export("host", cluster.endpoint)
    return cluster


def operations(result: Any) -> dict[str, int]:
    """How many resources went through which operation; what stayed as it is left out."""
    return {name: count for name, count in (result.summary.resource_changes or {}).items() if name != "same"}


def planned(stack: automation.Stack) -> dict[str, int]:
    """What a preview would do."""
    summary = stack.preview().change_summary
    return {str(getattr(name, "value", name)): count for name, count in summary.items() if name != "same"}


def refused(action: Callable[[], Any]) -> str:
    """What the user reads when `action` fails."""
    with pytest.raises(automation.CommandError) as caught:
        action()
    return str(caught.value)


def test_a_second_up_a_preview_and_a_refresh_find_nothing_to_do_and_destroy_leaves_nothing(runs: Runs) -> None:
    def program(opts: ResourceOptions) -> None:
        vpc, subnets = network(opts)
        gateway = aws.ec2.InternetGateway("gateway", vpc_id=vpc.id, opts=opts)
        address = aws.ec2.Eip("address", domain="vpc", opts=opts)
        after = ResourceOptions.merge(opts, ResourceOptions(depends_on=[gateway]))
        nat = aws.ec2.NatGateway("nat", allocation_id=address.id, subnet_id=subnets[0].id, opts=after)
        table = aws.ec2.RouteTable("table", vpc_id=vpc.id, opts=opts)
        aws.ec2.Route(
            "out", route_table_id=table.id, destination_cidr_block="0.0.0.0/0", nat_gateway_id=nat.id, opts=opts
        )
        aws.ec2.RouteTableAssociation("joined", subnet_id=subnets[1].id, route_table_id=table.id, opts=opts)
        bucket = aws.s3.Bucket("bucket", tags={"own": "yes"}, opts=opts)
        aws.s3.BucketVersioning("versions", bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=opts)
        database(opts, subnets)
        pulumi.export("bucket", bucket.arn)

    stack = runs.stack(program, default_tags={"tags": {"team": "ml"}})
    first = stack.up()
    assert first.outputs["bucket"].value.startswith("arn:aws:s3:::bucket-")
    host = first.outputs["host"].value
    assert host.startswith("cluster-")
    assert host.endswith(f".{REGION}.rds.amazonaws.com")
    assert planned(stack) == {}
    assert operations(stack.up()) == {}
    assert operations(stack.refresh()) == {}
    assert operations(stack.up()) == {}
    made = next(iter(runs.account.all("aws:s3/bucket:Bucket")))
    assert made["tagsAll"] == {"own": "yes", "team": "ml"}
    stack.destroy()
    assert runs.account.leftovers() == []


def test_what_has_gone_behind_the_programs_back_is_made_again(runs: Runs) -> None:
    stack = runs.stack(one_subnet)
    stack.up()
    gone = next(iter(runs.account.all("aws:ec2/subnet:Subnet")))
    runs.account.delete(gone.token, gone.id)
    assert operations(stack.refresh()) == {"delete": 1}
    assert operations(stack.up()) == {"create": 1}


def test_a_password_is_in_neither_the_state_nor_the_account(runs: Runs, tmp_path: Path) -> None:
    def program(opts: ResourceOptions) -> None:
        _, subnets = network(opts)
        database(opts, subnets)

    stack = runs.stack(program)
    printed = stack.up().stdout + stack.refresh().stdout
    state = (tmp_path / "backend" / ".pulumi" / "stacks" / "test" / "test.json").read_text()
    for shown in (printed, state, runs.account.path.read_text()):
        assert "correct-horse-battery" not in shown
    assert planned(stack) == {}


def test_changes_are_made_in_place_where_aws_can_and_replace_where_it_cannot(runs: Runs) -> None:
    changes: dict[str, Any] = {}

    def program(opts: ResourceOptions) -> None:
        _, subnets = network(opts)
        database(opts, subnets, **changes)

    stack = runs.stack(program)
    stack.up()
    changes |= {"engine_version": "8.0.mysql_aurora.3.10.4", "backup_retention_period": 14}
    assert planned(stack) == {"update": 1}
    stack.up()
    del changes["backup_retention_period"]  # AWS keeps what it is not told to change
    assert planned(stack) == {}
    changes["master_username"] = "other"
    assert set(planned(stack)) >= {"replace"}


def test_what_aws_refuses_is_refused_in_its_words(runs: Runs) -> None:
    def overlapping(opts: ResourceOptions) -> None:
        vpc, _ = network(opts, "a")
        aws.ec2.Subnet("other", vpc_id=vpc.id, cidr_block="10.0.0.128/25", opts=opts)

    assert "api error InvalidSubnet.Conflict" in refused(runs.stack(overlapping).up)


def test_what_the_inputs_alone_show_is_refused_by_the_preview(runs: Runs) -> None:
    said = refused(runs.stack(too_large).preview)
    assert "Use a block between /16 and /28" in said


def test_to_ask_for_what_is_there_already_changes_nothing(runs: Runs) -> None:
    asked: dict[str, Any] = {}

    def program(opts: ResourceOptions) -> None:
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24", opts=opts, **asked)

    stack = runs.stack(program)
    stack.up()
    asked["availability_zone"] = next(iter(runs.account.all("aws:ec2/subnet:Subnet")))["availabilityZone"]
    assert planned(stack) == {}
    asked["availability_zone"] = f"{REGION}c"
    assert planned(stack) == {"replace": 1}


def test_one_zone_is_too_few_for_a_database(runs: Runs) -> None:
    def program(opts: ResourceOptions) -> None:
        _, subnets = network(opts, "a")
        aws.rds.SubnetGroup("group", subnet_ids=[each.id for each in subnets], opts=opts)

    assert "DBSubnetGroupDoesNotCoverEnoughAZs" in refused(runs.stack(program).up)


def test_another_account_is_refused_before_anything_is_made(runs: Runs) -> None:
    runs.account.call_it("999999999999")
    said = refused(runs.stack(three_subnets).up)
    assert "AWS account ID not allowed: 999999999999" in said
    assert runs.account.all() == []


def test_a_protected_database_stays_until_its_protection_is_lifted(runs: Runs) -> None:
    protection = {"deletion_protection": True}

    def program(opts: ResourceOptions) -> None:
        _, subnets = network(opts)
        database(opts, subnets, **protection)

    stack = runs.stack(program)
    stack.up()
    assert "Cannot delete protected Cluster" in refused(stack.destroy)
    protection["deletion_protection"] = False
    stack.up()
    stack.destroy()
    assert runs.account.leftovers() == []


def test_short_throttling_is_waited_out_and_long_throttling_fails(runs: Runs) -> None:
    stack = runs.stack(one_subnet)
    runs.faults({"operation": "create", "type": "aws:ec2/vpc:Vpc", "error": "throttling", "times": 3})
    assert operations(stack.up()) == {"create": 4}
    runs.faults({"operation": "delete", "type": "aws:ec2/subnet:*", "error": "throttling"})
    assert "exceeded maximum number of attempts, 25" in refused(stack.destroy)


def test_a_quota_stops_the_run_and_the_next_run_goes_on(runs: Runs) -> None:
    stack = runs.stack(three_subnets)
    runs.faults(
        {"operation": "create", "type": "aws:ec2/subnet:Subnet", "name": "subnet-b", "error": "quota", "times": 1}
    )
    assert "SubnetLimitExceeded" in refused(stack.up)
    stack.up()
    assert planned(stack) == {}
    assert len(runs.account.all("aws:ec2/subnet:Subnet")) == 3


def test_what_timed_out_exists_and_is_not_made_twice(runs: Runs) -> None:
    stack = runs.stack(three_subnets)
    runs.faults({"operation": "create", "type": "aws:ec2/vpc:Vpc", "error": "timeout", "times": 1})
    assert "timeout while waiting" in refused(stack.up)
    assert len(runs.account.all("aws:ec2/vpc:Vpc")) == 1
    stack.up()
    assert len(runs.account.all("aws:ec2/vpc:Vpc")) == 1
    stack.destroy()
    assert runs.account.leftovers() == []


def test_functions_answer_from_the_account_and_unknown_ones_are_refused_by_name(runs: Runs) -> None:
    def program(opts: ResourceOptions) -> None:
        ask = pulumi.InvokeOptions(provider=opts.provider)
        caller = aws.get_caller_identity(opts=ask)
        pulumi.export("account", caller.account_id)
        pulumi.export("role", aws.iam.get_session_context(arn=caller.arn, opts=ask).issuer_arn)
        pulumi.export("zones", aws.get_availability_zones(state="available", opts=ask).names)
        pulumi.export("partition", aws.get_partition(opts=ask).partition)

    outputs = runs.stack(program).up().outputs
    assert outputs["account"].value == OWNER
    assert outputs["role"].value == f"arn:aws:iam::{OWNER}:role/deploy"
    assert outputs["zones"].value == [f"{REGION}{each}" for each in "abc"]
    assert outputs["partition"].value == "aws"

    def unknown(opts: ResourceOptions) -> None:
        aws.ecr.get_authorization_token(opts=pulumi.InvokeOptions(provider=opts.provider))

    assert "does not answer aws:ecr/getAuthorizationToken:getAuthorizationToken" in refused(runs.stack(unknown).up)


def test_govcloud_has_a_partition_of_its_own(runs: Runs) -> None:
    def program(opts: ResourceOptions) -> None:
        pulumi.export("key", aws.kms.Key("key", opts=opts).arn)

    arn = runs.stack(program, region="us-gov-west-1").up().outputs["key"].value
    assert arn.startswith(f"arn:aws-us-gov:kms:us-gov-west-1:{OWNER}:key/")


def test_a_certificate_is_issued_once_its_record_is_in_a_zone(runs: Runs) -> None:
    def program(opts: ResourceOptions) -> None:
        zone = aws.route53.Zone("zone", name="example.com", opts=opts)
        certificate = aws.acm.Certificate(
            "certificate", domain_name="wandb.example.com", validation_method="DNS", opts=opts
        )
        proof = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            "proof",
            zone_id=zone.zone_id,
            name=proof.resource_record_name,
            type=proof.resource_record_type,
            records=[proof.resource_record_value],
            ttl=60,
            opts=opts,
        )
        issued = aws.acm.CertificateValidation(
            "issued", certificate_arn=certificate.arn, validation_record_fqdns=[record.fqdn], opts=opts
        )
        read = aws.acm.Certificate.get("read", issued.certificate_arn, opts=opts)
        pulumi.export("status", read.status)

    stack = runs.stack(program)
    assert stack.up().outputs["status"].value == "ISSUED"
    assert planned(stack) == {}
