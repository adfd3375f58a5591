"""What differs between an object and what the program wants, and which of it only a new object can have.

The tables are those of pulumi-kubernetes 4.34 (`provider/pkg/provider/diff.go`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.providers.base import Change
from rehearsal.providers.objects import Object, get_path
from rehearsal.providers.values import UNKNOWN

Path = tuple[str | int, ...]
_ABSENT = object()

_SELECTOR = ("spec.selector",)
_JOB = ("spec.completions", "spec.parallelism", "spec.selector", "spec.template")
_STATEFUL_SET = (
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
)
_CONTAINER = (
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
)
_POD = (
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
)
_VOLUME_SOURCES = (
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
)

_FORCE_NEW: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps/v1", "DaemonSet"): _SELECTOR,
    ("apps/v1", "Deployment"): _SELECTOR,
    ("apps/v1", "StatefulSet"): _STATEFUL_SET,
    ("batch/v1", "Job"): _JOB,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io/v1", "StorageClass"): ("parameters", "provisioner"),
    ("v1", "PersistentVolume"): tuple(f"spec.{source}" for source in _VOLUME_SOURCES),
    ("v1", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    ("v1", "Pod"): (
        *(f"spec.{field}" for field in _POD),
        *(f"spec.{kind}.*.{field}" for kind in ("containers", "initContainers") for field in _CONTAINER),
    ),
    ("v1", "ResourceQuota"): ("spec.scopes",),
    ("v1", "Secret"): ("type",),
    ("v1", "Service"): ("spec.clusterIP",),
}


def force_new(obj: Object, *, mutable_secrets: bool = False, mutable_config_maps: bool = False) -> tuple[str, ...]:
    """Paths whose change needs a new object; `*` stands for any item of a list.

    Secrets and ConfigMaps are replaced when their data changes, unless the provider allows to change them in place.
    """
    kind = (obj["apiVersion"], obj["kind"])
    paths = _FORCE_NEW.get(kind, ())
    fixed = obj.get("immutable") is True
    if kind == ("v1", "Secret") and (fixed or not mutable_secrets):
        paths = ("type", "stringData", "data")
    elif kind == ("v1", "ConfigMap") and (fixed or not mutable_config_maps):
        paths = ("binaryData", "data")
    return ("metadata.name", "metadata.namespace", *paths)


def changes(old: Any, new: Any, path: Path = ()) -> Iterator[tuple[Path, Change]]:
    """Every path at which `new` differs from `old`. What is unknown counts as changed."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*new, *(key for key in old if key not in new)]:
            yield from changes(old.get(key, _ABSENT), new.get(key, _ABSENT), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from changes(_at(old, index), _at(new, index), (*path, index))
    elif new is _ABSENT or new is None:
        if old is not _ABSENT and old is not None:
            yield path, "delete"
    elif old is _ABSENT or old is None:
        yield path, "add"
    elif new == UNKNOWN or not _same(old, new):
        yield path, "update"


def honest(found: Iterator[tuple[Path, Change]], live: Object, planned: Object) -> Iterator[tuple[Path, Change]]:
    """Only what would change something: the server, asked in a dry run, turned `live` into `planned`.

    Drops what it spells differently ("1000m" for "1") and defaults given explicitly. Deletions always count.
    """
    for path, change in found:
        if change == "delete" or get_path(live, *path) != get_path(planned, *path):
            yield path, change


def with_replacement(found: Iterator[tuple[Path, Change]], new: Object, replace: tuple[str, ...]) -> dict[Path, Change]:
    """The same changes, those that force a replacement marked so."""
    patterns = [tuple(pattern.split(".")) for pattern in replace]
    marks: dict[Change, Change] = {"add": "add-replace", "delete": "delete-replace", "update": "update-replace"}

    def forced(path: Path) -> bool:
        return any(_covers(pattern, path, get_path(new, *path)) for pattern in patterns)

    return {path: marks[change] if forced(path) else change for path, change in found}


def display(path: Path) -> str:
    """The path as the engine spells it: `spec.containers[0].image`, `metadata.labels["a.b/c"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif any(sign in step for sign in '."[]'):
            escaped = step.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{step}" if text else step
    return text


def ignoring(found: dict[str, Change], ignored: tuple[str, ...]) -> dict[str, Change]:
    """Without the paths that the resource's `ignore_changes` names, and what lies below them."""

    def is_ignored(path: str) -> bool:
        return any(path == prefix or path.startswith((f"{prefix}.", f"{prefix}[")) for prefix in ignored)

    return {path: change for path, change in found.items() if not is_ignored(path)}


def _covers(pattern: tuple[str, ...], path: Path, value: Any) -> bool:
    steps = [("*" if isinstance(step, int) else step) for step in path]
    shared = min(len(pattern), len(steps))
    if list(pattern[:shared]) != steps[:shared]:
        return False
    below = [step for step in pattern[shared:] if step != "*"]
    return len(pattern) <= len(steps) or get_path(value, *below) is not None


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else _ABSENT


def _same(old: Any, new: Any) -> bool:
    return isinstance(old, bool) == isinstance(new, bool) and old == new
