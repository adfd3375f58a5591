"""TLS among the servers, Keeper and whoever asks them: certificate, authority, and what each is told of them.

Servers and Keeper show one certificate. W&B and the Jobs look at who has signed it and at the name in it. The servers, and Keeper's nodes
among themselves, look at the first alone: ClickHouse's Keeper client has only an address to hold the name against
(`ZooKeeperImpl.cpp` of 25.8; a server has one set of rules for all that it asks), NuRaft holds it against nothing
(`asio_service.cxx`). The operator looks at neither (`connection.go` of 0.25.6). Nobody who asks shows a certificate: who may
connect is the matter of passwords and NetworkPolicies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

from ..fingerprint import fingerprint
from . import names, pods, xml
from .later import text

SECRET = "clickhouse-tls"
"""Where cert-manager puts what it makes."""
AUTHORITY = "clickhouse-authority"
"""ConfigMap with the authority, and with what clients in this namespace are told."""
CERTIFICATE, KEY, CA, CLIENT = "tls.crt", "tls.key", "ca.crt", "client.xml"
SERVER_FOLDER = "/etc/clickhouse-server/tls"
KEEPER_FOLDER = "/etc/clickhouse-keeper/tls"
CLIENT_FOLDER = "/etc/clickhouse-tls"
DAYS = 365
"""That cert-manager asks for. Keeper's nodes read their certificate as they start, so a short one would need more restarts."""
_OLD_PROTOCOLS = "sslv2,sslv3,tlsv1,tlsv1_1"
_VOLUME = "tls"


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """The issuer of cert-manager."""

    name: str
    kind: Literal["ClusterIssuer", "Issuer"] = "ClusterIssuer"


@dataclass(frozen=True, kw_only=True)
class TLS:
    """Encrypts every connection that clients, servers, Keeper and operator make to each other; metrics and probes of health apart."""

    ca: str
    """Certificates in PEM form of the authorities that may have signed the certificate."""
    secret: str | None = None
    """In the namespace of ClickHouse, with `tls.crt` and `tls.key`, for all of `hosts`. None: cert-manager makes it."""
    issuer: Issuer | None = None
    """Who makes the certificate where no `secret` is named."""

    def __post_init__(self) -> None:
        if (self.secret is None) == (self.issuer is None):
            raise ValueError("tls: exactly one of secret and issuer is needed")
        if not certificates(self.ca):
            raise ValueError("tls.ca: no certificate in PEM form given")

    @property
    def name(self) -> str:
        """Of the Secret with the certificate."""
        return self.secret or SECRET

    @property
    def mark(self) -> dict[str, str]:
        """An annotation of pods that changes with the authority, which servers and Keeper read as they start."""
        return {"wandb.pulumi/authority": fingerprint(self.ca)}


def certificates(ca: str) -> list[str]:
    """The certificates in a text, each by itself."""
    found = re.findall(r"-----BEGIN CERTIFICATE-----\s[^-]+-----END CERTIFICATE-----", ca)
    return [f"{each.strip()}\n" for each in found]


def hosts(
    installation: str, cluster: str, shards: int, replicas: int, keepers: int, namespace: pulumi.Input[str]
) -> list[pulumi.Input[str]]:
    """The names that the certificate has to hold: those by which the servers and Keeper's nodes are asked.

    The operator has the servers ask each other by the name of a Service alone, which no pattern covers.
    """
    service = f"clickhouse-{installation}"
    servers = [f"chi-{installation}-{cluster}-{shard}-{index}" for shard in range(shards) for index in range(replicas)]
    nodes = [f"chk-{installation}-{names.KEEPER_CLUSTER}-0-{index}" for index in range(keepers)]
    whole = [text(f"{each}.", namespace, ".svc.cluster.local") for each in (service, *servers, *nodes)]
    return [*whole, text(f"{service}.", namespace, ".svc"), text(f"{service}.", namespace), service, *servers, *nodes]


def server_file(tls: TLS | None) -> dict[str, str]:
    """The servers' file. The name sorts behind `private_authority.xml`, whose authority becomes one of several, and behind the
    operator's `chop-generated-hostname-ports.xml`, which has port 0 where `insecure` is off: any free one, without encryption."""
    if tls is None:
        return {}
    encrypted = {
        "https_port": names.TLS_PORTS.http,
        "tcp_port_secure": names.TLS_PORTS.native,
        "interserver_https_port": names.TLS_PORTS.interserver,
    }
    plain = ("http_port", "tcp_port", "interserver_http_port", "mysql_port", "postgresql_port")
    content = {
        "openSSL": {"server": _shown(SERVER_FOLDER), "client": _believed(SERVER_FOLDER, others=True)},
        **{port: str(number) for port, number in encrypted.items()},
        **dict.fromkeys(plain, xml.REMOVED),
    }
    return {"config.d/tls.xml": xml.text(content)}


