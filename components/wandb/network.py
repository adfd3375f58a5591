"""Who may connect to W&B's pods and whom they may connect to: pure functions.

Each component has a policy of its own. Its ports, and whom it calls, are facts of chart `operator-wandb` 0.43.8: its Services, its
ConfigMaps (`FRONTEND_APP_BACKEND`, `AUTH_SERVICE`, `WEAVE_SERVICE`, `WANDB_BASE_URL`, `GORILLA_HISTORY_STORE`, the sweep provider and the
address of the signing keys) and the variables that its templates give to each component. What a user adds to the release by `extraValues`
has one policy for all of it, which is wider: nothing is known of it here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

from .. import contracts, network
from .inventory import NAME, Component, running
from .verification import VERIFICATION

INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/name"
_JOB = "batch.kubernetes.io/job-name"

Store = Literal["mysql", "redis", "seaweedfs"]
Need = Literal["mysql", "redis", "bucket", "clickhouse", "web", "kubernetes"]

STORE_PORTS: Mapping[Store, int] = {"mysql": 3306, "redis": 6379, "seaweedfs": 8333}
"""Of the stores that are made in W&B's namespace."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What one component listens on, and what it needs."""

    entry: tuple[int, ...] = ()
    """Ports of the pod that users' requests and the verification come to."""
    inner: tuple[int, ...] = ()
    """Ports that other components alone come to."""
    metrics: tuple[int, ...] = ()
    calls: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Ports of other components."""
    needs: frozenset[Need] = frozenset()

    @property
    def ports(self) -> tuple[int, ...]:
        """Those of its Services."""
        return tuple(dict.fromkeys((*self.entry, *self.inner)))


_SERVER: frozenset[Need] = frozenset({"mysql", "redis", "bucket", "web"})
_SERVING: frozenset[Need] = frozenset({*_SERVER, "kubernetes"})
_HISTORY = {"parquet": (8087, 8088)}
_SHARED = {"app": (8082, 8083), **_HISTORY}
"""Sweeps and signing keys are served by `app`, run history by `parquet`."""

TRAFFIC: Mapping[str, Traffic] = {
    "api": Traffic(entry=(8081,), calls=_SHARED, needs=_SERVING),
    "app": Traffic(
        entry=(8080,),
        inner=(8082, 8083),
        metrics=(8181,),
        calls={**_SHARED, "weave": (9994,)},
        needs=_SERVING,
    ),
    "console": Traffic(entry=(8082,), calls={"app": (8080,)}, needs=frozenset({"kubernetes", "web"})),
    "frontend": Traffic(entry=(8080,), calls={"app": (8080, 8083), "weave": (9994,)}),
    "glue": Traffic(calls=_SHARED, needs=_SERVING),
    "executor": Traffic(calls=_SHARED, needs=_SERVER),
    "parquet": Traffic(inner=(8087, 8088), calls=_SHARED, needs=_SERVER),
    "weave": Traffic(inner=(9994,), calls={"api": (8081,)}, needs=frozenset({"bucket", "web"})),
    # the Service listens on 8722
    "weave-trace": Traffic(entry=(8080,), calls={"api": (8081,)}, needs=frozenset({"clickhouse", "web"})),
    # it calls W&B under its URL, as users do
    "mcp-server": Traffic(entry=(8080,), needs=frozenset({"web"})),
}


@dataclass(frozen=True, kw_only=True)
class Access:
    """What stands around W&B, so exactly that connections can be limited to it."""

    around: network.Surroundings
    stores: Collection[Store] = ()
    """Those that are made in W&B's namespace."""
    clickhouse: network.Peer | None = None
    """The servers that the stack makes, with their namespace; None: it makes none."""
    clickhouse_port: int = 8123
    clickhouse_in_store: bool = False
    """Whether these keep their data in the store `seaweedfs`."""
    outside: Mapping[Need, Sequence[int]]
    """Ports of what is not in the cluster, by what needs them; under `web` the internet, mail, brokers and proxies."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What the policies of one installation are made from."""

    access: Access
    namespace: pulumi.Input[str]
    operator_namespace: pulumi.Input[str]
    products: Collection[str]
    bucket: contracts.Bucket
    optional: Collection[str] = ()
    """Optional components that run. Those without a row in `TRAFFIC` are among what `further` is for."""


