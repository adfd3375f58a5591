"""What a rehearsal tells at its end."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from . import crds, report_aws
from .api import Api
from .aws.account import Account
from .control_plane.inventory import Item
from .engine import Operation, Run
from .usage import node_uses

_LAYERS = {"index": "platform", "kubernetes": "platform", "clickhouse": "ClickHouse", "wandb": "W&B"}
_VERIFICATION = "wandb:wandb:Verification"
_AWS = {
    "Key": "AWS: KMS key",
    "Network": "AWS: network",
    "Cluster": "AWS: cluster and nodes",
    "ExistingCluster": "AWS: cluster and nodes",
    "MySQL": "AWS: Aurora",
    "Redis": "AWS: ElastiCache",
    "Bucket": "AWS: buckets",
    "WorkloadRole": "AWS: roles",
    "Ingress": "AWS: load balancer and DNS",
}

PROVES = (
    "the program runs: its settings are valid, its graph resolves, every input fits the SDK's types",
    "the API server admits every object, with its schemas, defaulting, admission and RBAC",
    "the scheduler finds a node for every pod, by the requests, affinities and volumes that they have",
    "what is waited for comes in order, and Secrets, keys and Services that are referred to exist",
)
CANNOT_PROVE = (
    "that an image exists and what is in it starts: no container runs, no byte is stored, no request is answered",
    "that W&B, ClickHouse and their operators behave as their stand-ins do; versions newer than these may differ",
    "that a Job's script does what it should: it is taken to succeed once its Services answer and its Secrets exist",
    "that the licence is valid: a placeholder takes its place",
    "that your cluster's network, storage, ingress controller, policies and quotas play along",
)


def layer(operation: Operation) -> str:
    """The layer of the program that a resource belongs to, by the types of the components around it."""
    components = [name for name in operation.types if name.startswith("wandb:")]
    if _VERIFICATION in components:
        return "verification"
    if not components:
        return "provider and stack"
    module = components[0].split(":")[1]
    if module == "aws":
        kinds = [name.rpartition(":")[2] for name in components]
        return next((_AWS[kind] for kind in kinds if kind in _AWS), "platform")
    return _LAYERS.get(module, module)


@dataclass(frozen=True, kw_only=True)
class LayerTime:
    """When one layer was worked on. Seconds after the start of the run."""

    name: str
    resources: int
    begun: float
    ended: float
    worked: float
    """Time in which at least one of its resources was worked on; layers overlap."""
    slowest: Operation


def layer_times(run: Run) -> list[LayerTime]:
    """Per layer of the program, in the order in which they began. Components themselves do not count."""
    layers: dict[str, list[Operation]] = defaultdict(list)
    for operation in run.operations:
        if operation.op != "same" and not operation.types[-1].startswith(("wandb:", "pulumi:pulumi:")):
            layers[layer(operation)].append(operation)
    times = [
        LayerTime(
            name=name,
            resources=len(operations),
            begun=min(operation.start for operation in operations) - run.start,
            ended=max(operation.end or run.end for operation in operations) - run.start,
            worked=_covered((operation.start, operation.end or run.end) for operation in operations),
            slowest=max(operations, key=lambda operation: operation.seconds),
        )
        for name, operations in layers.items()
    ]
    return sorted(times, key=lambda time: (time.begun, time.ended))


def _covered(intervals: Iterable[tuple[float, float]]) -> float:
    """Length of the union of intervals."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def unready(pod: Mapping[str, Any]) -> str | None:
    """Why a pod is not ready, in the words of the scheduler or of its containers; None when it is ready or has ended."""
    status = pod.get("status") or {}
    conditions = {entry["type"]: entry for entry in status.get("conditions") or ()}
    if status.get("phase") == "Succeeded" or conditions.get("Ready", {}).get("status") == "True":
        return None
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return f"{scheduled.get('reason', 'Pending')}: {scheduled.get('message', '')}"
    for container in [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]:
        state = container.get("state") or {}
        for held in (state.get("waiting"), state.get("terminated")):
            if held and held.get("reason") not in (None, "Completed", "PodInitializing"):
                return f"{container['name']}: {held['reason']}: {held.get('message', '')}".rstrip(": ")
    ready = conditions.get("Ready", {})
    return f"{status.get('phase', 'Unknown')}: {ready.get('message', '')}".rstrip(": ")


def print_up(
    console: Console,
    run: Run,
    api: Api,
    outputs: Mapping[str, Any],
    kubeconfig: Path,
    kubectl: Path | None,
    account: Account | None = None,
) -> None:
    """The report of an `up` that went well; `account` is the AWS account where there is one."""
    if run.unchanged:
        console.print("\n[bold]Nothing changes:[/bold] the cluster is as the program wants it.")
    else:
        _print_layers(console, run)
    if account is not None:
        report_aws.print_pools(console, api)
    print_nodes(console, api)
    print_outputs(console, outputs)
    if account is not None:
        report_aws.print_account(console, account)
    _print_proof(console, api, run, of_aws=account is not None)
    console.print(f"\n[bold]W&B:[/bold] {outputs.get('url', 'the stack has no output `url`')}")
    print_access(console, kubeconfig, kubectl)


