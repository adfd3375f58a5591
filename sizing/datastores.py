"""Managed MySQL and Redis: classes of a cloud, or the size that an external one needs."""

from __future__ import annotations

from collections.abc import Mapping

from . import catalogue, chart, reference, sources
from .model import Cache, Component, Database
from .request import Request
from .sources import Reason


def planned_mysql(request: Request, chart_size: str) -> tuple[Database | None, dict[str, Reason]]:
    """MySQL for `chart_size`, with the reasons. None: it runs in the cluster."""
    if "mysql" in request.stores:
        return None, {}
    machine, path = reference.MYSQL[request.environment], "mysql.class"
    cores = max(machine.cpu, reference.MYSQL_CORES_BY_CHART_SIZE[chart_size])
    reason = Reason(
        text=f"{machine.cpu} cores and {machine.memory_gib} GB in {request.environment}", source=machine.source
    )
    if cores > machine.cpu:
        reason = Reason(text=f"{cores} cores at chart size {chart_size}", source=sources.TERRAFORM)
    disk = Reason(text=f"{machine.disk_gib} GB in {request.environment}", source=machine.source)
    if request.cloud == "aws":
        disk = Reason(text=f"{disk.text}; Aurora's storage grows by itself, so nothing sets it", source=machine.source)
    size = Database(class_name=None, edition=None, cpu=cores, memory_gib=cores * 8, disk_gib=machine.disk_gib)
    if request.cloud == "kubernetes":
        return size, {path: reason, "mysql.disk_gib": disk}
    explicit = request.overrides.mysql_class
    known = catalogue.database_class(request.cloud, explicit) if explicit else None
    found = known or next(each for each in catalogue.DATABASES[request.cloud] if each.cpu >= cores)
    documented = reference.MYSQL_CLASSES[request.cloud][request.environment]
    if documented in catalogue.REPLACED and cores == machine.cpu:
        text = f"{reason.text}; {documented} is recommended, and {catalogue.REPLACED[documented][1]}"
        reason = Reason(text=text, source=reason.source)
    if known:
        reason = Reason(text=f"planned otherwise: {reason.text} ({reason.source})", source=sources.SETTINGS)
    database = Database(
        class_name=found.name,
        edition=found.edition,
        cpu=found.cpu,
        memory_gib=found.memory_gib,
        disk_gib=machine.disk_gib,
    )
    return database, {path: reason, "mysql.disk_gib": disk}


def planned_redis(request: Request, chart_size: str) -> tuple[Cache | None, dict[str, Reason]]:
    """Redis for `chart_size`, with the reasons. None: it runs in the cluster."""
    if "redis" in request.stores:
        return None, {}
    production = request.environment == "production"
    least = reference.REDIS_PRODUCTION_GIB if production else reference.REDIS_MINIMUM_GIB
    by_size = reference.REDIS_GIB_BY_CHART_SIZE[chart_size]
    rows = sorted(set(reference.REDIS_GIB_BY_CHART_SIZE.values()))
    step = max(rows.index(by_size), rows.index(next(each for each in rows if each >= least)))
    text = f"{rows[step]} GB: at least {least} GB in {request.environment}, {by_size} at chart size {chart_size}"
    reason = Reason(text=text, source=sources.TERRAFORM)
    if request.cloud == "kubernetes":
        return Cache(class_name=None, memory_gib=rows[step]), {"redis.class": reason}
    explicit = request.overrides.redis_class
    known = catalogue.cache_class(request.cloud, explicit) if explicit else None
    found = known or catalogue.CACHES[request.cloud][step]
    if known:
        reason = Reason(text=f"planned otherwise: {text} ({reason.source})", source=sources.SETTINGS)
    return Cache(class_name=found.name, memory_gib=found.memory_gib), {"redis.class": reason}


def mysql_connections(components: Mapping[str, Component], chart_size: str) -> tuple[int, Reason]:
    """The connections that the pods may open at most, each autoscaler at its maximum, during a rolling update."""
    total, parts = 0, []
    for name, component in components.items():
        each = chart.workload(name, chart_size).mysql_max_open_conns
        if each:
            pods = component.replicas[1] + component.surge
            total += each * pods
            parts.append(f"{name} {pods} x {each}")
    text = f"{', '.join(parts)}; other components open some more, of which the chart says nothing"
    return total, Reason(text=text, source=sources.CHART)
