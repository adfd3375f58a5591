"""The vocabulary of NetworkPolicies, and what the stack is told of the network around it.

Every policy here selects pods by labels and says both what may come in and what may go out. None selects a whole namespace: in one
that the user brings there may be pods of others. Whether a policy is enforced is the matter of the cluster's network plugin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from . import contracts

Peer = Mapping[str, Any]
Rule = Mapping[str, Any]

EVERYWHERE = ("0.0.0.0/0", "::/0")
LINK_LOCAL = ("169.254.0.0/16", "fe80::/10")
"""Where clouds hand out identities, the node's own among them: never a part of "everywhere"."""
DNS_PORTS = (53, 5353)
"""The second is what OpenShift's DNS pods listen on; a policy is held against the port of the pod, not of the Service."""
API_PORTS = (443, 6443)
"""The Service `kubernetes` is on the first; what is behind it may be on the second (kubeadm, OpenShift)."""
POD_IDENTITY = ("169.254.170.23/32", 80)
"""Source: EKS User Guide, "Set up the Amazon EKS Pod Identity Agent"."""
METADATA = (("169.254.169.254/32", 80), ("169.254.169.252/32", 988))
"""Source: GKE documentation, "Authenticate to Google Cloud APIs from GKE workloads", on network policies; the second is where older
clusters are asked."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What is around the stack's pods, as far as policies have to know it. Networks are CIDR blocks."""

    ingress_namespaces: Sequence[str] = ()
    """Where the controllers run that send users' requests to W&B's pods."""
    ingress_networks: Sequence[str] = ()
    """Where load balancers have their addresses that reach the pods without a controller in between."""
    egress_networks: Sequence[str] = EVERYWHERE
    """Where everything is that is outside of the cluster: data stores, buckets, the API server, the internet."""
    dns_namespaces: Sequence[str] = ("kube-system", "openshift-dns")
    monitoring_namespace: str | None = None
    """Where Prometheus runs; None: nobody outside reads metrics."""


def namespace(name: pulumi.Input[str]) -> Peer:
    """Every pod of a namespace."""
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def pods(labels: Mapping[str, pulumi.Input[str]]) -> Peer:
    """Pods of the policy's own namespace, by labels."""
    return {"podSelector": {"matchLabels": dict(labels)}}


def pods_of(label: str, values: Iterable[str], **labels: str) -> Peer:
    """Pods of the policy's own namespace whose `label` has one of `values`."""
    chosen = {"key": label, "operator": "In", "values": list(values)}
    return {"podSelector": {"matchExpressions": [chosen], **({"matchLabels": labels} if labels else {})}}


def within(name: pulumi.Input[str], peer: Peer) -> Peer:
    """The same pods, of another namespace."""
    return {**namespace(name), **peer}


def networks(blocks: Iterable[str]) -> list[Peer]:
    """Addresses outside of the cluster, without those that clouds hand out identities at."""
    found: list[Peer] = []
    for block in blocks:
        # an exception has to lie within the block
        inside = [each for each in LINK_LOCAL if block == EVERYWHERE[0 if "." in each else 1]]
        found.append({"ipBlock": {"cidr": block, **({"except": inside} if inside else {})}})
    return found


def incoming(peers: Sequence[Peer], numbers: Sequence[int]) -> list[Rule]:
    """TCP from `peers` to ports of the selected pods. Nothing where either is empty: a rule reads that as all."""
    return [{"from": list(peers), "ports": _ports(numbers)}] if peers and numbers else []


def outgoing(peers: Sequence[Peer], numbers: Iterable[int] | None = None) -> list[Rule]:
    """TCP to ports of `peers`, or (None) to all of theirs; nothing where there are no peers."""
    if not peers:
        return []
    return [{"to": list(peers), **({} if numbers is None else {"ports": _ports(numbers)})}]


def dns(around: Surroundings) -> list[Rule]:
    """Names are resolved by the cluster's DNS, in its namespace or on the node itself, at a link-local address there."""
    peers: list[Peer] = [namespace(each) for each in around.dns_namespaces]
    peers.append({"ipBlock": {"cidr": LINK_LOCAL[0]}})
    ports = [{"protocol": protocol, "port": port} for port in DNS_PORTS for protocol in ("UDP", "TCP")]
    return [{"to": peers, "ports": ports}]


def outside(around: Surroundings, numbers: Iterable[int]) -> list[Rule]:
    """What is not in the cluster, on these ports."""
    wanted = sorted(set(numbers))
    return outgoing(networks(around.egress_networks), wanted) if wanted else []


def api_server(around: Surroundings) -> list[Rule]:
    """The cluster's own API, whose address is that of a control plane that this program does not know."""
    return outside(around, API_PORTS)


def identity(buckets: Iterable[contracts.Bucket]) -> list[Rule]:
    """Where pods get the tokens that open their buckets; nothing where keys open them, or where tokens are files."""
    keyless = {bucket.provider for bucket in buckets if bucket.keys is None}
    found = ([POD_IDENTITY] if "s3" in keyless else []) + (list(METADATA) if "gcs" in keyless else [])
    return [rule for cidr, port in found for rule in outgoing([{"ipBlock": {"cidr": cidr}}], [port])]


def policy(
    name: str,
    where: pulumi.Input[str],
    subjects: Peer,
    *,
    labels: Mapping[str, str],
    ingress: Sequence[Rule] = (),
    egress: Sequence[Rule] = (),
) -> dict[str, Any]:
    """A NetworkPolicy: the selected pods take and make no other connections than these, and those of other policies."""
    return {
        "metadata": {"name": name, "namespace": where, "labels": dict(labels)},
        "spec": {
            "podSelector": subjects["podSelector"],
            "policyTypes": ["Ingress", "Egress"],
            "ingress": list(ingress),
            "egress": list(egress),
        },
    }


def _ports(numbers: Iterable[int]) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": number} for number in numbers]
