"""`python -m sizing` prints a plan: every number with its reason and source, and whether the pods fit.

Exit code 0: they fit. 1: they do not. 2: the request makes no sense.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from . import FitReport, InvalidRequest, Overrides, Plan, Request, fit, plan
from .request import ENVIRONMENTS, OPTIONAL, PRODUCTS, SCALES, STORES, TARGETS

_PIPED_WIDTH = 160
_DITTO = '"'


def main(
    environment: Annotated[str, typer.Option(help=f"One of {', '.join(ENVIRONMENTS)}.")],
    products: Annotated[str, typer.Option(help=f"Comma-separated, of {', '.join(PRODUCTS)}.")] = "models,weave",
    cloud: Annotated[str, typer.Option(help=f"One of {', '.join(TARGETS)}; kubernetes is any cluster.")] = "kubernetes",
    scale: Annotated[str | None, typer.Option(help=f"By users, one of {', '.join(SCALES)}.")] = None,
    in_cluster: Annotated[
        str | None,
        typer.Option(help=f"Data stores in the cluster: all, none, or of {', '.join(STORES)}. Default: all in a test."),
    ] = None,
    chart_size: Annotated[str | None, typer.Option(help="Size preset of W&B's chart.")] = None,
    nodes: Annotated[int | None, typer.Option(help="Number of nodes.")] = None,
    node_type: Annotated[str | None, typer.Option(help="Instance type of the nodes.")] = None,
    clickhouse_node_type: Annotated[str | None, typer.Option(help="Instance type of ClickHouse's own nodes.")] = None,
    spot_nodes: Annotated[
        int | None, typer.Option(help="The most spot nodes that may come for stateless pods.")
    ] = None,
    mysql_class: Annotated[str | None, typer.Option(help="Class of the cloud's MySQL.")] = None,
    redis_class: Annotated[str | None, typer.Option(help="Class of the cloud's Redis.")] = None,
    node_cpu: Annotated[int | None, typer.Option(help="vCPU of a node.")] = None,
    node_memory: Annotated[int | None, typer.Option(help="GiB of a node.")] = None,
    clickhouse_shards: Annotated[int | None, typer.Option(help="Shards of ClickHouse.")] = None,
    clickhouse_replicas: Annotated[int | None, typer.Option(help="ClickHouse servers of each shard.")] = None,
    optional: Annotated[str, typer.Option(help=f"Comma-separated, of {', '.join(OPTIONAL)}.")] = "",
    zones: Annotated[int, typer.Option(help="Zones that the nodes span.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """The nodes, data stores and pods of a W&B installation, why, and whether they fit."""
    overrides = {
        "chart_size": chart_size,
        "node_count": nodes,
        "node_type": node_type,
        "clickhouse_node_type": clickhouse_node_type,
        "spot_node_count": spot_nodes,
        "mysql_class": mysql_class,
        "redis_class": redis_class,
        "node_cpu": node_cpu,
        "node_memory_gib": node_memory,
        "clickhouse_shards": clickhouse_shards,
        "clickhouse_replicas": clickhouse_replicas,
    }
    values: dict[str, Any] = {
        "environment": environment,
        "products": _list(products),
        "optional": _list(optional),
        "cloud": cloud,
        "scale": scale,
        "in_cluster_stores": _stores(in_cluster, environment),
        "zones": zones,
        "overrides": Overrides(**cast("dict[str, Any]", overrides)),
    }
    try:
        planned = plan(Request(**values))
    except InvalidRequest as error:
        for problem in error.problems:
            typer.echo(problem, err=True)
        raise typer.Exit(2) from None
    report = fit(planned)
    if as_json:
        typer.echo(json.dumps(document(planned, report), indent=2))
    else:
        _print(planned, report)
    raise typer.Exit(0 if report.fits else 1)


def document(planned: Plan, report: FitReport) -> dict[str, Any]:
    """The plan and its fit as plain data."""
    numbers = []
    for path, value in planned.numbers():
        reason = planned.reason(path)
        numbers.append({"path": path, "value": value, "reason": reason.text, "source": str(reason.source)})
    details = {name: value for name, value in _plain(asdict(planned)).items() if name not in ("reasons", "request")}
    shown = _plain(asdict(report))
    shown["changes"] = [change.text for change in report.changes]
    return {"request": _request(planned.request), "numbers": numbers, "plan": details, "fit": shown}


def _request(request: Request) -> dict[str, Any]:
    explicit = {name: value for name, value in _plain(asdict(request.overrides)).items() if _given(value)}
    return {
        "environment": request.environment,
        "products": sorted(request.products),
        "optional": sorted(request.optional),
        "bundled": sorted(request.bundled),
        "cloud": request.cloud,
        "scale": request.scale,
        "in_cluster_stores": list(request.stores),
        "overrides": explicit,
    }


def _given(value: Any) -> bool:
    return any(_given(each) for each in value.values()) if isinstance(value, dict) else value is not None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _list(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())


def _stores(text: str | None, environment: str) -> bool | tuple[str, ...]:
    if text is None:
        return environment == "test"
    return {"all": True, "none": False}.get(text, _list(text))


def _print(planned: Plan, report: FitReport) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPED_WIDTH)
    request = planned.request
    title = f"{request.environment}, {request.mix}, {request.cloud}" + (f", {request.scale}" if request.scale else "")
    table = Table(title=f"Plan: {title}", title_justify="left")
    for heading, share in (("what", 3), ("planned", 4), ("why", 6), ("source", 5)):
        table.add_column(heading, ratio=share, overflow="fold")
    section, last = "", None
    for path, value in planned.numbers():
        if section and path.partition(".")[0] != section:
            table.add_section()
        section = path.partition(".")[0]
        reason = planned.reason(path)
        why = (_DITTO, _DITTO) if reason == last else (reason.text, str(reason.source))
        last = reason
        table.add_row(*(escape(each) for each in (path, value, *why)))
    console.print(table)
    console.print(_uses(report))
    for warning in report.warnings:
        console.print(f"[yellow]Note:[/] {escape(warning)}")
    if report.fits:
        console.print(f"[green]The pods fit[/], in each of {report.rounds} orders of arrival that were tried.")
    else:
        console.print(f"[red]The pods do not fit.[/] {escape(report.refusal())}")


def _uses(report: FitReport) -> Table:
    table = Table(title="Requests on each node, of what is available to W&B", title_justify="left")
    for heading in ("node", "CPU", "memory", "pods"):
        table.add_column(heading, overflow="fold")
    for node in report.nodes:
        cpu, memory = f"{node.cpu} of {node.cpu_available}", f"{node.memory} of {node.memory_available}"
        table.add_row(node.name, cpu, memory, ", ".join(node.pods))
    return table


if __name__ == "__main__":
    typer.run(main)
