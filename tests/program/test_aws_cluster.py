"""The EKS cluster as a part of a program: what is asked of AWS, in which order, and what a change changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes
import pytest
from pulumi.runtime import rpc

from components import contracts
from components.aws import values
from components.aws.account import Account, aws_provider
from components.aws.autoscaler import Autoscaler
from components.aws.cluster import Client, Cluster, ClusterArgs, ExistingCluster, ExistingClusterArgs
from components.aws.identity import ControllerRole, ControllerRoleArgs, WorkloadRole, WorkloadRoleArgs
from components.aws.nodes import NodePool
from tests.harness import Recording, Resource, record_function

CLUSTER = "aws:eks/cluster:Cluster"
GROUP = "aws:eks/nodeGroup:NodeGroup"
ADDON = "aws:eks/addon:Addon"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
ISSUER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
ROLE = "aws:iam/role:Role"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
RELEASE = "kubernetes:helm.sh/v3:Release"
NAMESPACE = "kubernetes:core/v1:Namespace"
KUBERNETES = "pulumi:providers:kubernetes"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
METRICS = "cluster-metrics-server-release"
ROUTE = "aws:ec2/routeTableAssociation:RouteTableAssociation"
BEFORE_NODES = {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}

ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
GENERAL = NodePool(name="general", instance_types=("r6i.4xlarge",), count=4, max_count=7)
CLICKHOUSE = NodePool(
    name="clickhouse",
    instance_types=("r6i.2xlarge",),
    count=3,
    max_count=3,
    disk_gib=80,
    taint="dedicated=clickhouse:NoSchedule",
)
SPOT = NodePool(name="spot", instance_types=("m6i.4xlarge", "m5.4xlarge"), count=0, max_count=2, spot=True)


def account(region: str = "eu-central-1") -> Account:
    provider = aws_provider("aws", region=region, account_id=ACCOUNT, tags={"team": "ml"})
    return Account(provider=provider, region=region, id=ACCOUNT)


def network(account: Account) -> values.Network:
    """Subnets, and the same ones once they reach the internet."""
    import pulumi_aws as aws

    opts = pulumi.ResourceOptions(provider=account.provider)
    zones = tuple(f"{account.region}{letter}" for letter in "abc")
    private, nodes = [], []
    for index, zone in enumerate(zones):
        subnet = aws.ec2.Subnet(
            f"private-{zone}", vpc_id="vpc-1", availability_zone=zone, cidr_block=f"10.20.{index}.0/24", opts=opts
        )
        route = aws.ec2.RouteTableAssociation(
            f"route-{zone}", subnet_id=subnet.id, route_table_id="rtb-1", opts=pulumi.ResourceOptions.merge(opts, None)
        )
        private.append(subnet.id)
        nodes.append(pulumi.Output.all(subnet.id, route.urn).apply(lambda known: known[0]))
    return values.Network(
        vpc_id="vpc-1",
        zones=zones,
        private_subnets=tuple(private),
        node_subnets=tuple(nodes),
        public_subnets=(),
        database_subnets=(),
    )


def program(region: str = "eu-central-1", **changes: Any) -> None:
    """A cluster, a namespace that waits for it, and what its outputs say."""
    here = account(region)
    given: dict[str, Any] = {
        "account": here,
        "name": "wandb-prod",
        "version": "1.35",
        "network": network(here),
        "key_arn": KEY,
        "pools": (GENERAL, CLICKHOUSE),
        "autoscaler": Autoscaler(),
        "protect": True,
    }
    made = Cluster("cluster", ClusterArgs(**given | changes))
    use(made.outputs, made.eks)


def use(outputs: contracts.Cluster, eks: values.EKS) -> None:
    """What the layers above do with a cluster."""
    pulumi_kubernetes.core.v1.Namespace(
        "wandb", opts=pulumi.ResourceOptions(provider=outputs.provider, depends_on=list(outputs.ready))
    )
    pulumi.export("kubeconfig", outputs.kubeconfig)
    pulumi.export("issuer", outputs.service_account_issuer)
    pulumi.export("clickhousePool", outputs.clickhouse_pool)
    pulumi.export("spotPool", outputs.spot_pool)
    pulumi.export("zones", outputs.zones)
    pulumi.export("storageClass", outputs.storage_class)
    pulumi.export("arn", eks.arn)
    pulumi.export("trusted", eks.oidc_provider_arn)


def run(*, preview: bool = False, region: str = "eu-central-1", **changes: Any) -> Recording:
    return record_function(lambda: program(region, **changes), preview=preview)


@pytest.fixture(scope="module")
def up() -> Recording:
    return run()


def one(recording: Recording, token: str, name: str = "") -> Resource:
    (found,) = [each for each in recording.recorder.of_type(token) if name in each.name]
    return found


def addon(recording: Recording, name: str) -> Resource:
    (found,) = [each for each in recording.recorder.of_type(ADDON) if each.inputs["addonName"] == name]
    return found


def before(recording: Recording, resource: Resource) -> set[str]:
    return recording.recorder.before(resource.urn)


def types_before(recording: Recording, resource: Resource) -> set[str]:
    urns = before(recording, resource)
    return {recording.recorder.resources_by_urn[urn].type for urn in urns if urn in recording.recorder.resources_by_urn}


def test_the_control_plane_is_private_encrypted_logged_and_opened_by_iam_alone(up: Recording) -> None:
    inputs = one(up, CLUSTER).inputs
    assert inputs["name"] == "wandb-prod"
    assert inputs["version"] == "1.35"
    assert inputs["vpcConfig"]["endpointPrivateAccess"] is True
    assert inputs["vpcConfig"]["endpointPublicAccess"] is False
    assert inputs["encryptionConfig"] == {"provider": {"keyArn": KEY}, "resources": ["secrets"]}
    assert set(inputs["enabledClusterLogTypes"]) == {
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    }
    assert inputs["accessConfig"] == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True}
    assert inputs["bootstrapSelfManagedAddons"] is False
    assert inputs["upgradePolicy"] == {"supportType": "STANDARD"}


def test_the_api_server_is_opened_to_the_given_networks_alone() -> None:
    cidrs = ["203.0.113.0/24", "198.51.100.7/32"]
    vpc = one(run(public_access_cidrs=cidrs), CLUSTER).inputs["vpcConfig"]
    assert vpc["endpointPublicAccess"] is True
    assert vpc["endpointPrivateAccess"] is True
    assert vpc["publicAccessCidrs"] == cidrs


@pytest.mark.parametrize("protect", [True, False])
def test_the_cluster_cannot_be_deleted_while_it_is_protected(protect: bool) -> None:
    cluster = one(run(protect=protect), CLUSTER)
    assert cluster.protected is protect
    assert cluster.inputs["deletionProtection"] is protect


def test_the_log_group_is_there_before_eks_would_make_one_that_keeps_all_for_ever(up: Recording) -> None:
    logs = one(up, LOGS)
    assert logs.inputs["name"] == "/aws/eks/wandb-prod/cluster"
    assert logs.inputs["retentionInDays"] == 90
    assert logs.inputs["kmsKeyId"] == KEY
    assert logs.urn in before(up, one(up, CLUSTER))


def test_a_zone_that_is_added_is_none_of_the_control_planes(up: Recording) -> None:
    """EKS refuses to move a control plane into zones that it did not begin with."""
    assert list(one(up, CLUSTER).request.ignoreChanges) == ["vpcConfig.subnetIds"]


def test_the_control_plane_waits_for_no_way_to_the_internet_and_nodes_do(up: Recording) -> None:
    assert ROUTE not in types_before(up, one(up, CLUSTER))
    for group in up.recorder.of_type(GROUP):
        assert ROUTE in types_before(up, group)


def test_roles_of_add_ons_are_made_while_the_control_plane_is(up: Recording) -> None:
    for resource in [*up.recorder.of_type(ROLE), *up.recorder.of_type(ATTACHMENT)]:
        if "addons" in resource.name or "node" in resource.name:
            assert one(up, CLUSTER).urn not in before(up, resource), resource.name


def test_nodes_come_after_what_makes_them_ready_and_before_what_runs_on_them(up: Recording) -> None:
    groups = up.recorder.of_type(GROUP)
    for name in BEFORE_NODES:
        assert GROUP not in types_before(up, addon(up, name))
        assert all(addon(up, name).urn in before(up, group) for group in groups)
    for name in ("coredns", "aws-ebs-csi-driver", "metrics-server"):
        assert {group.urn for group in groups} <= before(up, addon(up, name))


def test_a_node_keeps_its_rights_until_it_is_gone(up: Recording) -> None:
    (role,) = [each for each in up.recorder.of_type(ROLE) if each.name.endswith("-node")]
    attached = [each for each in up.recorder.of_type(ATTACHMENT) if role.urn in before(up, each)]
    names = {each.inputs["policyArn"].rpartition("/")[2] for each in attached}
    assert names == {"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"}
    for group in up.recorder.of_type(GROUP):
        assert {each.urn for each in attached} <= before(up, group)


def test_pods_wait_for_nodes_addresses_names_and_volumes(up: Recording) -> None:
    waited = before(up, one(up, NAMESPACE))
    for token in (GROUP, ADDON, CLASS):
        assert {each.urn for each in up.recorder.of_type(token)} <= waited
    assert one(up, RELEASE).urn not in waited, "the planned nodes are there without the autoscaler"


def test_each_zone_has_a_group_of_each_pool_with_its_share(up: Recording) -> None:
    groups = {each.name: each for each in up.recorder.of_type(GROUP)}
    assert set(groups) == {f"cluster-nodes-{pool}-{zone}" for pool in ("general", "clickhouse") for zone in "abc"}
    wanted = {name: group.inputs["scalingConfig"]["desiredSize"] for name, group in groups.items()}
    assert [wanted[f"cluster-nodes-general-{zone}"] for zone in "abc"] == [2, 1, 1]
    assert [wanted[f"cluster-nodes-clickhouse-{zone}"] for zone in "abc"] == [1, 1, 1]
    for group in groups.values():
        assert len(group.inputs["subnetIds"]) == 1
        assert group.inputs["amiType"] == "AL2023_x86_64_STANDARD"
        assert group.inputs["version"] == "1.35"


def test_an_instance_type_can_be_changed_because_names_of_groups_are_never_reused(up: Recording) -> None:
    for group in up.recorder.of_type(GROUP):
        assert "nodeGroupName" not in group.inputs
        prefix = group.inputs["nodeGroupNamePrefix"]
        assert len(prefix) <= 37
        assert not group.request.deleteBeforeReplace
    for template in up.recorder.of_type(TEMPLATE):
        assert "instanceType" not in template.inputs, "it would make another instance type two changes"
        assert "imageId" not in template.inputs, "EKS picks it by the version, so that an upgrade is in place"


def test_nodes_of_clickhouse_are_its_alone(up: Recording) -> None:
    assert up.exports["clickhousePool"] == "dedicated=clickhouse"
    for group in up.recorder.of_type(GROUP):
        own = "clickhouse" in group.name
        assert group.inputs["labels"]["wandb.pulumi/pool"] == ("clickhouse" if own else "general")
        taint = [{"key": "dedicated", "value": "clickhouse", "effect": "NO_SCHEDULE"}]
        assert group.inputs.get("taints") == (taint if own else None)
        assert group.inputs["labels"].get("dedicated") == ("clickhouse" if own else None)


def test_a_node_tells_pods_nothing_and_its_disk_is_encrypted(up: Recording) -> None:
    for template in up.recorder.of_type(TEMPLATE):
        options = template.inputs["metadataOptions"]
        assert options == {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1}
        (device,) = template.inputs["blockDeviceMappings"]
        assert device["ebs"]["encrypted"] == "true"
        assert device["ebs"]["kmsKeyId"] == KEY
        assert device["ebs"]["volumeType"] == "gp3"
    sizes = {
        each.name: each.inputs["blockDeviceMappings"][0]["ebs"]["volumeSize"] for each in up.recorder.of_type(TEMPLATE)
    }
    assert sizes == {"cluster-nodes-general": 100, "cluster-nodes-clickhouse": 80}


def test_instances_and_volumes_carry_the_tags_that_the_provider_cannot_give_them() -> None:
    recording = run(tags={"team": "ml"})
    for template in recording.recorder.of_type(TEMPLATE):
        for specification in template.inputs["tagSpecifications"]:
            assert specification["tags"]["team"] == "ml"
    told = json.loads(addon(recording, "aws-ebs-csi-driver").inputs["configurationValues"])
    assert told == {"controller": {"extraVolumeTags": {"team": "ml"}}}


def test_network_plug_in_and_volume_driver_have_roles_of_their_own(up: Recording) -> None:
    for name, account_name in (("vpc-cni", "aws-node"), ("aws-ebs-csi-driver", "ebs-csi-controller-sa")):
        (association,) = addon(up, name).inputs["podIdentityAssociations"]
        assert association["serviceAccount"] == account_name
        role = one(up, ROLE, f"{name}-role")
        assert role.urn in before(up, addon(up, name))
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert statement["Condition"]["StringEquals"]["aws:RequestTag/kubernetes-service-account"] == account_name
    for name in ("coredns", "kube-proxy", "metrics-server", "eks-pod-identity-agent"):
        assert "podIdentityAssociations" not in addon(up, name).inputs


@pytest.fixture(scope="module")
def china() -> Recording:
    return run(region="cn-north-1")


def test_in_china_add_ons_get_their_roles_by_the_issuer_of_the_cluster(china: Recording) -> None:
    assert not china.recorder.of_type(ASSOCIATION)
    assert {each.inputs["addonName"] for each in china.recorder.of_type(ADDON)} == {
        *("vpc-cni", "kube-proxy", "coredns", "aws-ebs-csi-driver")
    }
    assert not [each for each in china.recorder.of_type(ADDON) if "podIdentityAssociations" in each.inputs]
    for name, account_name in (("vpc-cni", "aws-node"), ("aws-ebs-csi-driver", "ebs-csi-controller-sa")):
        role = one(china, ROLE, f"{name}-role")
        assert role.urn in before(china, addon(china, name))
        assert one(china, ISSUER).urn in before(china, role)
        assert addon(china, name).inputs["serviceAccountRoleArn"] == f"{role.name}-arn"
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
        (subject,) = [value for key, value in statement["Condition"]["StringEquals"].items() if key.endswith(":sub")]
        assert subject == [f"system:serviceaccount:kube-system:{account_name}"]


def test_in_china_the_autoscaler_carries_its_role_with_it(china: Recording, up: Recording) -> None:
    release = one(china, RELEASE, "autoscaler")
    carried = release.inputs["values"]["rbac"]["serviceAccount"]
    assert carried["annotations"] == {"eks.amazonaws.com/role-arn": "cluster-autoscaler-role-arn"}
    assert one(china, "aws:iam/rolePolicy:RolePolicy", "autoscaler").urn in before(china, release)
    assert "annotations" not in one(up, RELEASE).inputs["values"]["rbac"]["serviceAccount"]


def test_elsewhere_no_add_on_waits_for_the_issuer(up: Recording) -> None:
    for each in up.recorder.of_type(ADDON):
        assert "serviceAccountRoleArn" not in each.inputs
        assert one(up, ISSUER).urn not in before(up, each)


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_where_eks_has_no_metrics_server_its_chart_installs_it_before_pods_are_scaled_by_it(region: str) -> None:
    recording = run(region=region)
    release = one(recording, RELEASE, METRICS)
    assert (release.inputs["chart"], release.inputs["version"]) == ("metrics-server", "3.13.1")
    assert release.inputs["values"]["replicas"] == 2
    groups = {group.urn for group in recording.recorder.of_type(GROUP)}
    assert groups <= before(recording, release)
    assert release.urn in before(recording, one(recording, NAMESPACE))
    assert "metrics-server" not in {each.inputs["addonName"] for each in recording.recorder.of_type(ADDON)}


def test_where_eks_has_it_metrics_server_is_an_add_on(up: Recording) -> None:
    assert not [each for each in up.recorder.of_type(RELEASE) if each.name == METRICS]
    assert addon(up, "metrics-server")


def test_network_policies_do_something(up: Recording) -> None:
    assert json.loads(addon(up, "vpc-cni").inputs["configurationValues"])["enableNetworkPolicy"] == "true"


def test_every_volume_is_encrypted_grows_and_is_kept(up: Recording) -> None:
    made = one(up, CLASS).inputs
    assert made["metadata"]["name"] == "gp3" == up.exports["storageClass"]
    assert made["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert made["provisioner"] == "ebs.csi.aws.com"
    assert made["parameters"] == {"type": "gp3", "encrypted": "true", "kmsKeyId": KEY}
    assert made["reclaimPolicy"] == "Retain"
    assert made["volumeBindingMode"] == "WaitForFirstConsumer"
    assert made["allowVolumeExpansion"] is True


def test_admins_get_an_entry_and_the_policy() -> None:
    admin = f"arn:aws-us-gov:iam::{ACCOUNT}:role/platform"
    recording = run(region="us-gov-west-1", admin_arns=[admin])
    assert one(recording, "aws:eks/accessEntry:AccessEntry").inputs["principalArn"] == admin
    granted = one(recording, "aws:eks/accessPolicyAssociation:AccessPolicyAssociation").inputs
    assert granted["policyArn"] == "arn:aws-us-gov:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    assert granted["accessScope"] == {"type": "cluster"}


def test_iam_trusts_the_issuer_for_tokens_that_are_for_aws(up: Recording) -> None:
    issuer = one(up, ISSUER).inputs
    assert issuer["clientIdLists"] == ["sts.amazonaws.com"]
    assert "thumbprintLists" not in issuer
    assert issuer["url"] == up.exports["issuer"]


def test_the_kubeconfig_asks_aws_for_a_token_each_time() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/deploy"
    recording = run(client=Client(profile="ml", role_arn=role))
    assert "kubeconfig" in recording.secret_exports
    written = json.loads(recording.exports["kubeconfig"])
    (user,) = written["users"]
    command = user["user"]["exec"]
    assert command["apiVersion"] == "client.authentication.k8s.io/v1beta1"
    assert " ".join([command["command"], *command["args"]]) == (
        "aws --region eu-central-1 eks get-token --cluster-name wandb-prod --output json "
        f"--profile ml --role-arn {role}"
    )
    assert written["current-context"] == f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/wandb-prod"


def test_the_provider_knows_its_cluster_before_there_is_one() -> None:
    provider = one(run(preview=True), KUBERNETES).inputs
    assert provider["clusterIdentifier"] == f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/wandb-prod"
    assert provider["kubeconfig"] == rpc.UNKNOWN
    assert provider["enableConfigMapMutable"] == "true"
    assert provider["enableSecretMutable"] == "true"


def test_the_autoscaler_is_told_each_group_with_its_pools_limits(up: Recording) -> None:
    release = one(up, RELEASE).inputs
    assert release["namespace"] == "kube-system"
    told = release["values"]
    assert told["awsRegion"] == "eu-central-1"
    assert told["image"]["tag"] == "v1.35.2"
    groups = told["autoscalingGroups"]
    assert sum(group["minSize"] for group in groups) == GENERAL.count + CLICKHOUSE.count
    assert sum(group["maxSize"] for group in groups) == GENERAL.max_count + CLICKHOUSE.max_count
    assert len({group["name"] for group in groups}) == 6
    assert "autoDiscovery" not in told, "found by tags, groups would have wider limits"
    arguments = told["extraArgs"]
    assert arguments["balance-similar-node-groups"] is True
    assert arguments["enforce-node-group-min-size"] is True
    assert told["podDisruptionBudget"] == {"maxUnavailable": 1}


def test_the_autoscaler_starts_with_its_role(up: Recording) -> None:
    association = one(up, ASSOCIATION)
    assert association.inputs["serviceAccount"] == one(up, RELEASE).inputs["values"]["rbac"]["serviceAccount"]["name"]
    assert {association.urn, addon(up, "coredns").urn} <= before(up, one(up, RELEASE))


def test_a_resize_is_the_autoscalers_matter_and_leaves_its_nodes_alone(up: Recording) -> None:
    grown = NodePool(name="general", instance_types=("r6i.4xlarge",), count=6, max_count=12)
    after = run(pools=(grown, CLICKHOUSE))
    sizes = ("minSize", "maxSize")
    for group in up.recorder.of_type(GROUP):
        same = one(after, GROUP, group.name)
        assert {size: group.inputs["scalingConfig"][size] for size in sizes} == {
            size: same.inputs["scalingConfig"][size] for size in sizes
        }
        assert list(same.request.ignoreChanges) == ["scalingConfig.desiredSize"]
        ignored = {"scalingConfig"}
        assert {k: v for k, v in group.inputs.items() if k not in ignored} == {
            k: v for k, v in same.inputs.items() if k not in ignored
        }
    least = [group["minSize"] for group in one(after, RELEASE).inputs["values"]["autoscalingGroups"]]
    assert sum(least) == 6 + 3


def test_without_an_autoscaler_groups_have_the_planned_size() -> None:
    recording = run(autoscaler=None)
    assert not recording.recorder.of_type(RELEASE)
    for group in recording.recorder.of_type(GROUP):
        sizes = group.inputs["scalingConfig"]
        assert sizes["minSize"] == sizes["desiredSize"]
        assert list(group.request.ignoreChanges) == []


def test_spare_capacity_may_be_none_and_says_what_it_would_be_like() -> None:
    recording = run(pools=(GENERAL, CLICKHOUSE, SPOT))
    groups = [each for each in recording.recorder.of_type(GROUP) if "spot" in each.name]
    # two nodes at most, so in the third zone there can never be one
    assert [group.name[-1] for group in groups] == ["a", "b"]
    for group in groups:
        assert group.inputs["capacityType"] == "SPOT"
        assert group.inputs["scalingConfig"]["desiredSize"] == 0
        assert group.inputs["taints"] == [{"key": "dedicated", "value": "spot", "effect": "NO_SCHEDULE"}]
    tags = recording.recorder.of_type("aws:autoscaling/tag:Tag")
    assert tags
    assert all("spot" in tag.name for tag in tags)
    assert all(tag.inputs["tag"]["propagateAtLaunch"] is False for tag in tags)
    assert recording.exports["spotPool"] == "dedicated=spot"


def test_a_pod_that_may_run_on_spare_capacity_gets_some_before_another_node() -> None:
    recording = run(pools=(GENERAL, CLICKHOUSE, SPOT))
    told = one(recording, RELEASE).inputs["values"]
    assert told["extraArgs"]["expander"] == "priority,least-waste"
    rather, anything = (told["expanderPriorities"][priority] for priority in ("20", "10"))
    names = [group["name"] for group in told["autoscalingGroups"]]
    assert anything == [".*"]
    assert rather == [f"^{name}$" for name in names[-2:]], "the two groups of the spot pool"


def test_without_spare_capacity_nodes_are_added_with_least_waste(up: Recording) -> None:
    told = one(up, RELEASE).inputs["values"]
    assert told["extraArgs"]["expander"] == "least-waste"
    assert "expanderPriorities" not in told
    assert up.exports["spotPool"] is None


def changed(one: Recording, other: Recording) -> dict[str, set[str]]:
    """The inputs that differ, by URN; resources that only one of them has are not among them."""
    found: dict[str, set[str]] = {}
    for resource in one.recorder.custom():
        same = other.recorder.resources_by_urn.get(resource.urn)
        assert same is not None, f"{resource.name} is gone"
        keys = resource.inputs.keys() | same.inputs.keys()
        different = {key for key in keys if resource.inputs.get(key) != same.inputs.get(key)}
        if different:
            found[resource.name] = different
    return found


def test_a_minor_goes_up_in_place_from_the_control_plane_to_the_nodes() -> None:
    old, new = run(version="1.34"), run(version="1.35")
    different = changed(old, new)
    in_place: Mapping[str, set[str]] = {
        "cluster-control-plane": {"version"},
        "cluster-addons-kube-proxy": {"addonVersion"},
        "cluster-addons-coredns": {"addonVersion"},
        "cluster-autoscaler-release": {"values"},
        **{f"cluster-nodes-{pool}-{zone}": {"version"} for pool in ("general", "clickhouse") for zone in "abc"},
    }
    assert different == in_place
    for group in new.recorder.of_type(GROUP):
        assert {one(new, CLUSTER).urn, addon(new, "kube-proxy").urn} <= before(new, group)


def test_another_instance_type_changes_its_groups_alone() -> None:
    larger = NodePool(name="general", instance_types=("r6i.8xlarge",), count=4, max_count=7)
    different = changed(run(), run(pools=(larger, CLICKHOUSE)))
    assert different == {f"cluster-nodes-general-{zone}": {"instanceTypes"} for zone in "abc"}


@pytest.mark.parametrize(("region", "partition"), [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")])
def test_no_arn_is_of_another_partition(region: str, partition: str) -> None:
    recording = run(region=region, key_arn=KEY.replace("arn:aws:", f"arn:{partition}:").replace("eu-central-1", region))
    for resource in recording.recorder.custom():
        for path, value, _ in resource.leaves():
            if isinstance(value, str):
                assert "arn:aws:" not in value, f"{resource.name}: {path}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "wandb prod"}, "name: 'wandb prod' given"),
        ({"version": "1.29"}, "no add-ons are pinned for Kubernetes 1.29"),
        ({"log_days": 100}, "log_days: 100 given"),
        ({"public_access_cidrs": ["10.0.0.1/8"]}, "public_access_cidrs: 10.0.0.1/8 has host bits set"),
        ({"admin_arns": ["platform"]}, "'platform' is no ARN"),
        ({"pools": (GENERAL, GENERAL)}, "each name once"),
        ({"pools": (CLICKHOUSE,)}, "none with nodes that any pod may run on"),
    ],
)
def test_a_cluster_that_cannot_be_made_says_why_before_anything_is(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        run(**changes)


OIDC = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E"


def answer(token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What AWS says of a cluster that exists."""
    if token == "aws:eks/getCluster:getCluster":
        return {
            "name": arguments["name"],
            "endpoint": "https://0123.gr7.eu-central-1.eks.amazonaws.com",
            "certificateAuthorities": [{"data": "Q0E="}],
            "identities": [{"oidcs": [{"issuer": OIDC}]}],
            "vpcConfig": {"clusterSecurityGroupId": "sg-cluster"},
        }
    assert token == "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider"
    assert arguments["url"] == OIDC
    return {"arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{OIDC.removeprefix('https://')}"}


