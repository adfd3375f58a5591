"""The part of cert-manager that a stack waits for: Certificates become Secrets, or say why not."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from .. import cert_manager
from ..api import Api, ApiError
from .cache import Cache

Object = Mapping[str, Any]
log = logging.getLogger(__name__)

KINDS = tuple((cert_manager.API_VERSION, kind) for kind in ("Certificate", "Issuer", "ClusterIssuer"))


def sync(api: Api, cache: Cache) -> None:
    """Sign each Certificate whose generation has not been answered yet, and whose issuer is there."""
    for certificate in cache.all("Certificate"):
        metadata, status = certificate["metadata"], certificate.get("status") or {}
        ready = next((each for each in status.get("conditions") or () if each["type"] == "Ready"), None)
        if metadata.get("deletionTimestamp") or _answered(ready, metadata["generation"]):
            continue
        issuer = certificate["spec"].get("issuerRef") or {}
        kind, namespace = issuer.get("kind") or "Issuer", metadata["namespace"]
        where = "" if kind == "ClusterIssuer" else namespace
        signs = kind in ("Issuer", "ClusterIssuer") and cache.get(kind, issuer.get("name", ""), where) is not None
        refusal = cert_manager.refusal(certificate, signs=signs)
        if refusal is None and cache.get("Secret", certificate["spec"]["secretName"], namespace) is None:
            _create(api, cert_manager.secret(certificate))
        _answer(api, cache, certificate, refusal)


def _answered(ready: Object | None, generation: int) -> bool:
    return ready is not None and ready["status"] == "True" and ready.get("observedGeneration") == generation


def _create(api: Api, secret: dict[str, Any]) -> None:
    log.info("signed certificate %s", secret["metadata"]["name"])
    try:
        api.create(secret)
    except ApiError as error:
        if error.status != 409:
            raise


def _answer(api: Api, cache: Cache, certificate: Object, refusal: str | None) -> None:
    metadata = certificate["metadata"]
    condition = {
        "type": "Ready",
        "status": "False" if refusal else "True",
        "reason": "Failed" if refusal else "Ready",
        "message": refusal or "Certificate is up to date and has not expired",
        "observedGeneration": metadata["generation"],
    }
    if condition in ((certificate.get("status") or {}).get("conditions") or ()):
        return
    body = {"status": {"conditions": [condition]}}
    written = api.patch(
        cert_manager.API_VERSION,
        "Certificate",
        metadata["name"],
        metadata["namespace"],
        body=body,
        subresource="status",
    )
    cache.put("Certificate", {"apiVersion": cert_manager.API_VERSION, "kind": "Certificate"} | written)
