"""Events about pods, each said once."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from typing import Any

from ..api import Api, ApiError

log = logging.getLogger(__name__)


class Events:
    """Writes Warning events as `kubectl describe pod` shows them."""

    def __init__(self, api: Api, component: str) -> None:
        self._api = api
        self._component = component
        self._said: set[tuple[str, str, str]] = set()

    def warn(self, obj: Mapping[str, Any], reason: str, message: str) -> None:
        """Say it unless it was said of this object before. A failure to say it is logged only."""
        key = (obj["metadata"]["uid"], reason, message)
        if key in self._said:
            return
        self._said.add(key)
        log.info("%s %s: %s", obj["metadata"]["name"], reason, message)
        try:
            self._api.create(event(obj, self._component, reason, message, kind="Warning"))
        except ApiError as error:
            log.debug("event: %s", error)


def event(
    obj: Mapping[str, Any], component: str, reason: str, message: str, *, kind: str = "Normal", owner_kind: str = ""
) -> dict[str, Any]:
    """An Event about an object."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    meta = obj["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{meta['name']}.", "namespace": meta["namespace"]},
        "involvedObject": {
            "apiVersion": obj.get("apiVersion", "v1"),
            "kind": obj.get("kind") or owner_kind or "Pod",
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
        },
        "reason": reason,
        "message": message[:1000],
        "type": kind,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "source": {"component": component},
    }
