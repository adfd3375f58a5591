"""Launch templates and EBS volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from .. import places
from ..behaviour import Behaviour, Moment, register
from .limits import between, matching, number, text

_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_VOLUME_GIB = {
    "gp2": (1, 16384),
    "gp3": (1, 65536),
    "io1": (4, 16384),
    "io2": (4, 65536),
    "st1": (125, 16384),
    "sc1": (125, 16384),
}
"""Sizes of volumes. Source: EBS user guide, "Amazon EBS volume types"; gp3 to 64 TiB since 2025."""


def volume(block: Mapping[str, Any], size_key: str, type_key: str) -> Iterable[str]:
    """What EBS says of a volume's type, size and performance."""
    kind = text(block, type_key)
    if kind is not None and kind not in (*_VOLUME_GIB, "standard"):
        yield f"{type_key}: {kind!r} is none of {', '.join([*_VOLUME_GIB, 'standard'])}"
    elif kind in _VOLUME_GIB:
        yield from between(block, size_key, *_VOLUME_GIB[kind], "EBS volume types")
    if kind == "gp3":
        yield from between(block, "iops", 3000, 80000, "EBS, gp3")
        yield from between(block, "throughput", 125, 2000, "EBS, gp3")
    iops, throughput = number(block, "iops"), number(block, "throughput")
    if kind == "gp3" and throughput and throughput > 0.25 * (iops or 3000):
        yield f"throughput: {throughput:g} MiB/s needs {throughput * 4:g} IOPS on gp3, as each of them gives 0.25 MiB/s"


@register(_TEMPLATE)
class LaunchTemplate(Behaviour):
    """A versioned recipe for machines."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Name, type, metadata options and disks. Source: EC2 API, CreateLaunchTemplate."""
        yield from matching(inputs, "name", r"[A-Za-z0-9().\-/_]{3,125}", "3 to 125 letters, digits and ( ) . - / _")
        kind = text(inputs, "instanceType")
        if kind is not None and not places.offered(kind, at.region):
            yield f"instanceType: The instance type {kind!r} is not offered in {at.region}"
        options = inputs.get("metadataOptions")
        if isinstance(options, Mapping):
            yield from between(options, "httpPutResponseHopLimit", 1, 64, "EC2 API")
        for mapping in inputs.get("blockDeviceMappings") or ():
            if isinstance(mapping, Mapping) and isinstance(mapping.get("ebs"), Mapping):
                yield from volume(mapping["ebs"], "volumeSize", "volumeType")

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The first version, unless there are more."""
        return {
            "latestVersion": outputs.get("latestVersion") or 1,
            "defaultVersion": outputs.get("defaultVersion") or 1,
        }

    def updated(self, at: Moment, outputs: Properties) -> Properties:
        """Every change of the recipe is a new version; one of tags or of the default version alone is none."""
        old = at.call.old
        quiet = {"tags", "tagsAll", "updateDefaultVersion", "defaultVersion", "latestVersion"}
        if all(old.get(key) == value for key, value in outputs.items() if key not in quiet):
            return {}
        latest = int(old.get("latestVersion") or 1) + 1
        return {"latestVersion": latest} | ({"defaultVersion": latest} if outputs.get("updateDefaultVersion") else {})


@register("aws:ebs/volume:Volume")
class Volume(Behaviour):
    """A disk in one zone."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Zone, type and size."""
        zone = text(inputs, "availabilityZone")
        if zone is not None and zone not in places.zones(at.region):
            yield f"availabilityZone: The zone '{zone}' does not exist."
        yield from volume(inputs, "size", "type")