def policies(args: NetworkArgs) -> dict[str, dict[str, Any]]:
    """Every policy, by a short name: W&B's components, what else is in its release, verification, stores and operator."""
    on = running(args.products, [each for each in args.optional if each in TRAFFIC])
    made = {each.name: _component(args, each, on) for each in on}
    made["further"] = _further(args, on)
    made["verification"] = _verification(args, on)
    made |= {store: _store(args, store, on) for store in sorted(args.access.stores)}
    made["operator"] = _operator(args)
    return made


def clickhouse_clients(products: Collection[str], where: pulumi.Input[str]) -> list[network.Peer]:
    """W&B's pods, in the namespace `where`, that speak to ClickHouse."""
    on = running(products)
    return [network.within(where, peer) for peer in (_pods(_with("clickhouse", on)), _others(on))]


def store_pods(store: Store, where: pulumi.Input[str]) -> network.Peer:
    """A store that is made in W&B's namespace `where`, as a peer of pods in other namespaces."""
    return network.within(where, _stored(store))


def _component(args: NetworkArgs, component: Component, on: Sequence[Component]) -> dict[str, Any]:
    traffic, name = TRAFFIC[component.name], component.name
    callers: dict[int, list[str]] = {}
    for each in on:
        for port in TRAFFIC[each.name].calls.get(name, ()):
            callers.setdefault(port, []).append(each.name)
    ingress = [
        *network.incoming([*_entrance(args), network.pods({COMPONENT: VERIFICATION})], traffic.entry),
        *(rule for port in sorted(callers) for rule in network.incoming([_pods(callers[port])], [port])),
        *network.incoming([_others(on)], traffic.ports),
        *network.incoming(_prometheus(args), traffic.metrics),
    ]
    running_names = {each.name for each in on}
    egress = [
        *network.dns(args.access.around),
        *(
            rule
            for called, ports in traffic.calls.items()
            if called in running_names
            for rule in network.outgoing([_pods([called])], ports)
        ),
        *_needed(args, traffic.needs | _with_workers(args, name)),
    ]
    return _policy(args, f"{NAME}-{name}", _pods([name]), ingress, egress)


def _with_workers(args: NetworkArgs, name: str) -> frozenset[Need]:
    """Weave's trace server keeps in Redis what it shares with its workers."""
    workers = [each for each in running(args.products, args.optional) if each.weave_worker]
    return frozenset({"redis"}) if workers and name == "weave-trace" else frozenset()


def _further(args: NetworkArgs, on: Sequence[Component]) -> dict[str, Any]:
    """Hooks, Jobs and components that `extraValues` switch on."""
    release = network.pods({INSTANCE: NAME})
    needs: frozenset[Need] = frozenset({"mysql", "redis", "bucket", "clickhouse", "web", "kubernetes"})
    ingress = [{"from": [release]}]
    egress = [*network.dns(args.access.around), *network.outgoing([release]), *_needed(args, needs)]
    return _policy(args, f"{NAME}-further", _others(on), ingress, egress)


def _verification(args: NetworkArgs, on: Sequence[Component]) -> dict[str, Any]:
    egress = [*network.dns(args.access.around), *network.api_server(args.access.around)]
    for each in on:
        if TRAFFIC[each.name].entry:
            egress += network.outgoing([_pods([each.name])], TRAFFIC[each.name].entry)
    return _policy(args, VERIFICATION, network.pods({COMPONENT: VERIFICATION}), [], egress)


