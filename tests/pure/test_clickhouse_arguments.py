"""What the ClickHouse component refuses before anything is registered, and in which words."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.clickhouse import BackupArgs, Chart, Images
from components.clickhouse.operator import image
from tests.harness import clickhouse_space as space


def test_the_defaults_are_what_the_reference_recommends_for_production() -> None:
    args = space.clickhouse()
    assert (args.replicas, args.keepers) == (3, 3)
    assert (args.volume_gib, args.cache_gib, args.keeper_volume_gib) == (200, 100, 20)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keepers": 2}, "keepers: 2 given; 1, 3 or 5"),
        ({"keepers": 0}, "keepers: 0 given"),
        ({"keepers": 7}, "keepers: 7 given"),
        ({"replicas": 0}, "replicas: 0 given; at least 1"),
        ({"keepers": 1}, "keepers: 1 given with 3 replicas"),
        ({"shards": 0}, "shards: 0 given"),
        ({"shards": 10, "distributed": True}, "shards: 10 given; 1 to 9"),
        ({"shards": 2}, "distributed: False given with 2 shards"),
        (
            {
                "shards": 2,
                "distributed": True,
                "backup": BackupArgs(bucket=dataclasses.replace(space.S3, name="backups")),
            },
            "backup: given with 2 shards",
        ),
        ({"volume_gib": 50, "cache_gib": 26}, "cache_gib: 26 given; 1 to 25"),
        ({"cache_gib": 0}, "cache_gib: 0 given"),
        ({"volume_gib": 9, "cache_gib": 1}, "volume_gib: 9 given"),
        ({"keeper_volume_gib": 0}, "keeper_volume_gib: 0 given"),
        ({"cluster_name": "weave_cluster"}, "cluster_name: 'weave_cluster' given"),
        ({"cluster_name": "weave-cluster"}, "cluster_name: 'weave-cluster' given"),
        ({"cluster_name": "Weave"}, "cluster_name: 'Weave' given"),
        ({"cluster_name": "a" * 16}, "cluster_name: "),
        ({"installation": "a" * 16}, "installation: "),
        ({"installation": "Wandb"}, "installation: 'Wandb' given"),
        ({"database": "we`ave"}, "database: 'we`ave' given"),
        ({"user": "default"}, "user: 'default' is a user of ClickHouse's own"),
        ({"client_networks": ("10.0.0.0/33",)}, "client_networks: '10.0.0.0/33' does not"),
        ({"client_networks": ()}, "client_networks: without one"),
        ({"images": Images(hook="alpine/k8s")}, "images.hook: image 'alpine/k8s' has no tag"),
        ({"images": Images(hook="a:1", server="clickhouse:latest")}, "images.server: the tag of 'clickhouse:latest'"),
        ({"bucket": dataclasses.replace(space.S3, provider="ftp")}, "bucket.provider: 'ftp'"),
    ],
)
def test_a_mistake_is_refused_with_the_name_of_the_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="ClickHouse: ") as refused:
        space.clickhouse(**changes)
    assert message in str(refused.value)


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(ValueError, match="ClickHouse: ") as refused:
        space.clickhouse(keepers=4, cache_gib=500, cluster_name="weave_cluster")
    for field in ("keepers: ", "cache_gib: ", "cluster_name: "):
        assert field in str(refused.value)


@given(space.servers())
def test_what_the_property_tests_explore_is_what_the_component_accepts(args: Any) -> None:
    fields = (
        "cluster",
        "bucket",
        "shards",
        "replicas",
        "keepers",
        "installation",
        "cluster_name",
        "volume_gib",
        "cache_gib",
    )
    space.clickhouse(distributed=args.user.distributed, **{field: getattr(args, field) for field in fields})


@given(st.integers(-5, 100), st.integers(-5, 60))
def test_a_cache_is_accepted_exactly_up_to_half_of_its_volume(volume: int, cache: int) -> None:
    legal = volume >= 10 and 1 <= cache <= volume / 2
    try:
        space.clickhouse(volume_gib=volume, cache_gib=cache)
    except ValueError:
        assert not legal
    else:
        assert legal


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("alpine/k8s:1.35.0", ("alpine/k8s", "1.35.0")),
        ("registry.example:5000/k8s:1", ("registry.example:5000/k8s", "1")),
        ("alpine/k8s@sha256:0123", ("alpine/k8s@sha256", "0123")),
    ],
)
def test_the_chart_gets_an_image_in_two_parts_that_join_to_the_same(reference: str, parts: tuple[str, str]) -> None:
    assert tuple(image(reference).values()) == parts


def test_an_image_of_a_registry_with_a_port_and_no_tag_is_refused() -> None:
    with pytest.raises(ValueError, match="has no tag"):
        image("registry.example:5000/k8s")


def test_the_operator_is_pinned() -> None:
    assert Chart().version == "0.25.6"
