"""`spec.values` of the WeightsAndBiases resource: a pure function of plain data.

The chart has no schema: a key that it does not know is ignored without a word. So everything emitted here is a key that
was seen to change what chart `operator-wandb` 0.43.8 renders; the tests hold the list. Passwords and keys appear as
references to Secrets alone, because these values are copied into two Secrets of the operator's and into its log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pulumi

from .. import contracts
from ..later import lift
from . import additions, chart_values
from .bucket import PROXY_ENVIRONMENT, bucket_values
from .inventory import COMPONENTS, NAME, Component, Product, checked, running
from .option_values import merge_options
from .options import Options

REVISION_ANNOTATION = "wandb.pulumi/revision"
"""On every Deployment of the chart: which values it was rolled out with."""
LICENSE_ANNOTATION = "wandb.pulumi/license"
"""On every pod: changes with the licence, so that the pods restart with a new one."""
PASSWORD_ANNOTATION = "wandb.pulumi/{store}-password"
"""On every pod, for each store whose password has a version: the pods read it as they start, so they restart with it."""
SIZES = ("small", "medium", "large", "xlarge", "xxlarge")
"""The chart's size presets. It takes any other name too, and then sets no requests and no limits at all."""
NEVER_INSTALLED = (
    "mysql",
    "redis",
    "prometheus",
    "otel",
    # they move Deployments of charts before 2025-08 to new names; an installation of this program never had the old ones
    "appRenamePreHook",
    "appRenamePostHook",
)
"""Parts of the chart that are switched off: bundled stores without backups, monitoring, migrations of the past."""


@dataclass(frozen=True, kw_only=True)
class ComponentSizing:
    """Resources and replicas of one component; what is None stays as the chart's size preset has it."""

    resources: contracts.Resources | None = None
    """Merged over the preset: a limit that is None here stays the preset's."""
    replicas: tuple[int, int] | None = None
    """Minimum and maximum. Equal: a fixed number, without an autoscaler. Else an autoscaler, which needs metrics-server."""
    cpu_percent: int | None = None
    """Part of the requested CPU in use at which the autoscaler adds pods."""
    memory_percent: int | None = None
    """The same of memory."""


@dataclass(frozen=True, kw_only=True)
class ValuesArgs:
    """What the values are made of. `pulumi.Output`s among it are passed on, never looked into."""

    url: str
    products: frozenset[Product]
    size: str
    license: contracts.SecretKey
    mysql: contracts.MySQL
    redis: contracts.Redis
    bucket: contracts.Bucket
    clickhouse: contracts.ClickHouse | None
    ingress: contracts.Ingress
    identity: contracts.Identity
    namespace: pulumi.Input[str]
    service_account_issuer: pulumi.Input[str]
    components: Mapping[str, ComponentSizing] = field(default_factory=dict)
    image_tag: str | None
    """Tag of all of W&B's own images; None: W&B's release channel decides."""
    license_fingerprint: pulumi.Input[str] | None = None
    revision: pulumi.Input[str] | None = None
    spot_pool: str | None = None
    """`contracts.Cluster.spot_pool`."""
    storage_class: str | None = None
    """Of the volumes that the chart claims; None: the cluster's default."""
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        check(
            url=self.url,
            products=self.products,
            size=self.size,
            components=self.components,
            clickhouse=self.clickhouse,
            bucket=self.bucket,
            options=self.options,
        )


def check(
    *,
    url: str,
    products: Collection[str],
    size: str,
    components: Mapping[str, ComponentSizing],
    clickhouse: contracts.ClickHouse | None,
    bucket: contracts.Bucket,
    options: Options,
) -> None:
    """Raises ValueError, naming the argument, for what the chart would take in silence and W&B would not work with."""
    if "weave" in checked(products) and clickhouse is None:
        raise ValueError("clickhouse: None given, and Weave is among the products; it keeps its data there")
    if clickhouse is not None and clickhouse.distributed and clickhouse.cluster is None:
        raise ValueError("clickhouse.distributed: Weave distributes its tables over a cluster, and none is named")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.netloc + "/" != url.split("://")[1] + "/":
        raise ValueError(f"url: {url!r} is not of the form https://host")
    if size not in SIZES:
        raise ValueError(f"size: {size!r} is not one of {', '.join(SIZES)}")
    unknown = sorted(({*components} | {*options.components}) - {each.name for each in COMPONENTS})
    if unknown:
        raise ValueError(f"components: the chart has no {', '.join(unknown)}, or this program does not switch it on")
    for name, sizing in components.items():
        if sizing.replicas and not 1 <= sizing.replicas[0] <= sizing.replicas[1]:
            raise ValueError(f"components: {name} has replicas {sizing.replicas}; 1 <= minimum <= maximum wanted")
    if wrong := addition_problem(options, products, bucket):
        raise ValueError(f"options: {wrong}")
    if found := option_problems(options):
        raise ValueError("options: " + " ".join(map(str, found)))


