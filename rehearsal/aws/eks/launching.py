"""New machines for a node group: in which subnet, with which address, of which type."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ...api import Api
from ..account import Account, Record
from . import fleet
from .machines import Machine, address_in
from .tokens import SUBNET


def grow(api: Api, account: Account, region: str, group: Mapping[str, Any], wanted: int) -> None:
    """Launch as many nodes as are missing, in the zones that have the fewest."""
    there = fleet.nodes_of(api, group["nodeGroupName"])
    for _ in range(wanted - len(there)):
        launch(api, account, region, group)


def launch(api: Api, account: Account, region: str, group: Mapping[str, Any]) -> str:
    """One more node for a node group (its outputs); the node's name. It becomes ready in its own time."""
    machine = _machine(api, account, region, group)
    fleet.join(api, machine)
    return machine.name


def _machine(api: Api, account: Account, region: str, group: Mapping[str, Any]) -> Machine:
    nodes = api.list("v1", "Node")
    subnets: list[Record] = [found for each in group["subnetIds"] if (found := account.get(SUBNET, each))]
    mine = Counter(
        node["metadata"]["labels"].get("topology.kubernetes.io/zone")
        for node in fleet.nodes_of(api, group["nodeGroupName"])
    )
    subnet = min(subnets, key=lambda each: mine[each["availabilityZone"]])
    taken = {each["address"] for node in nodes for each in (node.get("status") or {}).get("addresses") or ()}
    address = address_in(subnet["cidrBlock"], taken)
    types = group.get("instanceTypes") or ["t3.medium"]
    return Machine(
        instance_id=f"i-{digest(f'{address} {len(nodes)}')[:17]}",
        instance_type=types[0],
        region=region,
        zone=subnet["availabilityZone"],
        address=address,
        group=group["nodeGroupName"],
        spot=group.get("capacityType") == "SPOT",
        disk_gib=_disk(account, group),
        version=group["version"],
        labels=group.get("labels") or {},
        taints=group.get("taints") or (),
    )


def _disk(account: Account, group: Mapping[str, Any]) -> int | None:
    """Of the launch template's root device where there is one, else of the group itself."""
    template = group.get("launchTemplate") or {}
    found = account.find("aws:ec2/launchTemplate:LaunchTemplate", id=template.get("id")) if template else []
    for mapping in found[0].get("blockDeviceMappings") or () if found else ():
        if size := (mapping.get("ebs") or {}).get("volumeSize"):
            return int(size)
    return int(group["diskSize"]) if group.get("diskSize") else None


def digest(text: str) -> str:
    """Hexadecimal digits that stand for a text."""
    return hashlib.sha256(text.encode()).hexdigest()
