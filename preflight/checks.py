"""What preflight looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from components.clickhouse import tls
from components.clickhouse.server import TABLES_ANNOTATION
from components.monitoring import DEFINITIONS as MONITORING_CRDS
from components.namespaces import OWNER_ANNOTATION
from settings import Problem, Settings
from settings.base import cores, gibibytes
from settings.clickhouse import ExternalClickHouse
from settings.instance import Instance
from settings.problems import problem
from settings.stores import Bucket, ClickHouseBucket, ExternalMySQL, ExternalObjectStore, ExternalRedis
from settings.surface import full

from .findings import Findings, Found, Warned
from .lookup import Denied, Lookup, Object, Unreachable, connect, kubeconfig_in_use

if TYPE_CHECKING:
    from sizing import NodePool

MINIMUM_VERSION = (1, 34)
"""The oldest Kubernetes that W&B supports. Source: W&B's documentation, requirements of self-managed W&B."""
ARCHITECTURE = "amd64"
"""W&B Reference Architecture, "Supported CPU architectures": no ARM."""
ZONE_LABEL = "topology.kubernetes.io/zone"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
CLICKHOUSE_CRDS = (
    "clickhouseinstallations.clickhouse.altinity.com",
    "clickhousekeeperinstallations.clickhouse-keeper.altinity.com",
)
INSTALLATION = "wandb"
"""Name of the ClickHouseInstallation that the stack makes."""
CERT_MANAGER_CRDS = ("certificates.cert-manager.io", "clusterissuers.cert-manager.io", "issuers.cert-manager.io")
GATEWAY_CRDS = ("gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io")
DOCKER_CONFIG = ".dockerconfigjson"
"""The key of a Secret by which images are pulled."""
_MEMORY_TOLERANCE = Decimal("0.9")
"""A machine sold with 32 GiB reports less: the firmware, the kernel and the hypervisor keep a part."""