def addition_problem(options: Options, products: Collection[str], bucket: contracts.Bucket) -> str | None:
    """The first thing that an optional component lacks."""
    known = {each.name: each for each in COMPONENTS if each.optional}
    for name in sorted(options.optional_components):
        component = known.get(name)
        if component is None:
            return f"{name} is not an optional component; {', '.join(known)} are"
        if component.product and component.product not in products:
            return f"{name} works for the product {component.product}, which is not among the products"
        if component.reads_queue and not (options.kafka or options.bufstream):
            return f"{name} takes its work from a queue; give kafka, or bufstream"
        if component.run_updates and options.kafka and options.kafka.port != 9092:
            return f"{name} reads from port 9092 alone, and kafka has another"
    if options.kafka and options.bufstream:
        return "kafka and bufstream are given; one of them is the queue"
    if options.bufstream and not additions.opens_by_identity(bucket):
        return "bufstream opens a bucket of S3 or Google by its identity alone; give kafka"
    if "models" not in products and (options.olap or options.executor_concurrency or options.panel_cache_gib):
        return "olap, executor_concurrency and panel_cache_gib are of Models, which is not among the products"
    return None


def option_problems(options: Options) -> list[chart_values.Problem]:
    """Everything that the chart would ignore or choke on in the user's own values, and their secrets in clear text."""
    wrong = chart_values.problems(options.extra_values, allow_unknown=options.allow_unknown_values)
    return wrong + chart_values.secrets_in_clear(options.extra_values)


def values(args: ValuesArgs) -> dict[str, Any]:
    """`spec.values` for `args`. The same arguments give the same values, in the same order."""
    on = running(args.products, args.options.optional_components)
    tree: dict[str, Any] = {
        "reconcileFrequency": "10m",  # also the time until a failed apply is tried again, which is an hour by default
        "global": _global(args),
        "ingress": _ingress(args),
        **{name: {"install": False} for name in NEVER_INSTALLED},
    }
    for component in COMPONENTS:
        for switch in component.switches if component in on or not component.optional else ():
            put(tree, switch, component in on)
    for component in on:
        tree.setdefault(component.name, {}).update(_component(component, args))
    tree["app"]["internalJWTMap"] = _internal_callers(args)
    if "models" not in args.products:
        # the frontend's proxy does not start while a host it may forward to has no address, and `weave` is off
        tree["frontend"]["env"] = {"FRONTEND_WEAVE_BACKEND": f"{NAME}-app:8080"}
    additions.add(
        tree,
        args.options,
        on,
        redis=args.redis,
        identity=args.identity,
        storage_class=args.storage_class,
    )
    return merge_options(tree, args.options, on)


def _global(args: ValuesArgs) -> dict[str, Any]:
    block: dict[str, Any] = {
        "host": args.url,
        "size": args.size,
        "licenseSecret": {"name": args.license.name, "key": args.license.key},
        "mysql": _mysql(args.mysql),
        "redis": _redis(args.redis),
        "bucket": bucket_values(args.bucket),
    }
    environment = dict(PROXY_ENVIRONMENT) if args.bucket.proxied else {}
    if args.clickhouse and "weave" in args.products:
        block["clickhouse"] = _clickhouse(args.clickhouse)
        if args.clickhouse.cluster:
            # for all containers, because the chart has no value for it and Weave's migration runs in several of them
            environment["WF_CLICKHOUSE_REPLICATED_CLUSTER"] = args.clickhouse.cluster
        if args.clickhouse.distributed:
            environment["WF_CLICKHOUSE_USE_DISTRIBUTED_TABLES"] = "true"
    if environment:
        block["env"] = environment
    if annotations := _pod_annotations(args):
        block["pod"] = {"annotations": annotations}
    if args.ingress.load_balancer is not None:
        # for AWS all that the chart does with it is to say where its load balancer asks whether a pod is well
        block["cloudProvider"] = args.ingress.load_balancer
    if args.revision is not None:
        block["deployment"] = {"annotations": {REVISION_ANNOTATION: args.revision}}
    return block


def _pod_annotations(args: ValuesArgs) -> dict[str, pulumi.Input[str]]:
    annotations: dict[str, pulumi.Input[str]] = {}
    if args.license_fingerprint is not None:
        annotations[LICENSE_ANNOTATION] = args.license_fingerprint
    clickhouse = args.clickhouse if "weave" in args.products else None
    passwords = {
        "mysql": args.mysql.password,
        "redis": args.redis.password,
        "clickhouse": clickhouse.password if clickhouse else None,
        **args.options.passwords,
    }
    for store, password in passwords.items():
        if password and password.version is not None:
            annotations[PASSWORD_ANNOTATION.format(store=store)] = password.version
    return annotations


