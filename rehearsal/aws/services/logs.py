"""CloudWatch: log groups and alarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from ..behaviour import Behaviour, Moment, api_error, register
from .limits import between, matching, number

RETENTION = (0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""Days; 0 is for ever. Source: CloudWatch Logs API, PutRetentionPolicy."""


@register("aws:cloudwatch/logGroup:LogGroup")
class LogGroup(Behaviour):
    """Logs that are kept together."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Name and retention. Source: CloudWatch Logs API, CreateLogGroup."""
        yield from matching(inputs, "name", r"[\w./#-]{1,512}", "1 to 512 letters, digits and _ - / . #")
        days = number(inputs, "retentionInDays")
        if days is not None and days not in RETENTION:
            yield f"expected retentionInDays to be one of {list(RETENTION)}, got {days:g}"

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Defaults of the API."""
        return {
            "retentionInDays": outputs.get("retentionInDays") or 0,
            "logGroupClass": outputs.get("logGroupClass") or "STANDARD",
            "skipDestroy": outputs.get("skipDestroy", False),
            "deletionProtectionEnabled": outputs.get("deletionProtectionEnabled", False),
        }

    def admit_delete(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Its own protection."""
        if outputs.get("deletionProtectionEnabled"):
            message = "The log group is protected from deletion"
            raise api_error("CloudWatch Logs", "DeleteLogGroup", "ValidationException", message)


@register("aws:cloudwatch/metricAlarm:MetricAlarm")
class Alarm(Behaviour):
    """A watch over one metric."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: CloudWatch API, PutMetricAlarm."""
        period = number(inputs, "period")
        if period is not None and period not in (10, 20, 30) and period % 60:
            yield f"period: 10, 20, 30 or a multiple of 60 seconds, got {period:g}"
        yield from between(inputs, "evaluationPeriods", 1, 8640, "CloudWatch API")
        ways = [
            key for key in ("statistic", "extendedStatistic", "metricQueries", "evaluationCriteria") if inputs.get(key)
        ]
        if len(ways) != 1:
            yield f"One of `statistic`, `extended_statistic`, `metric_query` must be set, {len(ways)} were"

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Defaults of the API."""
        ignored = outputs.get("evaluateLowSampleCountPercentiles") or ""
        return {
            "actionsEnabled": outputs.get("actionsEnabled", True),
            "treatMissingData": outputs.get("treatMissingData") or "missing",
            "evaluateLowSampleCountPercentiles": ignored,
        }
