"""What is wrong with the machines that a request names: types and classes that there are not, sizes that nothing has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import catalogue

if TYPE_CHECKING:
    from .request import Request


def machine_problems(request: Request) -> list[str]:
    """One sentence for each problem with instance types, classes and sizes of nodes; the target is a known one."""
    explicit, found = request.overrides, []
    names = [
        ("node_type", explicit.node_type, catalogue.NODES),
        ("clickhouse_node_type", explicit.clickhouse_node_type, catalogue.NODES),
        ("mysql_class", explicit.mysql_class, catalogue.DATABASES),
        ("redis_class", explicit.redis_class, catalogue.CACHES),
        *(("spot_node_types", each, catalogue.NODES) for each in explicit.spot_node_types),
    ]
    for field_name, name, known in names:
        if name is None:
            continue
        if request.cloud == "kubernetes":
            found.append(f"{field_name}: {name!r} is of a cloud; for any cluster give cores and memory instead")
            continue
        offered = [each.name for each in known[request.cloud]]
        if name not in offered:
            found.append(f"{field_name}: {catalogue.refusal(request.cloud, name, offered)}")
    for prefix in ("node", "clickhouse_node"):
        found += _shape_problems(request, prefix)
    return found + ([] if found else _spot_problems(request))


def _shape_problems(request: Request, prefix: str) -> list[str]:
    explicit, cloud = request.overrides, request.cloud
    cpu, gib = getattr(explicit, f"{prefix}_cpu"), getattr(explicit, f"{prefix}_memory_gib")
    if (cpu or gib) and getattr(explicit, f"{prefix}_type"):
        return [f"{prefix}_type: give either the type or cores and memory, not both"]
    if not (cpu or gib) or cloud == "kubernetes" or not request.own_nodes:
        return []
    if any(each.cpu >= (cpu or 0) and each.memory_gib >= (gib or 0) for each in catalogue.NODES[cloud]):
        return []
    asked = " and ".join(part for part in (f"{cpu} vCPU" if cpu else "", f"{gib} GiB" if gib else "") if part)
    largest = max(catalogue.NODES[cloud], key=lambda each: (each.memory_gib, each.cpu))
    size = f"{largest.cpu} vCPU and {largest.memory_gib} GiB ({largest.name})"
    return [f"{prefix}_cpu: no type in the catalogue of {cloud} has {asked}; the largest has {size}"]


def _spot_problems(request: Request) -> list[str]:
    explicit = request.overrides
    if explicit.spot_node_types and explicit.spot_node_count is None:
        return ["spot_node_types: without spot_node_count there is no spot pool"]
    if explicit.spot_node_count is None:
        return []
    if request.cloud == "kubernetes" or not request.own_nodes:
        return ["spot_node_count: only where this project makes the nodes"]
    if not request.autoscales:
        return ["spot_node_count: spot nodes come by the autoscaler, which is off"]
    first, *others = explicit.spot_node_types or [None]
    alike = catalogue.interchangeable(request.cloud, first) if first else ()
    return [
        f"spot_node_types: {each} is not as large as {first}; types of one pool need the same vCPU, memory and pods: "
        f"{', '.join(alike)}"
        for each in others
        if each not in alike
    ]
