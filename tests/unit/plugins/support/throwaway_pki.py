"""Certificates for one test session."""

from __future__ import annotations

import base64
import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME = "registry.test"  # a host that exists for a proxy alone


class Pki:
    """A CA, a server certificate for loopback and NAME, an administrator's certificate, a service account key."""

    def __init__(self, directory: Path, authority: str = "test-ca") -> None:
        directory.mkdir(mode=0o700, parents=True)
        self._directory = directory
        self._ca_key = rsa.generate_private_key(65537, 2048)
        self._ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, authority)])
        self.ca_certificate = self._write("ca.crt", _pem(self._certificate_of_authority()))
        self.server_certificate, self.server_key = self._issue("server", "kube-apiserver", None)
        self.admin_certificate, self.admin_key = self._issue("admin", "admin", "system:masters")
        self.service_account_key = self._write("sa.key", _key_pem(rsa.generate_private_key(65537, 2048)))

    @staticmethod
    def inline(path: Path) -> str:
        """The content of a file as a kubeconfig holds it inline."""
        return base64.b64encode(path.read_bytes()).decode()

    def _certificate_of_authority(self) -> x509.Certificate:
        return (
            self._builder(self._ca_name, self._ca_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._ca_key, hashes.SHA256())
        )

    def _issue(self, stem: str, common_name: str, organisation: str | None) -> tuple[Path, Path]:
        key = rsa.generate_private_key(65537, 2048)
        names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if organisation:
            names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
        addresses = [x509.DNSName("localhost"), x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            self._builder(x509.Name(names), key)
            .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .sign(self._ca_key, hashes.SHA256())
        )
        return self._write(f"{stem}.crt", _pem(certificate)), self._write(f"{stem}.key", _key_pem(key))

    def _builder(self, subject: x509.Name, key: rsa.RSAPrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._ca_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=2))
        )

    def _write(self, name: str, content: bytes) -> Path:
        path = self._directory / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        return path


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
