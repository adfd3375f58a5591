"""Live copies of the cluster's objects of some kinds, kept by watching."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

from ..api import Api, ApiError

Object = dict[str, Any]
log = logging.getLogger(__name__)

_WATCH_SECONDS = 300
_RETRY_SECONDS = 0.5


class Cache:
    """Objects by kind. A kind that is not served (yet) is simply empty."""

    def __init__(self, api: Api, kinds: Iterable[tuple[str, str]], changed: Callable[[], None]) -> None:
        """`kinds` are (apiVersion, kind); `changed` is called, from a watching thread, after every change."""
        self._api = api
        self._kinds = tuple(kinds)
        self._changed = changed
        self._objects: dict[str, dict[tuple[str, str], Object]] = {kind: {} for _, kind in self._kinds}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._listed = {kind: threading.Event() for _, kind in self._kinds}

    def start(self, timeout: float = 60) -> None:
        """Begin to watch, and return once every kind has been listed. Raises TimeoutError when the server does not answer."""
        for api_version, kind in self._kinds:
            threading.Thread(target=self._follow, args=(api_version, kind), name=f"watch {kind}", daemon=True).start()
        for kind, listed in self._listed.items():
            if not listed.wait(timeout):
                raise TimeoutError(f"no answer from {self._api.server} about {kind}")

    def stop(self) -> None:
        """Ask the watching threads to end; does not wait for them."""
        self._stop.set()

    def all(self, kind: str, namespace: str | None = None) -> list[Object]:
        """The objects of a kind; without a namespace those of all namespaces."""
        with self._lock:
            return [obj for (place, _), obj in self._objects[kind].items() if namespace in (None, place)]

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """One object; None when it is not there. Without a namespace: one of a kind that lives in none."""
        with self._lock:
            return self._objects[kind].get((namespace, name))

    def put(self, kind: str, obj: Object) -> None:
        """Take in what a write returned, so that it is known before the watch tells of it."""
        self._store(kind, obj, gone=False)

    def _follow(self, api_version: str, kind: str) -> None:
        while not self._stop.is_set():
            try:
                version = self._list(api_version, kind)
                self._listed[kind].set()
                self._changed()
                for event, obj in self._api.watch(
                    api_version, kind, timeout_seconds=_WATCH_SECONDS, resource_version=version
                ):
                    if event == "BOOKMARK":
                        continue
                    self._store(kind, obj, gone=event == "DELETED")
                    self._changed()
                    if self._stop.is_set():
                        return
            except ApiError as error:
                if error.reason == "NoMatch":
                    self._listed[kind].set()
                elif error.status != 410:
                    log.warning("watching %s: %s", kind, error)
                self._stop.wait(_RETRY_SECONDS)

    def _list(self, api_version: str, kind: str) -> str:
        answer = self._api.call("GET", self._api.resource(api_version, kind).path())
        kinds = {"apiVersion": api_version, "kind": kind}
        with self._lock:
            self._objects[kind] = {_key(item): kinds | item for item in answer["items"]}
        return answer["metadata"]["resourceVersion"]

    def _store(self, kind: str, obj: Object, *, gone: bool) -> None:
        with self._lock:
            held = self._objects[kind].get(_key(obj))
            if held is not None and _version(held) > _version(obj):
                return
            if gone:
                self._objects[kind].pop(_key(obj), None)
            else:
                self._objects[kind][_key(obj)] = obj


def _key(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _version(obj: Object) -> int:
    # etcd's versions only grow, so of two copies the larger is the newer
    return int(obj["metadata"].get("resourceVersion") or 0)
