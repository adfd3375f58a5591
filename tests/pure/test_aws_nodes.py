"""Which nodes a cluster gets: pools dealt out over zones, and what each node carries."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.aws import addons, arns, autoscaler, nodes, values

ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c", "eu-central-1d", "eu-central-1e", "eu-central-1f")


def pool(**changes: Any) -> nodes.NodePool:
    """A pool for any pod, with `changes`."""
    given_: dict[str, Any] = {"name": "general", "instance_types": ("r6i.4xlarge",), "count": 3, "max_count": 6}
    return nodes.NodePool(**given_ | changes)


@st.composite
def pools(draw: st.DrawFn) -> nodes.NodePool:
    """Any pool that can be asked for."""
    count = draw(st.integers(0, 60))
    return pool(count=count, max_count=draw(st.integers(max(count, 1), 90)))


counts, zone_counts = st.integers(0, 1000), st.integers(1, 6)


@given(counts, zone_counts)
def test_every_node_is_in_some_zone_and_no_zone_has_two_more_than_another(count: int, zones: int) -> None:
    dealt = nodes.shares(count, zones)
    assert len(dealt) == zones
    assert sum(dealt) == count
    assert max(dealt) - min(dealt) <= 1


@given(counts, counts, zone_counts)
def test_more_nodes_take_none_from_any_zone(some: int, others: int, zones: int) -> None:
    fewer, more = sorted((some, others))
    assert all(a <= b for a, b in zip(nodes.shares(fewer, zones), nodes.shares(more, zones), strict=True))


@given(pools(), zone_counts, st.booleans())
def test_the_groups_of_a_pool_add_up_to_it(pool: nodes.NodePool, zones: int, scaled: bool) -> None:
    planned = nodes.plan(pool, ZONES[:zones], scaled=scaled)
    assert sum(group.least for group in planned) == pool.count
    if scaled:
        assert sum(group.most for group in planned) == pool.max_count
    assert all(group.most >= 1 for group in planned), "EKS takes no group that can never have a node"
    assert len({group.zone for group in planned}) == len(planned)


@given(pools(), zone_counts, st.booleans())
def test_sizes_are_such_that_eks_takes_them(pool: nodes.NodePool, zones: int, scaled: bool) -> None:
    for group in nodes.plan(pool, ZONES[:zones], scaled=scaled):
        made: Any = nodes.sizes(group, scaled=scaled)
        assert 0 <= made["min_size"] <= made["desired_size"] <= made["max_size"]
        assert made["desired_size"] == group.least


@given(pools(), pools(), zone_counts)
def test_no_resize_changes_the_limits_of_a_group_whose_size_the_autoscaler_minds(
    one: nodes.NodePool, other: nodes.NodePool, zones: int
) -> None:
    before, after = (
        {group.zone: nodes.sizes(group, scaled=True) for group in nodes.plan(each, ZONES[:zones], scaled=True)}
        for each in (one, other)
    )
    for zone in before.keys() & after.keys():
        assert before[zone]["min_size"] == after[zone]["min_size"]
        assert before[zone]["max_size"] == after[zone]["max_size"]


def test_without_the_autoscaler_a_resize_sets_the_number() -> None:
    (first, *_) = nodes.plan(pool(count=7, max_count=9), ZONES[:3], scaled=False)
    assert nodes.sizes(first, scaled=False) == {"min_size": 3, "max_size": 3, "desired_size": 3}


def test_a_tainted_pool_carries_its_taint_as_a_label_so_that_its_pods_find_it() -> None:
    made = pool(name="clickhouse", taint="dedicated=clickhouse:NoSchedule", labels={"team": "data"})
    assert made.kept_for == ("dedicated", "clickhouse")
    assert made.node_labels == {"team": "data", "dedicated": "clickhouse", nodes.POOL_LABEL: "clickhouse"}


def test_a_pool_for_any_pod_has_its_name_and_no_taint() -> None:
    assert pool().kept_for is None
    assert pool().node_labels == {nodes.POOL_LABEL: "general"}


def test_nothing_runs_on_spare_capacity_that_does_not_ask_for_it() -> None:
    made = pool(name="spot", spot=True, count=0, instance_types=("m6i.4xlarge", "m5.4xlarge"))
    assert made.kept_for == ("dedicated", "spot")
    assert pool(spot=True, taint="example.com/spare=true:NoSchedule").kept_for == ("example.com/spare", "true")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "General"}, "the name must be"),
        ({"name": "a" * 21}, "the name must be"),
        ({"instance_types": ()}, "instance_types: none given"),
        ({"instance_types": ("m6i.large", "m5.large")}, "planned alike"),
        ({"count": 4, "max_count": 3}, "count 4 and max_count 3"),
        ({"count": -1}, "count -1"),
        ({"count": 0, "max_count": 0}, "1 <= max_count"),
        ({"disk_gib": 8}, "disk_gib: 8"),
        ({"taint": "dedicated=clickhouse:NoExecute"}, "taint:"),
    ],
)
def test_a_pool_that_cannot_be_made_says_why(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        pool(**changes)


def test_the_autoscaler_knows_what_a_node_of_an_empty_group_would_be_like() -> None:
    made = pool(name="spot", spot=True, count=0, disk_gib=80, labels={"team": "data"})
    prefix = "k8s.io/cluster-autoscaler/node-template"
    assert nodes.template_tags(made) == {
        f"{prefix}/label/team": "data",
        f"{prefix}/label/dedicated": "spot",
        f"{prefix}/label/wandb.pulumi/pool": "spot",
        f"{prefix}/taint/dedicated": "spot:NoSchedule",
        f"{prefix}/resources/ephemeral-storage": "80Gi",
    }


def network(zones: tuple[str, ...], subnets: tuple[str, ...]) -> values.Network:
    return values.Network(
        vpc_id="vpc-1",
        zones=zones,
        private_subnets=subnets,
        node_subnets=subnets,
        public_subnets=(),
        database_subnets=(),
    )


def test_two_subnets_of_one_zone_make_one_group() -> None:
    found = nodes.zones_of(network(("eu-1a", "eu-1b", "eu-1a"), ("s1", "s2", "s3")))
    assert found == {"eu-1a": ["s1", "s3"], "eu-1b": ["s2"]}


def test_a_subnet_of_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="2 node subnets and 1 zones"):
        nodes.zones_of(network(("eu-1a",), ("s1", "s2")))


VERSION = re.compile(r"v\d+\.\d+\.\d+-eksbuild\.\d+")


@pytest.mark.parametrize("partition", arns.DNS_SUFFIX)
@pytest.mark.parametrize("minor", addons.VERSIONS)
def test_every_add_on_is_pinned_for_every_minor(minor: str, partition: str) -> None:
    pinned = addons.versions(minor, partition=partition)
    assert tuple(pinned) == (*addons.first(partition), *addons.after_nodes(partition))
    assert all(VERSION.fullmatch(version) for version in pinned.values())
    assert pinned["kube-proxy"].startswith(f"v{minor}."), "it must not be newer than the API server"


def test_each_partition_gets_the_add_ons_that_it_has() -> None:
    everywhere = {"vpc-cni", "kube-proxy", "coredns", "aws-ebs-csi-driver"}
    assert set(addons.versions("1.35")) == everywhere | {"eks-pod-identity-agent", "metrics-server"}
    assert set(addons.versions("1.35", partition="aws-us-gov")) == everywhere | {"eks-pod-identity-agent"}
    assert set(addons.versions("1.35", partition="aws-cn")) == everywhere


def test_an_add_on_that_the_partition_does_not_have_is_refused() -> None:
    given = {"eks-pod-identity-agent": "v1.3.10-eksbuild.3"}
    assert addons.versions("1.35", given, partition="aws-us-gov")["eks-pod-identity-agent"] == "v1.3.10-eksbuild.3"
    with pytest.raises(ValueError, match="eks-pod-identity-agent not among those installed"):
        addons.versions("1.35", given, partition="aws-cn")


def test_the_autoscaler_has_a_release_for_every_minor_that_add_ons_are_pinned_for() -> None:
    assert set(autoscaler.IMAGE_TAGS) == set(addons.VERSIONS)
    assert all(tag.startswith(f"v{minor}.") for minor, tag in autoscaler.IMAGE_TAGS.items())


def test_the_chart_of_the_autoscaler_is_one_that_scales() -> None:
    major, minor, _ = (int(each) for each in autoscaler.Autoscaler().chart_version.split("."))
    assert (major, minor) >= (9, 47)


def test_a_version_that_is_given_wins() -> None:
    assert addons.versions("1.35", {"vpc-cni": "v1.23.1-eksbuild.1"})["vpc-cni"] == "v1.23.1-eksbuild.1"


def test_a_minor_without_pins_needs_every_version_from_the_user() -> None:
    with pytest.raises(ValueError, match=r"no add-ons are pinned for Kubernetes 1\.40.*describe-addon-versions"):
        addons.versions("1.40")
    every = dict.fromkeys((*addons.first("aws"), *addons.after_nodes("aws")), "v9.9.9-eksbuild.1")
    assert addons.versions("1.40", every) == every


def test_an_add_on_that_is_not_installed_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="vpc_cni not among those installed, which are vpc-cni"):
        addons.versions("1.35", {"vpc_cni": "v1.23.1-eksbuild.1"})
