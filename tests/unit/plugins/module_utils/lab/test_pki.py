# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab import pki
from cryptography import x509

AUTHORITIES = {"ca": "kubernetes", "etcd-ca": "etcd"}
SERVER = pki.CertificateRequest(
    "kube-apiserver", "ca", "kube-apiserver", None, ("server",), ("localhost",), ("127.0.0.1", "127.0.0.2")
)
ADMIN = pki.CertificateRequest("admin", "ca", "admin", "system:masters")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    pki.ensure_pki(tmp_path / "pki", AUTHORITIES, [SERVER, ADMIN], ["service-accounts"])
    return tmp_path / "pki"


def load(directory: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((directory / f"{name}.crt").read_bytes())


def test_a_second_run_writes_nothing(directory: Path) -> None:
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    assert pki.ensure_pki(directory, AUTHORITIES, [SERVER, ADMIN], ["service-accounts"]).written == []
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_certificates_say_what_was_asked_for(directory: Path) -> None:
    server, admin = load(directory, "kube-apiserver"), load(directory, "admin")
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "127.0.0.2"]
    assert admin.subject.rfc4514_string() == "CN=admin,O=system:masters"
    server.verify_directly_issued_by(load(directory, "ca"))
    with pytest.raises(ValueError):
        server.verify_directly_issued_by(load(directory, "etcd-ca"))


def test_keys_are_for_their_owner_alone(directory: Path) -> None:
    for key in directory.glob("*.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert key.read_bytes().startswith(b"-----BEGIN EC PRIVATE KEY-----")


def test_a_new_name_makes_that_certificate_again_and_keeps_the_authority(directory: Path) -> None:
    authority = (directory / "ca.crt").read_bytes()
    moved = replace(SERVER, addresses=("127.0.0.1", "127.0.0.9"))
    assert pki.ensure_pki(directory, AUTHORITIES, [moved, ADMIN], []).written == ["kube-apiserver"]
    assert (directory / "ca.crt").read_bytes() == authority


def test_a_lost_authority_makes_its_certificates_again(directory: Path) -> None:
    (directory / "ca.key").unlink()
    written = pki.ensure_pki(directory, AUTHORITIES, [SERVER, ADMIN], ["service-accounts"]).written
    assert written == ["ca", "kube-apiserver", "admin"]
    load(directory, "admin").verify_directly_issued_by(load(directory, "ca"))


def test_a_certificate_that_is_about_to_end_is_made_again(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pki, "RENEWAL_DAYS", pki.CERTIFICATE_DAYS)
    assert pki.ensure_pki(directory, AUTHORITIES, [ADMIN], []).written == ["admin"]


def test_a_look_writes_nothing(tmp_path: Path) -> None:
    outcome = pki.ensure_pki(tmp_path / "pki", AUTHORITIES, [ADMIN], ["service-accounts"], only_look=True)
    assert outcome.written == ["ca", "etcd-ca", "admin", "service-accounts"]
    assert not (tmp_path / "pki").exists()