def _mysql(mysql: contracts.MySQL) -> dict[str, Any]:
    return {
        "host": mysql.host,
        "port": mysql.port,
        "database": mysql.database,
        "user": mysql.user,
        "passwordSecret": {"name": mysql.password.name, "passwordKey": mysql.password.key},
    }


def _redis(redis: contracts.Redis) -> dict[str, Any]:
    block: dict[str, Any] = {"host": redis.host, "port": redis.port}
    if redis.tls:
        block["params"] = {"tls": "true"}
    if redis.password:
        block["secret"] = {"secretName": redis.password.name, "secretKey": redis.password.key}
    return block


def _clickhouse(clickhouse: contracts.ClickHouse) -> dict[str, Any]:
    return {
        "host": clickhouse.host,
        "port": clickhouse.port,
        "database": clickhouse.database,
        "user": clickhouse.user,
        "passwordSecret": {"name": clickhouse.password.name, "passwordKey": clickhouse.password.key},
        "replicated": clickhouse.cluster is not None,
    }


def _ingress(args: ValuesArgs) -> dict[str, Any]:
    if args.ingress.class_name is None:
        return {"install": False}
    block: dict[str, Any] = {"class": args.ingress.class_name}
    if args.ingress.annotations:
        block["annotations"] = dict(args.ingress.annotations)
    if args.ingress.tls_secret:
        hosts = [urlsplit(args.url).hostname, *args.options.additional_hosts]
        block["tls"] = [{"secretName": args.ingress.tls_secret, "hosts": hosts}]
    elif args.ingress.default_certificate:
        block["tls"] = [{}]
    return block


def _internal_callers(args: ValuesArgs) -> list[dict[str, Any]]:
    # An empty list and not an absent one: the chart's own names an issuer, and opens its keys to everybody.
    if "weave" not in args.products:
        return []
    callers = [each for each in running(args.products, args.options.optional_components) if each.internal_caller]
    subjects = [lift(f"system:serviceaccount:{{}}:{each.service_account}".format, args.namespace) for each in callers]
    return [{"subject": each, "issuer": args.service_account_issuer} for each in subjects]


def _component(component: Component, args: ValuesArgs) -> dict[str, Any]:
    block: dict[str, Any] = {"securityContext": {"capabilities": {"drop": ["ALL"]}}}
    if args.image_tag is not None and not component.own_version:
        block["image"] = {"tag": args.image_tag}
    if component.opens_bucket and args.identity.service_account_annotations:
        block["serviceAccount"] = {"annotations": dict(args.identity.service_account_annotations)}
    if component.opens_bucket and args.identity.pod_labels:
        block["podLabels"] = dict(args.identity.pod_labels)
    if component.interruptible and args.spot_pool is not None:
        block.update(_rather_on(args.spot_pool))
    block.update(_sizing(component, args.components.get(component.name, ComponentSizing())))
    return block


def _rather_on(pool: str) -> dict[str, Any]:
    """On these nodes while there are any, else wherever there is room.

    The chart sets no affinity of its own: it keeps pods apart by spread constraints, which stay.
    """
    key, _, value = pool.partition("=")
    nodes = {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}
    preferred = [{"weight": 100, "preference": nodes}]
    return {
        "tolerations": [{"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
    }


def _sizing(component: Component, sizing: ComponentSizing) -> dict[str, Any]:
    block: dict[str, Any] = {}
    if sizing.resources:
        resources = {kind: amounts for kind, amounts in sizing.resources.manifest().items() if amounts}
        own = {"containers": {component.name: {"resources": resources}}}
        block.update(own if component.own_resources else {"resources": resources})
    if sizing.replicas:
        least, most = sizing.replicas
        scaling = {"enabled": True, "minReplicas": least, "maxReplicas": most} if least < most else {"enabled": False}
        block["autoscaling"] = {"horizontal": scaling}
        block["replicaCount"] = least
        if component.leader_election and most > 1:
            block["leaderElection"] = {"enabled": True}
    percent = {"CPU": sizing.cpu_percent, "Memory": sizing.memory_percent}
    targets = {f"target{what}UtilizationPercentage": value for what, value in percent.items() if value is not None}
    if targets:
        block["autoscaling"] = {"horizontal": block.get("autoscaling", {}).get("horizontal", {}) | targets}
    return block


def put(tree: dict[str, Any], path: str, value: Any) -> None:
    """Set what is at a dotted path of `tree`, which is changed."""
    *parents, last = path.split(".")
    for key in parents:
        tree = tree.setdefault(key, {})
    tree[last] = value