@dataclass(frozen=True, kw_only=True)
class PlannedNodes:
    """The nodes that the sizing plan counts on."""

    count: int
    cpu: Decimal | float
    """Cores that one node offers to pods."""
    memory_gib: Decimal | float
    """Memory that one node offers to pods, in GiB."""

    @classmethod
    def of(cls, pool: NodePool) -> PlannedNodes:
        """The nodes of a pool of the plan, by what their kubelets offer."""
        offered = pool.allocatable
        return cls(count=pool.count, cpu=cores(offered.cpu), memory_gib=round(gibibytes(offered.memory), 1))


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What a check works with."""

    settings: Settings
    owner: str
    lookup: Lookup
    nodes: PlannedNodes | None

    def lacking(self, definitions: Iterable[str]) -> list[str]:
        """Those of the CustomResourceDefinitions that the cluster does not have."""
        return [name for name in definitions if self.lookup.read("CustomResourceDefinition", name) is None]

    def running(self) -> tuple[Object, Object] | None:
        """The ClickHouseInstallation that runs where the stack wants its own, and the cluster in its spec."""
        if self.settings.managed_clickhouse is None:
            return None
        found = self.lookup.read("ClickHouseInstallation", INSTALLATION, self.settings.namespaces.clickhouse)
        clusters = (((found or {}).get("spec") or {}).get("configuration") or {}).get("clusters") or [{}]
        return (found, clusters[0]) if found else None


def check(
    settings: Settings, *, owner: str, nodes: PlannedNodes | None = None, lookup: Lookup | None = None
) -> Findings:
    """All that is wrong in the cluster, at once. `owner` is `<project>/<stack>`, as namespaces that a stack made say.

    A cluster that does not answer is one problem, and nothing else is looked at. What the user may not read is
    a warning.
    """
    try:
        look = _Look(settings=settings, owner=owner, lookup=lookup or connect(settings.kubernetes), nodes=nodes)
        version = look.lookup.version()
    except Unreachable as error:
        return _unreachable(settings, lookup, error)
    problems, warnings = list(_version(version)), list[Problem]()
    for each in CHECKS:
        try:
            for found in each(look):
                if isinstance(found, Warned):
                    warnings.append(found.problem)
                else:
                    problems.append(found)
        except Denied as denied:
            warnings.append(
                problem("kubernetes.preflight", f"could not look at {denied}: not allowed", "Nothing is wrong so far.")
            )
        except Unreachable as error:
            return _unreachable(settings, look.lookup, error)
    return Findings(where=look.lookup.where, problems=tuple(problems), warnings=tuple(dict.fromkeys(warnings)))


def _unreachable(settings: Settings, lookup: Lookup | None, error: Unreachable) -> Findings:
    where = lookup.where if lookup else f"kubeconfig {kubeconfig_in_use(settings.kubernetes)}"
    wrong = f"leads to no cluster that can be used: {error.reason}"
    return Findings(where=where, problems=(problem("kubernetes.context", wrong, error.advice),))


def _version(version: tuple[int, int]) -> Iterator[Problem]:
    if version < MINIMUM_VERSION:
        found, wanted = (".".join(map(str, each)) for each in (version, MINIMUM_VERSION))
        yield problem(
            "kubernetes.context",
            f"leads to a cluster that is too old (got Kubernetes {found})",
            f"W&B needs {wanted} or newer: upgrade the cluster, or use another.",
        )


def _namespaces_in_use(settings: Settings) -> dict[str, str]:
    operator = [] if settings.single_container else ["operator"]
    keys = ["wandb", *operator, *(["clickhouse"] if settings.managed_clickhouse else [])]
    return {key: getattr(settings.namespaces, key) for key in keys}


def _namespaces(look: _Look) -> Found:
    for key, name in _namespaces_in_use(look.settings).items():
        found = look.lookup.read("Namespace", name)
        yield from _namespace(look, f"namespaces.{key}", name, found)


def _namespace(look: _Look, path: str, name: str, found: Object | None) -> Iterator[Problem]:
    if found is None:
        if not look.settings.namespaces.create:
            yield problem(
                path,
                f"names a namespace that does not exist, and `namespaces.create` is false (got {name})",
                f"Run `kubectl create namespace {name}`, or set `{full('namespaces.create')}` to true.",
            )
        return
    if (found.get("status") or {}).get("phase") == "Terminating":
        yield problem(path, f"names a namespace that is being deleted (got {name})", "Wait until it is gone.")
        return
    maker = _annotations(found).get(OWNER_ANNOTATION)
    if maker == look.owner and not look.settings.namespaces.create:
        yield problem(
            path,
            "names a namespace that this stack made, and `namespaces.create` is false: the stack would delete it, and the "
            f"volumes in it (got {name})",
            f"Set `{full('namespaces.create')}` to true. To keep the namespace without the stack, take it out of the state "
            f"(`pulumi state delete`) and run `kubectl annotate namespace {name} {OWNER_ANNOTATION}-`.",
        )
    if look.settings.namespaces.create and maker != look.owner:
        whose = f"stack {maker} made it" if maker else "it is not this stack's"
        yield problem(
            path,
            f"names a namespace that exists: {whose} (got {name})",
            f"Choose another name, or set `{full('namespaces.create')}` to false to use this one and leave it in place.",
        )


def _namespaces_given_up(look: _Look) -> Found:
    used = _namespaces_in_use(look.settings).values()
    for found in look.lookup.every("Namespace"):
        if _annotations(found).get(OWNER_ANNOTATION) == look.owner and _name(found) not in used:
            yield Warned(
                problem(
                    "namespaces",
                    f"no longer names a namespace that this stack made (got {_name(found)})",
                    "The stack will delete it, and the volumes in it.",
                )
            )


def _annotations(found: Object) -> dict[str, str]:
    return dict((found.get("metadata") or {}).get("annotations") or {})


def _name(found: Object) -> str:
    return found["metadata"]["name"]


def _storage_class(look: _Look) -> Found:
    wanted = look.settings.kubernetes.storage_class
    classes = look.lookup.every("StorageClass")
    names = ", ".join(sorted(_name(each) for each in classes)) or "none"
    if wanted and wanted not in [_name(each) for each in classes]:
        yield problem(
            "kubernetes.storageClass",
            f"names a storage class that does not exist (got {wanted})",
            f"The cluster has: {names}.",
        )
    default = any(_annotations(each).get(DEFAULT_CLASS) == "true" for each in classes)
    if not wanted and not default and _needs_volumes(look.settings):
        yield problem(
            "kubernetes.storageClass",
            "is missing, and the cluster has no default storage class",
            f"Name one of: {names}.",
        )


def _needs_volumes(settings: Settings) -> bool:
    stores = (settings.mysql, settings.redis, settings.object_store)
    return settings.managed_clickhouse is not None or any(each.kind == "in-cluster" for each in stores)


def _ingress_class(look: _Look) -> Found:
    ingress = look.settings.ingress
    if ingress is None or ingress.class_name is None:
        return
    wanted = ingress.class_name
    names = sorted(_name(each) for each in look.lookup.every("IngressClass"))
    if wanted not in names:
        yield problem(
            "ingress.className",
            f"names an ingress class that does not exist (got {wanted})",
            f"The cluster has: {', '.join(names)}."
            if names
            else "The cluster has none: install an ingress controller first.",
        )


@dataclass(frozen=True, kw_only=True)
class BroughtSecret:
    """A Secret that the settings name and that must be there before the stack."""

    path: str
    """The settings key that names it."""
    namespace_key: str
    """Which of `namespaces` it is in."""
    name: str
    keys: tuple[str, ...]


def brought_secrets(settings: Settings) -> Iterator[BroughtSecret]:
    """Every Secret that the settings name, the Ingress's certificate apart."""
    if settings.license_secret:
        licence = settings.license_secret
        yield BroughtSecret(path="licenseSecret", namespace_key="wandb", name=licence.name, keys=(licence.key,))
    for path, store in (("mysql", settings.mysql), ("redis", settings.redis), ("clickhouse", settings.clickhouse)):
        if isinstance(store, ExternalMySQL | ExternalRedis | ExternalClickHouse) and store.password_secret:
            password = store.password_secret
            yield BroughtSecret(
                path=f"{path}.passwordSecret", namespace_key="wandb", name=password.name, keys=(password.key,)
            )
    if isinstance(settings.mysql, ExternalMySQL) and settings.mysql.admin:
        password = settings.mysql.admin.password_secret
        yield BroughtSecret(
            path="mysql.admin.passwordSecret", namespace_key="wandb", name=password.name, keys=(password.key,)
        )
    encrypted = settings.managed_clickhouse.tls if settings.managed_clickhouse else None
    if encrypted and encrypted.secret:
        yield BroughtSecret(
            path="clickhouse.tls.secret",
            namespace_key="clickhouse",
            name=encrypted.secret,
            keys=(tls.CERTIFICATE, tls.KEY),
        )
    yield from _bucket_secrets(settings)
    yield from _instance_secrets(settings.instance)
    yield from _registry_secrets(settings)