def keeper_file(tls: TLS | None) -> dict[str, str]:
    """Keeper's file. The name sorts behind the operator's, which open the port without encryption."""
    if tls is None:
        return {}
    keeper = {
        "tcp_port": xml.REMOVED,
        "tcp_port_secure": str(names.TLS_PORTS.keeper),
        "raft_configuration": {"secure": "true"},
    }
    trust = {"server": _shown(KEEPER_FOLDER), "client": _believed(KEEPER_FOLDER)}
    return {"keeper_config.d/tls.xml": xml.text({"openSSL": trust, "keeper_server": keeper})}


def _shown(folder: str) -> dict[str, str]:
    return {
        "certificateFile": f"{folder}/{CERTIFICATE}",
        "privateKeyFile": f"{folder}/{KEY}",
        "caConfig": f"{folder}/{CA}",
        "verificationMode": "none",
        "disableProtocols": _OLD_PROTOCOLS,
        "preferServerCiphers": "true",
    }


def _believed(folder: str, *, others: bool = False, name: bool = False) -> dict[str, Any]:
    """`others`: those whom the image believes, too, which a bucket needs. `name`: the name in the certificate must be right."""
    return {
        "caConfig": f"{folder}/{CA}",
        "loadDefaultCAFile": str(others).lower(),
        "verificationMode": "strict",
        **({"extendedVerification": "true"} if name else {}),
        "disableProtocols": _OLD_PROTOCOLS,
        "invalidCertificateHandler": {"name": "RejectCertificateHandler"},
    }


def volumes(tls: TLS | None) -> list[dict[str, Any]]:
    """Of a pod that shows the certificate: certificate, key and authority in one folder, renewed while the pod runs."""
    if tls is None:
        return []
    secret = {"name": tls.name, "items": [{"key": each, "path": each} for each in (CERTIFICATE, KEY)]}
    authority = {"name": AUTHORITY, "items": [{"key": CA, "path": CA}]}
    return [{"name": _VOLUME, "projected": {"sources": [{"secret": secret}, {"configMap": authority}]}}]


def mounts(tls: TLS | None, folder: str) -> list[dict[str, Any]]:
    """Of the container in such a pod."""
    return [] if tls is None else [{"name": _VOLUME, "mountPath": folder, "readOnly": True}]


def client_volumes(tls: TLS | None) -> list[dict[str, Any]]:
    """Of a pod that asks the servers."""
    return [] if tls is None else [{"name": _VOLUME, "configMap": {"name": AUTHORITY}}]


def client(script: str, tls: TLS | None) -> str:
    """`script` with its clients told to encrypt, and whom to believe."""
    told = f"clickhouse-client --config-file {CLIENT_FOLDER}/{CLIENT} --secure "
    return script if tls is None else script.replace("clickhouse-client ", told)


def authority(tls: TLS, namespace: pulumi.Input[str]) -> dict[str, Any]:
    """The ConfigMap."""
    told = {"openSSL": {"client": _believed(CLIENT_FOLDER, name=True)}}
    return {
        "metadata": {"name": AUTHORITY, "namespace": namespace, "labels": pods.labels(AUTHORITY)},
        "data": {CA: "".join(certificates(tls.ca)), CLIENT: xml.text(told)},
    }


def certificate(
    tls: TLS, issuer: Issuer, namespace: pulumi.Input[str], names_: Sequence[pulumi.Input[str]]
) -> Mapping[str, Any]:
    """The Certificate that cert-manager makes, and renews when a third of its days is left. `up` waits until it is there.

    Source: cert-manager v1, `Certificate`. There is no common name, which nobody reads and which has a limit of 64.
    """
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {
            "name": SECRET,
            "namespace": namespace,
            "labels": pods.labels(SECRET),
            "annotations": {"pulumi.com/waitFor": "condition=Ready"},
        },
        "spec": {
            "secretName": tls.name,
            "issuerRef": {"group": "cert-manager.io", "kind": issuer.kind, "name": issuer.name},
            "dnsNames": list(names_),
            "duration": f"{DAYS * 24}h",
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "usages": ["digital signature", "server auth"],
        },
    }
