"""Where the subnets of a VPC lie: properties over every VPC that is allowed, and one layout pinned address by address."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.aws.subnets import (
    MOST_ZONES,
    NARROWEST,
    PRIVATE_RANGES,
    RESERVED_ADDRESSES,
    WIDEST,
    Layout,
    full_nodes,
    layout,
)

ZONES = tuple(f"eu-central-1{letter}" for letter in "abcdef")
SMALLEST_FOR_A_LOAD_BALANCER = 27


@st.composite
def vpcs(draw: st.DrawFn) -> str:
    """Any VPC that is allowed."""
    around = draw(st.sampled_from(PRIVATE_RANGES))
    prefix = draw(st.integers(WIDEST, NARROWEST))
    place = draw(st.integers(0, 2 ** (prefix - around.prefixlen) - 1))
    return str(IPv4Network((int(around.network_address) + place * 2 ** (32 - prefix), prefix)))


vpc = vpcs()
number_of_zones = st.integers(1, MOST_ZONES)


def everything(made: Layout) -> list[IPv4Network]:
    return [IPv4Network(cidr) for cidr in (*made.public, *made.private, *made.database)]


@given(vpc, number_of_zones)
def test_every_zone_has_one_subnet_of_each_kind(cidr: str, zones: int) -> None:
    made = layout(cidr, ZONES[:zones])
    assert [len(made.public), len(made.private), len(made.database)] == [zones] * 3


@given(vpc, number_of_zones)
def test_every_subnet_lies_inside_the_vpc(cidr: str, zones: int) -> None:
    assert all(subnet.subnet_of(IPv4Network(cidr)) for subnet in everything(layout(cidr, ZONES[:zones])))


@given(vpc, number_of_zones)
def test_no_two_subnets_overlap(cidr: str, zones: int) -> None:
    pairs = itertools.combinations(everything(layout(cidr, ZONES[:zones])), 2)
    assert not any(one.overlaps(other) for one, other in pairs)


@given(vpc, st.integers(1, MOST_ZONES - 1))
def test_a_zone_added_at_the_end_moves_no_subnet_that_exists(cidr: str, zones: int) -> None:
    before, after = layout(cidr, ZONES[:zones]), layout(cidr, ZONES[: zones + 1])
    for kind in ("public", "private", "database"):
        assert getattr(after, kind)[:zones] == getattr(before, kind)


@given(vpc, number_of_zones)
def test_addresses_do_not_depend_on_what_the_zones_are_called(cidr: str, zones: int) -> None:
    assert layout(cidr, ZONES[:zones]) == layout(cidr, [f"zone-{number}" for number in range(zones)])


@given(vpc, number_of_zones)
def test_every_subnet_is_wide_enough_for_what_stands_in_it(cidr: str, zones: int) -> None:
    made = layout(cidr, ZONES[:zones])
    assert all(full_nodes(subnet) >= 3 for subnet in made.private), "a zone holds three nodes full of pods"
    assert all(IPv4Network(subnet).prefixlen < SMALLEST_FOR_A_LOAD_BALANCER for subnet in made.public)
    assert all(IPv4Network(subnet).num_addresses > 2 * RESERVED_ADDRESSES for subnet in made.database)


@given(vpc)
def test_nodes_and_pods_get_three_quarters_of_the_vpc(cidr: str) -> None:
    private = sum(IPv4Network(subnet).num_addresses for subnet in layout(cidr, ZONES).private)
    assert private * 4 == IPv4Network(cidr).num_addresses * 3


def test_the_layout_is_pinned_because_stacks_live_in_it() -> None:
    assert layout("10.20.0.0/16", ZONES) == Layout(
        private=(
            "10.20.0.0/19",
            "10.20.32.0/19",
            "10.20.64.0/19",
            "10.20.96.0/19",
            "10.20.128.0/19",
            "10.20.160.0/19",
        ),
        public=(
            "10.20.192.0/22",
            "10.20.196.0/22",
            "10.20.200.0/22",
            "10.20.204.0/22",
            "10.20.208.0/22",
            "10.20.212.0/22",
        ),
        database=(
            "10.20.224.0/22",
            "10.20.228.0/22",
            "10.20.232.0/22",
            "10.20.236.0/22",
            "10.20.240.0/22",
            "10.20.244.0/22",
        ),
    ), (
        "AWS cannot move a subnet: another layout replaces every subnet of every stack, and the nodes and databases in it"
    )


@pytest.mark.parametrize(
    ("cidr", "nodes"),
    [("10.0.0.0/16", 54), ("10.0.0.0/17", 27), ("10.0.0.0/18", 13), ("10.0.0.0/19", 6), ("10.0.0.0/20", 3)],
)
def test_as_many_full_nodes_fit_a_zone_as_the_table_says(cidr: str, nodes: int) -> None:
    assert full_nodes(layout(cidr, ZONES[:1]).private[0]) == nodes


@pytest.mark.parametrize("cidr", ["", "10.20.0.0", "10.20.0.0/33", "10.20.0/16", "2001:db8::/32", "ten"])
def test_what_is_no_network_is_refused_with_an_example(cidr: str) -> None:
    with pytest.raises(ValueError, match=r"^cidr: '.*' is no IPv4 network\. .* such as 10\.20\.0\.0/16"):
        layout(cidr, ZONES[:3])


def test_an_address_inside_a_network_is_refused_with_the_network_around_it() -> None:
    with pytest.raises(ValueError, match=r"^cidr: 10\.20\.3\.0/16 does not begin .* around it is 10\.20\.0\.0/16"):
        layout("10.20.3.0/16", ZONES[:3])


@pytest.mark.parametrize(
    ("cidr", "why", "instead"),
    [
        ("10.0.0.0/8", "AWS makes no VPC wider than a /16", "10.0.0.0/16"),
        ("10.20.48.0/24", "a zone would not hold three full nodes", "10.20.48.0/20"),
    ],
)
def test_a_vpc_of_another_size_is_refused_with_the_reason_and_one_that_would_do(
    cidr: str, why: str, instead: str
) -> None:
    with pytest.raises(ValueError, match="Allowed are /16 to /20") as refused:
        layout(cidr, ZONES[:3])
    assert why in str(refused.value)
    assert f"Give {instead}" in str(refused.value)
    assert layout(instead, ZONES[:3]), "what the message advises is accepted"


@pytest.mark.parametrize("cidr", ["8.8.0.0/16", "172.32.0.0/16", "169.254.0.0/16", "127.0.0.0/16", "224.0.0.0/16"])
def test_addresses_of_others_are_refused(cidr: str) -> None:
    with pytest.raises(ValueError, match=r"is not private\. Allowed are networks within 10\.0\.0\.0/8"):
        layout(cidr, ZONES[:3])


@pytest.mark.parametrize("zones", [(), (*ZONES, "eu-central-1g")])
def test_no_zone_and_more_than_six_are_refused(zones: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=rf"^zones: {len(zones)} given .* Allowed are 1 to 6"):
        layout("10.20.0.0/16", zones)


def test_a_zone_given_twice_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^zones: eu-central-1a is given more than once"):
        layout("10.20.0.0/16", ["eu-central-1a", "eu-central-1b", "eu-central-1a"])
