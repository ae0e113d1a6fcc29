"""Files with certificate authorities: taken in PEM form alone, whatever option names them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.authorities import read_authorities
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.errors import HttpSetupError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import PolicyError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import RegistrySettings
from ansible_collections.selfhosted.serverless.plugins.module_utils.options.rules import faults_of
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.option_values import faulty_values
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from throwaway_pki import Pki


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("authorities") / "pki")


def test_a_bundle_is_read_as_it_is(pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle.pem"
    comment = "# Label: F\N{LATIN SMALL LETTER O WITH DOUBLE ACUTE}tan\N{LATIN SMALL LETTER U WITH ACUTE}s\n".encode()
    bundle.write_bytes(comment + pki.ca_certificate.read_bytes() + pki.server_certificate.read_bytes())
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_authorities("~/bundle.pem") == bundle.read_bytes()
    assert faults_of({"todo_build_ca_file": "~/bundle.pem"}, {}) == []


def test_other_files_are_refused_with_what_is_wrong(pki: Pki, tmp_path: Path) -> None:
    good = pki.ca_certificate.read_bytes()
    files = {
        "empty": (b"\n", "is empty"),
        "key": (pki.server_key.read_bytes(), "holds no certificate in PEM form"),
        "der": (x509.load_pem_x509_certificate(good).public_bytes(Encoding.DER), "holds no certificate in PEM form"),
        "half": (good + good[: len(good) // 2], "cut off"),
    }
    for name, (content, words) in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(HttpSetupError, match=words):
            read_authorities(str(tmp_path / name))
    with pytest.raises(HttpSetupError, match="cannot be read: No such file"):
        read_authorities(str(tmp_path / "nowhere"))
    with pytest.raises(HttpSetupError, match="cannot be read: Is a directory"):
        read_authorities(str(tmp_path))


def test_the_image_policys_are_looked_at_before_a_run(pki: Pki) -> None:
    """All at once: they are read where nodes are told of them, when other things have changed."""
    registries = {
        "good.example": {"ca_file": str(pki.ca_certificate)},
        "none.example": {},
        "gone.example": {"ca_file": "/nowhere/ca.crt"},
        "key.example:5001": {"ca_file": str(pki.server_key)},
    }
    specs = {"serverless": {"serverless_images": {"type": "dict"}}}
    gone, key = faulty_values(specs, ["serverless_images"], lambda name: {"registries": registries})
    assert gone == (
        "serverless_images.registries['gone.example']: the ca_file /nowhere/ca.crt cannot be read: "
        "No such file or directory"
    )
    assert key.startswith("serverless_images.registries['key.example:5001']: the ca_file ") and "no certificate" in key
    with pytest.raises(PolicyError, match="no certificate in PEM form"):
        RegistrySettings.from_config("key.example:5001", registries["key.example:5001"]).authority()
