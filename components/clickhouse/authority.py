"""A certificate authority of one's own, for an object store that no public one vouches for."""

from __future__ import annotations

from typing import Any

from .. import contracts
from . import xml

FOLDER = "/etc/clickhouse-server/bucket-authority"
_FILE = "ca.crt"
_VOLUME = "bucket-authority"


def files(ca: contracts.SecretKey | None) -> dict[str, str]:
    """The file of the configuration by which the server believes `ca`, beside those that its image believes."""
    if ca is None:
        return {}
    client = {"caConfig": f"{FOLDER}/{_FILE}", "loadDefaultCAFile": "true"}
    return {"config.d/private_authority.xml": xml.text({"openSSL": {"client": client}})}


def volumes(ca: contracts.SecretKey | None) -> list[dict[str, Any]]:
    """Of the pod: the certificate alone, whatever else is in its Secret."""
    if ca is None:
        return []
    return [{"name": _VOLUME, "secret": {"secretName": ca.name, "items": [{"key": ca.key, "path": _FILE}]}}]


def environment(ca: contracts.SecretKey | None) -> list[dict[str, str]]:
    """Of the server's container where its configuration names another authority: OpenSSL reads this one beside it."""
    return [] if ca is None else [{"name": "SSL_CERT_FILE", "value": f"{FOLDER}/{_FILE}"}]


def mounts(ca: contracts.SecretKey | None) -> list[dict[str, Any]]:
    """Of the server's container."""
    return [] if ca is None else [{"name": _VOLUME, "mountPath": FOLDER, "readOnly": True}]
