"""Helm, as far as the operator uses it: install, upgrade and uninstall of one release, its record in Secrets.

What is milder than Helm: objects are changed by server-side apply, so a field that somebody else set by hand is taken
back only where the chart sets it too.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import logging
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ...api import Api, ApiError
from ..runtime import scaled

Object = dict[str, Any]
log = logging.getLogger(__name__)

_MANAGER = "helm"
_KEPT_REVISIONS = 10
_AT_ONCE = 6
_KEEP = "helm.sh/resource-policy"
_TYPE = "helm.sh/release.v1"


class ReleaseFailed(Exception):
    """Helm would end with this error."""


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One recorded revision."""

    number: int
    status: str
    objects: tuple[tuple[str, str, str], ...]
    """(apiVersion, kind, name) of everything in it."""


class Release:
    """The release of one custom resource: same name, same namespace."""

    def __init__(self, api: Api, name: str, namespace: str) -> None:
        self._api = api
        self._name = name
        self._namespace = namespace

    def history(self) -> list[Revision]:
        """The recorded revisions, oldest first."""
        found = self._api.list("v1", "Secret", self._namespace, label_selector=f"owner=helm,name={self._name}")
        return sorted((_revision(secret) for secret in found), key=lambda revision: revision.number)

    def upgrade(self, chart: str, version: str, values: Mapping[str, Any], objects: Iterable[Object]) -> None:
        """Install or upgrade to `objects`; what the last revision had and these lack is deleted. Waits for no pods.

        Raises ReleaseFailed in Helm's words; the record says `failed` then.
        """
        wanted = list(objects)
        revisions = self.history()
        number = (revisions[-1].number if revisions else 0) + 1
        verb = "upgrade" if revisions else "install"
        listed = [_identity(obj) for obj in wanted]
        self._record(number, f"pending-{verb}", chart, version, values, listed)
        try:
            # kind by kind as Helm does; within a kind side by side, which nothing can tell from one after the other
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                for _, group in itertools.groupby(wanted, key=lambda obj: obj["kind"]):
                    list(pool.map(self._put, group))
            for api_version, kind, name in {old for revision in revisions for old in revision.objects} - set(listed):
                self._remove(api_version, kind, name)
        except ApiError as error:
            # what was created stays, as after a failed `helm upgrade`, and the next revision must know of it
            self._record(number, "failed", chart, version, values, listed)
            raise ReleaseFailed(f"{verb} failed: {error}") from error
        self._record(number, "deployed", chart, version, values, listed)
        for old in revisions:
            if old.number <= number - _KEPT_REVISIONS:
                self._api.delete("v1", "Secret", self._secret(old.number), self._namespace, propagation="Background")
            elif old.status == "deployed":
                body = {"metadata": {"labels": {"status": "superseded"}}}
                self._api.patch("v1", "Secret", self._secret(old.number), self._namespace, body=body)

    def uninstall(self, seconds: float = 600) -> None:
        """Delete everything that any revision made, unless it is to be kept, and wait until it is gone.

        Raises ReleaseFailed when something is still there after `seconds` (of real time, scaled in a rehearsal).
        """
        revisions = self.history()
        gone = [one for revision in revisions for one in revision.objects]
        for api_version, kind, name in dict.fromkeys(reversed(gone)):
            self._remove(api_version, kind, name)
        deadline = time.monotonic() + max(scaled(seconds), 30)
        while left := [one for one in dict.fromkeys(gone) if self._there(*one)]:
            if time.monotonic() > deadline:
                raise ReleaseFailed(
                    f"uninstall: timed out waiting for the condition: {left[0][1]} {left[0][2]} is still there"
                )
            time.sleep(0.2)
        for revision in revisions:
            self._api.delete("v1", "Secret", self._secret(revision.number), self._namespace, propagation="Background")

    def _put(self, obj: Object) -> None:
        annotations = obj["metadata"].setdefault("annotations", {})
        annotations["meta.helm.sh/release-name"] = self._name
        annotations["meta.helm.sh/release-namespace"] = self._namespace
        obj["metadata"].setdefault("labels", {})["app.kubernetes.io/managed-by"] = "Helm"
        self._api.apply(obj, field_manager=_MANAGER)

    def _remove(self, api_version: str, kind: str, name: str) -> None:
        live = self._api.read(api_version, kind, name, self._namespace)
        if live is None or (live["metadata"].get("annotations") or {}).get(_KEEP) == "keep":
            return
        log.info("delete %s %s", kind, name)
        self._api.delete(api_version, kind, name, self._namespace, propagation="Background")

    def _there(self, api_version: str, kind: str, name: str) -> bool:
        live = self._api.read(api_version, kind, name, self._namespace)
        return live is not None and (live["metadata"].get("annotations") or {}).get(_KEEP) != "keep"

    def _secret(self, number: int) -> str:
        return f"sh.helm.release.v1.{self._name}.v{number}"

    def _record(
        self,
        number: int,
        status: str,
        chart: str,
        version: str,
        values: Mapping[str, Any],
        objects: list[tuple[str, str, str]],
    ) -> None:
        content = {
            "name": self._name,
            "namespace": self._namespace,
            "version": number,
            "info": {"status": status},
            "chart": {"metadata": {"name": chart, "version": version}},
            "config": dict(values),
            "rehearsalObjects": objects,
        }
        packed = base64.b64encode(gzip.compress(json.dumps(content).encode(), mtime=0))
        labels = {"name": self._name, "owner": "helm", "status": status, "version": str(number)}
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self._secret(number), "namespace": self._namespace, "labels": labels},
            "type": _TYPE,
            "data": {"release": base64.b64encode(packed).decode()},
        }
        self._api.apply(secret, field_manager=_MANAGER)


def _identity(obj: Object) -> tuple[str, str, str]:
    return obj["apiVersion"], obj["kind"], obj["metadata"]["name"]


def _revision(secret: Mapping[str, Any]) -> Revision:
    content = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
    return Revision(
        number=content["version"],
        status=secret["metadata"]["labels"]["status"],
        objects=tuple(tuple(one) for one in content["rehearsalObjects"]),
    )
