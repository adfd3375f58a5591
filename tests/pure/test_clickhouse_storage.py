"""The storage configuration of ClickHouse, as text. Whether a server accepts it: tests/cluster/test_clickhouse_engine.py."""

from __future__ import annotations

import dataclasses
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import contracts
from components.clickhouse import storage
from tests.harness import clickhouse_space as space

TEXT = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=40)


def rendered(bucket: contracts.Bucket) -> ElementTree.Element:
    text = storage.configuration(bucket, "clickhouse", 20)
    assert isinstance(text, str)
    return ElementTree.fromstring(text)


def test_a_store_with_an_endpoint_is_addressed_by_path() -> None:
    assert rendered(space.COMPATIBLE).findtext(".//endpoint") == (
        "http://store.example.internal:9000/clickhouse/weave/clickhouse/{installation}/{cluster}/{shard}/{replica}/"
    )


@pytest.mark.parametrize(
    ("name", "region", "url"),
    [
        ("data", "us-east-2", "https://data.s3.us-east-2.amazonaws.com"),
        ("data", "cn-north-1", "https://data.s3.cn-north-1.amazonaws.com.cn"),
        ("my.data", "us-east-2", "https://s3.us-east-2.amazonaws.com/my.data"),
    ],
)
def test_a_bucket_of_aws_is_addressed_where_its_certificate_is_valid(name: str, region: str, url: str) -> None:
    assert storage.s3_url(name, region, None) == url


@pytest.mark.parametrize("endpoint", ["store:9000", "s3://store", "https://store/path", "https://", "https://a b", ""])
def test_an_endpoint_that_is_no_url_of_a_host_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match=r"bucket\.endpoint"):
        storage.s3_url("data", "us-east-1", endpoint)


@pytest.mark.parametrize("provider", ["gcs", "az", "cw"])
def test_an_object_store_without_a_disk_here_is_refused_and_told_what_there_is(provider: Any) -> None:
    bucket = dataclasses.replace(space.S3, provider=provider)
    with pytest.raises(ValueError, match=f"bucket.provider: '{provider}' .* supported: s3"):
        storage.configuration(bucket, "clickhouse", 20)


@given(TEXT, TEXT)
def test_no_value_can_break_out_of_the_xml(name: str, key: str) -> None:
    text = storage.s3_configuration(name, "us-east-1", "https://store.example", key, "clickhouse", 1)
    disk = ElementTree.fromstring(text).find(".//s3_disk")
    assert disk is not None
    assert disk.findtext("server_side_encryption_kms_key_id") == key
    assert disk.findtext("endpoint", "").startswith(f"https://store.example/{name}/weave/")


@given(space.servers())
def test_what_tables_remember_never_changes(args: Any) -> None:
    configuration = rendered(args.bucket)
    assert configuration.findtext(".//s3_disk/metadata_path") == "/var/lib/clickhouse/disks/s3_disk/"
    assert configuration.findtext(".//s3_disk_cache/disk") == "s3_disk"
    assert configuration.findtext(".//policies/s3_main/volumes/main/disk") == "s3_disk_cache"
    assert configuration.findtext("merge_tree/storage_policy") == "s3_main"


@given(space.servers())
def test_each_replica_has_objects_of_its_own_and_checks_the_bucket_at_start(args: Any) -> None:
    configuration = rendered(args.bucket)
    assert configuration.findtext("merge_tree/allow_remote_fs_zero_copy_replication") == "0"
    assert configuration.findtext(".//s3_disk/skip_access_check") == "false"


def test_keys_come_from_a_secret_and_never_from_the_node() -> None:
    variables = {variable["name"]: variable for variable in storage.environment(space.COMPATIBLE)}
    assert variables["AWS_ACCESS_KEY_ID"]["valueFrom"]["secretKeyRef"] == {
        "name": "clickhouse-keys",
        "key": "ACCESS_KEY",
    }
    assert variables["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"]["key"] == "SECRET_KEY"
    assert variables["AWS_EC2_METADATA_DISABLED"]["value"] == "true"
    assert "AWS_EC2_METADATA_DISABLED" not in [variable["name"] for variable in storage.environment(space.S3)]


def test_system_logs_are_on_the_local_disk_or_off() -> None:
    logs = ElementTree.fromstring(storage.system_logs())
    kept = {log.tag: log for log in logs if log.get("remove") is None}
    assert set(kept) == {"query_log", "part_log", "crash_log"}
    for name in storage.LOGS_KEPT:
        # a policy beside an engine stops the server, so it has to be inside
        assert "SETTINGS storage_policy='default'" in kept[name].findtext("engine", "")
        assert kept[name].find("storage_policy") is None
        assert kept[name].get("replace") == "1"
    assert kept["crash_log"].findtext("storage_policy") == "default"
    assert len({log.tag for log in logs}) == len(logs)
