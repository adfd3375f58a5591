"""The status of an installation, as the operator writes it.

Source: `pkg/apis/clickhouse.altinity.com/v1/type_status.go` of clickhouse-operator 0.25.6.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from typing import Any

from .layout import Installation

IN_PROGRESS, COMPLETED, ABORTED, TERMINATING = "InProgress", "Completed", "Aborted", "Terminating"
_KEPT = 10
_COUNTS = ("hostsUpdated", "hostsAdded", "hostsUnchanged", "hostsCompleted", "hostsDeleted")


class Status:
    """A status being written; `value` is what goes to the API server."""

    def __init__(self, held: Mapping[str, Any], version: str) -> None:
        self.value: dict[str, Any] = copy.deepcopy(dict(held))
        self.value["chop-version"] = version
        self.value["chop-ip"] = os.environ.get("OPERATOR_POD_IP", "")

    def start(self, installation: Installation, task: str, removed: int) -> None:
        """A reconcile begins: counters at zero, the task among those started."""
        hosts = installation.hosts
        self.value |= {
            "status": IN_PROGRESS,
            "taskID": task,
            "clusters": len(installation.clusters),
            "shards": sum(cluster.shards for cluster in installation.clusters),
            "hosts": len(hosts),
            "hostsDelete": removed,
            "pods": [installation.pod(host) for host in hosts],
            "fqdns": [installation.fqdn(host) for host in hosts],
            "endpoint": installation.endpoint,
            "endpoints": [installation.endpoint],
            **dict.fromkeys(_COUNTS, 0),
        }
        self._push("taskIDsStarted", task)

    def count(self, name: str) -> None:
        """One host more in a counter, such as `hostsCompleted`."""
        self.value[name] = self.value.get(name, 0) + 1

    def complete(self) -> None:
        """The reconcile is done."""
        self._end(COMPLETED)

    def abort(self, error: str) -> None:
        """The reconcile is given up. The task counts among those completed all the same."""
        self.value["error"] = error
        self.value["errors"] = [error, *(self.value.get("errors") or ())][:_KEPT]
        self._end(ABORTED)

    def terminate(self) -> None:
        """The installation is being deleted."""
        self.value |= {"status": TERMINATING, **dict.fromkeys(_COUNTS, 0)}

    def _end(self, word: str) -> None:
        self.value["status"] = word
        self._push("taskIDsCompleted", self.value["taskID"])

    def _push(self, name: str, task: str) -> None:
        self.value[name] = [task, *(old for old in self.value.get(name) or () if old != task)][:_KEPT]
