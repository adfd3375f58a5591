"""The stand-ins for EKS and for what runs in it, on a real API server, controller manager and scheduler.

The tests share one cluster and run in order: it is made, things go wrong and right in it, and it goes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.api import Api, ApiError
from rehearsal.aws import latency, remains
from rehearsal.aws.account import Account
from rehearsal.aws.eks.plane import issuer
from rehearsal.aws.eks.tokens import (
    ACCESS_POLICY,
    ADDON,
    CLUSTER,
    LOAD_BALANCER,
    NODE_GROUP,
    POD_IDENTITY,
    SECURITY_GROUP,
    VOLUME,
)
from rehearsal.control_plane import BINARIES, ControlPlane, Surroundings, inventory, shut_down
from rehearsal.operators import chart_autoscaler, chart_load_balancer, charts
from rehearsal.providers.base import Refused
from rehearsal.state import MARK, State
from tests.harness.eks import ACCOUNT, NAME, REGION, Aws, arn
from tests.harness.patience import until
from tools import bootstrap

Object = dict[str, Any]
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/c"
GP3: Object = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "gp3"},
    "provisioner": "ebs.csi.aws.com",
    "volumeBindingMode": "WaitForFirstConsumer",
    "reclaimPolicy": "Retain",
    "allowVolumeExpansion": True,
    "parameters": {"type": "gp3", "encrypted": "true"},
}


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    state = State((tmp_path_factory.mktemp("eks") / "prod").resolve())
    around = Surroundings(
        pools=(), storage_class=None, ingress_class=None, issuer=issuer("prod", REGION, "amazonaws.com")
    )
    plane = ControlPlane(state, bootstrap.ensure(list(BINARIES)), around)
    before = {key: os.environ.get(key) for key in (MARK, latency.SCALE)}
    os.environ |= {MARK: str(state.folder), latency.SCALE: "0.02"}
    try:
        plane.start()
        inventory.save(inventory.everything(plane.api), state.baseline)
        yield plane
    finally:
        for key, value in before.items():
            os.environ.pop(key, None) if value is None else os.environ.update({key: value})
        shut_down(state)


@pytest.fixture(scope="module")
def aws(control_plane: ControlPlane) -> Aws:
    found = Aws(Account(control_plane.state))
    found.furnish()
    return found


@pytest.fixture
def api(control_plane: ControlPlane) -> Api:
    return control_plane.api


def events(api: Api, kind: str) -> str:
    return " ".join(each["message"] for each in api.list("v1", "Event") if each["involvedObject"]["kind"] == kind)


def install(api: Api, chart: str, values: Object) -> None:
    found = charts.CHARTS[chart]
    made = charts.install(chart, None, found.repositories[0], values, chart, "kube-system")
    for obj in made:
        if obj["kind"] == "CustomResourceDefinition":
            api.apply(obj)
    until(lambda: all(_served(api, obj) for obj in made), "the definitions are not served")
    for obj in made:
        space = obj["metadata"].get("namespace")
        api.apply({**obj, "metadata": {**obj["metadata"], **({"namespace": space} if space else {})}})


def _served(api: Api, obj: Object) -> bool:
    try:
        return bool(api.resource(obj["apiVersion"], obj["kind"]))
    except ApiError:
        return False


def workload(name: str, replicas: int, pod: Object, *, claim: str | None = None) -> Object:
    labels = {"app": name}
    obj: Object = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet" if claim else "Deployment",
        "metadata": {"name": name, "namespace": "data"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    if claim:
        storage = {"accessModes": ["ReadWriteOnce"], "storageClassName": claim}
        spec: Object = storage | {"resources": {"requests": {"storage": "10Gi"}}}
        template = {"metadata": {"name": "data"}, "spec": spec}
        more = {"serviceName": name, "podManagementPolicy": "Parallel", "volumeClaimTemplates": [template]}
        obj["spec"] = {**obj["spec"], **more}
    return obj


def pod(cpu: str = "100m", **more: Any) -> Object:
    return {"containers": [{"name": "main", "image": "it:1", "resources": {"requests": {"cpu": cpu}}}], **more}


def token(state: State, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rehearsal.aws.cli", *arguments]
    environment = os.environ | {MARK: str(state.folder)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


class TestTheCluster:
    """The control plane as EKS hands it out."""

    def test_needs_a_role_that_eks_may_assume(self, aws: Aws) -> None:
        with pytest.raises(Refused, match=r"eks\.amazonaws\.com"):
            aws.cluster(roleArn=arn("node"))

    def test_needs_subnets_in_two_zones(self, aws: Aws) -> None:
        with pytest.raises(Refused, match="two different AZs"):
            aws.cluster(vpcConfig={"subnetIds": ["subnet-0"]})

    def test_is_empty_and_has_the_issuer_of_the_account(self, aws: Aws, api: Api) -> None:
        outputs = aws.cluster()
        assert outputs["endpoint"] == api.server
        assert outputs["identities"][0]["oidcs"][0]["issuer"].startswith(f"https://oidc.eks.{REGION}.amazonaws.com/id/")
        assert not api.list("v1", "Node")
        assert not any("is-default-class" in json.dumps(each) for each in api.list("storage.k8s.io/v1", "StorageClass"))

    def test_issues_tokens_by_that_issuer(self, api: Api, aws: Aws) -> None:
        found = api.call("GET", "/.well-known/openid-configuration")
        cluster = aws.account.get(CLUSTER, NAME)
        assert cluster is not None
        assert found["issuer"] == cluster["identities"][0]["oidcs"][0]["issuer"]

    def test_opens_to_a_token_of_the_aws_command_and_to_no_other_region(self, control_plane: ControlPlane) -> None:
        state = control_plane.state
        asked = token(state, "--region", REGION, "eks", "get-token", "--cluster-name", NAME, "--output", "json")
        credential = json.loads(asked.stdout)
        assert credential["apiVersion"] == "client.authentication.k8s.io/v1beta1"
        assert token(state, "--region", "us-east-1", "eks", "get-token", "--cluster-name", NAME).returncode == 254
        assert token(state, "--region", REGION, "eks", "get-token", "--cluster-name", "other").returncode == 254
        assert token(state, "s3", "ls").returncode == 252

    def test_lets_in_through_a_kubeconfig_that_runs_the_command(self, control_plane: ControlPlane, aws: Aws) -> None:
        config = kubeconfig(control_plane, aws, NAME)
        assert Api.from_kubeconfig(config).call("GET", "/version")
        with pytest.raises(ValueError, match="executable .* failed"):
            Api.from_kubeconfig(kubeconfig(control_plane, aws, "other"))

    def test_refuses_whoever_has_no_access_entry(self, control_plane: ControlPlane, aws: Aws) -> None:
        cluster = aws.account.get(CLUSTER, NAME)
        assert cluster is not None
        closed = {"accessConfig": {"bootstrapClusterCreatorAdminPermissions": False}}
        aws.put(CLUSTER, NAME, {**cluster.outputs, **closed})
        try:
            with pytest.raises(ApiError, match="Unauthorized"):
                Api.from_kubeconfig(kubeconfig(control_plane, aws, NAME)).list("v1", "Namespace")
            policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
            with pytest.raises(Refused, match="could not be found"):
                aws.create(ACCESS_POLICY, {"clusterName": NAME, "principalArn": arn("x"), "policyArn": policy})
        finally:
            aws.put(CLUSTER, NAME, cluster.outputs)

    @pytest.mark.parametrize("version", ["1.34", "1.37"])
    def test_goes_up_one_minor_at_a_time(self, aws: Aws, version: str) -> None:
        with pytest.raises(Refused, match=f"from 1.35 to {version}"):
            aws.update(CLUSTER, NAME, version=version)


def kubeconfig(control_plane: ControlPlane, aws: Aws, name: str) -> Object:
    cluster = aws.account.get(CLUSTER, NAME)
    assert cluster is not None
    arguments = ["-m", "rehearsal.aws.cli", "eks", "get-token", "--cluster-name", name, "--region", REGION]
    run = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": sys.executable, "args": arguments}
    authority = cluster["certificateAuthority"]["data"]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "eks", "cluster": {"server": cluster["endpoint"], "certificate-authority-data": authority}}
        ],
        "users": [{"name": "eks", "user": {"exec": run}}],
        "contexts": [{"name": "eks", "context": {"cluster": "eks", "user": "eks"}}],
        "current-context": "eks",
    }


class TestNodesAndAddOns:
    """Machines that join, and what EKS runs on them."""

    def test_coredns_without_nodes_stays_degraded_until_time_is_up(self, aws: Aws) -> None:
        with pytest.raises(Refused, match=r"last state: 'DEGRADED', timeout: 20m0s.*InsufficientNumberOfReplicas"):
            aws.addon("coredns")
        aws.delete(ADDON, f"{NAME}:coredns")

    def test_nodes_without_a_network_plugin_never_get_ready(self, aws: Aws, api: Api) -> None:
        with pytest.raises(Refused, match=r"Unhealthy nodes .* no network plugin"):
            aws.nodes("general-a", 0)
        aws.delete(NODE_GROUP, f"{NAME}:general-a")
        assert not api.list("v1", "Node")

    def test_a_network_plugin_whose_role_may_do_nothing_does_not_help(self, aws: Aws) -> None:
        aws.role("nothing", "pods.eks.amazonaws.com")
        aws.addon("vpc-cni", ("aws-node", "nothing"))
        with pytest.raises(Refused, match="Unhealthy nodes"):
            aws.nodes("general-a", 0)
        aws.delete(NODE_GROUP, f"{NAME}:general-a")
        aws.delete(ADDON, f"{NAME}:vpc-cni")

    def test_nodes_have_the_room_labels_and_zone_of_their_machines(self, aws: Aws, api: Api) -> None:
        aws.addon("vpc-cni", ("aws-node", "cni"))
        aws.addon("kube-proxy")
        aws.addon("eks-pod-identity-agent")
        for number, letter in enumerate("abc"):
            aws.nodes(f"general-{letter}", number)
        found = api.list("v1", "Node")
        assert {each["metadata"]["labels"]["topology.kubernetes.io/zone"] for each in found} == {
            f"{REGION}{letter}" for letter in "abc"
        }
        (node, *_) = found
        # 8 vCPU less 90m; 4 interfaces with 14 addresses each to pods, and 2
        assert (node["status"]["allocatable"]["cpu"], node["status"]["allocatable"]["pods"]) == ("7910m", "58")
        assert node["metadata"]["labels"]["wandb.pulumi/pool"] == "general"
        assert node["spec"]["providerID"].startswith(f"aws:///{REGION}")

    def test_add_ons_become_active_once_their_pods_are_ready(self, aws: Aws, api: Api) -> None:
        aws.addon("coredns")
        aws.addon("metrics-server")
        aws.addon("aws-ebs-csi-driver", ("ebs-csi-controller-sa", "ebs"))
        ready = api.list("apps/v1", "Deployment", "kube-system")
        assert {each["metadata"]["name"]: each["status"]["availableReplicas"] for each in ready} == {
            "coredns": 2,
            "metrics-server": 2,
            "ebs-csi-controller": 2,
        }

    def test_configuration_that_an_add_on_does_not_know_is_refused(self, aws: Aws) -> None:
        inputs = {"clusterName": NAME, "addonName": "coredns", "configurationValues": '{"replicas": 3}'}
        (problem,) = aws.problems(ADDON, inputs)
        assert "$.replicas" in problem

    def test_a_group_is_not_newer_than_the_control_plane(self, aws: Aws) -> None:
        with pytest.raises(Refused, match=r"newer than the cluster's 1\.35"):
            aws.update(NODE_GROUP, f"{NAME}:general-a", version="1.36")

    def test_an_unknown_machine_is_refused_by_name(self, aws: Aws) -> None:
        problems = aws.problems(NODE_GROUP, {"instanceTypes": ["m99.large"]})
        assert problems == ["instanceTypes: The instance type 'm99.large' does not exist"]


class TestVolumes:
    """The EBS CSI driver."""

    def test_are_made_in_the_zone_of_their_pods_and_recorded_in_the_account(self, aws: Aws, api: Api) -> None:
        api.apply(GP3)
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "data"}})
        until(lambda: api.read("v1", "ServiceAccount", "default", "data"), "no ServiceAccount")
        api.apply(workload("store", 2, pod(), claim="gp3"))
        until(
            lambda: (api.read("apps/v1", "StatefulSet", "store", "data") or {})["status"].get("readyReplicas") == 2, ""
        )
        volumes = {each.id: each for each in aws.account.all(VOLUME)}
        for volume in api.list("v1", "PersistentVolume"):
            (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
            made = volumes[volume["spec"]["csi"]["volumeHandle"]]
            assert term["matchExpressions"][0]["values"] == [made["availabilityZone"]]
            assert (made["size"], made["encrypted"]) == (10, True)

    def test_grow(self, aws: Aws, api: Api) -> None:
        body = {"spec": {"resources": {"requests": {"storage": "20Gi"}}}}
        api.patch("v1", "PersistentVolumeClaim", "data-store-0", "data", body=body)
        until(lambda: sorted(each["size"] for each in aws.account.all(VOLUME)) == [10, 20], "the volume did not grow")

    def test_are_not_made_by_a_provisioner_that_kubernetes_no_longer_has(self, api: Api) -> None:
        api.apply(workload("old", 1, pod(), claim="gp2"))
        time.sleep(3)
        assert not (api.read("v1", "PersistentVolumeClaim", "data-old-0", "data") or {})["spec"].get("volumeName")
        api.delete("apps/v1", "StatefulSet", "old", "data")


class TestWorkloadIdentity:
    """Pods that AWS lets in, and others."""

    def test_a_role_that_does_not_trust_the_pod_keeps_it_from_starting(self, aws: Aws, api: Api) -> None:
        aws.role("loose", "ec2.amazonaws.com")
        annotations = {"eks.amazonaws.com/role-arn": arn("loose")}
        meta = {"name": "app", "namespace": "data", "annotations": annotations}
        api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
        api.apply(workload("app", 1, pod(serviceAccountName="app")))
        until(lambda: "names no OIDC provider" in events(api, "Pod"), "the pod was let in")

    def test_the_very_subject_and_audience_are_asked_for(self, aws: Aws, api: Api) -> None:
        cluster = aws.account.get(CLUSTER, NAME)
        assert cluster is not None
        url = cluster["identities"][0]["oidcs"][0]["issuer"].removeprefix("https://")
        provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{url}"
        aws.put(
            "aws:iam/openIdConnectProvider:OpenIdConnectProvider", provider, {"arn": provider, "url": url}, region=""
        )
        subject = "system:serviceaccount:data:app"
        condition = {"StringEquals": {f"{url}:sub": subject, f"{url}:aud": "sts.amazonaws.com"}}
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition,
        }
        role = aws.account.find("aws:iam/role:Role", name="loose")[0]
        aws.put(
            role.token, role.id, {**role.outputs, "assumeRolePolicy": json.dumps({"Statement": [statement]})}, region=""
        )
        until(
            lambda: (api.read("apps/v1", "Deployment", "app", "data") or {})["status"].get("availableReplicas"),
            "the pod was not let in",
        )
        api.delete("apps/v1", "Deployment", "app", "data")


def ingress(name: str, **annotations: str) -> Object:
    prefix = "alb.ingress.kubernetes.io/"
    ports = {"listen-ports": '[{"HTTP": 80}, {"HTTPS": 443}]'}
    given = {f"{prefix}{key.replace('_', '-')}": value for key, value in {**ports, **annotations}.items()}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": "data", "annotations": given},
        "spec": {"ingressClassName": "wandb", "defaultBackend": backend},
    }


class TestLoadBalancers:
    """AWS Load Balancer Controller."""

    def test_the_controller_does_not_start_without_a_role(self, aws: Aws, api: Api) -> None:
        values = {"clusterName": NAME, "region": REGION, "vpcId": "vpc-1", "createIngressClassResource": False}
        install(api, chart_load_balancer.NAME, values | {"ingressClassParams": {"create": False}})
        until(lambda: "neither a Pod Identity association" in events(api, "Pod"), "it started")
        actions = ("elasticloadbalancing:*", "ec2:Describe*", "acm:DescribeCertificate")
        role = aws.role("balancers", "pods.eks.amazonaws.com", actions=actions)
        place = {"clusterName": NAME, "namespace": "kube-system", "serviceAccount": chart_load_balancer.NAME}
        aws.create(POD_IDENTITY, {**place, "roleArn": role, "nodeGroupName": "lb"})
        deployment = ("apps/v1", "Deployment", chart_load_balancer.NAME, "kube-system")
        time.sleep(2)
        assert not (api.read(*deployment) or {})["status"].get("availableReplicas"), "credentials came to a running pod"
        for each in api.list(
            "v1", "Pod", "kube-system", label_selector=f"app.kubernetes.io/name={chart_load_balancer.NAME}"
        ):
            api.delete("v1", "Pod", each["metadata"]["name"], "kube-system")
        until(lambda: (api.read(*deployment) or {})["status"].get("availableReplicas") == 2, "it does not start")

    def test_refuses_a_certificate_that_is_not_issued(self, aws: Aws, api: Api) -> None:
        aws.put("aws:acm/certificate:Certificate", CERTIFICATE, {"arn": CERTIFICATE, "status": "PENDING_VALIDATION"})
        spec = {
            "group": {"name": "wandb"},
            "scheme": "internet-facing",
            "subnets": {"ids": ["subnet-0", "subnet-1"]},
            "certificateArn": [CERTIFICATE],
            "loadBalancerAttributes": [{"key": "deletion_protection.enabled", "value": "true"}],
        }
        params = {"apiVersion": "elbv2.k8s.aws/v1beta1", "kind": "IngressClassParams", "metadata": {"name": "wandb"}}
        api.apply(params | {"spec": spec})
        reference = {"apiGroup": "elbv2.k8s.aws", "kind": "IngressClassParams", "name": "wandb"}
        one = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "wandb"}}
        api.apply(one | {"spec": {"controller": "ingress.k8s.aws/alb", "parameters": reference}})
        ports = [{"port": 80}]
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "data"}}
        api.apply(service | {"spec": {"selector": {"app": "web"}, "ports": ports}})
        api.apply(ingress("one"))
        until(lambda: "UnsupportedCertificate" in events(api, "Ingress"), "the certificate was taken")

    def test_opens_one_for_a_group_and_says_where(self, aws: Aws, api: Api) -> None:
        aws.put("aws:acm/certificate:Certificate", CERTIFICATE, {"arn": CERTIFICATE, "status": "ISSUED"})
        host = until(lambda: hostname(api, "one"), "no load balancer")
        assert host.endswith(f".{REGION}.elb.amazonaws.com")
        api.apply(ingress("two"))
        assert until(lambda: hostname(api, "two"), "not joined") == host
        (balancer,) = aws.account.all(LOAD_BALANCER)
        assert (balancer["dnsName"], balancer["enableDeletionProtection"]) == (host, True)
        live = api.read("networking.k8s.io/v1", "Ingress", "one", "data") or {}
        assert live["metadata"]["finalizers"] == ["group.ingress.k8s.aws/wandb"]
        until(lambda: api.list("elbv2.k8s.aws/v1beta1", "TargetGroupBinding"), "no target group")

    def test_refuses_a_member_that_wants_something_else(self, api: Api) -> None:
        api.apply(ingress("three", listen_ports='[{"HTTPS": 80}]'))
        until(lambda: "conflicting protocol for port 80" in events(api, "Ingress"), "both were taken")
        api.delete("networking.k8s.io/v1", "Ingress", "three", "data")
        until(lambda: api.read("networking.k8s.io/v1", "Ingress", "three", "data") is None, "it is held")

    def test_keeps_it_while_it_is_protected_and_lets_everything_go_after(self, aws: Aws, api: Api) -> None:
        for name in ("one", "two"):
            api.delete("networking.k8s.io/v1", "Ingress", name, "data")
        until(lambda: "deletion protection is enabled" in events(api, "Ingress"), "it was deleted")
        assert aws.account.all(LOAD_BALANCER)
        (balancer,) = aws.account.all(LOAD_BALANCER)
        aws.put(LOAD_BALANCER, balancer.id, {**balancer.outputs, "enableDeletionProtection": False})
        until(lambda: not api.list("networking.k8s.io/v1", "Ingress"), "Ingresses are held")
        assert not aws.account.all(LOAD_BALANCER)
        groups = [each["name"] for each in aws.account.all(SECURITY_GROUP)]
        assert groups == [f"eks-cluster-sg-{NAME}"]


def hostname(api: Api, name: str) -> str:
    found = api.read("networking.k8s.io/v1", "Ingress", name, "data") or {}
    listed = ((found.get("status") or {}).get("loadBalancer") or {}).get("ingress") or [{}]
    return listed[0].get("hostname", "")


class TestScaling:
    """The number of nodes, by hand and by the autoscaler."""

    def test_a_changed_number_is_followed(self, aws: Aws, api: Api) -> None:
        sizes = {"minSize": 1, "desiredSize": 2, "maxSize": 3}
        aws.update(NODE_GROUP, f"{NAME}:general-a", scalingConfig=sizes)
        assert len(api.list("v1", "Node", label_selector="eks.amazonaws.com/nodegroup=general-a")) == 2

    def test_the_autoscaler_adds_a_node_for_a_pod_that_finds_no_room(self, aws: Aws, api: Api) -> None:
        actions = ("autoscaling:*", "ec2:Describe*")
        role = aws.role("scaling", "pods.eks.amazonaws.com", actions=actions)
        place = {"clusterName": NAME, "namespace": "kube-system", "serviceAccount": "cluster-autoscaler"}
        aws.create(POD_IDENTITY, {**place, "roleArn": role, "nodeGroupName": "autoscaler"})
        group = aws.account.get(NODE_GROUP, f"{NAME}:general-b")
        assert group is not None
        name = group["resources"][0]["autoscalingGroups"][0]["name"]
        account = {"create": True, "name": "cluster-autoscaler"}
        values = {"awsRegion": REGION, "autoscalingGroups": [{"name": name, "minSize": 1, "maxSize": 2}]}
        install(api, chart_autoscaler.NAME, values | {"rbac": {"serviceAccount": account}})
        api.apply(workload("big", 5, pod("7")))
        until(lambda: len(api.list("v1", "Node", label_selector="eks.amazonaws.com/nodegroup=general-b")) == 2, "")

        def size() -> int:
            found = aws.account.get(NODE_GROUP, f"{NAME}:general-b")
            return found["scalingConfig"]["desiredSize"] if found else 0

        until(lambda: size() == 2, "the size in the account follows the node")
        api.delete("apps/v1", "Deployment", "big", "data")

    def test_an_upgrade_replaces_nodes_one_by_one(self, aws: Aws, api: Api) -> None:
        aws.update(CLUSTER, NAME, version="1.36")
        before = {each["metadata"]["uid"] for each in api.list("v1", "Node")}
        aws.update(NODE_GROUP, f"{NAME}:general-a", version="1.36")
        found = api.list("v1", "Node", label_selector="eks.amazonaws.com/nodegroup=general-a")
        assert len(found) == 2
        assert {each["status"]["nodeInfo"]["kubeletVersion"][:5] for each in found} == {"v1.36"}
        assert not before & {each["metadata"]["uid"] for each in found}


class TestTheEnd:
    """A cluster that goes."""

    def test_a_cluster_with_nodes_stays(self, aws: Aws) -> None:
        with pytest.raises(Refused, match="Cluster has nodegroups attached"):
            aws.delete(CLUSTER, NAME)

    def test_what_the_stack_left_in_it_is_told(self, aws: Aws, api: Api, control_plane: ControlPlane) -> None:
        meta = {"name": "forgotten", "namespace": "kube-system"}
        api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
        api.delete("v1", "Namespace", "data")
        until(lambda: api.read("v1", "Namespace", "data") is None, "the namespace is held")
        for letter in "abc":
            aws.delete(NODE_GROUP, f"{NAME}:general-{letter}")
        for name in (
            "coredns",
            "metrics-server",
            "aws-ebs-csi-driver",
            "vpc-cni",
            "kube-proxy",
            "eks-pod-identity-agent",
        ):
            aws.delete(ADDON, f"{NAME}:{name}")
        aws.delete(CLUSTER, NAME)
        found = remains.of_cluster(control_plane.state)
        # the charts, too, which these tests never uninstalled; not what may go with a cluster
        assert {"forgotten", "aws-load-balancer-controller"} <= {item.name for item in found}
        assert not {"PersistentVolume", "CustomResourceDefinition", "DaemonSet"} & {item.kind for item in found}

    def test_the_control_plane_is_empty_afterwards(self, api: Api, control_plane: ControlPlane) -> None:
        assert not inventory.leftovers(api, inventory.load(control_plane.state.baseline))

    def test_retained_volumes_stay_in_the_account_and_are_told(self, control_plane: ControlPlane) -> None:
        volumes = {k: why for k, why in remains.of_account(control_plane.state).items() if k.kind == VOLUME}
        assert len(volumes) == 2
        assert all("retains volumes" in (why or "") for why in volumes.values())
