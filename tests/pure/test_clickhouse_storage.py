"""The storage configuration of ClickHouse, as text. Whether a server accepts it: tests/cluster/test_clickhouse_engine.py."""

from __future__ import annotations

import dataclasses
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import contracts
from components.clickhouse import disks, server, storage
from components.clickhouse.authority import FOLDER
from components.clickhouse.system_logs import LOGS_KEPT, system_logs
from tests.harness import clickhouse_space as space

CA = contracts.SecretKey(name="store-ca", key="ca.crt")
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
    assert disks.s3_url(name, region, None) == url


@pytest.mark.parametrize("endpoint", ["store:9000", "s3://store", "https://store/path", "https://", "https://a b", ""])
def test_an_endpoint_that_is_no_url_of_a_host_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match=r"bucket\.endpoint"):
        disks.s3_url("data", "us-east-1", endpoint)


@given(TEXT)
def test_no_value_can_break_out_of_the_xml(key: str) -> None:
    bucket = contracts.Bucket(
        provider="s3", name="data", region="us-east-1", endpoint="https://store.example", kms_key=key
    )
    disk = rendered(bucket).find(".//s3_disk")
    assert disk is not None
    assert disk.findtext("server_side_encryption_kms_key_id") == key
    assert disk.findtext("endpoint", "").startswith("https://store.example/data/weave/")


@given(space.servers())
def test_what_tables_remember_never_changes(args: Any) -> None:
    configuration = rendered(args.bucket)
    disk = "az_disk" if args.bucket.provider == "az" else "s3_disk"
    assert configuration.findtext(f".//{disk}/metadata_path") == f"/var/lib/clickhouse/disks/{disk}/"
    assert configuration.findtext(f".//{disk}_cache/disk") == disk
    assert configuration.findtext(".//policies/s3_main/volumes/main/disk") == f"{disk}_cache"
    assert configuration.findtext("merge_tree/storage_policy") == "s3_main"


@given(space.servers())
def test_each_replica_has_objects_of_its_own_and_checks_the_bucket_at_start(args: Any) -> None:
    configuration = rendered(args.bucket)
    assert configuration.findtext("merge_tree/allow_remote_fs_zero_copy_replication") == "0"
    assert configuration.findtext(".//skip_access_check") == "false"
    by_macros = "/{installation}/{cluster}/{shard}/{replica}/" in configuration.findtext(".//endpoint", "")
    assert by_macros or environment(args.bucket)["CLICKHOUSE_AZURE_ENDPOINT"]["value"].endswith("/$(POD_NAME)")


def environment(bucket: contracts.Bucket) -> dict[str, dict[str, Any]]:
    place = disks.Place(namespace="clickhouse", installation="wandb", cluster="weavecluster")
    return {each["name"]: each for each in disks.kind(bucket).environment(bucket, place)}


def test_keys_come_from_a_secret_and_never_from_the_node() -> None:
    variables = environment(space.COMPATIBLE)
    secret = variables["AWS_ACCESS_KEY_ID"]["valueFrom"]["secretKeyRef"]
    assert secret == {"name": "clickhouse-keys", "key": "ACCESS_KEY"}
    assert variables["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"]["key"] == "SECRET_KEY"
    assert variables["AWS_EC2_METADATA_DISABLED"]["value"] == "true"
    assert "AWS_EC2_METADATA_DISABLED" not in environment(space.S3)


def test_google_is_asked_with_a_token_of_the_pod_or_with_keys_of_its_s3_interface() -> None:
    with_token, with_keys = rendered(space.GOOGLE), rendered(dataclasses.replace(space.GOOGLE, keys=space.KEYS))
    for each in (with_token, with_keys):
        assert each.findtext(".//endpoint", "").startswith("https://storage.googleapis.com/clickhouse/weave/")
    assert with_token.findtext(".//http_client") == "gcp_oauth"
    assert with_token.find(".//use_environment_credentials") is None
    assert environment(space.GOOGLE) == {}
    assert with_keys.findtext(".//use_environment_credentials") == "true"
    assert with_keys.find(".//http_client") is None


def test_azure_takes_its_url_from_the_environment_because_it_expands_no_macros() -> None:
    disk = rendered(space.AZURE).find(".//az_disk")
    assert disk is not None
    endpoint = disk.find("endpoint")
    assert endpoint is not None
    assert endpoint.get("from_env") == "CLICKHOUSE_AZURE_ENDPOINT"
    assert disk.findtext("use_workload_identity") == "true"
    variables = environment(space.AZURE)
    assert list(variables) == ["POD_NAME", "CLICKHOUSE_AZURE_ENDPOINT"], "what is filled in stands further up"
    assert variables["CLICKHOUSE_AZURE_ENDPOINT"]["value"] == (
        "https://wandbstore.blob.core.windows.net/clickhouse/weave/clickhouse/wandb/weavecluster/$(POD_NAME)"
    )


