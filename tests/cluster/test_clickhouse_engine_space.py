"""Whatever bucket can be asked for: either a clear error, or a configuration that the real engine loads.

The stores themselves are not asked: that is what tests/cluster/test_clickhouse_engine_stores.py does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from components import contracts
from components.clickhouse import server
from tests.harness import clickhouse_space as space
from tests.harness.certificates import Authority
from tests.harness.clickhouse_engine import Engine, pod_environment

EXAMPLES = 8
"""Each takes a process of some seconds."""
LOAD = (
    "SELECT disks FROM system.storage_policies WHERE policy_name = 's3_main'",
    "SELECT count() FROM system.disks WHERE name IN ('s3_disk', 'az_disk')",
    "SELECT value FROM system.merge_tree_settings WHERE name = 'storage_policy'",
)
VALUE = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=30)
ENDPOINTS = st.sampled_from(
    [None, "https://store.example", "http://10.0.0.7:9000", "store:9000", "https://a/b", "https://ü"]
)
BUCKETS = st.builds(
    contracts.Bucket,
    provider=st.sampled_from(["s3", "gcs", "az", "cw"]),
    name=st.sampled_from(["data", "my.data", "Data_1", "account/container", "a/b/c", "a b", "d", "{shard}"]) | VALUE,
    region=st.sampled_from(["us-east-1", "cn-north-1", "US-EAST-04A", "eu west"]) | VALUE,
    endpoint=ENDPOINTS,
    keys=st.sampled_from([None, space.KEYS]),
    kms_key=st.none() | VALUE,
    ca=st.sampled_from([None, contracts.SecretKey(name="ca", key="ca.crt")]),
)
FIELDS = (
    "bucket.provider",
    "bucket.name",
    "bucket.region",
    "bucket.endpoint",
    "bucket.keys",
    "bucket.kms_key",
    "bucket.ca",
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@settings(max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck))
@given(BUCKETS.filter(lambda bucket: _refusal(bucket) is None), st.integers(1, 400), st.booleans())
@example(space.COMPATIBLE, 1, True)
@example(contracts.Bucket(provider="s3", name="data", region="us-east-1", kms_key="]]>&<a b='c'/>"), 1, False)
def test_what_is_not_refused_loads(folder: Path, bucket: contracts.Bucket, cache: int, encrypted: bool) -> None:
    tls = space.ENCRYPTED if encrypted else None
    made = server.manifest(space.server(bucket=bucket, volume_gib=2 * cache, cache_gib=cache, tls=tls))["spec"]
    container = made["templates"]["podTemplates"][0]["spec"]["containers"][0]
    secrets = {space.KEYS.access_key: "a2V5", space.KEYS.secret_key: "secret"}
    variables = pod_environment(container, secrets, "chi-wandb-weavecluster-0-0-0")
    macros = {"installation": "wandb", "cluster": "weavecluster", "shard": "0", "replica": "chi-wandb-weavecluster-0-0"}
    # a cache larger than the volume is refused, and this machine's disk is what it is
    files = {name: text.replace(f"{cache}Gi<", "1Gi<") for name, text in made["configuration"]["files"].items()}
    with tempfile.TemporaryDirectory(dir=folder) as root:
        authority = Authority(Path(root))
        mounted = {"bucket-authority/ca.crt": authority.certificate.read_text()} if bucket.ca else {}
        if encrypted:
            shown = authority.files("chi-wandb-weavecluster-0-0")
            names = {"tls.crt": shown[0], "tls.key": shown[1], "ca.crt": authority.certificate}
            mounted |= {f"tls/{name}": file.read_text() for name, file in names.items()}
        engine = Engine(Path(root) / "server", files, macros=macros, environment=variables, mounted=mounted, seconds=60)
        disk = "az_disk" if bucket.provider == "az" else "s3_disk"
        assert engine.run(*LOAD) == [f"['{disk}']", "1", "s3_main"]


@given(BUCKETS)
def test_what_is_refused_names_the_field(bucket: contracts.Bucket) -> None:
    refused = _refusal(bucket)
    assert refused is None or refused.startswith(FIELDS), refused


def _refusal(bucket: contracts.Bucket) -> str | None:
    try:
        server.manifest(space.server(bucket=bucket))
    except ValueError as error:
        return str(error)
    return None
