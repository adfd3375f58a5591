"""`aws:eks/nodeGroup:NodeGroup`: machines that become simulated nodes of the embedded cluster.

Limits and wording: Amazon EKS API reference, "CreateNodegroup", "Issue"; EKS user guide, "Kubernetes version skew".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.base import Refused
from rehearsal.providers.values import UNKNOWN, Properties

from ...api import Api
from .. import latency
from ..account import Record
from ..behaviour import Behaviour, Moment, api_error, register
from . import fleet, identities, pace
from .cluster import minor
from .launching import digest, grow
from .machines import EFFECTS, UnknownInstanceType, instance_type, taints
from .plane import Plane
from .tokens import CLUSTER, NODE_GROUP, SUBNET

_ROLE_ACTIONS = ("ec2:DescribeInstances", "ecr:GetAuthorizationToken")
_MINUTES = 20.0
"""After which EKS gives up nodes that do not become healthy."""
_DRAIN = 15 * 60.0
"""Seconds that EKS gives pods to be evicted (EKS user guide, "Managed node group update behavior")."""
_LEAST_DRAIN = 10.0
"""Real seconds that evictions get, however fast AWS's minutes pass."""
_UNHEALTHY = "NodeCreationFailure: Unhealthy nodes in the kubernetes cluster"
_UNJOINED = "NodeCreationFailure: Instances failed to join the kubernetes cluster"


