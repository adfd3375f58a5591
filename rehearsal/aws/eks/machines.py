"""The nodes that a node group's machines register: what a kubelet on that instance type reports.

CPU, memory and network interfaces of a type are EC2's own (as packaged with moto); what of them is allocatable follows
`sizing.kubelets`, the formulas of EKS's AL2023 images.
"""

from __future__ import annotations

import functools
import gzip
import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from sizing import kubelets
from sizing.catalogue import InstanceType
from sizing.sources import Source

from ...control_plane.nodes import NODE_GROUP

Object = dict[str, Any]

EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
"""EKS's words for a taint's effect, and Kubernetes'."""
CAPACITY_TYPE = "eks.amazonaws.com/capacityType"

_RESERVED = 4
"""AWS keeps the first four addresses of a subnet, and the last."""
_DEFAULT_DISK_GIB = 20
"""Of a managed node group that names none, by EKS's API reference."""
_KEPT_DISK_GIB = 2
"""A guess at what image and eviction threshold keep; nothing here is scheduled by it."""
_SOURCE = Source("EC2", "DescribeInstanceTypes, as packaged with moto")


class UnknownInstanceType(ValueError):
    """EC2 has no such type."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One instance of a node group."""

    instance_id: str
    instance_type: str
    region: str
    zone: str
    address: str
    """Its private IPv4 address."""
    group: str
    spot: bool = False
    disk_gib: int | None = None
    version: str = "1.35"
    """Kubernetes' minor version."""
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Iterable[Mapping[str, str]] = ()
    """As in a node group's inputs."""

    @property
    def name(self) -> str:
        """The node's name: the machine's private DNS name."""
        domain = "ec2.internal" if self.region == "us-east-1" else f"{self.region}.compute.internal"
        return f"ip-{self.address.replace('.', '-')}.{domain}"

    def node(self) -> Object:
        """The Node as the kubelet registers it, unready until its network plugin runs."""
        labels = {
            "kubernetes.io/hostname": self.name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "node.kubernetes.io/instance-type": self.instance_type,
            "topology.kubernetes.io/region": self.region,
            "topology.kubernetes.io/zone": self.zone,
            NODE_GROUP: self.group,
            CAPACITY_TYPE: "SPOT" if self.spot else "ON_DEMAND",
        }
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": labels | dict(self.labels)},
            "spec": {"providerID": f"aws:///{self.zone}/{self.instance_id}", "taints": taints(self.taints)},
        }

    def status(self) -> Object:
        """Its first status."""
        room, machine = allocatable(self.instance_type), instance_type(self.instance_type)
        disk = self.disk_gib or _DEFAULT_DISK_GIB
        pods = str(room.pods)
        return {
            "capacity": {
                "cpu": str(machine.cpu),
                "memory": f"{machine.memory_gib}Gi",
                "pods": pods,
                "ephemeral-storage": f"{disk}Gi",
            },
            "allocatable": {
                "cpu": f"{room.cpu}m",
                "memory": f"{room.memory // 2**20}Mi",
                "pods": pods,
                "ephemeral-storage": f"{disk - _KEPT_DISK_GIB}Gi",
            },
            "addresses": [
                {"type": "InternalIP", "address": self.address},
                {"type": "Hostname", "address": self.name},
                {"type": "InternalDNS", "address": self.name},
            ],
        }


def taints(given: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """A node group's taints in Kubernetes' words."""
    return [{"key": each["key"], "value": each.get("value") or "", "effect": EFFECTS[each["effect"]]} for each in given]


def instance_type(name: str) -> InstanceType:
    """What EC2 says about a type. Raises UnknownInstanceType."""
    found = _types().get(name)
    if found is None:
        raise UnknownInstanceType(f"The instance type '{name}' does not exist")
    network = found["NetworkInfo"]
    return InstanceType(
        name=name,
        cpu=found["VCpuInfo"]["DefaultVCpus"],
        memory_gib=found["MemoryInfo"]["SizeInMiB"] // 1024,
        enis=network["MaximumNetworkInterfaces"],
        ips_per_eni=network["Ipv4AddressesPerInterface"],
        source=_SOURCE,
    )


def volume_limit(name: str) -> int:
    """EBS volumes that the CSI driver may attach: the machine's attachments less its root volume and network interfaces.

    Source: EC2 user guide, "Amazon EBS volume limits for Amazon EC2 instances": Nitro machines share 28 attachments
    between volumes and interfaces unless the type has a limit of its own.
    """
    found = _types()[name]
    ebs = found.get("EbsInfo") or {}
    most = ebs.get("MaximumEbsAttachments") or 27
    own = ebs.get("AttachmentLimitType") == "dedicated"
    return most - (1 if own else 1 + 1)


def allocatable(name: str) -> kubelets.Room:
    """What a node of this type offers to pods on EKS. Raises UnknownInstanceType."""
    machine = instance_type(name)
    return kubelets.allocatable("eks", cpu=machine.cpu, memory_gib=machine.memory_gib, instance=machine)


def address_in(cidr: str, taken: Iterable[str]) -> str:
    """The first free address of a subnet. Raises ValueError when there is none left, as when a subnet is too small."""
    used = set(taken)
    hosts = list(ipaddress.ip_network(cidr).hosts())[_RESERVED - 1 :]
    for host in hosts:
        if str(host) not in used:
            return str(host)
    raise ValueError(f"subnet {cidr} has no free address")


@functools.cache
def _types() -> dict[str, Any]:
    packed = resources.files("moto").joinpath("ec2/resources/instance_types.json.gz").read_bytes()
    return json.loads(gzip.decompress(packed))
