"""How far an autoscaler may take the nodes of a plan: in production, where this project makes the nodes."""

from __future__ import annotations

from dataclasses import replace

from . import catalogue, machines, packing, pods, sources
from .model import Plan
from .sources import Reason


def autoscaled(planned: Plan) -> Plan:
    """The plan with the most nodes that its autoscaler may need, and with its spot pool.

    What zones are left when one is lost may have all the nodes that are needed, because a pool has its part of nodes in
    each zone. Nodes of ClickHouse stay as many: their volumes are bound to a zone, so none can come elsewhere.
    """
    if not planned.request.autoscales:
        return planned
    pools = [machines.schedulable(each, planned.request.cloud) for each in planned.pools]
    most = packing.nodes_at_most(pools, pods.of(planned))
    needed = max(planned.nodes.count, most[pods.GENERAL] if most else 0)
    text = f"{needed} with every autoscaler of pods at its maximum, during an update of everything"
    zones = planned.nodes.zones
    if zones > 1:
        needed = -(-needed // (zones - 1)) * zones
        text += f"; each zone may have its part when another of the {zones} is lost"
    nodes = replace(planned.nodes, max_count=needed)
    why = {"nodes.max_count": Reason(text=f"{text}; autoscaling is recommended", source=sources.WORKERS)}
    planned = replace(planned, nodes=nodes, reasons={**planned.reasons, **why})
    return _with_spot_nodes(planned)


def _with_spot_nodes(planned: Plan) -> Plan:
    """The plan with a pool that starts empty and that no pod needs: `fit` counts none of its nodes."""
    explicit, cloud = planned.request.overrides, planned.request.cloud
    if explicit.spot_node_count is None or cloud == "kubernetes" or planned.nodes.instance_type is None:
        return planned
    types = tuple(explicit.spot_node_types) or catalogue.interchangeable(cloud, planned.nodes.instance_type)
    pool = machines.spot_pool(cloud, types, most=explicit.spot_node_count, like=planned.nodes)
    path, own = "spot_nodes", Reason(text="explicit", source=sources.SETTINGS)
    alike = Reason(text="as large as the other nodes; several types are interrupted less often", source=sources.SPOT)
    reasons = {
        f"{path}.count": Reason(text="they come when pods wait, and no pod counts on them", source=sources.PROJECT),
        f"{path}.max_count": own,
        f"{path}.machine": own if explicit.spot_node_types else alike,
        f"{path}.disk_gib": Reason(text="that of the other nodes", source=sources.PROJECT),
        **machines.room_reasons(path, cloud),
    }
    return replace(planned, spot_nodes=pool, reasons={**planned.reasons, **reasons})
