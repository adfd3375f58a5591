"""Node pools: which machines, how many, and what each leaves for pods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from . import addons, catalogue, kubelets, pods, quantity, reference, sources
from .model import Capacity, NodePool
from .request import Overrides, Request, Target
from .scheduler import Pool
from .sources import Reason

FLAVOURS: dict[Target, kubelets.Flavour] = {"aws": "eks", "gcp": "gke", "azure": "aks", "kubernetes": "any"}
CLICKHOUSE_TAINT = "dedicated=clickhouse:NoSchedule"
SPOT_TAINT = "dedicated=spot:NoSchedule"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One machine: a type of the cloud, or any machine of this size."""

    cpu: int
    memory_gib: int
    instance: catalogue.InstanceType | None = None

    def __str__(self) -> str:
        size = f"{self.cpu} vCPU / {self.memory_gib} GiB"
        return f"{size} ({self.instance.name})" if self.instance else size


def ladder(target: Target, smallest: Shape) -> Iterator[Shape]:
    """`smallest` and the machines of the target that are larger in both, in order of size."""
    yield smallest
    if target == "kubernetes":
        shapes = [Shape(cpu=cpu, memory_gib=gib) for cpu, gib in catalogue.SHAPES]
    else:
        family = smallest.instance.name.split(".")[0] if smallest.instance and target == "aws" else None
        offered = catalogue.NODES[target]
        known = [each for each in offered if family and each.name.split(".")[0] == family] or list(offered)
        shapes = [Shape(cpu=each.cpu, memory_gib=each.memory_gib, instance=each) for each in known]
    seen = {(smallest.cpu, smallest.memory_gib)}
    for shape in shapes:
        size = (shape.cpu, shape.memory_gib)
        if shape.cpu >= smallest.cpu and shape.memory_gib >= smallest.memory_gib and size not in seen:
            seen.add(size)
            yield shape


def shape_of(pool: NodePool, target: Target) -> Shape:
    """The machine of a planned pool."""
    instance = None
    if target != "kubernetes" and pool.instance_type:
        instance = catalogue.instance_type(target, pool.instance_type)
    return Shape(cpu=pool.cpu, memory_gib=pool.memory_gib, instance=instance)


def typed(target: Target, cpu: int, memory_gib: int) -> Shape:
    """A machine of this size: the target's type of exactly this size, where it has one."""
    offered = () if target == "kubernetes" else catalogue.NODES[target]
    same = [each for each in offered if (each.cpu, each.memory_gib) == (cpu, memory_gib)]
    return Shape(cpu=cpu, memory_gib=memory_gib, instance=same[0] if same else None)


def at_least(cloud: catalogue.Cloud, cpu: int, memory_gib: int) -> Shape:
    """The cloud's smallest type that has this much. Raises `ValueError` where none does."""
    large = [each for each in catalogue.NODES[cloud] if each.cpu >= cpu and each.memory_gib >= memory_gib]
    if not large:
        raise ValueError(f"no type in the catalogue of {cloud} has {cpu} vCPU and {memory_gib} GiB")
    smallest = min(large, key=lambda each: (each.cpu, each.memory_gib))  # the first of equals
    return Shape(cpu=smallest.cpu, memory_gib=smallest.memory_gib, instance=smallest)


def documented_shape(request: Request, chart_size: str) -> tuple[Shape, Reason]:
    """The worker node that W&B's tables ask for: larger than the table's where the chart's size has a pod that large."""
    machine, where = reference.NODES[request.environment, request.mix], f"{request.environment}, {request.mix}"
    why = f"{machine.cpu} cores and {machine.memory_gib} GB per worker node for {where}"
    if chart_size != "small" and "models" in request.products and machine.cpu < reference.BIG_NODE.cpu:
        machine = reference.BIG_NODE
        why = f"the table's largest node: from chart size medium on one pod (parquet) asks for 15 CPU and 64 GiB; {why}"
    if request.cloud == "kubernetes":
        return Shape(cpu=machine.cpu, memory_gib=machine.memory_gib), Reason(text=why, source=machine.source)
    documented = reference.INSTANCES[request.cloud][request.environment, request.mix]
    name = catalogue.current(documented)
    instance = catalogue.instance_type(request.cloud, name)
    if instance is None or instance.cpu < machine.cpu:
        return at_least(request.cloud, machine.cpu, machine.memory_gib), Reason(text=why, source=sources.INSTANCES)
    if name != documented:
        why = f"{why}; {documented} is recommended, and {catalogue.REPLACED[documented][1]}"
    elif instance.cpu > machine.cpu:
        why = f"{why}; {documented} is recommended, no type has {machine.cpu} cores"
    shape = Shape(cpu=instance.cpu, memory_gib=instance.memory_gib, instance=instance)
    return shape, Reason(text=why, source=sources.INSTANCES)


