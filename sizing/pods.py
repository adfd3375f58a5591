"""The pods of a plan, in the order in which an installation makes them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from . import chart, quantity
from .model import Plan
from .resources import Resources

WANDB_OPERATOR = Resources(cpu_request="400m", memory_request="512Mi", cpu_limit="1", memory_limit="2Gi")
"""Source: chart `operator` 1.4.8, `resources`."""
CLICKHOUSE_OPERATOR = Resources(cpu_request="150m", memory_request="192Mi", memory_limit="768Mi")
"""Operator (100m, 128Mi) and its metrics exporter (50m, 64Mi). The chart sets none; this project does."""
JOB = Resources(cpu_request="50m", memory_request="256Mi", memory_limit="1Gi")
"""The largest of this project's Jobs (databases, buckets, CustomResourceDefinitions, probes, verification)."""

GENERAL = "general"
CLICKHOUSE_POOL = "clickhouse"


class Stage(IntEnum):
    """What an installation makes one after the other; within a stage pods come in any order."""

    FOUNDATION = 0
    """Data stores and operators, none of which waits for another."""
    KEEPERS = 1
    SERVERS = 2
    WANDB = 3
    VERIFICATION = 4


@dataclass(frozen=True, kw_only=True)
class Pod:
    """What the scheduler knows of a pod. CPU in thousandths of a core, memory in bytes."""

    name: str
    owner: str
    """The workload that it is of; its pods are spread over nodes and zones."""
    cpu: int
    memory: int
    pool: str = GENERAL
    stage: Stage
    apart: bool = False
    """Never on a node with another pod of its owner; and, from three zones on, over the zones evenly."""
    job: bool = False
    """Its room is free again when the stage is over."""


@dataclass(frozen=True, kw_only=True)
class Pods:
    """The pods of an installation, and those that come and go with it."""

    base: tuple[Pod, ...]
    """Every autoscaler at its minimum; Jobs included."""
    surge: tuple[Pod, ...]
    """What a new version or new values add: one pod for each of W&B's Deployments that updates in a rolling way."""
    operators: tuple[Pod, ...]
    """What updates of the operators add, which come at other times than those of W&B."""
    growth: tuple[Pod, ...]
    """What autoscalers add up to their maximum."""


def of(plan: Plan) -> Pods:
    """All pods of `plan`, of W&B, ClickHouse, data stores, operators and this project's Jobs."""
    return Pods(
        base=tuple(_base(plan)),
        surge=tuple(
            _component(plan, name, number, "update")
            for name, each in plan.components.items()
            for number in range(each.surge)
        ),
        operators=tuple(_operators(plan)),
        growth=tuple(
            _component(plan, name, number, "scaled")
            for name, each in plan.components.items()
            for number in range(each.replicas[1] - each.replicas[0])
        ),
    )


def _base(plan: Plan) -> Iterator[Pod]:
    for name, store in plan.stores.items():
        yield _pod(f"wandb-{name}", "0", store.resources, Stage.FOUNDATION)
    yield _job("database-setup", Stage.FOUNDATION)
    if "object-store" in plan.stores:
        yield _job("bucket-setup", Stage.FOUNDATION)
    yield from _clickhouse(plan)
    if not plan.request.single_container:
        yield _pod("wandb-controller-manager", "0", WANDB_OPERATOR, Stage.FOUNDATION)
    yield from _bundled(plan)
    for name, component in plan.components.items():
        for number in range(component.replicas[0]):
            yield _component(plan, name, number)
    if not plan.request.single_container:
        yield _job("verification", Stage.VERIFICATION)