def _store(args: NetworkArgs, store: Store, on: Sequence[Component]) -> dict[str, Any]:
    """A store in W&B's namespace: those of W&B who need it, the Job that furnishes it, and nobody else."""
    need: Need = "bucket" if store == "seaweedfs" else store
    # Pods of the Jobs that make database and buckets have no name of their own; every other Job's have one
    furnishing: network.Peer = {
        "podSelector": {
            "matchExpressions": [
                {"key": _JOB, "operator": "Exists"},
                {"key": COMPONENT, "operator": "DoesNotExist"},
            ]
        }
    }
    readers = [*_with(need, on), *(each.name for each in on if need in _with_workers(args, each.name))]
    peers = [_pods(readers), _others(on), *([] if store == "redis" else [furnishing])]
    if store == "seaweedfs" and args.access.clickhouse_in_store and args.access.clickhouse is not None:
        peers.append(args.access.clickhouse)
    return _policy(args, store, _stored(store), network.incoming(peers, [STORE_PORTS[store]]), [])


def _operator(args: NetworkArgs) -> dict[str, Any]:
    """W&B's operator talks to the cluster's API, and fetches charts."""
    subject = network.pods({"control-plane": "controller-manager"})
    egress = [
        *network.dns(args.access.around),
        *network.outside(args.access.around, {*network.API_PORTS, *args.access.outside.get("web", ())}),
    ]
    made = _policy(args, "wandb-operator", subject, [], egress)
    made["metadata"]["namespace"] = args.operator_namespace
    return made


def _needed(args: NetworkArgs, needs: Collection[Need]) -> list[network.Rule]:
    rules: list[network.Rule] = []
    for store in sorted(args.access.stores):
        if ("bucket" if store == "seaweedfs" else store) in needs:
            rules += network.outgoing([_stored(store)], [STORE_PORTS[store]])
    if "clickhouse" in needs and args.access.clickhouse is not None:
        rules += network.outgoing([args.access.clickhouse], [args.access.clickhouse_port])
    if "web" in needs:
        # W&B calls itself by its public name; where its load balancer is in the cluster, that leads to the controller's pods
        rules += network.outgoing([network.namespace(each) for each in args.access.around.ingress_namespaces])
    if "bucket" in needs:
        rules += network.identity([args.bucket])
    ports = {port for need in needs for port in args.access.outside.get(need, ())}
    return rules + network.outside(
        args.access.around, ports | (set(network.API_PORTS) if "kubernetes" in needs else set())
    )


def _policy(
    args: NetworkArgs, name: str, subjects: network.Peer, ingress: list[network.Rule], egress: list[network.Rule]
) -> dict[str, Any]:
    labels = {
        COMPONENT: name,
        "app.kubernetes.io/part-of": "wandb",
        "app.kubernetes.io/managed-by": "pulumi",
    }
    return network.policy(name, args.namespace, subjects, labels=labels, ingress=ingress, egress=egress)


def _with(need: Need, on: Sequence[Component]) -> list[str]:
    return [each.name for each in on if need in TRAFFIC[each.name].needs]


def _pods(components: Collection[str]) -> network.Peer:
    return network.pods_of(COMPONENT, components, **{INSTANCE: NAME})


def _others(on: Sequence[Component]) -> network.Peer:
    known = {"key": COMPONENT, "operator": "NotIn", "values": [each.name for each in on]}
    return {"podSelector": {"matchLabels": {INSTANCE: NAME}, "matchExpressions": [known]}}


def _stored(store: Store) -> network.Peer:
    return network.pods({COMPONENT: store, "app.kubernetes.io/component": "data-store"})


def _entrance(args: NetworkArgs) -> list[network.Peer]:
    controllers = [network.namespace(each) for each in args.access.around.ingress_namespaces]
    return [*controllers, *network.networks(args.access.around.ingress_networks)]


def _prometheus(args: NetworkArgs) -> list[network.Peer]:
    where = args.access.around.monitoring_namespace
    return [network.namespace(where)] if where else []