def explicit_shape(request: Request, prefix: str, planned: Shape) -> Shape | None:
    """The machine that the overrides ask for; `prefix` is that of their names. None: they say nothing about it."""
    explicit: Overrides = request.overrides
    name = getattr(explicit, f"{prefix}_type")
    cpu, gib = getattr(explicit, f"{prefix}_cpu"), getattr(explicit, f"{prefix}_memory_gib")
    if name and request.cloud != "kubernetes":
        instance = catalogue.instance_type(request.cloud, name)
        if instance is None:
            raise ValueError(f"{prefix}_type: {name!r} is not in the catalogue of {request.cloud}")
        return Shape(cpu=instance.cpu, memory_gib=instance.memory_gib, instance=instance)
    if cpu is None and gib is None:
        return None
    if request.own_nodes and request.cloud != "kubernetes":
        return at_least(request.cloud, cpu or 0, gib or 0)
    return typed(request.cloud, cpu or planned.cpu, gib or planned.memory_gib)


def room(target: Target, shape: Shape) -> kubelets.Room:
    """What one node has available when the cluster's own pods run."""
    return kubelets.available(_allocatable(target, shape))


def pool(
    target: Target, shape: Shape, *, name: str, count: int, max_count: int | None = None, disk_gib: int, zones: int
) -> NodePool:
    """A pool of `count` such machines."""
    offered = _allocatable(target, shape)
    return NodePool(
        name=name,
        count=count,
        max_count=max(count, max_count or count),
        instance_types=(shape.instance.name,) if shape.instance else (),
        cpu=shape.cpu,
        memory_gib=shape.memory_gib,
        disk_gib=disk_gib,
        zones=zones,
        allocatable=Capacity.of(offered),
        available=Capacity.of(kubelets.available(offered)),
        taint=CLICKHOUSE_TAINT if name == pods.CLICKHOUSE_POOL else None,
    )


def spot_pool(cloud: catalogue.Cloud, types: tuple[str, ...], *, most: int, like: NodePool) -> NodePool:
    """An empty pool of equal types that may grow to `most` nodes. Raises `ValueError` for a type that is not offered."""
    instance = catalogue.instance_type(cloud, types[0])
    if instance is None:
        raise ValueError(f"spot_node_types: {types[0]!r} is not in the catalogue of {cloud}")
    shape = Shape(cpu=instance.cpu, memory_gib=instance.memory_gib, instance=instance)
    empty = pool(cloud, shape, name="spot", count=0, max_count=most, disk_gib=like.disk_gib, zones=like.zones)
    return replace(empty, instance_types=types, taint=SPOT_TAINT, spot=True)


def schedulable(planned: NodePool, target: Target, *, margin: float = 0) -> Pool:
    """The pool as the scheduler sees it; `margin` is a part of CPU and memory to keep free."""
    whole = room(target, shape_of(planned, target))
    cpu, memory = int(whole.cpu * (1 - margin)), int(whole.memory * (1 - margin))
    return Pool(
        name=planned.name,
        count=planned.count,
        room=kubelets.Room(cpu=cpu, memory=memory, pods=whole.pods),
        zones=planned.zones,
    )


def room_reasons(path: str, target: Target) -> dict[str, Reason]:
    """Why a node's room is what it is."""
    flavour = FLAVOURS[target]
    own = "less 700m, 1.5 GiB and 10 pods for the cluster's own pods"
    within, estimated = f"{own}, the estimate's upper end", kubelets.SYSTEM_SOURCE
    if flavour == "eks":
        cpu, memory, number = addons.crowded()
        within = f"{own}: a node with one pod of every add-on has {number}, of {cpu}m and {memory // quantity.MI} MiB"
        estimated = sources.EKS_ADDONS
    return {
        f"{path}.allocatable": Reason(
            text="the machine less what firmware and kernel keep, and what the kubelet reserves",
            source=kubelets.source(flavour),
        ),
        f"{path}.available": Reason(
            text=within,
            source=estimated,
        ),
    }


def _allocatable(target: Target, shape: Shape) -> kubelets.Room:
    return kubelets.allocatable(FLAVOURS[target], cpu=shape.cpu, memory_gib=shape.memory_gib, instance=shape.instance)
