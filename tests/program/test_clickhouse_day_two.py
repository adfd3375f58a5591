"""ClickHouse changed as it is in the years after its first day: what is asked for differs where it should, and nowhere else.

What the operator then does is rehearsed in tests/engine/test_aws_stack.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from tests.harness import record_stack
from tests.program.test_stacks import STACKS

FIRST: dict[str, Any] = {
    "kind": "managed",
    "replicas": 1,
    "keepers": 3,
    "volumeGiB": 50,
    "cacheGiB": 20,
    "keeperVolumeGiB": 10,
}
NODES = {"nodes": {"count": 6, "cpu": 16, "memoryGiB": 64}}
ALWAYS = {"spec.taskID", "metadata.annotations.pulumi.com/waitFor"}
CLICKHOUSE, KEEPER = "ClickHouseInstallation", "ClickHouseKeeperInstallation"


@cache
def _asked(
    changes: tuple[tuple[str, Any], ...], versions: tuple[tuple[str, str], ...]
) -> dict[str, tuple[str, Mapping[str, Any]]]:
    settings = {"wandb:clickhouse": FIRST | dict(changes), "wandb:versions": dict(versions), "wandb:sizing": NODES}
    recorder = record_stack("one-replica", changes=settings).recorder
    return {each.urn: (each.type.rpartition(":")[2], each.inputs) for each in recorder.custom()}


def asked(versions: Mapping[str, str] | None = None, **changes: Any) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Kind and inputs of every resource, by URN."""
    return _asked(tuple(changes.items()), tuple((versions or {}).items()))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from leaves(below, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from leaves(below, f"{path}[{index}]")
    else:
        yield path, value


def differing(
    before: Mapping[str, tuple[str, Mapping[str, Any]]], after: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> dict[str, set[str]]:
    """Paths that differ, by kind, the hash of a spec apart; nothing may come or go."""
    assert before.keys() == after.keys()
    found: dict[str, set[str]] = {}
    for urn, (kind, inputs) in after.items():
        one, other = dict(leaves(before[urn][1])), dict(leaves(inputs))
        paths = {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)} - ALWAYS
        if paths:
            found.setdefault(kind, set()).update(paths)
    found.pop("Job", None)  # the readiness Job is about the new spec: each has one of its own
    return found


def test_a_volume_grows_in_place() -> None:
    grown = differing(asked(), asked(volumeGiB=80))
    assert grown == {CLICKHOUSE: {"spec.templates.volumeClaimTemplates[0].spec.resources.requests.storage"}}
    keepers = differing(asked(), asked(keeperVolumeGiB=20))
    assert keepers == {KEEPER: {"spec.templates.volumeClaimTemplates[0].spec.resources.requests.storage"}}


def test_one_replica_becomes_three_and_three_become_five_by_a_number_alone() -> None:
    path = {CLICKHOUSE: {"spec.configuration.clusters[0].layout.replicasCount"}}
    assert differing(asked(), asked(replicas=3)) == path
    assert differing(asked(replicas=3), asked(replicas=5)) == path


def test_an_upgrade_changes_images_alone_keepers_first() -> None:
    after = asked({"clickhouse": "25.8.20.1"})
    changed = differing(asked(), after)
    assert changed == {
        kind: {"spec.templates.podTemplates[0].spec.containers[0].image"} for kind in (CLICKHOUSE, KEEPER)
    }
    recorder = record_stack("one-replica").recorder
    kinds = {each.urn: each.type.rpartition(":")[2] for each in recorder.custom()}
    (servers,) = (urn for urn, kind in kinds.items() if kind == CLICKHOUSE)
    before = {kinds[urn] for urn in recorder.before(servers) if urn in kinds}
    assert {KEEPER, "Release"} <= before, "the operator first, then the keepers, then the servers"


def test_an_upgrade_of_the_operator_changes_its_release_alone() -> None:
    assert differing(asked(), asked({"clickhouseOperatorChart": "0.25.7"})) == {"Release": {"version"}}


@pytest.mark.parametrize("stack", STACKS)
def test_deleting_a_stack_leaves_every_volume_of_clickhouse_and_so_its_objects(stack: str) -> None:
    """With one template that says Delete, the operator would drop the tables, and their objects, with the installation."""
    for each in record_stack(stack).recorder.custom():
        kind, spec = each.type.rpartition(":")[2], each.inputs.get("spec") or {}
        if kind in (CLICKHOUSE, KEEPER):
            assert spec["defaults"]["storageManagement"]["reclaimPolicy"] == "Retain"
            assert {claim["reclaimPolicy"] for claim in spec["templates"]["volumeClaimTemplates"]} == {"Retain"}
        if kind == CLICKHOUSE:
            cleanup = spec["reconcile"]["cleanup"]
            assert {policy["pvc"] for policy in cleanup.values()} == {"Retain"}
        if kind == "StatefulSet":
            assert set(spec["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}
        if each.type == "aws:s3/bucket:Bucket":
            assert not each.inputs.get("forceDestroy"), "a bucket with objects in it is not deleted"