def _registry_secrets(settings: Settings) -> Iterator[BroughtSecret]:
    asked = settings.air_gapped
    if asked and asked.pull_secret:
        for key in _namespaces_in_use(settings):
            yield BroughtSecret(
                path="airGapped.pullSecret", namespace_key=key, name=asked.pull_secret, keys=(DOCKER_CONFIG,)
            )
    if asked and asked.charts_secret:
        yield BroughtSecret(
            path="airGapped.chartsSecret",
            namespace_key="wandb",
            name=asked.charts_secret,
            keys=("HELM_USERNAME", "HELM_PASSWORD"),
        )


def _instance_secrets(instance: Instance) -> Iterator[BroughtSecret]:
    named = {
        "oidc.secretRef": instance.oidc.secret_ref if instance.oidc else None,
        "smtp.passwordSecret": instance.smtp.password_secret if instance.smtp else None,
        "slack.secretRef": instance.slack.secret_ref if instance.slack else None,
        "kafka.passwordSecret": instance.kafka.password_secret if instance.kafka else None,
        "olap.passwordSecret": instance.olap.password_secret if instance.olap else None,
    }
    for path, secret in named.items():
        if secret:
            yield BroughtSecret(path=f"instance.{path}", namespace_key="wandb", name=secret.name, keys=(secret.key,))
    everywhere = {
        "instance": instance,
        **{f"instance.components.{name}": each for name, each in instance.components.items()},
    }
    for path, each in everywhere.items():
        for variable, reference in each.env_secrets.items():
            name, key = reference.split("/", 1)
            yield BroughtSecret(path=f"{path}.envSecrets.{variable}", namespace_key="wandb", name=name, keys=(key,))


