"""ClickHouse's logs about itself: two of them on the local volume, the others off."""

from __future__ import annotations

from . import xml

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


def system_logs() -> str:
    """`config.d/system_logs.xml`: the query and part logs on the local volume for `LOG_DAYS` days, the others off.

    Without it ClickHouse's own logs follow the default policy into the bucket: about 118 requests per minute and replica
    from an idle server. The name must sort behind the operator's files, which begin with `01-clickhouse-`.
    """
    # the operator defines these with an <engine>; a <storage_policy> beside one stops the server from starting
    kept = {
        log: xml.Replacing(
            {"database": "system", "table": log, "engine": _LOG_ENGINE, "flush_interval_milliseconds": "7500"}
        )
        for log in LOGS_KEPT
    }
    off = dict.fromkeys(LOGS_OFF, xml.REMOVED)
    return xml.text({**kept, "crash_log": {"storage_policy": "default"}, **off})


_LOG_ENGINE = (
    "ENGINE = MergeTree PARTITION BY event_date ORDER BY event_time "
    f"TTL event_date + INTERVAL {LOG_DAYS} DAY DELETE SETTINGS storage_policy='default'"
)
