# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and certificates of the lab: authorities once, certificates again when they no longer fit what is asked for.

Everything is ECDSA on P-256. Files are PEM; keys are SEC 1, the form that kube-apiserver reads everywhere, with
mode 0600.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:  # ansible-core brings it; only the import test of ansible-test runs without it
    x509 = None

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 1825
RENEWAL_DAYS = 90


@dataclass(frozen=True)
class CertificateRequest:
    """One certificate: its file name, who signs it and what it is good for.

    usages are server and client; names are DNS names, addresses are IP addresses.
    """

    name: str
    authority: str
    common_name: str
    organization: str | None = None
    usages: tuple[str, ...] = ("client",)
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass
class PkiOutcome:
    """Names of the files that were written, without their ending."""

    written: list[str] = field(default_factory=list)


def ensure_pki(
    directory: Path,
    authorities: dict[str, str],
    certificates: list[CertificateRequest],
    signing_keys: list[str],
    only_look: bool = False,
) -> PkiOutcome:
    """Bring the directory to what is asked for, and tell what was missing or did not fit.

    authorities maps file name to common name; signing_keys are key pairs without a certificate.
    An authority that is there is kept for good; a certificate is kept while it was signed by its authority, has the
    subject, names and usages asked for, and is good for at least RENEWAL_DAYS more.
    """
    outcome = PkiOutcome()
    if not only_look:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    renewed = set()
    for name, common_name in authorities.items():
        if not _complete(directory, name):
            renewed.add(name)
            outcome.written.append(name)
            if not only_look:
                _write_authority(directory, name, common_name)
    for request in certificates:
        if request.authority in renewed or not _fits(directory, request):
            outcome.written.append(request.name)
            if not only_look:
                _write_certificate(directory, request)
    for name in signing_keys:
        if not (directory / f"{name}.key").exists():
            outcome.written.append(name)
            if not only_look:
                _write_key(directory / f"{name}.key")
    return outcome


def _complete(directory: Path, name: str) -> bool:
    return (directory / f"{name}.crt").exists() and (directory / f"{name}.key").exists()


def _fits(directory: Path, request: CertificateRequest) -> bool:
    if not _complete(directory, request.name):
        return False
    certificate = _load_certificate(directory, request.name)
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    if left < datetime.timedelta(days=RENEWAL_DAYS) or certificate.subject != _subject(request):
        return False
    try:
        certificate.verify_directly_issued_by(_load_certificate(directory, request.authority))
    except Exception:  # whatever the reason is: it is not a certificate of this authority
        return False
    return all(_same_extension(certificate, wanted) for wanted in (_usages(request), _alternative_names(request)))


def _same_extension(certificate: x509.Certificate, wanted: x509.ExtensionType | None) -> bool:
    if wanted is None:
        return True
    try:
        return certificate.extensions.get_extension_for_class(type(wanted)).value == wanted
    except x509.ExtensionNotFound:
        return False


def _write_authority(directory: Path, name: str, common_name: str) -> None:
    key = _write_key(directory / f"{name}.key")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = _builder(subject, subject, key.public_key(), AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(authority=True), critical=True)
    _write_pem(directory / f"{name}.crt", builder.sign(key, hashes.SHA256()))


def _write_certificate(directory: Path, request: CertificateRequest) -> None:
    authority = _load_certificate(directory, request.authority)
    authority_key = serialization.load_pem_private_key((directory / f"{request.authority}.key").read_bytes(), None)
    key = _write_key(directory / f"{request.name}.key")
    builder = _builder(_subject(request), authority.subject, key.public_key(), CERTIFICATE_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(authority=False), critical=True)
    builder = builder.add_extension(_usages(request), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
    )
    names = _alternative_names(request)
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    _write_pem(directory / f"{request.name}.crt", builder.sign(authority_key, hashes.SHA256()))


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
    builder = builder.serial_number(x509.random_serial_number())
    # An hour back, for machines whose clocks differ
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=days))
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)


def _subject(request: CertificateRequest) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, request.common_name)]
    if request.organization:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, request.organization))
    return x509.Name(attributes)


def _usages(request: CertificateRequest) -> x509.ExtendedKeyUsage:
    known = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}
    return x509.ExtendedKeyUsage([known[usage] for usage in request.usages])


def _alternative_names(request: CertificateRequest) -> x509.SubjectAlternativeName | None:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys(request.names)]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in dict.fromkeys(request.addresses)]
    return x509.SubjectAlternativeName(names) if names else None


def _key_usage(authority: bool) -> x509.KeyUsage:
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


def _load_certificate(directory: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((directory / f"{name}.crt").read_bytes())


def _write_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return key


def _write_pem(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    path.chmod(0o644)