def _bucket_secrets(settings: Settings) -> Iterator[BroughtSecret]:
    for path, bucket, namespace in _brought_buckets(settings):
        if keys := bucket.keys_secret:
            needed = (keys.access_key,) if bucket.provider == "az" else (keys.access_key, keys.secret_key)
            yield BroughtSecret(path=f"{path}.keysSecret", namespace_key=namespace, name=keys.name, keys=needed)
        if isinstance(bucket, ClickHouseBucket) and (ca := bucket.ca_secret):
            yield BroughtSecret(path=f"{path}.caSecret", namespace_key=namespace, name=ca.name, keys=(ca.key,))


def _brought_buckets(settings: Settings) -> Iterator[tuple[str, Bucket | ClickHouseBucket, str]]:
    """Every bucket that the user brings: the key that names it, the bucket, and the namespace of who opens it."""
    store, clickhouse = settings.object_store, settings.managed_clickhouse
    if isinstance(store, ExternalObjectStore):
        yield "objectStore.bucket", store.bucket, "wandb"
        if clickhouse and store.clickhouse_bucket:
            yield "objectStore.clickhouseBucket", store.clickhouse_bucket, "clickhouse"
    if clickhouse and clickhouse.backup and clickhouse.backup.bucket:
        yield "clickhouse.backup.bucket", clickhouse.backup.bucket, "clickhouse"


def _secrets(look: _Look) -> Found:
    for secret in brought_secrets(look.settings):
        namespace = getattr(look.settings.namespaces, secret.namespace_key)
        found = look.lookup.read("Secret", secret.name, namespace)
        if found is None:
            yield _no_secret(look, secret, namespace)
            continue
        missing = [key for key in secret.keys if key not in (found.get("data") or {})]
        if missing:
            there = ", ".join(sorted(found.get("data") or {})) or "none"
            yield problem(
                secret.path,
                f"names a Secret without the key {' and '.join(missing)} ({secret.name} in namespace {namespace})",
                f"Its keys are: {there}. Correct the setting, or add the key.",
            )


def _no_secret(look: _Look, secret: BroughtSecret, namespace: str) -> Problem:
    literals = " ".join(f"--from-literal={key}=..." for key in secret.keys)
    create = f"`kubectl -n {namespace} create secret generic {secret.name} {literals}`"
    wrong = f"names a Secret that does not exist ({secret.name} in namespace {namespace})"
    if look.settings.namespaces.create and look.lookup.read("Namespace", namespace) is None:
        return problem(
            secret.path,
            f"{wrong}, and neither does the namespace",
            f"Create the namespaces yourself, run {create}, and set `{full('namespaces.create')}` to false.",
        )
    return problem(secret.path, wrong, f"Run {create}.")


def _certificate(look: _Look) -> Found:
    ingress, namespace = look.settings.ingress, look.settings.namespaces.wandb
    if ingress is None or ingress.tls_secret is None or ingress.cert_manager:
        return
    name = ingress.tls_secret
    found = look.lookup.read("Secret", name, namespace)
    if found is None:
        yield Warned(
            problem(
                "ingress.tlsSecret",
                f"names a Secret that does not exist ({name} in namespace {namespace})",
                "The Ingress has no certificate until something, such as cert-manager, makes it.",
            )
        )
    elif found.get("type") != "kubernetes.io/tls":
        yield problem(
            "ingress.tlsSecret",
            f"names a Secret that is not of type kubernetes.io/tls ({name} in namespace {namespace})",
            f"Run `kubectl -n {namespace} create secret tls {name} --cert=... --key=...`.",
        )


def _gateway(look: _Look) -> Found:
    asked = look.settings.ingress.gateway if look.settings.ingress else None
    if asked is None:
        return
    missing = look.lacking(GATEWAY_CRDS)
    if missing:
        yield problem(
            "ingress.gateway",
            f"is given, and the cluster lacks {' and '.join(missing)}",
            "Install a controller of the Gateway API with its definitions (standard channel, v1.2 or newer), or use an Ingress.",
        )
    elif asked.name:
        namespace = asked.namespace or look.settings.namespaces.wandb
        if look.lookup.read("Gateway", asked.name, namespace) is None:
            yield problem(
                "ingress.gateway.name",
                f"names a Gateway that does not exist ({asked.name} in namespace {namespace})",
                "`kubectl get gateways --all-namespaces` shows those that are there.",
            )
    elif asked.class_name:
        names = sorted(_name(each) for each in look.lookup.every("GatewayClass"))
        if asked.class_name not in names:
            yield problem(
                "ingress.gateway.className",
                f"names a GatewayClass that does not exist (got {asked.class_name})",
                f"The cluster has: {', '.join(names) or 'none'}.",
            )


