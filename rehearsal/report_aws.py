"""What a rehearsal tells of AWS: pools, account, and what it cannot know."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from .api import Api
from .aws import latency
from .aws.account import Account
from .surroundings import POOL_LABEL as BROUGHT_POOL
from .usage import NodeUse, node_uses

POOL_LABELS = ("wandb.pulumi/pool", BROUGHT_POOL, "eks.amazonaws.com/nodegroup")
"""What tells a node's pool, the best first."""
OWN_NAMESPACE = "kube-system"

CANNOT_PROVE = (
    "that the account's quotas, credits and permissions suffice, and that AWS has capacity in these zones today",
    "that AWS accepts every value: what it documents is checked, not what only its servers know",
    "that DNS reaches the load balancer, the certificate is trusted, and a request comes through: no packet is sent",
    "that routes, security groups and policies let through what they should: they exist and refer to each other",
    "that Aurora, ElastiCache and S3 hold a byte, fail over, or restore from a backup",
    "that AWS Load Balancer Controller's webhooks are up when an Ingress is made, and that idle nodes are taken away again",
    "how long AWS takes: times are medians of public logs, lived through at the scale that the report names",
)


@dataclass(frozen=True, kw_only=True)
class PoolUse:
    """The nodes of one pool in one zone. CPU in cores, memory in GiB."""

    pool: str
    zone: str
    machines: str
    nodes: int
    pods: Mapping[str, int]
    """By namespace."""
    cpu: Decimal
    memory: Decimal
    requested_cpu: Decimal
    requested_memory: Decimal


def pool_uses(nodes: Sequence[Mapping[str, Any]], pods: Sequence[Mapping[str, Any]]) -> list[PoolUse]:
    """What runs where, by pool and zone."""
    found: dict[tuple[str, str], list[tuple[Mapping[str, Any], NodeUse]]] = defaultdict(list)
    for node, use in zip(nodes, node_uses(nodes, pods), strict=True):
        labels = node["metadata"].get("labels") or {}
        pool = next((labels[key] for key in POOL_LABELS if key in labels), "(none)")
        found[pool, use.zone].append((node, use))
    return [_pool(pool, zone, entries) for (pool, zone), entries in sorted(found.items())]


def _pool(pool: str, zone: str, entries: Iterable[tuple[Mapping[str, Any], NodeUse]]) -> PoolUse:
    listed = list(entries)
    uses = [use for _, use in listed]
    kinds = Counter(node["metadata"]["labels"].get("node.kubernetes.io/instance-type", "") for node, _ in listed)
    spaces = Counter(place.partition("/")[0] for use in uses for place in use.pods)
    return PoolUse(
        pool=pool,
        zone=zone,
        machines=", ".join(kind for kind in kinds if kind),
        nodes=len(listed),
        pods=spaces,
        cpu=sum((use.cpu for use in uses), Decimal(0)),
        memory=sum((use.memory for use in uses), Decimal(0)),
        requested_cpu=sum((use.requested_cpu for use in uses), Decimal(0)),
        requested_memory=sum((use.requested_memory for use in uses), Decimal(0)),
    )


def print_pools(console: Console, api: Api) -> None:
    """Nodes by pool and zone, and which namespaces' pods run on them."""
    table = Table("pool", "zone", "machines", "nodes", "CPU", "memory (GiB)", title="what runs in which pool and zone")
    table.add_column("pods by namespace", overflow="fold")
    for use in pool_uses(api.list("v1", "Node"), api.list("v1", "Pod")):
        pods = ", ".join(f"{name} {count}" for name, count in sorted(use.pods.items()))
        cpu = f"{use.requested_cpu.normalize():f} / {use.cpu.normalize():f}"
        memory = f"{use.requested_memory:.1f} / {use.memory:.1f}"
        table.add_row(use.pool, use.zone, use.machines, str(use.nodes), cpu, memory, pods)
    console.print(table)


def print_account(console: Console, account: Account) -> None:
    """What the account holds, by service."""
    made = [record for record in account.all() if not record.brought]
    services = Counter(record.token.split(":")[1].partition("/")[0] for record in made)
    listed = ", ".join(f"{name} {count}" for name, count in sorted(services.items()))
    console.print(f"\n[bold]AWS:[/bold] {len(made)} resources in account {account.id}: {listed}", highlight=False)
    console.print(f"  a minute of AWS passed in {latency.scale() * 60:g} s", highlight=False)


def minutes(seconds: float) -> str:
    """Real seconds of a rehearsal as minutes of AWS."""
    scale = latency.scale()
    return f"{seconds / scale / 60:.1f} min" if scale else ""
