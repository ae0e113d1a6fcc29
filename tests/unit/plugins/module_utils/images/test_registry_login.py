"""Logging in: basic at a real registry, tokens at one of our own; credentials never reach another host."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import (
    ImageError,
    Reason,
    RegistryError,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import RegistrySettings
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.blobs import fetch_blob
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import (
    Descriptor,
    digest_of,
)
from faulty_registry import FaultyRegistry, Handler
from registry_process import PASSWORD, USERNAME, RegistryProcess
from sample_images import LAYER, SampleImage
from throwaway_pki import Pki
from token_service import TokenService

IMAGE = SampleImage()
BLOB = Descriptor(LAYER, digest_of(IMAGE.layer), len(IMAGE.layer))


def login(host: str, password: str = "secret") -> RegistrySettings:
    return RegistrySettings(host, username="user", password={"value": password})


def test_a_token_that_ran_out_is_renewed(faulty: FaultyRegistry, quick: Backoff, tmp_path: Path) -> None:
    faulty.add(IMAGE)
    faulty.guard = service = TokenService(faulty, uses=1)
    client = Registry(faulty.host, login(faulty.host), quick)
    assert client.manifest("app", "1").digest == IMAGE.index.digest
    fetch_blob(client, "app", BLOB, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == IMAGE.layer
    assert service.given == ["Basic " + base64.b64encode(b"user:secret").decode()] * 2


def test_anonymous_token(faulty: FaultyRegistry, quick: Backoff) -> None:
    faulty.add(IMAGE)
    faulty.guard = service = TokenService(faulty, uses=9)
    Registry(faulty.host, backoff=quick).manifest("app", "1")
    assert service.given == [""]


def test_a_token_service_without_tls_elsewhere_gets_nothing(faulty: FaultyRegistry, quick: Backoff) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="http://tokens.example.com/token",service="x"'}
    faulty.faults["manifests"] = [lambda handler: handler.reply(401, b"", challenge)]
    with pytest.raises(RegistryError) as caught:
        Registry(faulty.host, login(faulty.host), quick).manifest("app", "1")
    assert caught.value.reason == Reason.LOGIN
    assert "TLS" in str(caught.value)


def test_a_redirect_elsewhere_carries_no_login(faulty: FaultyRegistry, quick: Backoff, tmp_path: Path) -> None:
    storage = FaultyRegistry()
    storage.add(IMAGE)
    faulty.guard = TokenService(faulty, uses=9)
    target = {"Location": f"http://{storage.host}/v2/x/blobs/{BLOB.digest}"}

    def redirect(handler: Handler) -> None:
        # With the token it would not get in here again: the answer comes before the guard.
        handler.reply(307, b"", target)

    try:
        client = Registry(faulty.host, login(faulty.host), quick)
        faulty.add(IMAGE)
        client.manifest("app", "1")
        faulty.faults["blobs"] = [redirect]
        fetch_blob(client, "app", BLOB, tmp_path / "blob")
        assert (tmp_path / "blob").read_bytes() == IMAGE.layer
        assert faulty.asked("GET", "blobs")[0]["Authorization"] == "Bearer t1"
        assert "Authorization" not in storage.asked("GET", "blobs")[0]
    finally:
        storage.stop()


def test_basic_login_at_a_real_registry(private: RegistryProcess, private_settings: RegistrySettings) -> None:
    assert Registry(private.host, private_settings).has_manifest("none", "1") == ""


@pytest.mark.parametrize(("username", "said"), [("", "wants a user"), (USERNAME, "not accepted")])
def test_a_login_that_fails_never_shows_the_password(
    private: RegistryProcess, pki: Pki, username: str, said: str
) -> None:
    password = {"value": "canary-7d1f"} if username else {}
    settings = RegistrySettings(private.host, str(pki.ca_certificate), username, password)
    with pytest.raises(RegistryError) as caught:
        Registry(private.host, settings).manifest("app", "1")
    assert caught.value.reason == Reason.LOGIN
    assert said in str(caught.value)
    assert "canary" not in str(caught.value) + repr(settings)


def test_a_missing_password_names_its_source(private: RegistryProcess, pki: Pki, tmp_path: Path) -> None:
    source = {"file": str(tmp_path / "none")}
    settings = RegistrySettings(private.host, str(pki.ca_certificate), USERNAME, source)
    with pytest.raises(ImageError, match="none with a secret cannot be read"):
        Registry(private.host, settings).manifest("app", "1")


@pytest.mark.parametrize("lifetime", ['"300"', '"300.5"', '"5m"', "1e999", "NaN", "[3]", "null", "-5"])
def test_a_token_is_good_whatever_its_lifetime_says(faulty: FaultyRegistry, quick: Backoff, lifetime: str) -> None:
    assert _with_token(faulty, quick, 200, f'{{"token":"t1","expires_in":{lifetime}}}') == IMAGE.index.digest


@pytest.mark.parametrize("status", [201, 202, 203])
def test_other_words_for_yes_of_a_token_service(faulty: FaultyRegistry, quick: Backoff, status: int) -> None:
    assert _with_token(faulty, quick, status, '{"access_token":"t1"}') == IMAGE.index.digest


def test_a_token_service_that_answers_with_a_flood_of_brackets(faulty: FaultyRegistry, quick: Backoff) -> None:
    with pytest.raises(ImageError, match="gives no token"):
        _with_token(faulty, quick, 200, "[" * 200_000)


def _with_token(faulty: FaultyRegistry, backoff: Backoff, status: int, answer: str) -> str:
    realm = {"WWW-Authenticate": f'Bearer realm="http://{faulty.host}/token",service="s"'}

    def guard(handler: Handler) -> bool:
        if handler.path.startswith("/token"):
            return handler.reply(status, answer.encode()) or True
        return handler.headers.get("Authorization") != "Bearer t1" and (handler.reply(401, b"", realm) or True)

    faulty.add(IMAGE)
    faulty.guard = guard
    return Registry(faulty.host, backoff=backoff).has_manifest("app", "1")


def test_a_certificate_authority_in_the_home_directory(
    private: RegistryProcess, pki: Pki, quick: Backoff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(pki.ca_certificate.parent))
    settings = RegistrySettings(private.host, f"~/{pki.ca_certificate.name}", USERNAME, {"value": PASSWORD})
    assert Registry(private.host, settings, quick).has_manifest("none", "1") == ""