@register(NODE_GROUP)
class NodeGroup(Behaviour):
    """Nodes come and go with the group's size; a new version or other machines replace them one by one."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Types, sizes and taints."""
        for name in inputs.get("instanceTypes") or ():
            if isinstance(name, str) and name != UNKNOWN:
                try:
                    instance_type(name)
                except UnknownInstanceType as error:
                    yield f"instanceTypes: {error}"
        sizes = inputs.get("scalingConfig") or {}
        known = [
            each for key in ("minSize", "desiredSize", "maxSize") if isinstance(each := sizes.get(key), int | float)
        ]
        if len(known) == len(sizes) and known != sorted(known):
            yield f"scalingConfig: minSize <= desiredSize <= maxSize does not hold for {known}"
        for taint in inputs.get("taints") or ():
            effect = taint.get("effect") if isinstance(taint, Mapping) else UNKNOWN
            if effect != UNKNOWN and effect not in EFFECTS:
                yield f"taints: effect {effect} is none of {', '.join(EFFECTS)}"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Cluster, version, role and subnets."""
        cluster = at.account.get(CLUSTER, inputs["clusterName"])
        if cluster is None:
            message = f"No cluster found for name: {inputs['clusterName']}."
            raise api_error("EKS", "CreateNodegroup", "ResourceNotFoundException", message, status=404)
        _no_newer(inputs.get("version") or cluster["version"], cluster)
        role = identities.role_of(at.account, inputs["nodeRoleArn"])
        if role is None or not identities.trusted_by_service(role, "ec2.amazonaws.com"):
            message = f"Role {inputs['nodeRoleArn']} does not exist, or ec2.amazonaws.com may not assume it"
            raise api_error("EKS", "CreateNodegroup", "InvalidParameterException", message)
        for each in inputs["subnetIds"]:
            subnet = at.account.get(SUBNET, each)
            if subnet is None:
                message = f"Subnets are not valid: {each} does not exist"
                raise api_error("EKS", "CreateNodegroup", "InvalidParameterException", message)
            if subnet["vpcId"] != cluster["vpcConfig"]["vpcId"]:
                message = f"Subnet {each} is not in the cluster's VPC {cluster['vpcConfig']['vpcId']}"
                raise api_error("EKS", "CreateNodegroup", "InvalidParameterException", message)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Version and sizes as EKS fills them in."""
        cluster = at.account.get(CLUSTER, outputs["clusterName"])
        version = outputs.get("version") or (cluster["version"] if cluster else "")
        group = outputs.get("nodeGroupName") or resource_id.partition(":")[2]
        scaling = f"eks-{group}-{digest(resource_id)[:8]}"
        return {
            "arn": at.arn("eks", f"nodegroup/{outputs['clusterName']}/{group}/{digest(resource_id)[:8]}"),
            "status": "ACTIVE",
            "version": version,
            "releaseVersion": outputs.get("releaseVersion") or f"{version}.0-20261101",
            "resources": [{"autoscalingGroups": [{"name": scaling}], "remoteAccessSecurityGroupId": ""}],
        }

    def created(self, at: Moment, outputs: Properties) -> Properties:
        """Launch the nodes and wait until they are ready, as EKS does."""
        role = identities.role_of(at.account, outputs["nodeRoleArn"])
        lacking = [each for each in _ROLE_ACTIONS if role is None or not identities.allowed(at.account, role, each)]
        if lacking:
            raise _failed(outputs, f"{_UNJOINED}: the node role allows no {', '.join(lacking)}")
        api = Plane.of(at.account).api
        grow(api, at.account, at.region, outputs, _desired(outputs))
        _until_ready(at, api, outputs)
        return {}

    def admit_update(self, at: Moment, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """Not newer than the control plane, and one minor at a time."""
        cluster = at.account.get(CLUSTER, old["clusterName"])
        version = new.get("version")
        if not version or version == old.get("version") or cluster is None:
            return
        _no_newer(version, cluster)
        if minor(version) < minor(old["version"]):
            message = f"Nodegroup can't be updated from {old['version']} to the older {version}"
            raise api_error("EKS", "UpdateNodegroupVersion", "InvalidParameterException", message)

    def updated(self, at: Moment, outputs: Properties) -> Properties:
        """Bring the nodes in line: labels and taints in place, version and machines by new nodes, then the number."""
        api = Plane.of(at.account).api
        old = at.call.old
        _relabel(api, old, outputs)
        if any(old.get(key) != outputs.get(key) for key in ("version", "releaseVersion", "launchTemplate")):
            _roll(at, api, outputs)
        wanted = _clamped(at, outputs)
        there = fleet.nodes_of(api, outputs["nodeGroupName"])
        if len(there) > wanted:
            _drain(at, api, [node["metadata"]["name"] for node in there[wanted:]])
        else:
            grow(api, at.account, at.region, outputs, wanted)
        _until_ready(at, api, outputs)
        return {"scalingConfig": {**outputs["scalingConfig"], "desiredSize": wanted}}

    def deleted(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Drain the nodes, then take them away."""
        api = Plane.of(at.account).api
        names = [node["metadata"]["name"] for node in fleet.nodes_of(api, outputs["nodeGroupName"])]
        _drain(at, api, names)

    def refreshed(self, at: Moment, outputs: Properties) -> Properties:
        """The autoscaler may have changed the number of nodes."""
        there = len(fleet.nodes_of(Plane.of(at.account).api, outputs["nodeGroupName"]))
        return {"scalingConfig": {**outputs["scalingConfig"], "desiredSize": there}}


def _until_ready(at: Moment, api: Api, group: Mapping[str, Any]) -> None:
    name = group["nodeGroupName"]

    def look() -> pace.Outlook:
        unready = [node["metadata"]["name"] for node in fleet.nodes_of(api, name) if not fleet.is_ready(node)]
        if not unready:
            return pace.Outlook()
        plugin = api.read("apps/v1", "DaemonSet", "aws-node", "kube-system")
        text = f"{len(unready)} nodes are not ready" + ("" if plugin else ": there is no network plugin (vpc-cni)")
        return pace.Outlook(text, stuck=plugin is None or _crashing(api))

    if problem := pace.settled(at, look, minutes=_MINUTES):
        raise _failed(group, f"{_UNHEALTHY} ({problem})")


def _crashing(api: Api) -> bool:
    pods = api.list("v1", "Pod", "kube-system", label_selector="k8s-app=aws-node")
    states = [
        status.get("state") or {} for pod in pods for status in (pod.get("status") or {}).get("containerStatuses") or ()
    ]
    return any((state.get("waiting") or {}).get("reason") == "CrashLoopBackOff" for state in states)


def _failed(group: Mapping[str, Any], why: str) -> Refused:
    return Refused(
        f"waiting for EKS Node Group ({group['clusterName']}:{group['nodeGroupName']}) create: unexpected state "
        f"'CREATE_FAILED', wanted target 'ACTIVE'. last error: {why}"
    )


def _relabel(api: Api, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    before, after = dict(old.get("labels") or {}), dict(new.get("labels") or {})
    if before == after and old.get("taints") == new.get("taints"):
        return
    labels = {key: after.get(key) for key in before.keys() | after.keys()}
    gone = {(each["key"], each["effect"]) for each in taints(old.get("taints") or ())}
    for node in fleet.nodes_of(api, new["nodeGroupName"]):
        kept = [each for each in node["spec"].get("taints") or () if (each["key"], each["effect"]) not in gone]
        body = {"metadata": {"labels": labels}, "spec": {"taints": [*kept, *taints(new.get("taints") or ())]}}
        api.patch("v1", "Node", node["metadata"]["name"], body=body)


def _roll(at: Moment, api: Api, group: Mapping[str, Any]) -> None:
    """For each node a new one, then the old one is drained: EKS's default update strategy, one at a time."""
    old = [node["metadata"]["name"] for node in fleet.nodes_of(api, group["nodeGroupName"])]
    most = len(old)
    for done, name in enumerate(old):
        at.say(f"replacing node {done + 1} of {most}: {name}")
        grow(api, at.account, at.region, group, most + 1)
        _until_ready(at, api, group)
        _drain(at, api, [name])


def _drain(at: Moment, api: Api, names: Iterable[str]) -> None:
    targets = list(names)
    at.say(f"draining {', '.join(targets)}")
    patience = max(_DRAIN * latency.scale(), _LEAST_DRAIN)
    if forced := fleet.retire(api, targets, wait=at.wait, patience=patience):
        text = f"PodEvictionFailure: disruption budgets held {', '.join(sorted(forced))}, which went with their nodes"
        at.say(text, fleeting=False, warning=True)


def _desired(group: Mapping[str, Any]) -> int:
    return int(group["scalingConfig"]["desiredSize"])


def _clamped(at: Moment, outputs: Mapping[str, Any]) -> int:
    """The wanted number where the program changed it, or where the making was cut off before there was a node; else the
    present one, which is the autoscaler's, within limits."""
    sizes, before = outputs["scalingConfig"], at.call.old_inputs.get("scalingConfig") or {}
    there = len(fleet.nodes_of(Plane.of(at.account).api, outputs["nodeGroupName"]))
    asked = not there or sizes.get("desiredSize") != before.get("desiredSize")
    wanted = int(sizes["desiredSize"]) if asked else there
    return max(int(sizes["minSize"]), min(int(sizes["maxSize"]), wanted))


def _no_newer(version: str, cluster: Record) -> None:
    if minor(version) > minor(cluster["version"]):
        message = f"Requested Nodegroup Kubernetes version {version} is newer than the cluster's {cluster['version']}"
        raise api_error("EKS", "CreateNodegroup", "InvalidParameterException", message)
