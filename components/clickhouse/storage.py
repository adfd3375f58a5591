"""Where ClickHouse keeps its data: MergeTree parts in the bucket, everything else on the local volume.

The map from parts to objects is on the volume alone (`metadata_path`), so the bucket cannot be restored without the
volume. On an existing installation the endpoint, `metadata_path` and the names of disks and policy must never change:
tables remember them.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pulumi

from .. import contracts
from ..later import lift

POLICY = "s3_main"
SUPPORTED = "supported: s3, and any S3-compatible store as s3 with an endpoint"
MACROS = ("installation", "cluster", "shard", "replica")
"""Filled in by the operator for each host, so that no two replicas share a path."""
DATA = "/var/lib/clickhouse"
LOG_DAYS = 14
LOGS_KEPT = ("query_log", "part_log")
LOGS_OFF = (
    *("trace_log", "query_thread_log", "query_views_log", "query_metric_log", "text_log", "error_log", "metric_log"),
    *("histogram_metric_log", "latency_log", "asynchronous_metric_log", "asynchronous_insert_log", "session_log"),
    *("background_schedule_pool_log", "processors_profile_log", "opentelemetry_span_log", "instrumentation_trace_log"),
    *("backup_log", "blob_storage_log", "filesystem_cache_log", "filesystem_read_prefetches_log", "s3queue_log"),
    *("azure_queue_log", "dead_letter_queue", "iceberg_metadata_log", "delta_lake_metadata_log"),
    *("predicate_statistics_log", "transactions_info_log", "zookeeper_log", "zookeeper_connection_log"),
    *("aggregated_zookeeper_log",),
)
"""The logs that ClickHouse 25.3 to 26.9 can write into tables, less those kept. One that an image does not define is
ignored; a newer server may bring new ones, which the readiness Job would report."""


def check(bucket: contracts.Bucket) -> None:
    """Raises ValueError for a bucket that ClickHouse cannot be configured for here."""
    if bucket.provider != "s3":
        raise ValueError(f"bucket.provider: {bucket.provider!r} has no ClickHouse disk here; {SUPPORTED}")
    if isinstance(bucket.endpoint, str):
        _check_endpoint(bucket.endpoint)


def _check_endpoint(endpoint: str) -> None:
    if not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+/?", endpoint):
        raise ValueError(f"bucket.endpoint: {endpoint!r} is not of the form https://host or https://host:port")


def configuration(bucket: contracts.Bucket, namespace: pulumi.Input[str], cache_gib: int) -> pulumi.Input[str]:
    """`config.d/storage_configuration.xml`: the disk, its cache of `cache_gib` GiB, and the policy for every table.

    Raises ValueError for a provider other than those in `SUPPORTED`; the other object stores get their disk here.
    """
    check(bucket)
    values = bucket.name, bucket.region, bucket.endpoint, bucket.kms_key, namespace
    return lift(lambda *known: s3_configuration(*known, cache_gib), *values)


def s3_configuration(
    bucket: str, region: str, endpoint: str | None, kms_key: str | None, namespace: str, cache_gib: int
) -> str:
    """The storage configuration for S3 (`endpoint` None) or an S3-compatible store, as XML.

    Each replica writes below `weave/<namespace>/<installation>/<cluster>/<shard>/<replica>/`.
    """
    disk = {
        "type": "s3",
        "endpoint": f"{s3_url(bucket, region, endpoint)}/weave/{namespace}/" + "".join(f"{{{m}}}/" for m in MACROS),
        "region": region,
        "use_environment_credentials": "true",
        "metadata_path": f"{DATA}/disks/s3_disk/",
        # a wrong bucket or key stops the server at once instead of failing the first insert
        "skip_access_check": "false",
        "connect_timeout_ms": "5000",
        "request_timeout_ms": "30000",
        # 500 by default: a query would hang for an hour before it says that the bucket cannot be reached
        "retry_attempts": "20",
    }
    if kms_key:
        disk["server_side_encryption_kms_key_id"] = kms_key
    cache = {
        "type": "cache",
        "disk": "s3_disk",
        "path": f"{DATA}/s3_disk_cache/cache/",
        "max_size": f"{cache_gib}Gi",
        "cache_on_write_operations": "true",
    }
    return _xml(
        {
            "storage_configuration": {
                "disks": {"s3_disk": disk, "s3_disk_cache": cache},
                "policies": {POLICY: {"volumes": {"main": {"disk": "s3_disk_cache"}}}},
            },
            # every table gets the policy, because W&B's migrations name none; with zero-copy replication off, each
            # replica has objects of its own
            "merge_tree": {"storage_policy": POLICY, "allow_remote_fs_zero_copy_replication": "0"},
        }
    )


def s3_url(bucket: str, region: str, endpoint: str | None) -> str:
    """The bucket's URL without a closing slash: path-style on `endpoint`, else AWS's own for the region.

    Raises ValueError for an endpoint that is no `http(s)://host[:port]`.
    """
    if endpoint is not None:
        _check_endpoint(endpoint)
        return f"{endpoint.rstrip('/')}/{bucket}"
    domain = f"{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")
    # AWS's certificate covers one label in front of s3, so a name with dots is addressed by path
    return f"https://s3.{domain}/{bucket}" if "." in bucket else f"https://{bucket}.s3.{domain}"


def environment(bucket: contracts.Bucket) -> list[dict[str, Any]]:
    """The environment by which the server finds its credentials for the bucket.

    With `bucket.keys` they come from that Secret; without, from the identity of the server's ServiceAccount.
    """
    # the web-identity provider of ClickHouse reads AWS_DEFAULT_REGION only, other parts of the SDK the other one
    regions: list[dict[str, Any]] = [
        {"name": name, "value": bucket.region} for name in ("AWS_DEFAULT_REGION", "AWS_REGION")
    ]
    if bucket.keys is None:
        return regions
    keys = {"AWS_ACCESS_KEY_ID": bucket.keys.access_key, "AWS_SECRET_ACCESS_KEY": bucket.keys.secret_key}
    secrets = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": bucket.keys.name, "key": key}}}
        for name, key in keys.items()
    ]
    # else a missing key would make the server ask the node for the node's own identity
    return [*regions, *secrets, {"name": "AWS_EC2_METADATA_DISABLED", "value": "true"}]


def system_logs() -> str:
    """`config.d/system_logs.xml`: the query and part logs on the local volume for `LOG_DAYS` days, the others off.

    Without it ClickHouse's own logs follow the default policy into the bucket: about 118 requests per minute and replica
    from an idle server. The name must sort behind the operator's files, which begin with `01-clickhouse-`.
    """
    root = ElementTree.Element("clickhouse")
    for log in LOGS_KEPT:
        # the operator defines these with an <engine>; a <storage_policy> beside one stops the server from starting
        element = ElementTree.SubElement(root, log, replace="1")
        _fill(
            element, {"database": "system", "table": log, "engine": _LOG_ENGINE, "flush_interval_milliseconds": "7500"}
        )
    _fill(ElementTree.SubElement(root, "crash_log"), {"storage_policy": "default"})
    for log in LOGS_OFF:
        ElementTree.SubElement(root, log, remove="1")
    return _text(root)


_LOG_ENGINE = (
    "ENGINE = MergeTree PARTITION BY event_date ORDER BY event_time "
    f"TTL event_date + INTERVAL {LOG_DAYS} DAY DELETE SETTINGS storage_policy='default'"
)


def _xml(content: dict[str, Any]) -> str:
    root = ElementTree.Element("clickhouse")
    _fill(root, content)
    return _text(root)


def _fill(element: ElementTree.Element, content: dict[str, Any]) -> None:
    for name, value in content.items():
        child = ElementTree.SubElement(element, name)
        if isinstance(value, dict):
            _fill(child, value)
        else:
            child.text = value


def _text(root: ElementTree.Element) -> str:
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"