def _definitions(look: _Look) -> Found:
    clickhouse = look.settings.managed_clickhouse
    if clickhouse is None or clickhouse.crds == "managed":
        return
    missing = look.lacking(CLICKHOUSE_CRDS)
    if missing:
        yield problem(
            "clickhouse.crds",
            f"is external, and the cluster lacks {' and '.join(missing)}",
            f"Apply the definitions of operator {look.settings.versions.clickhouse_operator_chart}, or use managed.",
        )


def _issuer(look: _Look) -> Found:
    clickhouse = look.settings.managed_clickhouse
    asked = clickhouse.tls.issuer if clickhouse and clickhouse.tls else None
    if asked is None:
        return
    missing = look.lacking(CERT_MANAGER_CRDS)
    if missing:
        yield problem(
            "clickhouse.tls.issuer",
            f"is given, and the cluster lacks {' and '.join(missing)}",
            f"Install cert-manager, or name a Secret under `{full('clickhouse.tls.secret')}`.",
        )
        return
    namespace = look.settings.namespaces.clickhouse
    where = None if asked.kind == "ClusterIssuer" else namespace
    if look.lookup.read(asked.kind, asked.name, where) is None:
        yield problem(
            "clickhouse.tls.issuer.name",
            f"names {'a' if where is None else 'an'} {asked.kind} that does not exist (got {asked.name}"
            f"{f', in namespace {where}' if where else ''})",
            f"`kubectl get {'clusterissuers' if where is None else f'-n {where} issuers'}` shows those that are there.",
        )


def _encryption(look: _Look) -> Found:
    """What a running ClickHouse becomes only while nobody can use it."""
    wanted = look.settings.managed_clickhouse
    running = look.running()
    if wanted is None or running is None:
        return
    _, cluster = running
    encrypted = cluster.get("secure") == "yes"
    if encrypted != (wanted.tls is not None):
        yield Warned(
            problem(
                "clickhouse.tls",
                f"{'is not' if encrypted else 'is'} given, and the servers that run {'encrypt' if encrypted else 'do not encrypt'}",
                "Keeper, then the servers and W&B change over: Weave is away until all have restarted. Nothing is lost; plan it.",
            )
        )


def _monitoring(look: _Look) -> Found:
    asked = look.settings.monitoring
    if asked is None:
        return
    missing = look.lacking(MONITORING_CRDS)
    if missing:
        yield problem(
            "monitoring",
            f"is given, and the cluster lacks {' and '.join(missing)}",
            "Install the Prometheus operator first, such as by its chart kube-prometheus-stack, or remove the section.",
        )
    if look.lookup.read("Namespace", asked.namespace) is None:
        yield Warned(
            problem(
                "monitoring.namespace",
                f"names a namespace that does not exist (got {asked.namespace})",
                "No metrics are read before Prometheus runs there.",
            )
        )


def _expansion(look: _Look) -> Found:
    """A volume that cannot grow is a volume that is copied by hand, one day."""
    if look.settings.managed_clickhouse is None:
        return
    wanted = look.settings.kubernetes.storage_class
    for each in look.lookup.every("StorageClass"):
        chosen = _name(each) == wanted if wanted else _annotations(each).get(DEFAULT_CLASS) == "true"
        if chosen and not each.get("allowVolumeExpansion"):
            yield Warned(
                problem(
                    "kubernetes.storageClass",
                    f"is a class whose volumes cannot grow ({_name(each)} has no allowVolumeExpansion)",
                    "A volume of ClickHouse that gets full could then only be replaced: allow expansion, or make volumes large.",
                )
            )


def _usable(nodes: Sequence[Object]) -> list[Object]:
    return [
        each
        for each in nodes
        if _architecture(each) == ARCHITECTURE and not (each.get("spec") or {}).get("unschedulable") and _ready(each)
    ]


def _architecture(node: Object) -> str | None:
    return ((node.get("status") or {}).get("nodeInfo") or {}).get("architecture") or (
        (node["metadata"].get("labels") or {}).get("kubernetes.io/arch")
    )


