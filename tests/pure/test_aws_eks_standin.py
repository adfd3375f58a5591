"""What the stand-ins for EKS decide without a cluster: machines, identities, groups of Ingresses, which group is to grow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.aws import cli
from rehearsal.aws.account import Account
from rehearsal.aws.eks import addon_objects, identities, machines
from rehearsal.aws.eks.plane import issuer
from rehearsal.aws.eks.tokens import CLUSTER, POD_IDENTITY
from rehearsal.kubelet.ebs import gib
from rehearsal.operators.autoscaler.scaling import Candidate, choose
from rehearsal.operators.load_balancer import groups
from rehearsal.operators.load_balancer.groups import BadModel, Group
from rehearsal.state import State
from sizing import catalogue
from tests.harness.eks import ACCOUNT, REGION, Aws, arn

Object = dict[str, Any]
HEX = issuer("prod", REGION, "amazonaws.com").removeprefix("https://")
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HEX}"


@pytest.fixture
def aws(tmp_path: Path) -> Aws:
    found = Aws(Account(State((tmp_path / "prod").resolve())))
    found.account.call_it(ACCOUNT)
    found.put(CLUSTER, "wandb", {"name": "wandb", "identities": [{"oidcs": [{"issuer": f"https://{HEX}"}]}]})
    return found


def account_of(name: str, namespace: str = "wandb", role: str | None = None) -> Object:
    annotations = {identities.ROLE_ARN: role} if role else {}
    return {"metadata": {"name": name, "namespace": namespace, "annotations": annotations}}


class TestMachines:
    """Nodes of an instance type."""

    @pytest.mark.parametrize("name", sorted(each.name for each in catalogue.NODES["aws"]))
    def test_every_type_of_the_catalogue_is_as_ec2_says(self, name: str) -> None:
        planned = next(each for each in catalogue.NODES["aws"] if each.name == name)
        found = machines.instance_type(name)
        assert (found.cpu, found.memory_gib) == (planned.cpu, planned.memory_gib)
        assert (found.enis, found.ips_per_eni) == (planned.enis, planned.ips_per_eni)

    def test_a_type_that_ec2_does_not_have_is_named(self) -> None:
        with pytest.raises(machines.UnknownInstanceType, match=r"m99\.large"):
            machines.instance_type("m99.large")

    @given(st.integers(0, 240))
    def test_addresses_are_free_and_never_those_that_aws_keeps(self, many: int) -> None:
        taken: list[str] = []
        for _ in range(many):
            taken.append(machines.address_in("10.20.0.0/24", taken))
        assert len(set(taken)) == many
        assert not {"10.20.0.0", "10.20.0.1", "10.20.0.2", "10.20.0.3", "10.20.0.255"} & set(taken)

    def test_a_subnet_without_room_says_so(self) -> None:
        with pytest.raises(ValueError, match="no free address"):
            machines.address_in("10.20.0.0/29", ["10.20.0.4", "10.20.0.5", "10.20.0.6"])


class TestIdentities:
    """Who gets the credentials of which role."""

    def trusting(self, aws: Aws, **condition: Any) -> str:
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{HEX}:{key}": value for key, value in condition.items()}},
        }
        outputs = {"name": "app", "arn": arn("app"), "assumeRolePolicy": json.dumps({"Statement": [statement]})}
        aws.put("aws:iam/role:Role", "app", outputs, region="")
        aws.put("aws:iam/openIdConnectProvider:OpenIdConnectProvider", PROVIDER, {"arn": PROVIDER}, region="")
        return arn("app")

    def test_a_pod_that_asks_for_nothing_is_let_in(self, aws: Aws) -> None:
        assert identities.refusal(aws.account, account_of("default")) is None

    def test_the_exact_subject_and_audience_open_the_role(self, aws: Aws) -> None:
        role = self.trusting(aws, sub="system:serviceaccount:wandb:app", aud="sts.amazonaws.com")
        assert identities.refusal(aws.account, account_of("app", role=role)) is None

    @pytest.mark.parametrize(("name", "namespace"), [("app", "other"), ("app2", "wandb")])
    def test_another_subject_does_not(self, aws: Aws, name: str, namespace: str) -> None:
        role = self.trusting(aws, sub="system:serviceaccount:wandb:app", aud="sts.amazonaws.com")
        assert "its trust policy wants sub" in (
            identities.refusal(aws.account, account_of(name, namespace, role)) or ""
        )

    def test_a_role_that_is_not_there_is_named(self, aws: Aws) -> None:
        assert "there is no such role" in (identities.refusal(aws.account, account_of("app", role=arn("gone"))) or "")

    def test_pod_identity_needs_to_tag_the_session(self, aws: Aws) -> None:
        aws.role("bare", "pods.eks.amazonaws.com")
        record = aws.account.find("aws:iam/role:Role", name="bare")[0]
        trust = record["assumeRolePolicy"].replace(', "sts:TagSession"', "")
        aws.put(record.token, record.id, {**record.outputs, "assumeRolePolicy": trust}, region="")
        aws.put(POD_IDENTITY, "a-1", {"namespace": "wandb", "serviceAccount": "app", "roleArn": arn("bare")})
        assert "lacks sts:TagSession" in (identities.refusal(aws.account, account_of("app")) or "")

    def test_a_controller_needs_its_actions_and_not_only_a_role(self, aws: Aws) -> None:
        aws.role("scaling", "pods.eks.amazonaws.com", actions=("autoscaling:Describe*",))
        place = {"namespace": "kube-system", "serviceAccount": "cluster-autoscaler"}
        aws.put(POD_IDENTITY, "a-1", {**place, "roleArn": arn("scaling")})
        found = identities.refusal(aws.account, account_of("cluster-autoscaler", "kube-system"))
        assert found
        assert "autoscaling:SetDesiredCapacity" in found
        assert "DescribeAutoScalingGroups" not in found

    def test_only_pods_on_the_hosts_network_may_lean_on_the_nodes_role(self, aws: Aws) -> None:
        aws.role("node", "ec2.amazonaws.com", "AmazonEKS_CNI_Policy", "service-role/AmazonEBSCSIDriverPolicy")
        plugin, driver = (account_of(name, "kube-system") for name in ("aws-node", "ebs-csi-controller-sa"))
        assert identities.refusal(aws.account, plugin, node_role_arn=arn("node")) is None
        assert identities.refusal(aws.account, driver, node_role_arn=arn("node"))


class TestAddOns:
    """What add-ons put into the cluster."""

    @pytest.mark.parametrize("name", addon_objects.NAMES)
    def test_every_object_is_marked_as_the_add_ons(self, name: str) -> None:
        for obj in addon_objects.objects(name, "v1.0.0-eksbuild.1", {}):
            assert obj["metadata"]["labels"][addon_objects.OWNER] == name

    def test_configuration_reaches_the_workload(self) -> None:
        made = addon_objects.objects("coredns", "v1", {"replicaCount": 3, "nodeSelector": {"a": "b"}})
        (deployment,) = [obj for obj in made if obj["kind"] == "Deployment"]
        assert deployment["spec"]["replicas"] == 3
        assert deployment["spec"]["template"]["spec"]["nodeSelector"] == {"a": "b"}


def ingress(name: str, **annotations: str) -> Object:
    given = {f"{groups.PREFIX}{key.replace('_', '-')}": value for key, value in annotations.items()}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    return {"metadata": {"name": name, "namespace": "wandb", "annotations": given}, "spec": {"defaultBackend": backend}}


def group(*members: Object, **params: Any) -> Group:
    return Group(name="wandb", explicit=True, members=members, leaving=(), params=params)


class TestIngressGroups:
    """What Ingresses ask of the load balancer that they share."""

    def test_the_class_wins_over_annotations(self) -> None:
        found = groups.wanted(group(ingress("a", scheme="internal"), scheme="internet-facing"), "wandb")
        assert found.scheme == "internet-facing"

    def test_members_that_disagree_are_told_about_what(self) -> None:
        with pytest.raises(BadModel, match=r"conflicting inbound-cidrs: 10\.0\.0\.0/8 \| 0\.0\.0\.0/0"):
            groups.wanted(group(ingress("a", inbound_cidrs="10.0.0.0/8"), ingress("b", inbound_cidrs="0.0.0.0/0")), "w")

    def test_an_action_that_is_named_has_to_be_described(self) -> None:
        one = ingress("a")
        one["spec"]["defaultBackend"]["service"] = {"name": "answer", "port": {"name": "use-annotation"}}
        with pytest.raises(BadModel, match=r"missing actions\.answer"):
            groups.wanted(group(one), "wandb")
        one["metadata"]["annotations"][f"{groups.PREFIX}actions.answer"] = "{}"
        assert groups.wanted(group(one), "wandb").backends == ()

    def test_none_takes_an_acl_away(self) -> None:
        assert groups.wanted(group(ingress("a"), wafv2AclArn="none"), "wandb").waf_acl_arn is None

    @given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True), st.text(min_size=1, max_size=100))
    def test_names_of_load_balancers_fit_into_32_characters(self, name: str, cluster: str) -> None:
        for explicit, given_name in ((True, name), (False, f"{name}/{name}")):
            assert len(groups.load_balancer_name(given_name, cluster, explicit=explicit)) <= 32

    def test_a_namespace_that_the_class_does_not_select_is_out(self) -> None:
        selector = {"matchLabels": {"kubernetes.io/metadata.name": "wandb"}}
        assert groups.admits(selector, {"kubernetes.io/metadata.name": "wandb"})
        assert not groups.admits(selector, {"kubernetes.io/metadata.name": "other"})
        assert groups.admits(None, {})


def candidate(name: str, **changed: Any) -> Candidate:
    known: dict[str, Any] = {"nodes": 1, "most": 3, "labels": {}, "taints": (), "cpu": 7000, "memory": 2**35}
    return Candidate(name=name, **(known | changed))


def pending(cpu: str = "1", **spec: Any) -> Object:
    return {"spec": {"containers": [{"name": "a", "resources": {"requests": {"cpu": cpu}}}], **spec}}


class TestScaling:
    """Which node group takes a pod."""

    def test_a_group_at_its_limit_takes_none(self) -> None:
        assert choose(pending(), [candidate("a", nodes=3)], None) is None

    def test_a_pod_larger_than_a_node_finds_no_group(self) -> None:
        assert choose(pending("8"), [candidate("a")], None) is None

    def test_the_smallest_machine_that_fits_is_taken(self) -> None:
        large = candidate("large", cpu=15000)
        assert choose(pending(), [large, candidate("small")], None) == candidate("small")
        assert choose(pending("8"), [large, candidate("small")], None) == large

    def test_taints_selectors_and_zones_are_kept(self) -> None:
        taint = {"key": "dedicated", "value": "clickhouse", "effect": "NoSchedule"}
        own = candidate("own", taints=(taint,), labels={"dedicated": "clickhouse", "topology.kubernetes.io/zone": "z"})
        assert choose(pending(), [own], None) is None
        tolerated: Object = {"tolerations": [taint], "nodeSelector": {"dedicated": "clickhouse"}}
        assert choose(pending(**tolerated), [own], "z") == own
        assert choose(pending(**tolerated), [own], "y") is None


def test_volumes_are_whole_gib() -> None:
    assert [gib(text) for text in ("1Gi", "10Gi", "1Ti", "512Mi", "1537Mi")] == [1, 10, 1024, 1, 2]


def test_the_aws_command_wants_cluster_and_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    state = State((tmp_path / "prod").resolve())
    for arguments, said in (
        (["eks", "get-token", "--region", REGION], "--cluster-name"),
        (["eks", "get-token", "--cluster-name", "wandb"], "must specify a region"),
        (["eks", "get-token", "--cluster-name", "wandb", "--region", REGION], "No cluster found for name: wandb"),
        (["eks", "get-token", "--what"], "Unknown options"),
        (["sts", "get-caller-identity"], "knows only `eks get-token`"),
    ):
        with pytest.raises(cli.Refused, match=said):
            cli.get_token(state, arguments)
