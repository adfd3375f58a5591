"""The whole program in AWS' partitions: what it asks for belongs to the region's own, ARNs and endpoints alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from settings.regions import REGIONS
from tests.harness import Recording, record_stack

ARN = re.compile(r"arn:(aws[a-z-]*):[a-z0-9-]*:([a-z0-9-]*)")
ENDPOINT = re.compile(r"[a-z0-9-]+\.([a-z]+(?:-[a-z]+)+-[0-9])\.(amazonaws\.com(?:\.cn)?)")
"""A regional endpoint, or a principal that is named like one."""
SUFFIX = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
EXCLUSIVE: Mapping[str, Any] = {
    "accountId": "123456789012",
    "cluster": {"kind": "managed", "publicAccessCidrs": ["203.0.113.0/24"]},
    "dns": {"kind": "existing", "zoneId": "Z0123456789ABCDEFGHIJ"},
}


def texts(recording: Recording) -> Iterator[tuple[str, str]]:
    """Every text among the inputs, with where it is."""
    for resource in recording.recorder.resources_by_urn.values():
        for path, value, _ in resource.leaves():
            if isinstance(value, str):
                yield f"{resource.name}: {path}", value


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1"])
def test_every_arn_and_every_endpoint_is_of_the_partition(region: str):
    partition = REGIONS[region].partition
    recording = record_stack("prod", changes={"wandb:aws": {"region": region, **EXCLUSIVE}})
    arns = [(where, *found) for where, text in texts(recording) for found in ARN.findall(text)]
    endpoints = [(where, *found) for where, text in texts(recording) for found in ENDPOINT.findall(text)]
    assert arns
    assert endpoints
    assert {(where, found) for where, found, _ in arns if found != partition} == set()
    assert {(where, found) for where, _, found in arns if found not in ("", region)} == set()
    assert {
        (where, found, suffix) for where, found, suffix in endpoints if (found, suffix) != (region, SUFFIX[partition])
    } == set()
