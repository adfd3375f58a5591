"""`python -m rehearsal.operators.autoscaler`: the process behind a pod of cluster-autoscaler.

Node groups come from its `--nodes` arguments, as the chart writes them. It raises a group's size, up to its limit, for pods
that find no room, and to its least; it does not take idle nodes away, which the report says.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...api import Api, ApiError
from ...aws import latency
from ...aws.account import Account, Record
from ...aws.eks import fleet, launching, machines
from ...aws.eks.plane import Plane
from ...aws.eks.tokens import NODE_GROUP, SUBNET
from ...kubelet.processes import ARGUMENTS, READY_FILE
from .scaling import Candidate, choose, room, waiting

Object = dict[str, Any]
log = logging.getLogger("cluster-autoscaler")

_SCAN = 1.0
"""Real seconds between two looks; the real one looks every ten seconds."""
_BOOT = 120.0
"""Seconds of AWS until a launched machine joins (`rehearsal.aws.latency`, node group)."""


def limits(arguments: list[str]) -> dict[str, tuple[int, int]]:
    """Least and most nodes by the name of the scaling group, from `--nodes=least:most:name`."""
    found = {}
    for each in arguments:
        if each.startswith("--nodes="):
            least, most, name = each.removeprefix("--nodes=").split(":", 2)
            found[name] = (int(least), int(most))
    return found


class Autoscaler:
    """One look at a time."""

    def __init__(self, api: Api, aws: Api, account: Account, sizes: Mapping[str, tuple[int, int]]) -> None:
        """`api` has the pod's own rights; `aws` plays the machines that join."""
        self._api = api
        self._aws = aws
        self._account = account
        self._sizes = sizes

    def look(self) -> str | None:
        """Launch at most one node; the name of its group."""
        groups = {group["nodeGroupName"]: (group, sizes) for group, sizes in self._groups()}
        nodes = self._api.list("v1", "Node")
        if not all(map(fleet.is_ready, nodes)):
            return None  # what was launched last may be enough
        there = {name: fleet.of_group(nodes, name) for name in groups}
        for name, (group, (least, _)) in groups.items():
            if len(there[name]) < least:
                return self._grow(group, f"the least of {name} is {least}")
        pods = self._api.list("v1", "Pod")
        left_over = waiting(pods)
        candidates = [
            self._candidate(group, most, there[name], pods) for name, (group, (_, most)) in groups.items() if left_over
        ]
        for pod in left_over:
            if chosen := choose(pod, candidates, self._zone(pod)):
                why = f"pod {pod['metadata']['namespace']}/{pod['metadata']['name']} found no room"
                return self._grow(groups[chosen.name][0], why)
        return None

    def _groups(self) -> Iterator[tuple[Record, tuple[int, int]]]:
        for group in self._account.all(NODE_GROUP):
            for part in group.get("resources") or ():
                for scaling in part.get("autoscalingGroups") or ():
                    if scaling["name"] in self._sizes:
                        yield group, self._sizes[scaling["name"]]

    def _candidate(self, group: Record, most: int, there: list[Object], pods: list[Object]) -> Candidate:
        subnet = self._account.get(SUBNET, group["subnetIds"][0])
        labels = {
            **(group.get("labels") or {}),
            "topology.kubernetes.io/zone": subnet["availabilityZone"] if subnet else "",
        }
        allocatable = machines.allocatable(group["instanceTypes"][0])
        daemons = [
            pod
            for pod in pods
            if there
            and pod["spec"].get("nodeName") == there[0]["metadata"]["name"]
            and any(owner["kind"] == "DaemonSet" for owner in pod["metadata"].get("ownerReferences") or ())
        ]
        cpu, memory = room({"cpu": f"{allocatable.cpu}m", "memory": str(allocatable.memory)}, daemons)
        return Candidate(
            name=group["nodeGroupName"],
            nodes=len(there),
            most=most,
            labels=labels,
            taints=tuple(machines.taints(group.get("taints") or ())),
            cpu=cpu,
            memory=memory,
        )

    def _zone(self, pod: Mapping[str, Any]) -> str | None:
        """The zone that the pod's bound volumes are in."""
        for volume in pod["spec"].get("volumes") or ():
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            found = claim and self._api.read("v1", "PersistentVolumeClaim", claim, pod["metadata"]["namespace"])
            name = ((found or {}).get("spec") or {}).get("volumeName")
            bound = self._api.read("v1", "PersistentVolume", name) if name else None
            terms = (((bound or {}).get("spec") or {}).get("nodeAffinity") or {}).get("required") or {}
            for term in terms.get("nodeSelectorTerms") or ():
                for each in term.get("matchExpressions") or ():
                    if each["key"] == "topology.kubernetes.io/zone":
                        return each["values"][0]
        return None

    def _grow(self, group: Record, why: str) -> str:
        name = group["nodeGroupName"]
        log.info("scale-up of %s: %s", name, why)
        time.sleep(_BOOT * latency.scale())
        launching.launch(self._aws, self._account, group.region, group.outputs)
        wanted = len(fleet.nodes_of(self._aws, name))
        sizes = {**group["scalingConfig"], "desiredSize": wanted}
        self._account.put(replace(group, outputs={**group.outputs, "scalingConfig": sizes}))
        return name


def main() -> int:
    """Run until told to stop; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=_leave_with_parent, args=(stop,), daemon=True).start()
    arguments = json.loads(os.environ.get(ARGUMENTS) or "[]")
    account = Account.here()
    scaler = Autoscaler(Api.from_kubeconfig(None), Plane.of(account).api, account, limits(arguments))
    if path := os.environ.get(READY_FILE):
        Path(path).touch()
    while not stop.wait(_SCAN):
        try:
            scaler.look()
        except (ApiError, ValueError, KeyError) as error:
            log.warning("%s", error)
    return 0


def _leave_with_parent(stop: threading.Event) -> None:
    # nothing is ever written to it; it ends when the process that holds the other end does
    os.read(sys.stdin.fileno(), 1)
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
