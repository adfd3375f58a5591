"""An authority that signs certificates for any host, for tests alone."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FIRST = """\
-----BEGIN CERTIFICATE-----
MIIBOTCB4aADAgECAgEBMAoGCCqGSM49BAMCMBoxGDAWBgNVBAMMD2ZpcnN0IGF1
dGhvcml0eTAgFw0yNTAxMDEwMDAwMDBaGA8yMTI1MDEwMTAwMDAwMFowGjEYMBYG
A1UEAwwPZmlyc3QgYXV0aG9yaXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
Zev8gEAa0xZkpNZZW/RMjINwQrUIoVV7SnNjypUCBBt6oadLD9nG6l0t8dWjrDr+
8n04FF+jL5rF1/BCuBQ9oaMWMBQwEgYDVR0TAQH/BAgwBgEB/wIBADAKBggqhkjO
PQQDAgNHADBEAiBvETWeEWajbDrXW/XVGxxIR/XhtvkRSVQlBqr59DgwqwIgNoi+
vTTzKpEkhqs5lvrlLfhmML9UvxvmY/tcs7kSaAk=
-----END CERTIFICATE-----
"""
SECOND = """\
-----BEGIN CERTIFICATE-----
MIIBPDCB46ADAgECAgEBMAoGCCqGSM49BAMCMBsxGTAXBgNVBAMMEHNlY29uZCBh
dXRob3JpdHkwIBcNMjUwMTAxMDAwMDAwWhgPMjEyNTAxMDEwMDAwMDBaMBsxGTAX
BgNVBAMMEHNlY29uZCBhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQomnwXOtW8XYrTQyAmlvAy28pc2rW8QFYmEcS+MT+7eLDLKrWcTIYrlm+KYD3z
ii0mDmJXlccTw37/rJ8HAp3moxYwFDASBgNVHRMBAf8ECDAGAQH/AgEAMAoGCCqG
SM49BAMCA0gAMEUCIEjx7Yv2yyL/W8Vah+RjturOwZbqNjmopeIodzO7AE0JAiEA
+J1a5dc4lzf1YiujIjccWW83VZWtjk8oRTKS45eoBPY=
-----END CERTIFICATE-----
"""
"""Authorities whose keys nobody has: for settings and manifests, where only the text counts."""
_DAY = datetime.timedelta(days=1)


class Authority:
    """Keeps its certificate, and those that it signs, in a folder."""

    def __init__(self, folder: Path, name: str = "authority of the tests") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = _builder(self._name, self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.certificate = folder / "authority.crt"
        self.certificate.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def files(self, host: str) -> tuple[Path, Path]:
        """The certificate of `host`, a name or an address, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "host of the tests")])
        made = (
            _builder(subject, self._name, key)
            .add_extension(x509.SubjectAlternativeName([_general(host)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        certificate, secret = self._folder / f"{host}.crt", self._folder / f"{host}.key"
        certificate.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, secret

    def context(self, host: str) -> ssl.SSLContext:
        """What a server called `host` shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.files(host))
        return context


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
    )
