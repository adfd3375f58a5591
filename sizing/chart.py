"""What W&B's chart `operator-wandb` runs: workloads, requests, limits and replicas at each of its sizes.

The numbers are those of version `VERSION`, rendered with helm at every size with all data stores external; the file
beside this package, `data/operator-wandb-<version>.json`, holds them. Raising the version means a new file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

VERSION = "0.43.8"
"""Version of the chart that the numbers are of."""
SIZES = ("small", "medium", "large", "xlarge", "xxlarge")
"""The chart's size presets, smallest first. Any other name silently gives pods without requests and limits."""

Size = Literal["small", "medium", "large", "xlarge", "xxlarge"]

_FILE = Path(__file__).parent / "data" / f"operator-wandb-{VERSION}.json"


@dataclass(frozen=True, kw_only=True)
class Replicas:
    """How many pods a workload has."""

    min: int
    max: int
    source: Literal["hpa", "fixed", "job", "node"]
    """`hpa`: between min and max by a HorizontalPodAutoscaler, which needs metrics-server. `fixed`: always min.
    `job`: of a Job or CronJob, at most one at a time. `node`: one on every node, whatever min and max say."""


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container: its requests and limits as Kubernetes quantities. What is absent is not set."""

    name: str
    requests: Mapping[str, str]
    limits: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume claimed by each pod of a StatefulSet."""

    name: str
    storage: str


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One workload of the chart, named as in a release called `wandb`."""

    kind: Literal["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"]
    name: str
    component: str
    """The key of its settings in the chart's values."""
    product: Literal["models", "weave", "both"]
    """Which product needs it; `both` also means: needed to sign in and to serve either."""
    on: Literal["models", "weave", "optional"]
    """`models`: on in every installation that serves Models. `weave`: added by Weave. `optional`: off until its own
    switch is set."""
    switch: str
    """The path in the chart's values that switches it on."""
    replicas: Replicas
    containers: tuple[Container, ...]
    init_containers: tuple[str, ...] = ()
    """Names; at no size has one of them requests or limits."""
    surge: int = 0
    """Pods that a rolling update may add; 0: the old pod ends first (strategy Recreate), or it is no Deployment."""
    mysql_max_open_conns: int | None = None
    """MySQL connections that one pod may open; None: the server's own default, which the chart does not say."""
    schedule: str | None = None
    suspended: bool = False
    """True for a CronJob that never runs on its own."""
    helm_hook: str | None = None
    """Helm hook that a Job runs in, such as `pre-upgrade`."""
    volumes: tuple[Volume, ...] = field(default=())


def workloads(size: str) -> tuple[Workload, ...]:
    """Every Deployment, Job and CronJob that the chart can run at `size`, in the chart's order.

    Raises ValueError when the chart has no such size.
    """
    if size not in SIZES:
        raise ValueError(f"size: the chart has no size {size!r}, only {', '.join(SIZES)}")
    return _workloads("workloads", size)


def independent_of_size() -> tuple[Workload, ...]:
    """Bundled data stores and monitoring, the same at every size. All of them are off in this program."""
    return _workloads("independentOfSize", SIZES[0])


def workload(component: str, size: str) -> Workload:
    """The Deployment of `component` at `size`. Raises ValueError when there is none."""
    for each in workloads(size):
        if each.kind == "Deployment" and each.component == component:
            return each
    raise ValueError(f"component: the chart has no Deployment of {component!r}")


def serves(workload: Workload, products: frozenset[str]) -> bool:
    """Whether an installation with `products` runs this workload, optional ones left off.

    Weave without Models needs no pipelines of run history (`executor`, `parquet`) and no engine of Models' panels, which
    the chart calls `weave`.
    """
    return workload.on != "optional" and (workload.product == "both" or workload.product in products)


@cache
def _document() -> Mapping[str, Any]:
    return json.loads(_FILE.read_text())


@cache
def _workloads(section: str, size: str) -> tuple[Workload, ...]:
    return tuple(_workload(raw, size) for raw in _document()[section])


def _workload(raw: Mapping[str, Any], size: str) -> Workload:
    connections = raw.get("mysqlMaxOpenConns")
    return Workload(
        kind=raw["kind"],
        name=raw["name"],
        component=raw["component"],
        product=raw["product"],
        on=raw["on"],
        switch=raw["switch"],
        replicas=_replicas(raw["replicas"], size),
        containers=tuple(_container(each, size) for each in raw["containers"]),
        init_containers=tuple(raw.get("initContainers", ())),
        surge=raw.get("surge", 0),
        mysql_max_open_conns=_at(connections, size) if connections else None,
        schedule=raw.get("schedule"),
        suspended=raw.get("suspended", False),
        helm_hook=raw.get("helmHook"),
        volumes=tuple(Volume(**each) for each in raw.get("volumeClaims", ())),
    )


def _replicas(raw: Mapping[str, Any], size: str) -> Replicas:
    if raw["source"] == "node":
        return Replicas(min=1, max=1, source="node")
    least, most = _at(raw, size)
    return Replicas(min=least, max=most, source=raw["source"])


def _container(raw: Mapping[str, Any], size: str) -> Container:
    amounts = _at(raw, size)
    requests, limits = (MappingProxyType(amounts[kind]) for kind in ("requests", "limits"))
    return Container(name=raw["name"], requests=requests, limits=limits)


def _at(raw: Mapping[str, Any], size: str) -> Any:
    """The value at `size`: that of the largest size with an entry, up to `size`."""
    upto = SIZES[: SIZES.index(size) + 1]
    return raw["bySize"][[each for each in upto if each in raw["bySize"]][-1]]
