"""Helm's own record of a release: one Secret per revision, as `helm list` and `helm get values` read it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import yaml

from rehearsal.api import Api
from rehearsal.providers.objects import Object, name

TYPE = "helm.sh/release.v1"
Status = str


@dataclass(frozen=True, kw_only=True)
class Record:
    """One revision of a release."""

    release: str
    namespace: str
    revision: int
    status: Status
    """deployed, superseded, failed, pending-install, pending-upgrade or uninstalling."""
    chart: str
    version: str
    values: Mapping[str, Any]
    """The values that the user gave, not the chart's defaults."""
    objects: Sequence[Object]
    """What Helm keeps as part of the release: neither definitions of custom resources nor hooks."""
    description: str = ""

    def with_status(self, status: Status, description: str) -> Record:
        """A copy; `store` it to make it so."""
        return replace(self, status=status, description=description)

    def secret(self) -> Object:
        """The Secret that stores it."""
        now = datetime.now(UTC)
        labels = {
            "modifiedAt": str(int(now.timestamp())),
            "name": self.release,
            "owner": "helm",
            "status": self.status,
            "version": str(self.revision),
        }
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self.secret_name, "namespace": self.namespace, "labels": labels},
            "type": TYPE,
            "data": {"release": base64.b64encode(self._packed(now)).decode()},
        }

    @property
    def secret_name(self) -> str:
        """The name by which Helm itself looks for it."""
        return f"sh.helm.release.v1.{self.release}.v{self.revision}"

    def _packed(self, now: datetime) -> bytes:
        manifest = "".join(f"---\n{yaml.safe_dump(obj, sort_keys=False)}" for obj in self.objects)
        stored = {
            "name": self.release,
            "namespace": self.namespace,
            "version": self.revision,
            "info": {
                "first_deployed": now.isoformat(),
                "last_deployed": now.isoformat(),
                "deleted": "",
                "description": self.description,
                "status": self.status,
            },
            "chart": {"metadata": {"name": self.chart, "version": self.version, "apiVersion": "v2"}},
            "config": self.values,
            "manifest": manifest,
        }
        # Helm packs the record before the API server encodes the Secret, so the text is base64 within base64
        return base64.b64encode(gzip.compress(json.dumps(stored, default=str).encode()))

    @classmethod
    def unpack(cls, secret: Object) -> Record:
        """The record in a Secret."""
        stored = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
        return cls(
            release=stored["name"],
            namespace=stored["namespace"],
            revision=stored["version"],
            status=stored["info"]["status"],
            chart=stored["chart"]["metadata"]["name"],
            version=stored["chart"]["metadata"]["version"],
            values=stored.get("config") or {},
            objects=[obj for obj in yaml.safe_load_all(stored["manifest"]) if obj],
            description=stored["info"].get("description", ""),
        )


def history(api: Api, release: str, namespace: str) -> list[Record]:
    """All revisions, the newest last."""
    selector = f"owner=helm,name={release}"
    found = [Record.unpack(secret) for secret in api.list("v1", "Secret", namespace, label_selector=selector)]
    return sorted(found, key=lambda record: record.revision)


def store(api: Api, record: Record) -> None:
    """Write the record, over an older one of that revision."""
    api.apply(record.secret(), field_manager="helm")


def forget(api: Api, records: Sequence[Record]) -> None:
    """Delete the records' Secrets."""
    for record in records:
        api.delete("v1", "Secret", record.secret_name, record.namespace, propagation="Background")


def resource_names(objects: Sequence[Object]) -> dict[str, list[str]]:
    """Names by kind, as the output `resourceNames` has them: `{"Deployment.apps/apps/v1": ["wandb/controller"]}`."""
    found: dict[str, list[str]] = {}
    for obj in objects:
        group, _, _ = obj["apiVersion"].rpartition("/")
        kind = f"{obj['kind']}.{group}" if group else obj["kind"]
        space = obj["metadata"].get("namespace")
        found.setdefault(f"{kind}/{obj['apiVersion']}", []).append(f"{space}/{name(obj)}" if space else name(obj))
    return found