def _ready(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _nodes(look: _Look) -> Found:
    nodes = look.lookup.every("Node")
    usable = _usable(nodes)
    if not usable:
        found = ", ".join(sorted({str(_architecture(each)) for each in nodes})) or "none"
        yield problem(
            "kubernetes.context",
            f"leads to a cluster without a ready node of architecture {ARCHITECTURE} (got {len(nodes)} nodes: {found})",
            "W&B's images are made for no other: add such nodes.",
        )
        return
    yield from _spread(look, usable)
    if look.nodes:
        yield from _room(look.nodes, usable)


def _spread(look: _Look, usable: Sequence[Object]) -> Found:
    clickhouse, zones = look.settings.managed_clickhouse, look.settings.kubernetes.zones
    there = {(each["metadata"].get("labels") or {}).get(ZONE_LABEL) for each in usable} - {None}
    if clickhouse and zones >= 3 and len(there) < 3:
        yield Warned(
            problem(
                "kubernetes.zones",
                f"is {zones}, and the ready nodes are in {len(there)} (label {ZONE_LABEL})",
                "Replicas that find no zone of their own wait: set it to 1, unless nodes are still to come.",
            )
        )
    if clickhouse and len(usable) < max(clickhouse.servers, clickhouse.keepers):
        most = max(clickhouse.servers, clickhouse.keepers)
        yield Warned(
            problem(
                "clickhouse.replicas",
                f"asks for {most} different nodes, and {len(usable)} are ready",
                "Replicas that find no node of their own wait, unless nodes are still to come.",
            )
        )


def _room(planned: PlannedNodes, usable: Sequence[Object]) -> Found:
    cpu = sum((_cpu(each) for each in usable), Decimal(0))
    memory = sum((_memory(each) for each in usable), Decimal(0))
    wanted_cpu = Decimal(str(planned.cpu)) * planned.count
    wanted_memory = Decimal(str(planned.memory_gib)) * planned.count
    if cpu < wanted_cpu * _MEMORY_TOLERANCE or memory < wanted_memory * _MEMORY_TOLERANCE:
        yield Warned(
            problem(
                "sizing.nodes",
                f"counts on {planned.count} nodes with {planned.cpu} cores and {planned.memory_gib} GiB each, and the "
                f"{len(usable)} ready ones have {cpu:.1f} cores and {memory:.0f} GiB to give in all",
                "Pods that find no room wait: add nodes, or plan for the ones that are there.",
            )
        )


def _cpu(node: Object) -> Decimal:
    text = str(((node.get("status") or {}).get("allocatable") or {}).get("cpu", "0"))
    return Decimal(text[:-1]) / 1000 if text.endswith("m") else Decimal(text)


_UNITS: dict[str, Any] = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9}


def _memory(node: Object) -> Decimal:
    """Allocatable memory in GiB."""
    text = str(((node.get("status") or {}).get("allocatable") or {}).get("memory", "0"))
    for unit, size in _UNITS.items():
        if text.endswith(unit):
            return Decimal(text.removesuffix(unit)) * size / 2**30
    return Decimal(text) / 2**30


def _tables(look: _Look) -> Found:
    """What a ClickHouse that holds data cannot become."""
    wanted = look.settings.managed_clickhouse
    running = look.running()
    if wanted is None or running is None:
        return
    found, cluster = running
    shards = int((cluster.get("layout") or {}).get("shardsCount") or 1)
    if wanted.shards < shards:
        yield problem(
            "clickhouse.shards",
            f"is fewer than the {shards} shards that hold rows (got {wanted.shards})",
            f"Use {shards} or more: what lies in a shard that goes is nowhere else.",
        )
    distributed = _annotations(found).get(TABLES_ANNOTATION) == "distributed"
    if wanted.distributed != distributed:
        yield problem(
            "clickhouse.distributed",
            f"is {str(wanted.distributed).lower()}, and Weave's tables were made {'' if distributed else 'not '}distributed",
            "Keep what it was: Weave makes its tables once. Rows move only to a new installation.",
        )


CHECKS = (
    _namespaces,
    _namespaces_given_up,
    _storage_class,
    _expansion,
    _ingress_class,
    _gateway,
    _secrets,
    _certificate,
    _definitions,
    _issuer,
    _tables,
    _encryption,
    _monitoring,
    _nodes,
)
