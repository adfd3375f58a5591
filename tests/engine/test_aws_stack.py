"""The stacks of the target aws, whole: from an empty account to W&B, changed as users change them, and back to nothing.

The tests of a class share one rehearsal and run in the order in which they are written, as a user would go on.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from rehearsal.aws import latency, remains
from rehearsal.aws.account import Account
from rehearsal.aws.eks.tokens import LOAD_BALANCER, VOLUME
from rehearsal.control_plane import shut_down
from rehearsal.engine import Run
from rehearsal.lifecycle import Rehearsal
from tests.engine.aws import SCALE, Project, merged, rehearsal_of
from tests.harness.patience import until

POOL = "wandb.pulumi/pool"
INSTALLATION = "kubernetes:clickhouse.altinity.com/v1:ClickHouseInstallation"
KEEPERS = "kubernetes:clickhouse-keeper.altinity.com/v1:ClickHouseKeeperInstallation"
WANDB = "kubernetes:apps.wandb.com/v1:WeightsAndBiases"
HOLDS_DATA = {
    "aws:rds/cluster:Cluster",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:s3/bucket:Bucket",
    "aws:kms/key:Key",
    "aws:eks/cluster:Cluster",
    "aws:ec2/vpc:Vpc",
    "aws:ec2/subnet:Subnet",
    "kubernetes:core/v1:Namespace",
    INSTALLATION,
    KEEPERS,
    WANDB,
}
"""Types of what holds data, or takes what holds data along when it goes."""
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "more nodes": {"wandb:sizing": {"nodes": {"count": 6}}},
    "larger nodes": {"wandb:sizing": {"nodes": {"type": "r6i.8xlarge"}}},
    "a larger database": {"wandb:mysql": {"class": "db.r6g.4xlarge"}},
    "a larger cache": {"wandb:redis": {"class": "cache.m6g.2xlarge"}},
    "larger ClickHouse volumes": {"wandb:clickhouse": {"volumeGiB": 300, "keeperVolumeGiB": 30}},
    "more ClickHouse replicas": {
        "wandb:clickhouse": {"replicas": 5},
        "wandb:sizing": {"clickhouseNodes": {"count": 5}},
    },
    "another W&B": {"wandb:versions": {"wandbServer": "0.82.1"}},
    "another ClickHouse": {"wandb:versions": {"clickhouse": "25.8.16.10001.altinitystable"}},
    "the next Kubernetes": {"wandb:aws": {"cluster": {"version": "1.36"}}},
    "another MySQL password": {"wandb:mysql": {"passwordRevision": 2}},
    "another Redis password": {"wandb:redis": {"passwordRevision": 2}},
}
SIZES = tuple(CHANGES)[:6]
RELEASES = tuple(CHANGES)[6:]
SEEN_IN: Mapping[str, tuple[str, ...]] = {
    "more nodes": ("aws:eks/nodeGroup:NodeGroup",),
    "larger nodes": ("aws:eks/nodeGroup:NodeGroup",),
    "a larger database": ("aws:rds/clusterInstance:ClusterInstance",),
    "a larger cache": ("aws:elasticache/replicationGroup:ReplicationGroup",),
    "larger ClickHouse volumes": (INSTALLATION, KEEPERS),
    "more ClickHouse replicas": (INSTALLATION,),
    "another W&B": (WANDB,),
    "another ClickHouse": (INSTALLATION, KEEPERS),
    "the next Kubernetes": ("aws:eks/cluster:Cluster",),
    "another MySQL password": ("aws:rds/cluster:Cluster",),
    "another Redis password": ("aws:elasticache/replicationGroup:ReplicationGroup",),
}
"""The types of which something has to change, else the change does nothing."""


def all_of(names: Iterable[str]) -> dict[str, Any]:
    """The settings of several changes at once."""
    return reduce(merged, (CHANGES[name] for name in names), {})


@pytest.fixture(scope="module", autouse=True)
def _fast() -> Iterator[None]:
    before = os.environ.get(latency.SCALE)
    os.environ[latency.SCALE] = SCALE
    yield
    os.environ.pop(latency.SCALE) if before is None else os.environ.update({latency.SCALE: before})


def replaced(run: Run) -> set[str]:
    """Types that hold data and of which something would be replaced or deleted."""
    ends = [operation for operation in run.operations if "replace" in operation.op or operation.op.startswith("delete")]
    return {operation.types[-1] for operation in ends} & HOLDS_DATA


def unavailable(rehearsal: Rehearsal) -> list[str]:
    """Deployments with fewer replicas available than they want, or than their HorizontalPodAutoscaler will want."""
    least = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"].get("minReplicas", 1)
        for each in rehearsal.api.list("autoscaling/v2", "HorizontalPodAutoscaler")
    }
    return [
        each["metadata"]["name"]
        for each in rehearsal.api.list("apps/v1", "Deployment")
        if each["status"].get("availableReplicas", 0)
        < max(each["spec"]["replicas"], least.get(each["metadata"]["name"], 0))
    ]


def volumes(rehearsal: Rehearsal) -> dict[str, tuple[str, str]]:
    """Uid and size of every volume claim of ClickHouse and its keepers."""
    found = rehearsal.api.list("v1", "PersistentVolumeClaim", "clickhouse")
    return {
        each["metadata"]["name"]: (each["metadata"]["uid"], each["spec"]["resources"]["requests"]["storage"])
        for each in found
    }


@pytest.fixture(scope="class")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("prod-project") / "project", "prod")


@pytest.fixture(scope="class")
def rehearsal(
    project: Project, tmp_path_factory: pytest.TempPathFactory, binaries: Mapping[str, Path]
) -> Iterator[Rehearsal]:
    found = rehearsal_of(project, tmp_path_factory.mktemp("prod-stack"), binaries)
    yield found
    shut_down(found.state)


class TestTheProductionStack:
    """Pulumi.prod.yaml."""

    def test_a_preview_of_the_empty_account_shows_everything(self, rehearsal: Rehearsal) -> None:
        code, run = rehearsal.preview()
        assert code == 0, run.errors
        kinds = {operation.types[-1] for operation in run.operations}
        assert HOLDS_DATA - {"kubernetes:core/v1:Namespace"} <= kinds
        assert "aws:route53/record:Record" in kinds

    def test_comes_up_with_every_deployment_available_and_every_pod_in_its_pool(self, rehearsal: Rehearsal) -> None:
        code, run = rehearsal.up()
        assert code == 0, run.errors
        # Not at once: a HorizontalPodAutoscaler raises `spec.replicas` to its minimum in its own time.
        until(lambda: not unavailable(rehearsal), lambda: f"every Deployment available but {unavailable(rehearsal)}")
        pools = {
            node["metadata"]["name"]: node["metadata"]["labels"][POOL] for node in rehearsal.api.list("v1", "Node")
        }
        for pod in rehearsal.api.list("v1", "Pod"):
            owners = {owner["kind"] for owner in pod["metadata"].get("ownerReferences") or ()}
            own = pod["metadata"]["name"].startswith(("chi-", "chk-"))
            if "DaemonSet" not in owners:
                assert pools[pod["spec"]["nodeName"]] == ("clickhouse" if own else "general"), pod["metadata"]["name"]

    def test_the_record_points_at_the_load_balancer(self, rehearsal: Rehearsal) -> None:
        account = Account(rehearsal.state)
        (balancer,) = account.all(LOAD_BALANCER)
        names = [
            alias["name"] for each in account.all("aws:route53/record:Record") for alias in each.get("aliases") or ()
        ]
        assert names == [balancer["dnsName"]]
        assert rehearsal.engine.outputs()["loadBalancer"] == balancer["dnsName"]

    def test_a_second_up_changes_nothing(self, rehearsal: Rehearsal) -> None:
        code, run = rehearsal.up()
        assert code == 0, run.errors
        assert run.unchanged

    @pytest.mark.parametrize("names", [SIZES, RELEASES], ids=["sizes", "releases and passwords"])
    def test_no_change_replaces_what_holds_data(
        self, rehearsal: Rehearsal, project: Project, names: tuple[str, ...]
    ) -> None:
        project.write(all_of(names))
        code, run = rehearsal.preview()
        project.write({})
        assert code == 0, run.errors
        changed = {operation.types[-1] for operation in run.operations if operation.op != "same"}
        assert {kind for name in names for kind in SEEN_IN[name]} <= changed
        assert not replaced(run)

    def test_versions_passwords_and_volumes_change_in_place(self, rehearsal: Rehearsal, project: Project) -> None:
        before = volumes(rehearsal)
        assert {size for _, size in before.values()} == {"200Gi", "20Gi"}
        releases = tuple(name for name in RELEASES if name != "the next Kubernetes")
        project.write(all_of((*releases, "larger ClickHouse volumes")))
        code, run = rehearsal.up()
        assert code == 0, run.errors
        assert not replaced(run)
        after = volumes(rehearsal)
        assert {name: uid for name, (uid, _) in after.items()} == {name: uid for name, (uid, _) in before.items()}
        assert {size for _, size in after.values()} == {"300Gi", "30Gi"}
        assert rehearsal.up()[1].unchanged

    def test_kubernetes_and_the_number_of_nodes_change_under_load(self, rehearsal: Rehearsal, project: Project) -> None:
        # volumes never shrink: whoever has grown them goes on from there
        project.write(all_of(("larger ClickHouse volumes", "more nodes", "the next Kubernetes")))
        code, run = rehearsal.up()
        assert code == 0, run.errors
        assert not replaced(run)
        versions = {each["status"]["nodeInfo"]["kubeletVersion"][:5] for each in rehearsal.api.list("v1", "Node")}
        assert versions == {"v1.36"}
        assert rehearsal.up()[1].unchanged

    def test_destroy_refuses_while_protection_is_on(self, rehearsal: Rehearsal) -> None:
        before = len(Account(rehearsal.state).all())
        code, run = rehearsal.engine.run("destroy", preview_first=True)
        assert code != 0
        assert any("protect" in message for _, message in run.errors)
        assert len(Account(rehearsal.state).all()) == before

    def test_destroy_leaves_what_it_should_and_says_why(self, rehearsal: Rehearsal) -> None:
        done = rehearsal.destroy()
        assert done.code == 0, (done.run and done.run.errors, done.left)
        kinds = {item.kind for item in done.kept}
        assert kinds == {VOLUME, *remains.FACTS}
        assert not rehearsal.state.folder.exists()
