"""What a rehearsal tells: from the engine's event log, and from pods and nodes."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from rehearsal import report, report_aws, usage
from rehearsal.control_plane.inventory import Item
from rehearsal.engine import Run, read_log
from rehearsal.engine.events import summarise

PLATFORM = "urn:pulumi:dev::wandb::wandb:kubernetes:Platform$kubernetes:core/v1:Secret::s"
VERIFICATION = "urn:pulumi:dev::wandb::wandb:wandb:WandB$wandb:wandb:Verification$kubernetes:batch/v1:Job::v"


def event(now: int, **content) -> dict:
    return {"sequence": now, "timestamp": now} | content


def step(op: str, urn: str) -> dict:
    return {"metadata": {"op": op, "urn": urn}}


def test_a_run_is_read_from_its_log():
    run = summarise(
        [
            event(100, resourcePreEvent=step("create", PLATFORM)),
            event(104, resOutputsEvent=step("create", PLATFORM)),
            event(105, resourcePreEvent=step("create", VERIFICATION)),
            event(109, resOpFailedEvent=step("create", VERIFICATION)),
            event(
                109, diagnosticEvent={"severity": "error", "urn": VERIFICATION, "message": "<{%fg 1%}>no<{%reset%}>"}
            ),
            event(110, summaryEvent={"resourceChanges": {"create": 1}}),
        ]
    )
    assert [(operation.name, operation.seconds, operation.failed) for operation in run.operations] == [
        ("s", 4, False),
        ("v", 4, True),
    ]
    assert run.errors == ((VERIFICATION, "no"),)
    assert not run.unchanged


def test_the_log_of_a_killed_run_is_read_as_far_as_it_goes(tmp_path: Path):
    path = tmp_path / "log"
    path.write_text(json.dumps(event(100, resourcePreEvent=step("create", PLATFORM))) + '\n{"sequence": 2, "time')
    run = read_log(path)
    assert [operation.end for operation in run.operations] == [None]
    assert not run.finished
    assert not run.unchanged


def test_a_run_that_was_never_logged_changed_nothing_and_did_not_finish(tmp_path: Path):
    run = read_log(tmp_path / "none")
    assert run == Run(operations=())


@pytest.mark.parametrize(("changes", "unchanged"), [({"same": 5}, True), ({"same": 5, "update": 1}, False), ({}, True)])
def test_a_run_is_unchanged_when_all_resources_are_the_same(changes, unchanged):
    assert summarise([event(1, summaryEvent={"resourceChanges": changes})]).unchanged is unchanged


def test_time_is_told_by_layer():
    run = summarise(
        [
            event(100, resourcePreEvent=step("create", PLATFORM)),
            event(104, resOutputsEvent=step("create", PLATFORM)),
            event(105, resourcePreEvent=step("create", VERIFICATION)),
            event(125, resOutputsEvent=step("create", VERIFICATION)),
        ]
    )
    times = report.layer_times(run)
    assert [(time.name, time.begun, time.ended, time.worked) for time in times] == [
        ("platform", 0, 4, 4),
        ("verification", 5, 25, 20),
    ]


def container(cpu: str, **more) -> dict:
    return {"name": "c", "resources": {"requests": {"cpu": cpu}}} | more


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": [container("100m"), container("1")]}, "1.1"),
        ({"containers": [container("100m")], "initContainers": [container("2")]}, "2"),
        ({"containers": [container("1")], "initContainers": [container("500m", restartPolicy="Always")]}, "1.5"),
        ({"containers": [{"name": "c"}]}, "0"),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, "1.25"),
    ],
)
def test_a_pods_request_is_what_the_scheduler_counts(spec, cpu):
    assert usage.requests({"spec": spec}, "cpu") == Decimal(cpu)


def pod(**status) -> dict:
    return {"metadata": {"name": "p", "namespace": "ns"}, "spec": {"containers": []}, "status": status}


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, None),
        ({"phase": "Succeeded"}, None),
        (
            {
                "phase": "Pending",
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes are available: 3 Insufficient cpu.",
                    }
                ],
            },
            "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.",
        ),
        (
            {
                "phase": "Pending",
                "containerStatuses": [
                    {
                        "name": "app",
                        "state": {
                            "waiting": {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'}
                        },
                    }
                ],
            },
            'app: CreateContainerConfigError: secret "x" not found',
        ),
    ],
)
def test_a_pod_says_why_it_is_not_ready(status, why):
    assert report.unready(pod(**status)) == why


def test_secret_outputs_are_shown_masked():
    printed = io.StringIO()
    console = Console(file=printed, width=100)
    report.print_outputs(console, {"password": "[secret]", "url": "https://wandb.example.com"})
    assert "[secret]" in printed.getvalue()


def test_what_is_left_is_named():
    item = Item(group="apps.wandb.com", kind="WeightsAndBiases", namespace="wandb", name="wandb", finalizers=("f/x",))
    assert str(item) == "WeightsAndBiases.apps.wandb.com wandb/wandb, held by finalizer f/x"


def test_layers_of_aws_are_told_apart():
    def of(types: str) -> str:
        urn = f"urn:pulumi:prod::wandb::{types}::x"
        return report.layer(report.Operation(urn=urn, op="create", start=0, end=1))

    assert of("wandb:aws:Network$aws:ec2/vpc:Vpc") == "AWS: network"
    assert of("wandb:aws:Cluster$wandb:aws:NodePools$aws:eks/nodeGroup:NodeGroup") == "AWS: cluster and nodes"
    assert of("wandb:aws:Platform$wandb:aws:MySQL$aws:rds/cluster:Cluster") == "AWS: Aurora"
    assert of("wandb:clickhouse:ClickHouse$kubernetes:core/v1:Secret") == "ClickHouse"


def test_nodes_are_told_by_pool_and_zone():
    def node(name: str, pool: str, zone: str) -> dict:
        labels = {"wandb.pulumi/pool": pool, "topology.kubernetes.io/zone": zone}
        allocatable = {"cpu": "8", "memory": "32Gi"}
        return {"metadata": {"name": name, "labels": labels}, "status": {"allocatable": allocatable}}

    def pod(name: str, on: str) -> dict:
        container = {"name": "a", "resources": {"requests": {"cpu": "2", "memory": "4Gi"}}}
        return {"metadata": {"name": name, "namespace": "wandb"}, "spec": {"nodeName": on, "containers": [container]}}

    nodes = [node("a", "general", "z1"), node("b", "general", "z1"), node("c", "clickhouse", "z2")]
    own, general = report_aws.pool_uses(nodes, [pod("1", "a"), pod("2", "b"), pod("3", "b")])
    assert (own.pool, own.zone, own.nodes, own.requested_cpu) == ("clickhouse", "z2", 1, 0)
    assert (general.nodes, general.cpu, general.requested_cpu, general.requested_memory) == (2, 16, 6, 12)
    assert general.pods == {"wandb": 3}
