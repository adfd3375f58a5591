"""May the containers of a pod start? What a kubelet checks before it starts one, in the kubelet's own words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
Lookup = Callable[[str, str], "Object | None"]
"""(kind, name) -> the object in the pod's namespace; None when there is none."""


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """Why one container, or all of them, cannot start yet."""

    reason: str
    """As in `state.waiting.reason`."""
    message: str
    container: str | None = None
    """None: no container of the pod can start (a volume is missing)."""
    event: str = "Failed"


def obstacle(pod: Object, lookup: Lookup) -> Obstacle | None:
    """The first thing in the way, in the order in which a kubelet meets them: volumes, init containers, containers."""
    spec = pod["spec"]
    namespace = pod["metadata"]["namespace"]
    for message in _volumes(spec.get("volumes") or (), lookup):
        return Obstacle(reason="ContainerCreating", message=message, event="FailedMount")
    for container in [*(spec.get("initContainers") or ()), *spec["containers"]]:
        for message in _environment(container, namespace, lookup):
            return Obstacle(reason="CreateContainerConfigError", message=message, container=container["name"])
    return None


def _volumes(volumes: Any, lookup: Lookup) -> Iterator[str]:
    for volume in volumes:
        for source in _sources(volume):
            for kind, key, label, word in (
                ("Secret", "secret", "secret", "secret"),
                ("ConfigMap", "configMap", "configmap", "config"),
            ):
                if part := source.get(key):
                    name = part.get("secretName") or part.get("name")
                    if problem := _missing_volume(part, lookup(kind, name), name, label, word):
                        yield f'MountVolume.SetUp failed for volume "{volume["name"]}" : {problem}'
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim and lookup("PersistentVolumeClaim", claim) is None:
            yield f'persistentvolumeclaim "{claim}" not found'


def _sources(volume: Object) -> list[Object]:
    return [volume, *(((volume.get("projected") or {}).get("sources")) or ())]


def _missing_volume(part: Object, found: Object | None, name: str, label: str, word: str) -> str | None:
    if part.get("optional"):
        return None
    if found is None:
        return f'{label} "{name}" not found'
    for item in part.get("items") or ():
        if item["key"] not in keys(found):
            return f"references non-existent {word} key: {item['key']}"
    return None


def _environment(container: Object, namespace: str, lookup: Lookup) -> Iterator[str]:
    for source in container.get("envFrom") or ():
        for kind, key, label in (("Secret", "secretRef", "secret"), ("ConfigMap", "configMapRef", "configmap")):
            reference = source.get(key)
            if reference and not reference.get("optional") and lookup(kind, reference["name"]) is None:
                yield f'{label} "{reference["name"]}" not found'
    for variable in container.get("env") or ():
        origin = variable.get("valueFrom") or {}
        for kind, key, label in (("Secret", "secretKeyRef", "secret"), ("ConfigMap", "configMapKeyRef", "configmap")):
            if (reference := origin.get(key)) and not reference.get("optional"):
                name = reference["name"]
                if (found := lookup(kind, name)) is None:
                    yield f'{label} "{name}" not found'
                elif reference["key"] not in keys(found):
                    yield f"couldn't find key {reference['key']} in {kind} {namespace}/{name}"


def keys(obj: Object) -> set[str]:
    """The keys of a Secret or ConfigMap."""
    return set(obj.get("data") or {}) | set(obj.get("binaryData") or {})
