"""The load balancer as requests: its settings, its certificate, its record, and who outlives whom."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import rpc

from components.aws.ingress import Ingress, IngressArgs
from components.aws.ingress_settings import class_parameters
from components.aws.load_balancer import LoadBalancerControllerArgs, chart_values
from components.aws.zone import delegation
from tests.harness import Recording, Resource, record_function
from tests.harness import aws_space as space
from tests.harness.aws import World

CERTIFICATE = "aws:acm/certificate:Certificate"
CLASS = "kubernetes:networking.k8s.io/v1:IngressClass"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
ISSUED = "aws:acm/certificateValidation:CertificateValidation"
PARAMETERS = "kubernetes:elbv2.k8s.aws/v1beta1:IngressClassParams"
RECORD = "aws:route53/record:Record"
RELEASE = "kubernetes:helm.sh/v3:Release"
ZONE = "aws:route53/zone:Zone"
ACL = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/wandb/0123"


def settings(**changes: Any) -> IngressArgs:
    """Once in a program. A brought zone, an issued certificate, a controller of our own."""
    account, cluster = space.account(), space.cluster()
    controller = LoadBalancerControllerArgs(account=account, cluster=cluster, eks=space.EKS, network=space.NETWORK)
    given: dict[str, Any] = {
        "account": account,
        "cluster": cluster,
        "network": space.NETWORK,
        "namespace": "wandb",
        "host": space.HOST,
        "zone_id": "Z1",
        "controller": controller,
        "tags": {"team": "ml"},
        "protect": True,
    }
    return IngressArgs(**given | changes)


def program(changes: dict[str, Any]) -> None:
    args = settings(**changes)
    made = Ingress("ingress", args)
    # stands for W&B's own Ingress
    opts = pulumi.ResourceOptions(provider=args.cluster.provider)
    pulumi_kubernetes.core.v1.ConfigMap("wandb", data=made.outputs.annotations, opts=opts)
    pulumi.export("class", made.outputs.class_name)
    pulumi.export("load_balancer", made.outputs.load_balancer)
    pulumi.export("host", made.load_balancer_host)
    pulumi.export("name_servers", made.name_servers)


@functools.cache
def run(*, preview: bool = False, **changes: Any) -> Recording:
    world = World(region=space.REGION)
    return record_function(lambda: program(changes), answer=world, preview=preview)


def named(recording: Recording, token: str, name: str) -> Resource:
    (found,) = [each for each in recording.recorder.of_type(token) if each.name == name]
    return found


def one(recording: Recording, token: str) -> Resource:
    (found,) = recording.recorder.of_type(token)
    return found


def spec(recording: Recording) -> dict[str, Any]:
    return one(recording, PARAMETERS).inputs["spec"]


def attributes(recording: Recording) -> dict[str, str]:
    return {each["key"]: each["value"] for each in spec(recording)["loadBalancerAttributes"]}


def inside(check: Callable[[], None]) -> None:
    """Runs what needs a program around it."""
    record_function(check)


def test_each_is_there_before_whoever_needs_it_and_goes_after_it() -> None:
    recording = run()
    association = one(recording, "aws:eks/podIdentityAssociation:PodIdentityAssociation")
    nodes = one(recording, "random:index/randomUuid:RandomUuid")
    chain = [one(recording, each) for each in (RELEASE, PARAMETERS, CLASS, INGRESS)]
    for earlier, later in itertools.pairwise([association, *chain, named(recording, RECORD, "ingress-record")]):
        assert earlier.urn in recording.recorder.before(later.urn)
    assert nodes.urn in recording.recorder.before(chain[0].urn), "the controller goes before its nodes"


def test_wandbs_ingress_comes_after_the_load_balancer_and_goes_before_it() -> None:
    recording = run()
    before = recording.recorder.before(named(recording, CONFIG_MAP, "wandb").urn)
    assert one(recording, CLASS).urn in before
    assert one(recording, INGRESS).urn in before, "else its controller could be gone before it has let W&B's Ingress go"


def test_every_setting_is_in_the_class_so_that_no_ingress_of_it_can_disagree() -> None:
    recording = run()
    assert spec(recording)["group"] == {"name": "wandb"}
    assert spec(recording)["scheme"] == "internet-facing"
    assert spec(recording)["targetType"] == "ip"
    assert spec(recording)["subnets"] == {"ids": list(space.NETWORK.public_subnets)}
    assert spec(recording)["inboundCIDRs"] == ["0.0.0.0/0"]
    assert spec(recording)["tags"] == [{"key": "team", "value": "ml"}]
    assert attributes(recording)["idle_timeout.timeout_seconds"] == "300"
    assert attributes(recording)["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert attributes(recording)["access_logs.s3.enabled"] == "false"
    parameters = one(recording, CLASS).inputs["spec"]["parameters"]
    assert (parameters["name"], parameters["kind"]) == ("wandb", "IngressClassParams")
    assert recording.exports["class"] == "wandb"
    assert recording.exports["load_balancer"] == "aws"


def test_only_wandbs_namespace_may_put_rules_on_the_load_balancer() -> None:
    labels = spec(run())["namespaceSelector"]["matchLabels"]
    assert labels == {"kubernetes.io/metadata.name": "wandb"}
    values = one(run(), RELEASE).inputs["values"]
    assert values["disableIngressGroupNameAnnotation"] is True


def test_http_is_redirected_and_tls_is_1_2_or_newer() -> None:
    recording = run()
    assert spec(recording)["sslRedirectPort"] == "443"
    assert spec(recording)["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    listen = "alb.ingress.kubernetes.io/listen-ports"
    ours = one(recording, INGRESS).inputs["metadata"]["annotations"][listen]
    assert json.loads(ours) == [{"HTTP": 80}, {"HTTPS": 443}]
    assert named(recording, CONFIG_MAP, "wandb").inputs["data"] == {listen: ours}


def test_the_platforms_own_ingress_answers_only_what_no_rule_of_wandbs_does() -> None:
    ingress = one(run(), INGRESS).inputs
    assert "rules" not in ingress["spec"]
    backend = ingress["spec"]["defaultBackend"]["service"]
    assert backend["port"] == {"name": "use-annotation"}
    action = json.loads(ingress["metadata"]["annotations"][f"alb.ingress.kubernetes.io/actions.{backend['name']}"])
    assert action["fixedResponseConfig"]["statusCode"] == "404"
    assert ingress["spec"]["ingressClassName"] == "wandb"


@pytest.mark.parametrize("protect", [True, False])
def test_a_protected_load_balancer_is_protected_by_pulumi_and_by_aws(protect: bool) -> None:
    recording = run(protect=protect)
    assert one(recording, INGRESS).protected is protect
    assert attributes(recording)["deletion_protection.enabled"] == str(protect).lower()


def test_an_internal_load_balancer_stands_in_the_private_subnets() -> None:
    recording = run(scheme="internal")
    assert spec(recording)["scheme"] == "internal"
    assert spec(recording)["subnets"] == {"ids": list(space.NETWORK.private_subnets)}


def test_a_web_acl_is_joined_and_taken_away_again() -> None:
    assert spec(run(waf_acl_arn=ACL))["wafv2AclArn"] == ACL
    # left out, the one of before would stay
    assert spec(run())["wafv2AclArn"] == "none"


def test_access_logs_go_to_a_bucket_that_is_brought() -> None:
    recording = run(access_logs_bucket="logs")
    assert attributes(recording)["access_logs.s3.enabled"] == "true"
    assert attributes(recording)["access_logs.s3.bucket"] == "logs"


def test_a_certificate_is_issued_in_the_zone_and_used_only_then() -> None:
    recording = run()
    assert one(recording, CERTIFICATE).inputs["domainName"] == space.HOST
    proof = named(recording, RECORD, "ingress-tls-validation")
    assert proof.inputs["zoneId"] == "Z1"
    before = recording.recorder.before(one(recording, PARAMETERS).urn)
    assert {proof.urn, one(recording, ISSUED).urn} <= before


def test_a_certificate_that_is_brought_is_used_as_it_is() -> None:
    recording = run(certificate_arn=space.CERTIFICATE, zone_id=None)
    assert spec(recording)["certificateArn"] == [space.CERTIFICATE]
    assert not recording.recorder.of_type(CERTIFICATE)
    assert not recording.recorder.of_type(RECORD), "without a zone the user points the host at the load balancer"
    assert recording.exports["host"]


def test_the_certificate_and_the_zone_do_not_wait_for_the_cluster() -> None:
    recording = run(zone_id=None, zone_name="example.com")
    known = recording.recorder.resources_by_urn
    types = {known[urn].type for urn in recording.recorder.before(one(recording, ISSUED).urn) if urn in known}
    assert not {each for each in types if each.startswith(("pulumi:providers:kubernetes", "kubernetes:"))}


def test_the_host_is_an_alias_of_the_load_balancer_in_the_zone_of_the_region() -> None:
    record = named(run(), RECORD, "ingress-record").inputs
    assert (record["name"], record["type"], record["zoneId"]) == (space.HOST, "A", "Z1")
    (alias,) = record["aliases"]
    assert alias["zoneId"] == World(region=space.REGION).answer("lb/getHostedZoneId", {})["id"]


def test_a_preview_shows_the_record_although_the_load_balancer_has_no_name_yet() -> None:
    record = named(run(preview=True), RECORD, "ingress-record").inputs
    assert record["aliases"][0]["name"] == rpc.UNKNOWN


def test_a_zone_that_is_made_says_its_name_servers_while_the_certificate_waits_for_them() -> None:
    recording = run(zone_id=None, zone_name="example.com")
    zone = one(recording, ZONE)
    assert zone.inputs["name"] == "example.com"
    assert zone.inputs["forceDestroy"] is False
    assert zone.protected
    said = [text for _, text in recording.messages if "has to be delegated" in text]
    assert len(said) == 1
    assert recording.exports["name_servers"]
    assert not run().exports.get("name_servers")


def test_the_message_names_zone_and_servers() -> None:
    text = delegation("example.com", ["ns-2.example.org", "ns-1.example.org"])
    assert "ns-1.example.org, ns-2.example.org" in text
    assert "one NS record example.com" in text


def test_a_controller_that_is_there_is_used_and_none_is_installed() -> None:
    recording = run(controller=None)
    assert not recording.recorder.of_type(RELEASE)
    assert not recording.recorder.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    nodes = one(recording, "random:index/randomUuid:RandomUuid")
    assert nodes.urn in recording.recorder.before(one(recording, PARAMETERS).urn)


def test_a_role_that_the_controller_has_to_carry_is_on_its_service_account() -> None:
    def check() -> None:
        args = settings().controller
        assert args is not None
        carried = {"eks.amazonaws.com/role-arn": "arn:aws-cn:iam::123456789012:role/controller"}
        assert chart_values(args, carried)["serviceAccount"]["annotations"] == carried
        assert "annotations" not in chart_values(args)["serviceAccount"]

    inside(check)


def test_the_controller_is_pinned_knows_where_it_is_and_takes_over_nothing_else() -> None:
    release = one(run(), RELEASE).inputs
    assert (release["chart"], release["version"]) == ("aws-load-balancer-controller", "3.5.0")
    assert release["repositoryOpts"] == {"repo": "https://aws.github.io/eks-charts"}
    assert release["namespace"] == "kube-system"
    values = release["values"]
    assert (values["clusterName"], values["region"], values["vpcId"]) == ("wandb-prod", "eu-central-1", "vpc-1")
    assert values["replicaCount"] == 2
    assert values["podDisruptionBudget"] == {"maxUnavailable": 1}
    for off in ("enableServiceMutatorWebhook", "createIngressClassResource"):
        assert values[off] is False
    assert values["ingressClassParams"] == {"create": False}


def test_the_controllers_image_may_come_from_a_mirror() -> None:
    def check() -> None:
        args = settings().controller
        assert args
        mirrored = dataclasses.replace(args, image="registry.example.com:5000/lbc:v3.5.0")
        assert chart_values(mirrored)["image"] == {"repository": "registry.example.com:5000/lbc", "tag": "v3.5.0"}
        with pytest.raises(ValueError, match="has no tag"):
            chart_values(dataclasses.replace(args, image="registry.example.com:5000/lbc"))

    inside(check)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zone_name": "example.com"}, "zone_name: zone_id is given too"),
        ({"zone_id": None}, "certificate_arn: none given, and no zone"),
        ({"zone_id": None, "zone_name": "example.org"}, "zone_name: 'example.org' does not serve the host"),
        ({"zone_id": None, "zone_name": "ample.com"}, "zone_name: 'ample.com' does not serve the host"),
        ({"inbound_cidrs": ()}, "inbound_cidrs: none given"),
        ({"inbound_cidrs": ("10.0.0.1/8",)}, "inbound_cidrs: 10.0.0.1/8 has host bits set"),
        ({"idle_timeout_seconds": 4001}, "idle_timeout_seconds: 4001 given"),
        ({"class_name": "W&B"}, "class_name: 'W&B'"),
    ],
)
def test_what_the_load_balancer_would_refuse_is_refused_at_once(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        run(**changes)


def test_a_network_without_public_subnets_has_no_internet_facing_load_balancer() -> None:
    network = dataclasses.replace(space.NETWORK, public_subnets=("subnet-1",))
    with pytest.raises(ValueError, match="network: 1 public subnets given"):
        run(network=network)
    assert spec(run(network=network, scheme="internal"))["scheme"] == "internal"


_OPTIONAL = {"waf_acl_arn": st.sampled_from([None, ACL]), "access_logs_bucket": st.sampled_from([None, "logs"])}


@given(
    st.fixed_dictionaries(
        {
            "scheme": st.sampled_from(["internal", "internet-facing"]),
            "inbound_cidrs": st.lists(st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "192.0.2.7/32"]), min_size=1),
            "idle_timeout_seconds": st.integers(1, 4000),
            "protect": st.booleans(),
            **_OPTIONAL,
        }
    )
)
def test_every_attribute_of_the_load_balancer_is_text_and_said_either_way(changes: dict[str, Any]) -> None:
    def check() -> None:
        tree = class_parameters(settings(**changes), space.CERTIFICATE)
        found = {each["key"]: each["value"] for each in tree["loadBalancerAttributes"]}
        assert all(isinstance(each, str) for each in found.values())
        assert {"deletion_protection.enabled", "access_logs.s3.enabled", "idle_timeout.timeout_seconds"} <= found.keys()
        assert json.loads(json.dumps(tree)) == tree

    inside(check)
