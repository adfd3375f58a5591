"""`aws:eks/cluster:Cluster`: the embedded control plane, handed out as EKS hands out a cluster.

Limits and wording: Amazon EKS API reference, "CreateCluster", "UpdateClusterVersion", "DeleteCluster", and the EKS user
guide, "Kubernetes version lifecycle" and "Kubernetes version skew".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import UNKNOWN, Properties

from ...control_plane import inventory
from ..account import Record
from ..behaviour import Behaviour, Moment, api_error, register
from . import addons, identities, remains
from .plane import Plane, issuer
from .tokens import ADDON, CLUSTER, NODE_GROUP, SECURITY_GROUP, SUBNET

STANDARD = ("1.34", "1.35", "1.36")
EXTENDED = ("1.31", "1.32", "1.33")
"""Kubernetes versions that EKS makes clusters of in late 2026."""
_SKEW = 3
"""Minors that a kubelet may be older than the API server (Kubernetes, "Version Skew Policy")."""
_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")
_LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


@register(CLUSTER)
class Cluster(Behaviour):
    """One at a time: a rehearsal has one control plane."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Name and version."""
        name, version = inputs.get("name"), inputs.get("version")
        if isinstance(name, str) and name != UNKNOWN and not _NAME.fullmatch(name):
            yield f"expected length of name to be in the range (1 - 100) and letters, digits, - and _ only, got {name!r}"
        if isinstance(version, str) and version != UNKNOWN and version not in STANDARD + EXTENDED:
            yield f"unsupported Kubernetes version {version}: EKS makes {', '.join(EXTENDED + STANDARD)}"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Role, subnets, and a control plane that is free."""
        if taken := at.find(CLUSTER):
            there = ", ".join(each["name"] for each in taken)
            if any(each["name"] == inputs["name"] for each in taken):
                message = f"Cluster already exists with name: {inputs['name']}"
                raise api_error("EKS", "CreateCluster", "ResourceInUseException", message, status=409)
            message = f"a rehearsal has one control plane, which is already the cluster {there}"
            raise api_error("EKS", "CreateCluster", "ResourceLimitExceededException", message)
        role = identities.role_of(at.account, inputs["roleArn"])
        if role is None or not identities.trusted_by_service(role, "eks.amazonaws.com"):
            message = "The role with the provided ARN doesn't exist, or EKS (eks.amazonaws.com) may not assume it"
            raise api_error("EKS", "CreateCluster", "InvalidParameterException", f"{message}: {inputs['roleArn']}")
        _network(at, inputs["vpcConfig"]["subnetIds"])

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The name."""
        return inputs["name"]

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Where the cluster is reached, and whose tokens it issues."""
        plane = Plane.of(at.account)
        network = dict(outputs.get("vpcConfig") or {})
        subnets = [at.account.get(SUBNET, each) for each in network.get("subnetIds") or ()]
        vpc = next((each["vpcId"] for each in subnets if each), None)
        group = _security_group_id(resource_id)
        return {
            "arn": at.arn("eks", f"cluster/{resource_id}"),
            "certificateAuthority": {"data": plane.authority},
            "certificateAuthorities": [{"data": plane.authority}],
            "endpoint": plane.endpoint,
            "identities": [{"oidcs": [{"issuer": issuer(plane.state.stack, at.region, at.dns_suffix)}]}],
            "platformVersion": "eks.1",
            "status": "ACTIVE",
            "version": outputs.get("version") or STANDARD[-2],
            "vpcConfig": network | {"clusterSecurityGroupId": group, "vpcId": vpc},
        }

    def created(self, at: Moment, outputs: Properties) -> Properties:
        """What a new cluster holds: its security group, the class gp2, and unless told otherwise three add-ons."""
        plane = Plane.of(at.account)
        remains.wipe(plane)
        _furnish(at, plane, outputs)
        return {}

    def updated(self, at: Moment, outputs: Properties) -> Properties:
        """A cluster whose making was cut off gets what it lacks."""
        plane = Plane.of(at.account)
        if not remains.baseline(plane.state).exists():
            _furnish(at, plane, outputs)
        return {}

    def admit_update(self, at: Moment, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """One minor at a time, up only, and no node left too far behind."""
        before, after = str(old.get("version") or ""), str(new.get("version") or "")
        if not after or before == after:
            return
        step = minor(after) - minor(before)
        if step != 1:
            message = f"Unsupported Kubernetes minor version update from {before} to {after}"
            raise api_error("EKS", "UpdateClusterVersion", "InvalidParameterException", message)
        for group in at.account.find(NODE_GROUP, clusterName=old["name"]):
            if minor(after) - minor(group["version"]) > _SKEW:
                message = (
                    f"Kubelet version of Node Group {group['nodeGroupName']} must be updated to match cluster "
                    f"versions {before} before updating cluster version"
                )
                raise api_error("EKS", "UpdateClusterVersion", "InvalidRequestException", message)

    def admit_delete(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Not while it is protected, nor while it has nodes."""
        if outputs.get("deletionProtection"):
            message = f"Cluster {outputs['name']} has deletion protection enabled"
            raise api_error("EKS", "DeleteCluster", "InvalidRequestException", message)
        if at.account.find(NODE_GROUP, clusterName=outputs["name"]):
            message = "Cluster has nodegroups attached"
            raise api_error("EKS", "DeleteCluster", "ResourceInUseException", message, status=409)

    def deleted(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Note what was still in it, then let it all go: with an EKS cluster every object vanishes unasked."""
        plane = Plane.of(at.account)
        remains.note(plane)
        remains.wipe(plane)
        for addon in at.account.find(ADDON, clusterName=outputs["name"]):
            at.account.delete(ADDON, addon.id)
        at.account.delete(SECURITY_GROUP, outputs["vpcConfig"]["clusterSecurityGroupId"])
        log_group = f"/aws/eks/{outputs['name']}/cluster"
        if outputs.get("enabledClusterLogTypes") and at.account.get(_LOG_GROUP, log_group) is None:
            # the cluster logs to its end, and makes the group anew when somebody took it away before
            arn = at.arn("logs", f"log-group:{log_group}")
            at.account.put(
                Record(token=_LOG_GROUP, id=log_group, region=at.region, outputs={"name": log_group, "arn": arn})
            )


def minor(version: str) -> int:
    """35 of "1.35"."""
    return int(version.split(".")[1])


def _network(at: Moment, ids: Iterable[str]) -> None:
    found = [at.account.get(SUBNET, each) for each in ids]
    if missing := [each for each, subnet in zip(ids, found, strict=True) if subnet is None]:
        message = f"The subnet ID '{missing[0]}' does not exist"
        raise api_error("EKS", "CreateCluster", "InvalidParameterException", message)
    there = [each for each in found if each is not None]
    if len({each["vpcId"] for each in there}) > 1:
        message = "Subnets specified must belong to the same VPC"
        raise api_error("EKS", "CreateCluster", "InvalidParameterException", message)
    if len({each["availabilityZone"] for each in there}) < 2:
        message = "Subnets specified must be in at least two different AZs"
        raise api_error("EKS", "CreateCluster", "InvalidParameterException", message)


def _furnish(at: Moment, plane: Plane, outputs: Mapping[str, Any]) -> None:
    _make_security_group(at, outputs)
    plane.api.apply(_GP2)
    if outputs.get("bootstrapSelfManagedAddons") is not False:
        addons.bootstrap(plane.api, outputs["version"])
    inventory.save(inventory.everything(plane.api), remains.baseline(plane.state))


def _security_group_id(name: str) -> str:
    return f"sg-{hashlib.sha256(f'eks-cluster-sg-{name}'.encode()).hexdigest()[:17]}"


def _make_security_group(at: Moment, outputs: Mapping[str, Any]) -> None:
    network = outputs["vpcConfig"]
    group = network["clusterSecurityGroupId"]
    made = {
        "id": group,
        "arn": at.arn("ec2", f"security-group/{group}"),
        "name": f"eks-cluster-sg-{outputs['name']}",
        "vpcId": network["vpcId"],
        "ownerId": at.account_id,
    }
    at.account.put(Record(token=SECURITY_GROUP, id=group, region=at.region, outputs=made))


_GP2 = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "gp2"},
    "provisioner": "kubernetes.io/aws-ebs",
    "volumeBindingMode": "WaitForFirstConsumer",
    "reclaimPolicy": "Delete",
    "parameters": {"type": "gp2", "fsType": "ext4"},
}
"""Made by EKS in every cluster, and since 1.30 no cluster's default. Its in-tree provisioner is gone from Kubernetes."""
