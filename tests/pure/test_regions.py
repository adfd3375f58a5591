"""The table of AWS regions: complete, in the SDK's own names, and of use to whoever mistypes one."""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path

import botocore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.regions import EKS_EXCLUDED_ZONE_IDS, REGIONS, is_zone_of, nearest_region

names = st.sampled_from(sorted(REGIONS))


def sdk_regions() -> set[str]:
    """The members of the SDK's enum, read from its text: importing the SDK takes seconds."""
    found = importlib.util.find_spec("pulumi_aws")
    assert found
    assert found.origin
    tree = ast.parse(Path(found.origin).with_name("_enums.py").read_text())
    [region] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Region"]
    return {ast.literal_eval(node.value) for node in region.body if isinstance(node, ast.Assign)}


def test_the_regions_are_those_of_the_sdk():
    assert set(REGIONS) == sdk_regions()


def test_every_region_is_in_the_partition_that_aws_says():
    partitions = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())["partitions"]
    said = {name: each["id"] for each in partitions for name in each["regions"]}
    assert {name: region.partition for name, region in REGIONS.items()} == {name: said[name] for name in REGIONS}


def test_the_default_zones_are_among_those_that_ec2_knows():
    zones = pytest.importorskip("moto.ec2.models.availability_zones_and_regions").RegionsAndZonesBackend.zones
    beyond = {"cn-north-1"}  # its third zone is newer than the list
    for name, region in REGIONS.items():
        if region.default_zones and name not in beyond:
            assert set(region.default_zones) <= {zone.name for zone in zones[name]}


@given(names)
def test_the_default_zones_are_three_of_the_region_or_none(name: str):
    zones = REGIONS[name].default_zones
    assert len(set(zones)) == len(zones)
    assert len(zones) in (0, 3)
    assert all(is_zone_of(zone, name) for zone in zones)


def test_where_accounts_see_different_zones_there_is_no_default():
    assert REGIONS["us-west-1"].default_zones == ()
    assert REGIONS["ap-northeast-1"].default_zones == ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d")


def test_zones_without_eks_are_named_by_what_does_not_differ_between_accounts():
    assert all("-az" in each for each in EKS_EXCLUDED_ZONE_IDS)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("eu-central1", "eu-central-1"),
        ("EU_Central_1", "eu-central-1"),
        ("eu-central-1a", "eu-central-1"),
        ("eu-centrall-1", "eu-central-1"),
        ("useast1", "us-east-1"),
        ("us-gov-west1", "us-gov-west-1"),
        ("cn-north1", "cn-north-1"),
        ("westeurope", None),
        ("", None),
    ],
)
def test_a_mistyped_region_is_recognised(typed: str, meant: str | None):
    assert nearest_region(typed) == meant


@given(st.text(max_size=30))
def test_whatever_is_typed_the_suggestion_is_a_region(text: str):
    assert nearest_region(text) in {None, *REGIONS}


@given(names)
def test_a_region_is_its_own_suggestion(name: str):
    assert nearest_region(name) == name


@pytest.mark.parametrize(
    ("zone", "region", "fits"),
    [
        ("eu-central-1a", "eu-central-1", True),
        ("eu-central-1", "eu-central-1", False),
        ("eu-west-1a", "eu-central-1", False),
        ("eu-central-1A", "eu-central-1", False),
        ("us-west-2-lax-1a", "us-west-2", False),
        ("", "us-west-2", False),
    ],
)
def test_a_zones_name_is_its_region_and_a_letter(zone: str, region: str, fits: bool):
    assert is_zone_of(zone, region) is fits
