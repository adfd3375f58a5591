"""How resources and inputs of an AWS stack grow with its zones and its node pools, under the recorder.

The state keeps inputs and outputs of every resource; a recorder sees the inputs alone, so they stand for its size here.
The size of a real state is told by the rehearsal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.harness import record_stack
from tests.harness.stacks import ROOT, stack_file
from tests.harness.whole_program import stack_config

_SECTION = "wandb:aws"
_REGION, _ZONES = "us-east-1", "abcdef"
"""The region with the most zones; production asks for three."""
_SPOT = {"maxNodes": 6}


@dataclass(frozen=True, kw_only=True)
class Size:
    """One variant of a stack."""

    zones: int
    pools: int
    resources: int
    input_kib: float


def sizes(stack: str) -> list[Size]:
    """The stack in three and in six zones of one region, and in three with a pool more. Empty where it makes no nodes on AWS."""
    config, _ = stack_config(stack_file(stack), project=ROOT / "Pulumi.yaml")
    if config.get("wandb:target") != "aws":
        return []
    section = json.loads(config[_SECTION])
    made = all(section.get(part, {}).get("kind", "managed") == "managed" for part in ("network", "cluster"))
    return [_size(stack, changed) for changed in _variants(section)] if made else []


def _variants(section: dict[str, Any]) -> Iterator[dict[str, Any]]:
    network = {"kind": "managed"} | section.get("network", {})
    cluster = {"kind": "managed"} | section.get("cluster", {})
    cluster.pop("spot", None)
    zones = [f"{_REGION}{letter}" for letter in _ZONES]
    here = section | {"region": _REGION}
    three = here | {"network": network | {"zones": zones[:3]}, "cluster": cluster}
    yield three
    yield three | {"network": network | {"zones": zones}}
    yield three | {"cluster": cluster | {"spot": _SPOT}}


def _size(stack: str, section: dict[str, Any]) -> Size:
    changes = {_SECTION: section, "wandb:kubernetes": {"preflight": False}}  # these zones are nobody's
    recorder = record_stack(stack, changes=changes).recorder
    resources = recorder.resources_by_urn.values()
    groups = recorder.of_type("aws:eks/nodeGroup:NodeGroup")
    names = {group.inputs["labels"]["wandb.pulumi/pool"] for group in groups}
    return Size(
        zones=len(section["network"]["zones"]),
        pools=len(names),
        resources=len(resources),
        input_kib=sum(len(json.dumps(resource.inputs, default=str)) for resource in resources) / 1024,
    )
