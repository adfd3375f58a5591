"""Which addresses the subnets of a VPC get: arithmetic alone, no AWS.

A VPC is cut into eight equal slots, whatever the number of zones:

    0 .. 5   one private subnet each, for the zones in their order
    6        public subnets, an eighth of the slot each
    7        database subnets, an eighth of the slot each

So a zone that is added at the end takes slots that were free, and no subnet that exists ever moves: AWS cannot change
the addresses of a subnet, so a move would replace it and everything inside. Where slots lie is pinned by a test.

Nodes and pods live in the private subnets, which therefore get three quarters of the VPC. With the VPC CNI every pod
takes an address of its node's subnet, and a node holds more than it uses: a network interface's addresses are taken all
at once, and one spare interface is kept (`WARM_ENI_TARGET`). See `NODE_ADDRESSES` for what that comes to.

| VPC | private subnet | usable | full nodes per zone | public, database subnet | usable |
|---|---|---|---|---|---|
| /16 | /19 | 8187 | 54 | /22 | 1019 |
| /17 | /20 | 4091 | 27 | /23 | 507 |
| /18 | /21 | 2043 | 13 | /24 | 251 |
| /19 | /22 | 1019 | 6 | /25 | 123 |
| /20 | /23 | 507 | 3 | /26 | 59 |

Public subnets carry a NAT gateway and load balancers alone: an Application Load Balancer asks for a /27 with 8 free
addresses (Elastic Load Balancing, "Subnets for your load balancer"). EKS asks for 6 free addresses in each subnet of the
control plane and recommends 16 (Amazon EKS User Guide, "View Amazon EKS networking requirements for VPC and subnets").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

WIDEST, NARROWEST = 16, 20
"""Prefix lengths of a VPC. AWS makes none wider than /16 (Amazon VPC User Guide, "VPC CIDR blocks"); in one narrower than
/20 a zone would not hold three full nodes."""

MOST_ZONES = 6
"""As many as the region with the most zones has, us-east-1."""

SLOT_BITS = 3
PUBLIC_SLOT, DATABASE_SLOT = 6, 7

RESERVED_ADDRESSES = 5
"""What AWS keeps of every subnet: its first four addresses and the last (Amazon VPC User Guide, "Subnet CIDR blocks")."""

NODE_ADDRESSES = 150
"""Addresses of a node with 110 pods, the most that EKS' managed node groups put on one with fewer than 30 vCPUs (Amazon EKS
User Guide, "Choose an optimal Amazon EC2 node instance type"). On a 16-vCPU node interfaces have 30 addresses, one of them
the interface's own: four for the pods, and one spare."""

PRIVATE_RANGES = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
"""Addresses that nobody on the internet has: RFC 1918 and RFC 6598."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The CIDR of each subnet; every tuple follows the zones."""

    public: tuple[str, ...]
    """For load balancers and NAT gateways."""
    private: tuple[str, ...]
    """For nodes and pods."""
    database: tuple[str, ...]
    """For Aurora and ElastiCache."""


def layout(cidr: str, zones: Sequence[str]) -> Layout:
    """The subnets of a VPC with the addresses `cidr`, one of each kind in each zone.

    Raises `ValueError` that says what was given, what is allowed, why, and what to do: for a CIDR that is none, is wider
    than /16 or narrower than /20, or is not private; for no zone, more than six, or one given twice.
    """
    slots = list(_network(cidr).subnets(SLOT_BITS))
    _check_zones(zones)

    def of(networks: Sequence[IPv4Network]) -> tuple[str, ...]:
        return tuple(map(str, networks[: len(zones)]))

    return Layout(
        public=of(list(_eighths(slots[PUBLIC_SLOT]))),
        private=of(slots),
        database=of(list(_eighths(slots[DATABASE_SLOT]))),
    )


def full_nodes(cidr: str) -> int:
    """How many nodes with as many pods as EKS allows fit a private subnet at once; see `NODE_ADDRESSES`."""
    return (IPv4Network(cidr).num_addresses - RESERVED_ADDRESSES) // NODE_ADDRESSES


def _eighths(slot: IPv4Network) -> Iterator[IPv4Network]:
    return slot.subnets(SLOT_BITS)


def _network(cidr: str) -> IPv4Network:
    try:
        network = IPv4Network(cidr, strict=False)
    except ValueError:
        network = None
    if network is None or "/" not in cidr:
        raise ValueError(
            f"cidr: {cidr!r} is no IPv4 network. Give its first address and the length of its prefix, such as 10.20.0.0/16."
        )
    if str(network.network_address) != cidr.partition("/")[0]:
        raise ValueError(
            f"cidr: {cidr} does not begin where a network of that size begins. The network around it is {network}: "
            "give that, or another."
        )
    _check_size(network)
    if not any(network.subnet_of(private) for private in PRIVATE_RANGES):
        raise ValueError(
            f"cidr: {network} is not private. Allowed are networks within {', '.join(map(str, PRIVATE_RANGES))}: others "
            "belong to someone on the internet, whom nothing in this VPC could reach. Choose one of these that overlaps "
            "no network you will connect to, such as 10.20.0.0/16."
        )
    return network


def _check_size(network: IPv4Network) -> None:
    if WIDEST <= network.prefixlen <= NARROWEST:
        return
    if network.prefixlen < WIDEST:
        why = f"AWS makes no VPC wider than a /{WIDEST}"
        instead = next(network.subnets(new_prefix=WIDEST))
    else:
        why = (
            "every pod takes an address, and a zone's private subnet is an eighth of the VPC, so that a zone would not "
            "hold three full nodes"
        )
        instead = network.supernet(new_prefix=NARROWEST)
    raise ValueError(
        f"cidr: {network} is a /{network.prefixlen}. Allowed are /{WIDEST} to /{NARROWEST}: {why}. "
        f"Give {instead}, or another of that size."
    )


def _check_zones(zones: Sequence[str]) -> None:
    if not 1 <= len(zones) <= MOST_ZONES:
        raise ValueError(
            f"zones: {len(zones)} given ({', '.join(zones) or 'none'}). Allowed are 1 to {MOST_ZONES}: each has a fixed place "
            "in the VPC, and there are six. Three are enough for any one to fail."
        )
    twice = sorted({zone for zone in zones if list(zones).count(zone) > 1})
    if twice:
        raise ValueError(
            f"zones: {', '.join(twice)} is given more than once in {', '.join(zones)}. A zone has one place: name each once."
        )
