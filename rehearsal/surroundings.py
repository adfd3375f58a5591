"""What a stack expects to find on a cluster that exists, made from its settings: the user's part, played.

Nodes as the sizing plan wants them, with what a cluster's own pods take of them; the StorageClass and IngressClass that the
settings name; and where the settings say that they exist already, the namespaces, the CRDs and the Secrets, with
placeholders in them. Of an EKS cluster that the stack makes there is nothing: the control plane is empty until the account
hands it out. One that the user brings is furnished as any other, with AWS's names of zones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kubernetes.utils.quantity import parse_quantity

from . import cert_manager, crds, gateway_api
from .aws import places
from .aws.eks import existing
from .aws.eks.plane import issuer
from .control_plane import NodeShape, Surroundings
from .control_plane.daemons import SERVICE_ACCOUNT_ISSUER
from .control_plane.nodes import DEFAULT_INGRESS_CLASS, DEFAULT_STORAGE_CLASS, MANAGED, REGION, Manifest
from .engine.project import PLACEHOLDER, settings
from .state import PROJECT

if TYPE_CHECKING:
    from settings import Settings
    from sizing import NodePool, Plan

POOL_LABEL = "rehearsal/pool"

_ZONES = "abcdefghi"
_ANY_NODES = (NodeShape(count=3, cpu="8", memory="32Gi"),)


def of_stack(stack: str, project: Path = PROJECT) -> Surroundings:
    """The surroundings that the settings of `stack` ask for. Raises StackFileError when there is no such stack.

    With settings that the program will refuse, it is a cluster of any three nodes for the program to refuse them on.
    """
    given = settings(stack, project)
    if given.get("target") == "aws":
        return _of_aws(stack, given)
    named = {key: given[key] if isinstance(given.get(key), dict) else {} for key in ("kubernetes", "ingress")}
    plan, objects = _of_settings(stack, given)
    return Surroundings(
        pools=tuple(_shape(pool) for pool in plan.pools) if plan else _ANY_NODES,
        storage_class=str(named["kubernetes"].get("storageClass") or DEFAULT_STORAGE_CLASS),
        ingress_class=str(named["ingress"].get("className") or DEFAULT_INGRESS_CLASS),
        context=str(named["kubernetes"].get("context") or "rehearsal"),
        objects=objects,
    )


def _of_aws(stack: str, given: dict) -> Surroundings:
    """An EKS cluster: none yet where the stack makes it, else one with nodes, class and add-ons."""
    aws = given["aws"] if isinstance(given.get("aws"), dict) else {}
    region, cluster = str(aws.get("region")), aws.get("cluster")
    try:
        tokens = issuer(stack, region, places.partition(region).dns_suffix)
    except ValueError:
        tokens = SERVICE_ACCOUNT_ISSUER  # the program will refuse the region
    brought = cluster if isinstance(cluster, dict) and cluster.get("kind") == "existing" else None
    if brought is None:
        return Surroundings(pools=(), storage_class=None, ingress_class=None, issuer=tokens)
    plan, objects = _of_settings(stack, given)
    pool = str(brought.get("clickhousePool") or "")
    zones = tuple((aws.get("network") or {}).get("zones") or places.zones(region))
    return Surroundings(
        pools=tuple(_in_zones(_shape(each), zones, pool) for each in plan.pools) if plan else _ANY_NODES,
        storage_class=str(brought.get("storageClass") or "gp3"),
        ingress_class=_brought_ingress_class(given, brought),
        issuer=tokens,
        objects=(*objects, *existing.objects(brought, region)),
    )


def _in_zones(shape: NodeShape, zones: tuple[str, ...], pool: str) -> NodeShape:
    """The pool in AWS's zones; ClickHouse's own one under the label and taint that the user's has."""
    placed = replace(shape, zones=zones[: len(shape.zones)])
    if not (shape.taints and pool):
        return placed
    key, _, value = pool.partition("=")
    labels = {POOL_LABEL: shape.name, key: value}
    return replace(placed, labels=labels, taints=({"key": key, "value": value, "effect": "NoSchedule"},))


def _brought_ingress_class(given: dict, brought: dict) -> str | None:
    named = given.get("ingress")
    return str(named["className"]) if isinstance(named, dict) and named.get("className") else None


def read_settings(stack: str, project: Path = PROJECT) -> Settings | None:
    """The stack's settings as the program will read them; None for settings that it will refuse."""
    return _read(stack, settings(stack, project))


