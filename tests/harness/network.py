"""Evaluates NetworkPolicies as Kubernetes defines them: whether a connection is let through by all policies together.

What the definition leaves to network plugins is a switch: whether an `ipBlock` also stands for pods with an address in it
(Calico: yes, Cilium: no). Connections that must work are held against the plugin that lets less through, connections that must not
against the one that lets more.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NAME = "kubernetes.io/metadata.name"
"""Which Kubernetes sets on every namespace."""


@dataclass(frozen=True, kw_only=True)
class Pod:
    """One end of a connection, in the cluster."""

    namespace: str
    labels: Mapping[str, str]
    address: str = "10.99.0.7"

    def __str__(self) -> str:
        return f"{self.namespace}/{dict(self.labels)}"


@dataclass(frozen=True, kw_only=True)
class Outside:
    """One end of a connection, not in the cluster."""

    address: str

    def __str__(self) -> str:
        return self.address


End = Pod | Outside


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Policies, and how the network plugin reads them."""

    policies: Sequence[Mapping[str, Any]]
    """Each with `metadata.namespace` and `spec`."""
    blocks_hold_pods: bool
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Further labels of namespaces."""

    def allows(self, source: End, target: End, port: int, protocol: str = "TCP") -> bool:
        """Whether a connection is let out at its source and in at its target. Within one pod nothing is ever held up."""
        if source == target:
            return True
        return self._passes("Egress", source, target, port, protocol) and self._passes(
            "Ingress", target, source, port, protocol
        )

    def selecting(self, pod: Pod, direction: str) -> list[Mapping[str, Any]]:
        """The policies that limit this direction for a pod."""
        return [
            each
            for each in self.policies
            if each["metadata"]["namespace"] == pod.namespace
            and selects(each["spec"].get("podSelector") or {}, pod.labels)
            and direction in directions(each["spec"])
        ]

    def _passes(self, direction: str, subject: End, peer: End, port: int, protocol: str) -> bool:
        if isinstance(subject, Outside):
            return True
        selecting = self.selecting(subject, direction)
        key, side = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
        rules = [rule for each in selecting for rule in each["spec"].get(key) or []]
        return not selecting or any(
            self._matches(subject, rule.get(side), peer) and _port(rule.get("ports"), port, protocol) for rule in rules
        )

    def _matches(self, subject: Pod, peers: Sequence[Mapping[str, Any]] | None, end: End) -> bool:
        return not peers or any(self._peer(subject, each, end) for each in peers)

    def _peer(self, subject: Pod, peer: Mapping[str, Any], end: End) -> bool:
        if "ipBlock" in peer:
            return (isinstance(end, Outside) or self.blocks_hold_pods) and _within(peer["ipBlock"], end.address)
        if isinstance(end, Outside):
            return False
        if "namespaceSelector" not in peer:
            return end.namespace == subject.namespace and selects(peer["podSelector"], end.labels)
        labels = {NAME: end.namespace, **self.namespaces.get(end.namespace, {})}
        return selects(peer["namespaceSelector"], labels) and selects(peer.get("podSelector") or {}, end.labels)


def directions(spec: Mapping[str, Any]) -> Iterable[str]:
    """The directions that a policy limits: without `policyTypes` incoming, and outgoing where it has rules for that."""
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches all."""
    return all(_satisfied(selector, labels))


def _satisfied(selector: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[bool]:
    for key, value in (selector.get("matchLabels") or {}).items():
        yield labels.get(key) == value
    for each in selector.get("matchExpressions") or []:
        key, values = each["key"], each.get("values") or []
        match each["operator"]:
            case "In":
                yield labels.get(key) in values
            case "NotIn":
                yield labels.get(key) not in values
            case "Exists":
                yield key in labels
            case "DoesNotExist":
                yield key not in labels
            case other:
                raise ValueError(f"no operator of label selectors: {other}")


def _within(block: Mapping[str, Any], address: str) -> bool:
    found = ipaddress.ip_address(address)
    return found in ipaddress.ip_network(block["cidr"]) and not any(
        found in ipaddress.ip_network(each) for each in block.get("except") or []
    )


def _port(ports: Sequence[Mapping[str, Any]] | None, port: int, protocol: str) -> bool:
    if not ports:
        return True
    for each in ports:
        if each.get("protocol", "TCP") != protocol:
            continue
        first = each.get("port")
        if first is None or int(first) <= port <= int(each.get("endPort", first)):
            return True
    return False
