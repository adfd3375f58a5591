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


def pod(ca: contracts.SecretKey | None) -> dict[str, Any]:
    """What the pod's spec has for it: the certificate alone, whatever else is in its Secret."""
    if ca is None:
        return {}
    secret = {"secretName": ca.name, "items": [{"key": ca.key, "path": _FILE}]}
    return {"volumes": [{"name": _VOLUME, "secret": secret}]}


def container(ca: contracts.SecretKey | None) -> dict[str, Any]:
    """What the server's container has for it."""
    if ca is None:
        return {}
    return {"volumeMounts": [{"name": _VOLUME, "mountPath": FOLDER, "readOnly": True}]}
