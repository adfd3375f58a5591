"""The custom resources for ClickHouse and Keeper, held against the definitions that an API server would have.

With WANDB_CRDS naming the folder of the vendors' definitions, these are used; else the rehearsal's stand-ins, and the run
says so. Pod specs, settings and users are free-form in either: what is in them, only a cluster and the operator judge.
"""

from __future__ import annotations

import copy
import os
import warnings
from typing import Any, Literal

import pytest
from hypothesis import given

from components import contracts
from components.clickhouse import keeper, server
from rehearsal import crds
from tests.harness import clickhouse_space as space
from tests.harness.clickhouse_backup import USER
from tests.harness.crd_check import CrdCheck

PLANTED: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("configuration", "clusters", 0, "pdbManaged"), True, "refused"),
    (("configuration", "clusters", 0, "name"), "weave_cluster", "refused"),
    (("configuration", "clusters", 0, "layout", "replicaCount"), 3, "pruned"),
    (("configuration", "zookeeper", "keeper"), {"name": "wandb"}, "pruned"),
    (("configuration", "zookeeper", "nodes", 0, "port"), "2181", "refused"),
    (("defaults", "storageManagement", "reclaimPolicy"), "Keep", "refused"),
    (("defaults", "storageManagement", "reclaim"), "Retain", "pruned"),
    (("reconcile", "statefulSet"), {"create": {"onFailure": "abort"}}, "pruned"),
    (("taskId",), "task-1", "pruned"),
]
"""Mistakes that people make, and what an API server does about each."""


@pytest.fixture(scope="module")
def check() -> CrdCheck:
    if not os.environ.get(crds.FOLDER):
        warnings.warn(crds.source(), stacklevel=1)
    return CrdCheck(crds.manifests(*crds.CLICKHOUSE))


@given(space.servers())
def test_an_api_server_takes_every_field_of_every_server(check: CrdCheck, args: server.ServerArgs) -> None:
    assert check(server.manifest(args)) == []


@pytest.mark.parametrize("provider", ["s3", "gcs", "az"])
def test_an_api_server_takes_servers_that_are_backed_up(check: CrdCheck, provider: Literal["s3", "gcs", "az"]) -> None:
    name = "account/backups" if provider == "az" else "backups"
    bucket = contracts.Bucket(provider=provider, name=name, region="eu-west-1", keys=space.KEYS)
    backed_up = server.BackedUp(bucket=bucket, prefix="clickhouse-backup", user=USER)
    assert check(server.manifest(space.server(backup=backed_up))) == []


@given(space.keepers())
def test_an_api_server_takes_every_field_of_every_keeper(check: CrdCheck, args: keeper.KeeperArgs) -> None:
    assert check(keeper.manifest(args)) == []


@pytest.mark.parametrize(("path", "value", "finding"), PLANTED, ids=[".".join(map(str, path)) for path, *_ in PLANTED])
def test_a_mistake_in_a_manifest_would_be_found(
    check: CrdCheck, path: tuple[str | int, ...], value: Any, finding: str
) -> None:
    manifest = copy.deepcopy(server.manifest(space.server()))
    target: Any = manifest["spec"]
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    assert {found.split(" ")[0] for found in check(manifest)} == {finding}


def test_an_object_without_a_definition_is_an_error(check: CrdCheck) -> None:
    with pytest.raises(LookupError, match="no CustomResourceDefinition serves Secret in v1"):
        check({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})
