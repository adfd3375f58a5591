"""The VPC, the key and the provider, as requests: what is made, what waits for what, and what admits nobody."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from typing import Any

import pulumi
import pytest
from pulumi_aws import ec2

from components.aws.account import Account, aws_provider
from components.aws.endpoints import INTERFACE_SERVICES
from components.aws.keys import Key, KeyArgs
from components.aws.network import Network, NetworkArgs
from components.aws.subnets import layout
from tests.harness import Recording, Resource, record_function

ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
CIDR = "10.20.0.0/16"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
NAT = "aws:ec2/natGateway:NatGateway"
ROUTE = "aws:ec2/route:Route"
SUBNET = "aws:ec2/subnet:Subnet"
TABLE = "aws:ec2/routeTable:RouteTable"
VPC = "aws:ec2/vpc:Vpc"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


def account(region: str = "eu-central-1") -> Account:
    provider = aws_provider("aws", region=region, account_id="123456789012", tags={"team": "ml"})
    return Account(provider=provider, region=region, id="123456789012")


def program(region: str = "eu-central-1", **changes: Any) -> None:
    here = account(region)
    key = Key("key", KeyArgs(account=here, protect=bool(changes.get("protect"))))
    given: dict[str, Any] = {
        "account": here,
        "name": "wandb-prod",
        "cidr": CIDR,
        "zones": ZONES,
        "key_arn": key.arn,
    }
    network = Network("network", NetworkArgs(**given | changes))
    # stand for those who use the subnets: what they wait for is what a user of the subnet waits for
    child = pulumi.ResourceOptions(provider=here.provider)
    for kind in ("private", "node", "public", "database"):
        for number, subnet in enumerate(getattr(network.outputs, f"{kind}_subnets")):
            ec2.NetworkInterface(f"{kind}-{number}", subnet_id=subnet, opts=child)
    pulumi.export("egress", pulumi.Output.all(*network.egress_addresses))


@functools.cache
def run(**changes: Any) -> Recording:
    return record_function(lambda: program(**changes))


def named(recording: Recording, token: str, name: str) -> Resource:
    (found,) = [each for each in recording.recorder.of_type(token) if each.name == name]
    return found


def before_user(recording: Recording, user: str) -> list[Resource]:
    """What exists before someone uses a subnet."""
    recorder = recording.recorder
    interface = named(recording, "aws:ec2/networkInterface:NetworkInterface", user)
    return [recorder.resources_by_urn[urn] for urn in recorder.before(interface.urn)]


def types_before(recording: Recording, user: str) -> Counter[str]:
    return Counter(each.type for each in before_user(recording, user))


def tables_of(recording: Recording, kind: str) -> set[str]:
    """The ids of the route tables that the subnets of a kind are associated with."""
    associations = [
        each for each in recording.recorder.of_type(ASSOCIATION) if each.name.startswith(f"network-{kind}-")
    ]
    return {each.inputs["routeTableId"] for each in associations}


def test_the_provider_works_in_one_account_and_region_and_tags_everything() -> None:
    (provider,) = run().recorder.of_type("pulumi:providers:aws")
    assert provider.inputs["region"] == "eu-central-1"
    assert json.loads(provider.inputs["allowedAccountIds"]) == ["123456789012"]
    assert json.loads(provider.inputs["defaultTags"]) == {"tags": {"team": "ml"}}
    assert "assumeRoles" not in provider.inputs


def test_the_provider_takes_on_the_role_that_it_is_given() -> None:
    role = "arn:aws:iam::123456789012:role/deployer"
    recording = record_function(
        lambda: aws_provider(
            "aws", region="eu-central-1", account_id="123456789012", profile="ops", assume_role_arn=role, tags={}
        )
    )
    (provider,) = recording.recorder.of_type("pulumi:providers:aws")
    assert json.loads(provider.inputs["assumeRoles"])[0]["roleArn"] == role
    assert provider.inputs["profile"] == "ops"


def test_the_subnets_are_those_of_the_layout_each_in_its_zone_with_a_name() -> None:
    ranges = layout(CIDR, ZONES)
    for kind in ("public", "private", "database"):
        for zone, cidr in zip(ZONES, getattr(ranges, kind), strict=True):
            subnet = named(run(), SUBNET, f"network-{kind}-{zone}").inputs
            assert (subnet["cidrBlock"], subnet["availabilityZone"]) == (cidr, zone)
            assert subnet["tags"]["Name"] == f"wandb-prod-{kind}-{zone}"
            assert subnet["mapPublicIpOnLaunch"] is False


def test_load_balancers_find_their_subnets_by_tag() -> None:
    for kind, role in (("public", "kubernetes.io/role/elb"), ("private", "kubernetes.io/role/internal-elb")):
        assert all(named(run(), SUBNET, f"network-{kind}-{zone}").inputs["tags"][role] == "1" for zone in ZONES)
    for zone in ZONES:
        assert named(run(), SUBNET, f"network-database-{zone}").inputs["tags"].keys() == {"Name"}


def test_names_resolve_inside_the_vpc() -> None:
    (vpc,) = run().recorder.of_type(VPC)
    assert vpc.inputs["enableDnsSupport"] is True
    assert vpc.inputs["enableDnsHostnames"] is True


def test_nodes_of_a_zone_reach_the_internet_by_the_nat_gateway_of_that_zone() -> None:
    for zone in ZONES:
        nat = named(run(), NAT, f"network-nat-{zone}")
        assert nat.inputs["subnetId"] == f"network-public-{zone}-id"
        assert named(run(), ROUTE, f"network-private-{zone}").inputs["natGatewayId"] == f"{nat.name}-id"
    assert len(run().exports["egress"]) == len(ZONES)


def test_one_nat_gateway_serves_every_zone_where_one_is_asked_for() -> None:
    single = run(nat="single")
    (nat,) = single.recorder.of_type(NAT)
    for zone in ZONES:
        assert named(single, ROUTE, f"network-private-{zone}").inputs["natGatewayId"] == f"{nat.name}-id"
    assert len(single.exports["egress"]) == 1


def test_changing_the_number_of_nat_gateways_changes_routes_and_replaces_nothing_else() -> None:
    def kept(recording: Recording) -> dict[str, Any]:
        other = ("aws:ec2/natGateway:NatGateway", "aws:ec2/eip:Eip", "pulumi:pulumi:Stack")
        return {
            urn: {key: value for key, value in each.inputs.items() if key != "natGatewayId"}
            for urn, each in recording.recorder.resources_by_urn.items()
            if each.type not in other
        }

    assert kept(run()) == kept(run(nat="single"))


def test_databases_have_no_way_to_the_internet() -> None:
    (table,) = tables_of(run(), "database")
    assert not [each for each in run().recorder.of_type(ROUTE) if each.inputs["routeTableId"] == table]
    assert table not in tables_of(run(), "private") | tables_of(run(), "public")


def test_s3_is_reached_by_its_gateway_endpoint_from_nodes_and_databases() -> None:
    (endpoint,) = run().recorder.of_type(ENDPOINT)
    assert endpoint.inputs["serviceName"] == "com.amazonaws.eu-central-1.s3"
    assert endpoint.inputs["vpcEndpointType"] == "Gateway"
    assert set(endpoint.inputs["routeTableIds"]) == tables_of(run(), "private") | tables_of(run(), "database")


def test_interface_endpoints_stand_in_every_zone_and_admit_https_from_the_vpc_alone() -> None:
    recording = run(interface_endpoints=True)
    interfaces = [
        each for each in recording.recorder.of_type(ENDPOINT) if each.inputs["vpcEndpointType"] == "Interface"
    ]
    assert {each.inputs["serviceName"] for each in interfaces} == {
        f"com.amazonaws.eu-central-1.{service}" for service in INTERFACE_SERVICES
    }
    for each in interfaces:
        assert each.inputs["privateDnsEnabled"] is True
        assert each.inputs["subnetIds"] == [f"network-private-{zone}-id" for zone in ZONES]
        assert each.inputs["securityGroupIds"] == ["network-endpoints-id"]
    (rule,) = recording.recorder.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    wanted = {"cidrIpv4": CIDR, "fromPort": 443, "toPort": 443, "ipProtocol": "tcp"}
    assert {key: rule.inputs[key] for key in wanted} == wanted


def test_the_default_security_group_admits_nothing() -> None:
    (group,) = run().recorder.of_type("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert not group.inputs.keys() & {"ingress", "egress"}


def test_flow_logs_go_to_an_encrypted_group_that_forgets() -> None:
    (group,) = run().recorder.of_type(LOG_GROUP)
    (key,) = run().recorder.of_type("aws:kms/key:Key")
    assert group.inputs["retentionInDays"] == 90
    assert group.inputs["kmsKeyId"] == run().recorder.resources[key.urn].state["arn"]
    (log,) = run().recorder.of_type("aws:ec2/flowLog:FlowLog")
    assert log.inputs["trafficType"] == "ALL"
    (policy,) = run().recorder.of_type("aws:iam/rolePolicy:RolePolicy")
    assert policy.urn in run().recorder.before(log.urn), "AWS refuses a role that may not write"


def test_without_flow_logs_there_is_neither_group_nor_role() -> None:
    recording = run(flow_log_days=None)
    for token in (LOG_GROUP, "aws:iam/role:Role", "aws:ec2/flowLog:FlowLog"):
        assert not recording.recorder.of_type(token)


def test_the_control_plane_waits_for_its_subnet_alone() -> None:
    for number in range(len(ZONES)):
        assert types_before(run(interface_endpoints=True), f"private-{number}").keys() <= {
            "pulumi:pulumi:Stack",
            "pulumi:providers:aws",
            "wandb:aws:Network",
            VPC,
            SUBNET,
        }


def test_databases_wait_for_their_subnet_alone() -> None:
    assert not types_before(run(interface_endpoints=True), "database-0").keys() & {NAT, ROUTE, ENDPOINT, ASSOCIATION}


@pytest.mark.parametrize("nat", ["per-zone", "single"])
def test_nodes_wait_until_they_reach_the_internet_and_the_endpoints(nat: str) -> None:
    recording = run(nat=nat, interface_endpoints=True)
    for number, zone in enumerate(ZONES):
        names = {(each.type, each.name) for each in before_user(recording, f"node-{number}")}
        assert (ROUTE, f"network-private-{zone}") in names
        assert (ASSOCIATION, f"network-private-{zone}") in names
        nat_zone = zone if nat == "per-zone" else ZONES[0]
        assert (NAT, f"network-nat-{nat_zone}") in names
        assert (ROUTE, "network-public") in names
        assert (ASSOCIATION, f"network-public-{nat_zone}") in names
        endpoints = [name for token, name in names if token == ENDPOINT]
        assert len(endpoints) == len(INTERFACE_SERVICES) + 1


def test_nodes_of_one_zone_do_not_wait_for_the_way_out_of_another() -> None:
    assert types_before(run(), "node-1")[NAT] == 1


def test_load_balancers_go_before_the_internet_gateway_does() -> None:
    before = types_before(run(), "public-0")
    assert before["aws:ec2/internetGateway:InternetGateway"] == 1
    assert before[NAT] == 0


def test_a_nat_gateway_waits_for_the_internet_gateway_that_aws_asks_for() -> None:
    for nat in run().recorder.of_type(NAT):
        types = {run().recorder.resources_by_urn[urn].type for urn in run().recorder.before(nat.urn)}
        assert "aws:ec2/internetGateway:InternetGateway" in types


def test_vpc_subnets_and_key_are_protected_where_that_is_asked_for() -> None:
    protected = {each.type for each in run(protect=True).recorder.custom() if each.protected}
    assert protected == {VPC, SUBNET, "aws:kms/key:Key"}
    assert not [each for each in run().recorder.custom() if each.protected]


def test_a_zone_added_at_the_end_changes_no_subnet_and_no_route_that_exists() -> None:
    two, three = run(zones=ZONES[:2]), run()
    for token in (SUBNET, TABLE, ROUTE, ASSOCIATION, NAT):
        for before in two.recorder.of_type(token):
            assert named(three, token, before.name).inputs == before.inputs


def test_the_key_rotates_and_its_deletion_can_be_called_off_for_a_month() -> None:
    (key,) = run().recorder.of_type("aws:kms/key:Key")
    assert key.inputs["enableKeyRotation"] is True
    assert key.inputs["deletionWindowInDays"] == 30
    (alias,) = run().recorder.of_type("aws:kms/alias:Alias")
    assert "name" not in alias.inputs, "two stacks in one account"


@pytest.mark.parametrize(("region", "partition"), [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")])
def test_no_name_of_another_partition_is_asked_for(region: str, partition: str) -> None:
    zones = tuple(f"{region}{letter}" for letter in "abc")
    recording = record_function(lambda: program(region, zones=zones, interface_endpoints=True))
    for resource in recording.recorder.custom():
        for path, value, _ in resource.leaves():
            if isinstance(value, str) and path in ("policy", "assumeRolePolicy"):
                assert set(re.findall(r'"arn:([^:]+):', value)) <= {partition}, (resource.name, path)
    services = [each.inputs["serviceName"] for each in recording.recorder.of_type(ENDPOINT)]
    assert all(region in service for service in services)
    assert ("cn.com.amazonaws.cn-north-1.ecr.api" in services) == (partition == "aws-cn")


@pytest.mark.parametrize("preview", [True, False])
def test_a_preview_asks_for_the_same_resources_as_an_update(preview: bool) -> None:
    recording = record_function(program, preview=preview)
    assert recording.recorder.resources_by_urn.keys() == run().recorder.resources_by_urn.keys()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zones": ZONES[:1]}, "zones: eu-central-1a alone given; allowed are two to six"),
        ({"cidr": "10.20.0.0/24"}, "Allowed are /16 to /20"),
        ({"nat": "none"}, "nat: 'none' given; allowed are 'per-zone' and 'single'"),
        ({"flow_log_days": 100}, r"flow_log_days: 100 given; .* Give 120"),
    ],
)
def test_what_aws_would_refuse_is_refused_before_anything_is_asked_for(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        record_function(lambda: program(**changes))


@pytest.mark.parametrize("days", [6, 31])
def test_a_deletion_window_that_kms_does_not_have_is_refused(days: int) -> None:
    with pytest.raises(ValueError, match=f"deletion_days: {days} given; KMS allows 7 to 30"):
        record_function(lambda: Key("key", KeyArgs(account=account(), deletion_days=days)))