def existing(**changes: Any) -> Recording:
    def described() -> None:
        given: dict[str, Any] = {"account": account(), "name": "theirs", "zones": 3, "storage_class": "gp3"}
        made = ExistingCluster("cluster", ExistingClusterArgs(**given | changes))
        use(made.outputs, made.eks)

    return record_function(described, answer=answer)


def test_a_cluster_that_exists_is_looked_up_and_nothing_is_made() -> None:
    recording = existing()
    assert {each.type for each in recording.recorder.custom()} == {
        "pulumi:providers:aws",
        "pulumi:providers:kubernetes",
        NAMESPACE,
    }
    assert recording.exports["issuer"] == OIDC
    assert recording.exports["trusted"].endswith(OIDC.removeprefix("https://"))
    assert recording.exports["arn"] == f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/theirs"
    assert recording.exports["zones"] == 3
    assert "kubeconfig" in recording.secret_exports
    provider = one(recording, KUBERNETES).inputs
    assert provider["clusterIdentifier"] == recording.exports["arn"]


def test_an_issuer_that_the_user_names_is_not_looked_up() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/X"
    recording = existing(oidc_provider_arn=arn)
    assert recording.exports["trusted"] == arn
    assert [token for token, _ in recording.recorder.invokes] == ["aws:eks/getCluster:getCluster"]


