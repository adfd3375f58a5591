"""Instance types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.providers.base import Refused
from rehearsal.providers.values import Properties

from .. import places
from ..behaviour import Moment
from . import answers


@answers("ec2/getInstanceTypeOfferings")
def offerings(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """Which types the region, or each zone, has; three lists of one length."""
    kind = arguments.get("locationType") or "region"
    filters = {each["name"]: set(each["values"]) for each in arguments.get("filters") or ()}
    if unknown := filters.keys() - {"instance-type", "location"}:
        raise Refused(f"the rehearsal's stand-in for the aws provider does not know the filter {', '.join(unknown)}")
    wanted = filters.get("instance-type")
    locations = {"region": (at.region,), "availability-zone": places.zones(at.region)}.get(kind)
    if locations is None and kind == "availability-zone-id":
        locations = places.zones(at.region)
    if locations is None:
        raise Refused(
            f"expected location_type to be one of region, availability-zone, availability-zone-id, got {kind}"
        )
    rows: list[tuple[str, str]] = []
    for name in sorted(wanted if wanted is not None else places.region_types(at.region)):
        for location in locations:
            shown = places.zone_id(location) if kind == "availability-zone-id" else location
            if shown in filters.get("location", {shown}) and places.offered(
                name, at.region, location if kind != "region" else None
            ):
                rows.append((name, shown))
    return {
        "instanceTypes": [name for name, _ in rows],
        "locations": [location for _, location in rows],
        "locationTypes": [kind] * len(rows),
        "locationType": kind,
        "id": at.region,
        "region": at.region,
    }


@answers("ec2/getInstanceType")
def instance_type(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """Size of a type."""
    name = arguments["instanceType"]
    if not places.offered(name, at.region):
        raise Refused(
            f"reading EC2 Instance Type ({name}): InvalidInstanceType: The following supplied instance types do not exist: [{name}]"
        )
    found = places.instance_types()[name]
    return {
        "instanceType": name,
        "id": name,
        "region": at.region,
        "defaultVcpus": found["VCpuInfo"]["DefaultVCpus"],
        "memorySize": found["MemoryInfo"]["SizeInMiB"],
        "supportedArchitectures": found["ProcessorInfo"]["SupportedArchitectures"],
        "currentGeneration": found["CurrentGeneration"],
        "maximumNetworkInterfaces": found["NetworkInfo"]["MaximumNetworkInterfaces"],
        "maximumIpv4AddressesPerInterface": found["NetworkInfo"]["Ipv4AddressesPerInterface"],
        "hypervisor": found.get("Hypervisor", ""),
        "bareMetal": found["BareMetal"],
    }
