"""Aurora MySQL's parameters, and how many connections an instance takes. Pure data and functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_aws.rds import ParameterGroupParameterArgsDict

FAMILY = "aurora-mysql8.0"
"""Parameter family of Aurora MySQL 3."""
PORT = 3306

CLUSTER_PARAMETERS: Mapping[str, str] = MappingProxyType(
    {
        "binlog_format": "ROW",
        "binlog_row_image": "minimal",
        "character_set_server": "utf8mb4",
        "collation_server": "utf8mb4_general_ci",
        "innodb_online_alter_log_max_size": "268435456",
        "require_secure_transport": "ON",
    }
)
"""Of the whole cluster. Sizes in bytes.

Source: 003, "W&B Reference Architecture", "MySQL configuration parameters"; character set and collation are those of the
bare-metal guide. `innodb_flush_log_at_trx_commit` and `sync_binlog` of the same table are 1 by default. The last one is
ours: the server takes no connection without TLS, which W&B's always have where it is offered.
"""

INSTANCE_PARAMETERS: Mapping[str, str] = MappingProxyType(
    {
        "innodb_lru_scan_depth": "128",
        "long_query_time": "4",
        "max_execution_time": "60000",
        "max_prepared_stmt_count": "1048576",
        "performance_schema": "1",
        "slow_query_log": "1",
        "sort_buffer_size": "67108864",
    }
)
"""Of each instance. Sizes in bytes, `long_query_time` in seconds, `max_execution_time` (of a SELECT) in milliseconds.

Source: `max_prepared_stmt_count` and `sort_buffer_size` as above, the others W&B's Terraform module for AWS 8.0.0.
Without `slow_query_log` the log that is exported would be empty.
"""

AUDIT_PARAMETERS: Mapping[str, str] = MappingProxyType(
    {"server_audit_logging": "1", "server_audit_events": "CONNECT,QUERY_DDL,QUERY_DCL"}
)
"""Of the cluster, where an audit log is asked for: who connects, and who changes tables and rights. Not every query."""

_STATIC = frozenset({"binlog_format", "innodb_online_alter_log_max_size", "performance_schema"})
"""Take effect when an instance starts."""

_SIZE = re.compile(r"db\.([a-z]+[0-9][a-z0-9-]*)\.([a-z0-9]+)")
_MEMORY_OPTIMIZED = {
    "large": 1000,
    "xlarge": 2000,
    "2xlarge": 3000,
    "4xlarge": 4000,
    "8xlarge": 5000,
    "12xlarge": 6000,
    "16xlarge": 6000,
    "24xlarge": 7000,
    "32xlarge": 7000,
}
_BURSTABLE = {"small": 45, "medium": 90, "large": 135}


def parameters(values: Mapping[str, str]) -> list[ParameterGroupParameterArgsDict]:
    """`values` as a parameter group wants them, in one order: a static one waits for the next start of an instance."""
    return [
        {"name": name, "value": value, "apply_method": "pending-reboot" if name in _STATIC else "immediate"}
        for name, value in sorted(values.items())
    ]


def default_connections(instance_class: str) -> int | None:
    """The connections that an instance of a class takes at once; None: a class that this program does not know.

    Source: Aurora User Guide, "Maximum connections to an Aurora MySQL DB instance", default values of max_connections.
    """
    parts = _SIZE.fullmatch(instance_class)
    if not parts:
        return None
    family, size = parts.groups()
    if family.startswith("t"):
        return _BURSTABLE.get(size)
    return _MEMORY_OPTIMIZED.get(size) if family.startswith("r") else None


def check_connections(instance_class: str, connections: int) -> None:
    """Raises ValueError, with a class that would do, when W&B may open more `connections` than an instance takes."""
    most = default_connections(instance_class)
    if most is None or connections <= most:
        return
    message = f"instance_class: {instance_class} takes {most} connections, and W&B's pods may open {connections}"
    fitting = [size for size, each in _MEMORY_OPTIMIZED.items() if each >= connections]
    family = instance_class.split(".")[1]
    family = family if family.startswith("r") else "r6g"
    raise ValueError(f"{message}; db.{family}.{fitting[0]} or larger takes them" if fitting else message)