def with_roles() -> None:
    here = account()
    eks = values.EKS(
        name="wandb-prod",
        arn=here.arn("eks", "cluster/wandb-prod"),
        oidc_issuer=OIDC,
        oidc_provider_arn=here.arn("iam", f"oidc-provider/{OIDC.removeprefix('https://')}", region=""),
        security_group_id="sg-cluster",
    )
    workload = WorkloadRole(
        "wandb",
        WorkloadRoleArgs(
            account=here,
            eks=eks,
            namespace="wandb",
            service_accounts=["wandb-app", "wandb-api"],
            policies={"bucket": json.dumps({"Version": "2012-10-17", "Statement": []})},
        ),
    )
    pod = ControllerRole(
        "driver",
        ControllerRoleArgs(
            account=here,
            eks=eks,
            namespace="kube-system",
            service_account="driver",
            managed_policies=["AmazonEKS_CNI_Policy"],
        ),
    )
    provider = pulumi_kubernetes.Provider("cluster", cluster_identifier="test")
    pulumi_kubernetes.core.v1.ServiceAccount(
        "app",
        metadata={"annotations": dict(workload.identity.service_account_annotations)},
        opts=pulumi.ResourceOptions(provider=provider),
    )
    pulumi_kubernetes.core.v1.ConfigMap(
        "driver", opts=pulumi.ResourceOptions(provider=provider, depends_on=list(pod.ready))
    )


def test_whoever_uses_an_identity_waits_until_it_may_do_what_it_should() -> None:
    recording = record_function(with_roles)
    user = one(recording, "kubernetes:core/v1:ServiceAccount")
    assert set(user.inputs["metadata"]["annotations"]) == {"eks.amazonaws.com/role-arn"}
    assert one(recording, "aws:iam/rolePolicy:RolePolicy").urn in before(recording, user)
    driver = one(recording, "kubernetes:core/v1:ConfigMap")
    for token in (ATTACHMENT, ASSOCIATION):
        assert one(recording, token).urn in before(recording, driver)


@pytest.mark.parametrize(("accounts", "message"), [([], "none given"), (["wandb-*"], "exact names only")])
def test_a_role_for_nobody_in_particular_is_refused(accounts: list[str], message: str) -> None:
    given: dict[str, Any] = {"account": None, "eks": None, "namespace": "wandb", "policies": {}}
    with pytest.raises(ValueError, match=message):
        WorkloadRoleArgs(**given, service_accounts=accounts)
