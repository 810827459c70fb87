"""Certificates made on the spot: a small authority and what it signs."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

YEAR = timedelta(days=365)


class CertificateAuthority:
    """Signs certificates for 127.0.0.1; `ca_file` is what a client must be given to trust them."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder, self._count = folder, 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        certificate = (
            self._certificate_builder(self._name, self._key.public_key(), YEAR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        path = folder / f"{name.replace(' ', '-')}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.ca_file = str(path)

    def server_context(self, host: str = "127.0.0.1", validity: timedelta = YEAR) -> ssl.SSLContext:
        """What a server needs to be `host`; a negative `validity` has ended already."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._certificate_builder(_name("server"), key.public_key(), validity)
            .add_extension(
                x509.SubjectAlternativeName([_subject_alternative_name(host)]), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        self._count += 1
        path = self._folder / f"server{self._count}-{id(self)}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_context.load_cert_chain(path)
        return server_context

    def _certificate_builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, validity: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * YEAR)
            .not_valid_after(now + validity)
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _subject_alternative_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