def test_azures_key_stays_in_its_secret() -> None:
    bucket = dataclasses.replace(space.AZURE, keys=space.KEYS)
    disk = rendered(bucket).find(".//az_disk")
    assert disk is not None
    key = disk.find("account_key")
    assert key is not None
    assert (key.get("from_env"), key.text) == ("CLICKHOUSE_AZURE_KEY", None)
    assert disk.findtext("account_name") == "wandbstore"
    assert environment(bucket)["CLICKHOUSE_AZURE_KEY"]["valueFrom"]["secretKeyRef"]["name"] == "clickhouse-keys"


def test_coreweave_takes_the_bucket_in_front_of_the_host() -> None:
    bucket = contracts.Bucket(provider="cw", name="data", region="US-EAST-04A", keys=space.KEYS)
    assert rendered(bucket).findtext(".//endpoint", "").startswith("https://data.cwobject.com/weave/")
    inside = dataclasses.replace(bucket, endpoint="http://cwlota.com")
    assert rendered(inside).findtext(".//endpoint", "").startswith("http://data.cwlota.com/weave/")
    assert rendered(bucket).findtext(".//support_batch_delete") == "false"


def test_a_container_that_is_missing_is_not_made() -> None:
    assert rendered(space.AZURE).findtext(".//container_already_exists") == "true"


def test_a_private_authority_is_mounted_and_believed_beside_the_public_ones() -> None:
    ca = contracts.SecretKey(name="store-ca", key="tls.ca")
    bucket = dataclasses.replace(space.COMPATIBLE, endpoint="https://store.example.internal:9000", ca=ca)
    spec = server.manifest(space.server(bucket=bucket))["spec"]
    client = ElementTree.fromstring(spec["configuration"]["files"]["config.d/private_authority.xml"]).find(".//client")
    assert client is not None
    assert (client.findtext("caConfig"), client.findtext("loadDefaultCAFile")) == (f"{FOLDER}/ca.crt", "true")
    pod = spec["templates"]["podTemplates"][0]["spec"]
    secret = {"secretName": "store-ca", "items": [{"key": "tls.ca", "path": "ca.crt"}]}
    assert pod["volumes"] == [{"name": "bucket-authority", "secret": secret}]
    mounts = pod["containers"][0]["volumeMounts"]
    assert mounts == [{"name": "bucket-authority", "mountPath": FOLDER, "readOnly": True}]


def test_without_a_private_authority_nothing_is_mounted() -> None:
    spec = server.manifest(space.server())["spec"]
    assert set(spec["configuration"]["files"]) == {"config.d/storage_configuration.xml", "config.d/system_logs.xml"}
    assert "bucket-authority" not in str(spec)


@pytest.mark.parametrize(
    ("bucket", "words"),
    [
        (dataclasses.replace(space.AZURE, name="container"), "account/container"),
        (dataclasses.replace(space.GOOGLE, kms_key="projects/p/locations/l/keyRings/r/cryptoKeys/k"), "kms_key"),
        (contracts.Bucket(provider="cw", name="data", region="US-EAST-04A"), "keys in a Secret"),
        (dataclasses.replace(space.COMPATIBLE, name="no bucket"), r"bucket\.name"),
        (dataclasses.replace(space.COMPATIBLE, name="ab"), r"bucket\.name"),
        (dataclasses.replace(space.COMPATIBLE, region="eu west"), r"bucket\.region"),
        (dataclasses.replace(space.S3, ca=CA), r"bucket\.ca"),
        (dataclasses.replace(space.COMPATIBLE, ca=CA), "use https"),
        (dataclasses.replace(space.AZURE, ca=CA), r"bucket\.ca"),
    ],
)
def test_a_bucket_that_no_server_could_open_is_refused(bucket: contracts.Bucket, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        storage.configuration(bucket, "clickhouse", 20)


def test_system_logs_are_on_the_local_disk_or_off() -> None:
    logs = ElementTree.fromstring(system_logs())
    kept = {log.tag: log for log in logs if log.get("remove") is None}
    assert set(kept) == {"query_log", "part_log", "crash_log"}
    for name in LOGS_KEPT:
        # a policy beside an engine stops the server, so it has to be inside
        assert "SETTINGS storage_policy='default'" in kept[name].findtext("engine", "")
        assert kept[name].find("storage_policy") is None
        assert kept[name].get("replace") == "1"
    assert kept["crash_log"].findtext("storage_policy") == "default"
    assert len({log.tag for log in logs}) == len(logs)
