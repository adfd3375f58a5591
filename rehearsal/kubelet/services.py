"""Which in-cluster Services a container talks to, and whether each would answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LABEL = r"[a-z](?:[-a-z0-9]*[a-z0-9])?"
# name.namespace.svc, with or without the cluster's domain, anywhere in a text; a pod's own name may stand in front
_FULL = re.compile(rf"(?:({_LABEL})\.)?({_LABEL})\.({_LABEL})\.svc(?:\.cluster\.local)?(?![-a-z0-9])(?::(\d+))?")
# //name, //name.namespace with an optional port, as in a URL
_URL = re.compile(rf"//(?:[^/@\s'\"]*@)?({_LABEL})(?:\.({_LABEL}))?(?::(\d+))?(?=[/\s'\"?,;]|$)")
# the whole of a value: name:port
_HOST_PORT = re.compile(rf"({_LABEL})(?:\.({_LABEL}))?:(\d+)")
# the whole of a value: name.namespace
_TWO_PARTS = re.compile(rf"({_LABEL})\.({_LABEL})")


@dataclass(frozen=True, kw_only=True, order=True)
class Target:
    """A Service, and the port on it when one is named."""

    namespace: str
    name: str
    port: int | None = None

    def __str__(self) -> str:
        return f"{self.name}.{self.namespace}" + (f":{self.port}" if self.port else "")


def named(texts: Iterable[str], namespace: str, known: set[tuple[str, str]]) -> set[Target]:
    """The Services that the texts name, seen from `namespace`.

    `known` holds (namespace, name) of the Services there are. A host with a dot that is none of them may be any host
    on the internet and is left out; a host without a dot can only be a Service, so it counts whether it is there or not.
    """
    found: set[Target] = set()
    for text in texts:
        rest = text
        for match in _FULL.finditer(text):
            found.add(_target(match.group(3), match.group(2), match.group(4)))
        rest = _FULL.sub(" ", rest)
        candidates = [match.groups() for match in _URL.finditer(rest)]
        parts = [part.strip() for part in rest.split(",")]
        candidates += [match.groups() for part in parts if (match := _HOST_PORT.fullmatch(part))]
        candidates += [(*match.groups(), None) for part in parts if (match := _TWO_PARTS.fullmatch(part))]
        for name, second, port in candidates:
            if name == "localhost":
                continue
            if second is None or (second, name) in known:
                found.add(_target(second or namespace, name, port))
    return found


def unanswered(
    targets: Iterable[Target], services: Mapping[tuple[str, str], Any], ready: set[tuple[str, str]]
) -> Iterator[str]:
    """For each target that would not answer, why not. `ready` holds (namespace, name) of Services with a ready endpoint."""
    for target in sorted(targets, key=str):
        service = services.get((target.namespace, target.name))
        if service is None:
            yield f"Service {target.name} is not in namespace {target.namespace}"
            continue
        spec = service["spec"]
        if spec.get("type") == "ExternalName":
            continue
        ports = {port["port"] for port in spec.get("ports") or ()}
        if target.port and target.port not in ports and spec.get("clusterIP") != "None":
            yield f"Service {target} has no such port, only {sorted(ports)}"
        elif (target.namespace, target.name) not in ready:
            yield f"Service {target} has no ready endpoint"


def ready_services(slices: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """(namespace, name) of every Service for which an EndpointSlice lists an endpoint whose pod is ready.

    `serving` is asked, because a Service that publishes unready addresses calls all of them `ready`.
    """
    found = set()
    for piece in slices:
        name = (piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name")
        if name and any(_serves(end.get("conditions") or {}) for end in piece.get("endpoints") or ()):
            found.add((piece["metadata"]["namespace"], name))
    return found


def _serves(conditions: Mapping[str, Any]) -> bool:
    return bool(conditions.get("serving", conditions.get("ready")))


def _target(namespace: str, name: str, port: str | None) -> Target:
    return Target(namespace=namespace, name=name, port=int(port) if port else None)
