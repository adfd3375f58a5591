"""Fresh keys, certificates and tokens for one control plane.

Everything is made for one rehearsal and trusted by nothing else: one authority signs the API server's and etcd's
certificates, service-account tokens have a key pair of their own, and people and controllers show bearer tokens.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .ports import LOOPBACK

# A rehearsal is thrown away long before this; there is no renewal to rehearse.
LIFETIME = datetime.timedelta(days=3650)

SERVER_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)

# Who may talk to the API server: token user -> groups. The controllers' rights are Kubernetes' own RBAC defaults.
USERS = {
    "kubernetes-admin": "system:masters",
    "kwok": "system:masters",
    "system:kube-controller-manager": "",
    "system:kube-scheduler": "",
}


@dataclass(frozen=True)
class Credentials:
    """The files of one control plane's keys, all readable by their owner alone."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The authority's certificate, by which clients know the API server and etcd."""
        return self.folder / "ca.crt"

    def certificate(self, name: str) -> Path:
        """The certificate of `etcd` or `apiserver`, which serves both as a server's and as a client's."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """A private key in PEM."""
        return self.folder / f"{name}.key"

    @property
    def tokens(self) -> Path:
        """The API server's static token file."""
        return self.folder / "tokens.csv"

    def token(self, user: str) -> str:
        """The bearer token of one of `USERS`."""
        rows = (line.split(",") for line in self.tokens.read_text().splitlines())
        return next(row[0] for row in rows if row[1] == user)


def ensure(folder: Path, *, service_address: str) -> Credentials:
    """The credentials in `folder`; made when they are not there. Interrupted, it leaves all of them or none.

    `service_address` is the address of the `kubernetes` Service, for which the API server's certificate is good too.
    """
    if not folder.exists():
        fresh = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        _make(fresh, service_address)
        fresh.rename(folder)
    return Credentials(folder)


def _make(folder: Path, service_address: str) -> None:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _signed("rehearsal-ca", authority_key, authority_key, issuer=None, addresses=())
    _write(folder / "ca.crt", authority.public_bytes(serialization.Encoding.PEM))
    for name in ("apiserver", "etcd"):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(name, key, authority_key, issuer=authority, addresses=(LOOPBACK, service_address))
        _write(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))
        _write(folder / f"{name}.key", _pem(key))
    accounts = ec.generate_private_key(ec.SECP256R1())
    _write(folder / "service-accounts.key", _pem(accounts))
    public = accounts.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _write(folder / "service-accounts.pub", public)
    rows = [f'{secrets.token_urlsafe(32)},{user},{user},"{groups}"' for user, groups in USERS.items()]
    _write(folder / "tokens.csv", "\n".join(rows).encode())


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    issuer: x509.Certificate | None,
    addresses: tuple[str, ...],
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_key_usage(authority=issuer is None), critical=True)
    )
    if issuer is not None:
        names = [x509.DNSName(one) for one in SERVER_NAMES]
        numbers = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.SubjectAlternativeName([*names, *numbers]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