def _read(stack: str, given: dict) -> Settings | None:
    # The program's own modules: they take a second to load, and `stop` and `status` can do without.
    from settings import InvalidSettings, parse

    try:
        return parse(given, secret_keys={"wandb:license"}, stack=stack)
    except InvalidSettings:
        return None


def _of_settings(stack: str, given: dict) -> tuple[Plan | None, tuple[Manifest, ...]]:
    import arguments
    import sizing

    if (read := _read(stack, given)) is None:
        return None, ()
    try:
        plan = sizing.plan(arguments.sizing_request(read))
    except sizing.InvalidRequest:
        return None, ()
    own = [_own_pods(pool) for pool in plan.pools if pool.available != pool.allocatable]
    return plan, (*own, *_brought(read))


def _shape(pool: NodePool) -> NodeShape:
    key, _, rest = (pool.taint or "").partition("=")
    value, _, effect = rest.partition(":")
    taints = ({"key": key, "value": value, "effect": effect},) if key else ()
    return NodeShape(
        name=pool.name,
        count=pool.count,
        cpu=pool.allocatable.cpu,
        memory=pool.allocatable.memory,
        pods=pool.available.pods + 1,
        capacity_cpu=str(pool.cpu),
        capacity_memory=f"{pool.memory_gib}Gi",
        ephemeral_storage=f"{pool.disk_gib}Gi",
        zones=tuple(f"{REGION}-{letter}" for letter in _ZONES[: pool.zones]),
        labels={POOL_LABEL: pool.name} | ({key: value} if key else {}),
        taints=taints,
    )


def _own_pods(pool: NodePool) -> Manifest:
    """One pod on each node of the pool that requests what the plan sets aside for the cluster's own pods."""
    name = f"cluster-pods-{pool.name}"
    cpu = parse_quantity(pool.allocatable.cpu) - parse_quantity(pool.available.cpu)
    memory = parse_quantity(pool.allocatable.memory) - parse_quantity(pool.available.memory)
    requests = {"cpu": f"{int(cpu * 1000)}m", "memory": f"{int(memory / 2**20)}Mi"}
    container = {"name": "all", "image": "registry.k8s.io/pause:3.10", "resources": {"requests": requests}}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "kube-system", "labels": MANAGED},
        "spec": {
            "selector": {"matchLabels": {"name": name}},
            "template": {
                "metadata": {"labels": {"name": name} | MANAGED},
                "spec": {
                    "nodeSelector": {POOL_LABEL: pool.name},
                    "tolerations": [{"operator": "Exists"}],
                    "priorityClassName": "system-node-critical",
                    "containers": [container],
                },
            },
        },
    }


def _brought(read: Settings) -> Iterator[Manifest]:
    """What the settings say that the user has put there."""
    from preflight.checks import DOCKER_CONFIG, brought_secrets

    if read.managed_clickhouse and read.managed_clickhouse.crds == "external":
        yield from crds.manifests(*crds.CLICKHOUSE)
    if read.monitoring:
        yield from map(crds.definition, crds.MONITORING)
        labels = {"name": read.monitoring.namespace, "labels": MANAGED}
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": labels}
    if read.ingress and read.ingress.gateway:
        yield from gateway_api.objects(read.ingress.gateway, read.namespaces.wandb)
    encrypted = read.managed_clickhouse.tls if read.managed_clickhouse else None
    issuer = encrypted.issuer if encrypted else None
    if issuer and issuer.scope == "cluster":
        yield from cert_manager.objects(issuer, read.namespaces.clickhouse)
    if read.namespaces.create:
        return  # nothing can be in a namespace that is still to be made
    for name in dict.fromkeys([read.namespaces.wandb, read.namespaces.operator, read.namespaces.clickhouse]):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": MANAGED}}
    if issuer and issuer.scope == "namespace":
        yield from cert_manager.objects(issuer, read.namespaces.clickhouse)
    for secret in brought_secrets(read):
        namespace = getattr(read.namespaces, secret.namespace_key)
        if secret.keys == (DOCKER_CONFIG,):
            yield _secret(secret.name, namespace, "kubernetes.io/dockerconfigjson", secret.keys, '{"auths": {}}')
        else:
            yield _secret(secret.name, namespace, "Opaque", secret.keys)
    if read.ingress and read.ingress.tls_secret:
        yield _secret(read.ingress.tls_secret, read.namespaces.wandb, "kubernetes.io/tls", ("tls.crt", "tls.key"))


def _secret(name: str, namespace: str, kind: str, keys: tuple[str, ...], value: str = PLACEHOLDER) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": MANAGED},
        "stringData": dict.fromkeys(keys, value),
    }
