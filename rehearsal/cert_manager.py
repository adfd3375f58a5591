"""cert-manager as a user's cluster has it: definitions, the issuer that a stack names, and what becomes of a Certificate.

The definitions are stand-ins, with what this project writes. An issuer that is there signs whatever it is asked for; what is in
the Secret is a placeholder. Source: cert-manager v1.16, `Certificate`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .crds import Definition, definition

if TYPE_CHECKING:
    from settings.base import CertificateIssuer

GROUP = "cert-manager.io"
API_VERSION = f"{GROUP}/v1"
PLACEHOLDER = "signed in a rehearsal"
_CERTIFICATE = {
    "secretName": "string",
    "issuerRef": {"group": "string", "kind": "string", "name": "string"},
    "commonName": "string",
    "dnsNames": ["string"],
    "duration": "string",
    "renewBefore": "string",
    "usages": ["string"],
    "privateKey": {"algorithm": "string", "size": "integer", "rotationPolicy": "string"},
}
DEFINITIONS = (
    Definition(kind="Certificate", plural="certificates", short="cert", group=GROUP, spec=_CERTIFICATE, status="any"),
    Definition(kind="Issuer", plural="issuers", short="", group=GROUP, spec="any", status="any"),
    Definition(
        kind="ClusterIssuer", plural="clusterissuers", short="", group=GROUP, spec="any", status="any", scope="Cluster"
    ),
)
_USAGES = {"digital signature", "key encipherment", "server auth", "client auth"}
_HOURS = re.compile(r"([0-9]+)h")


def objects(asked: CertificateIssuer, namespace: str) -> Iterator[dict[str, Any]]:
    """What a user has put there: the definitions, and the issuer."""
    yield from map(definition, DEFINITIONS)
    metadata = {"name": asked.name, **({} if asked.kind == "ClusterIssuer" else {"namespace": namespace})}
    yield {"apiVersion": API_VERSION, "kind": asked.kind, "metadata": metadata, "spec": {"selfSigned": {}}}


def secret(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """The Secret that a signed Certificate becomes."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": certificate["spec"]["secretName"], "namespace": certificate["metadata"]["namespace"]},
        "stringData": dict.fromkeys(("tls.crt", "tls.key", "ca.crt"), PLACEHOLDER),
    }


def refusal(certificate: Mapping[str, Any], *, signs: bool) -> str | None:
    """Why a Certificate is not signed; None when it is. `signs`: whether the issuer that it names is there."""
    spec = certificate["spec"]
    issuer = spec.get("issuerRef") or {}
    if not signs:
        return f"Referenced {issuer.get('kind')!r} not found: {issuer.get('name')}"
    if not spec.get("dnsNames") and not spec.get("commonName"):
        return "at least one of commonName and dnsNames is needed"
    if unknown := set(spec.get("usages") or ()) - _USAGES:
        return f"unknown usages {sorted(unknown)}"
    hours = _HOURS.fullmatch(spec.get("duration") or "2160h")
    if hours is None or int(hours[1]) < 1:
        return f"duration {spec.get('duration')!r} is less than an hour"
    return None