def _clickhouse(plan: Plan) -> Iterator[Pod]:
    clickhouse = plan.clickhouse
    if clickhouse is None:
        return
    pool = CLICKHOUSE_POOL if plan.clickhouse_nodes else GENERAL
    yield _job("clickhouse-crds", Stage.FOUNDATION)
    yield _pod("clickhouse-operator", "0", CLICKHOUSE_OPERATOR, Stage.FOUNDATION)
    for number in range(clickhouse.keepers):
        name = f"chk-wandb-keeper-0-{number}"
        yield _pod("keeper", "0", clickhouse.keeper, Stage.KEEPERS, name=name, apart=True, pool=pool)
    for shard, number in itertools.product(range(clickhouse.shards), range(clickhouse.replicas)):
        name = f"chi-wandb-weavecluster-{shard}-{number}"
        yield _pod("clickhouse", "0", clickhouse.server, Stage.SERVERS, name=name, apart=True, pool=pool)
    yield _job("clickhouse-probe", Stage.SERVERS)


_BUNDLED: Mapping[str, tuple[str, ...]] = {
    "bufstream": ("bufstream", "etcd"),
    "prometheus": ("prometheus",),
    "otel-deployment": ("otel",),
    "otel-daemonset": ("otel",),
}
_PROMETHEUS = Resources(cpu_request="500m", memory_request="2Gi")
"""For the server itself, for which W&B's chart and the community's ask for nothing."""


def _bundled(plan: Plan) -> Iterator[Pod]:
    """What else the chart brings along: on each general node one pod of the collector that is a DaemonSet."""
    for name in sorted(plan.request.bundled):
        for workload in chart.independent_of_size():
            if workload.component not in _BUNDLED[name]:
                continue
            if workload.component == "otel" and (workload.kind == "DaemonSet") is not (name == "otel-daemonset"):
                continue
            requests = [each.requests for each in workload.containers]
            resources = Resources(
                cpu_request=quantity.cpu_text(sum(quantity.cpu(each.get("cpu", "0")) for each in requests)),
                memory_request=quantity.memory_text(
                    sum(quantity.memory(each.get("memory", "0Mi")) for each in requests)
                ),
            )
            count = plan.nodes.count if workload.kind == "DaemonSet" else workload.replicas.min
            for number in range(count):
                yield _pod(workload.name, str(number), resources, Stage.WANDB)
        if name == "prometheus":
            yield _pod("wandb-prometheus-server", "0", _PROMETHEUS, Stage.WANDB)


def _operators(plan: Plan) -> Iterator[Pod]:
    if not plan.request.single_container:
        yield _pod("wandb-controller-manager", "update", WANDB_OPERATOR, Stage.FOUNDATION)
    if plan.clickhouse:
        yield _pod("clickhouse-operator", "update", CLICKHOUSE_OPERATOR, Stage.FOUNDATION)


def _component(plan: Plan, name: str, number: int, kind: str = "") -> Pod:
    component = plan.components[name]
    cpu = quantity.cpu(component.resources.cpu_request)
    memory = quantity.memory(component.resources.memory_request)
    for _, sidecar_cpu, sidecar_memory in component.sidecars:
        cpu += quantity.cpu(sidecar_cpu)
        memory += quantity.memory(sidecar_memory)
    owner = f"wandb-{name}"
    suffix = f"{kind}-{number}" if kind else str(number)
    return Pod(name=f"{owner}-{suffix}", owner=owner, cpu=cpu, memory=memory, stage=Stage.WANDB)


def _pod(
    owner: str,
    suffix: str,
    resources: Resources,
    stage: Stage,
    *,
    name: str | None = None,
    apart: bool = False,
    pool: str = GENERAL,
) -> Pod:
    return Pod(
        name=name or f"{owner}-{suffix}",
        owner=owner,
        cpu=quantity.cpu(resources.cpu_request),
        memory=quantity.memory(resources.memory_request),
        stage=stage,
        apart=apart,
        pool=pool,
    )


def _job(name: str, stage: Stage) -> Pod:
    return Pod(
        name=name,
        owner=name,
        cpu=quantity.cpu(JOB.cpu_request),
        memory=quantity.memory(JOB.memory_request),
        stage=stage,
        job=True,
    )