def print_access(console: Console, kubeconfig: Path, kubectl: Path | None) -> None:
    """How to look around in the cluster."""
    console.print("\nThe cluster stays up. To look around in it:", highlight=False)
    console.print(f"  export KUBECONFIG={shlex.quote(str(kubeconfig))}", highlight=False, soft_wrap=True)
    if kubectl:
        console.print(f"  export KUBECTL={shlex.quote(str(kubectl))}", highlight=False, soft_wrap=True)
        console.print('  "$KUBECTL" get pods --all-namespaces --output wide', highlight=False)


def print_failure(console: Console, run: Run, api: Api) -> None:
    """What a user needs after a run that failed: which resource, and which pods are not ready and why."""
    console.print()
    if run.failed:
        table = Table("resource", "type", "operation", title="failed", title_justify="left", title_style="bold red")
        for operation in run.failed:
            table.add_row(operation.name, operation.types[-1], operation.op)
        console.print(table)
    waiting = [(pod, why) for pod in api.list("v1", "Pod") if (why := unready(pod))]
    if waiting:
        table = Table("pod", "why", "last event", title="pods that are not ready", title_justify="left")
        for pod, why in waiting:
            metadata = pod["metadata"]
            place = f"{metadata['namespace']}/{metadata['name']}"
            table.add_row(place, escape(why), escape(_last_event(api, pod)))
        console.print(table)
    console.print("Running the same command again goes on from here.")


def print_left(console: Console, left: Iterable[Item], kept: Mapping[Item, str]) -> None:
    """What a destroy left on the cluster, on purpose or not."""
    for item in left:
        console.print(f"  [red]left:[/red] {escape(str(item))}", highlight=False, soft_wrap=True)
    for item, reason in kept.items():
        console.print(f"  stays by design: {item.kind} {item.name}: {reason}", highlight=False, soft_wrap=True)


def _print_layers(console: Console, run: Run) -> None:
    table = Table("layer", "resources", "from", "to", "worked on", title="how long each layer took")
    layers = layer_times(run)
    of_aws = any(time.name.startswith("AWS") for time in layers)
    if of_aws:
        table.add_column("of AWS")
    table.add_column("slowest")
    for time in layers:
        slowest = f"{time.slowest.name} ({_seconds(time.slowest.seconds)})"
        times = (time.begun, time.ended, time.worked)
        real = [report_aws.minutes(time.worked) if time.name.startswith("AWS") else ""] if of_aws else []
        table.add_row(time.name, str(time.resources), *map(_seconds, times), *real, slowest)
    table.add_section()
    whole = run.end - run.start
    table.add_row("pulumi up", "", *map(_seconds, (0, whole, whole)), *([""] if of_aws else []), "")
    console.print(table)


def _seconds(number: float) -> str:
    return f"{number:.1f} s"


def print_nodes(console: Console, api: Api) -> None:
    """What runs where, node by node."""
    table = Table("node", "zone", "CPU", "memory (GiB)", title="what runs where (requested / allocatable)")
    table.add_column("pods", overflow="fold")
    for use in node_uses(api.list("v1", "Node"), api.list("v1", "Pod")):
        cpu = f"{use.requested_cpu.normalize():f} / {use.cpu.normalize():f}"
        memory = f"{use.requested_memory:.1f} / {use.memory:.1f}"
        table.add_row(use.name, use.zone, cpu, memory, "\n".join(use.pods))
        table.add_section()
    console.print(table)


def print_outputs(console: Console, outputs: Mapping[str, Any]) -> None:
    """The stack outputs; secret ones are masked already."""
    table = Table("output", "value", title="stack outputs")
    for name, value in sorted(outputs.items()):
        text = (
            value
            if isinstance(value, str)
            else yaml.safe_dump(value, sort_keys=False, width=1000).removesuffix("...\n")
        )
        table.add_row(name, escape(text.strip()))
    console.print(table)


def _print_proof(console: Console, api: Api, run: Run, *, of_aws: bool) -> None:
    pods = api.list("v1", "Pod")
    placed = sum(1 for pod in pods if pod["spec"].get("nodeName"))
    resources = sum(run.changes.values())
    console.print(f"\n[bold]Proved[/bold] with {resources} resources, {placed} of {len(pods)} pods on a node:")
    for sentence in PROVES:
        console.print(f"  + {sentence}", highlight=False, soft_wrap=True)
    console.print("[bold]Not proved:[/bold]")
    for sentence in (*CANNOT_PROVE, *(report_aws.CANNOT_PROVE if of_aws else ())):
        console.print(f"  - {sentence}", highlight=False, soft_wrap=True)
    console.print(crds.source(), highlight=False, soft_wrap=True)


def _last_event(api: Api, pod: Mapping[str, Any]) -> str:
    selector = f"involvedObject.uid={pod['metadata']['uid']}"
    events = api.list("v1", "Event", pod["metadata"]["namespace"], field_selector=selector)
    if not events:
        return ""
    last = max(events, key=lambda event: event.get("lastTimestamp") or event["metadata"]["creationTimestamp"])
    return f"{last.get('reason', '')}: {last.get('message', '')}"
