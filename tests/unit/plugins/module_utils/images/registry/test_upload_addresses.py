"""Where uploads go on, in whatever form a registry says it; the login goes to the registry alone."""

from __future__ import annotations

import io

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import RegistryError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import RegistrySettings
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import (
    Descriptor,
    digest_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.sessions import session_url
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.transport import Answer
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.uploads import push_blob
from faulty_registry import FaultyRegistry, Handler
from sample_images import LAYER

DATA = b"0123456789"


def send(registry: FaultyRegistry, backoff: Backoff, client: Registry | None = None) -> str:
    blob = Descriptor(LAYER, digest_of(DATA), len(DATA))
    push_blob(client or Registry(registry.host, backoff=backoff), "app", blob, lambda: io.BytesIO(DATA))
    return blob.digest


@pytest.mark.parametrize(
    "location",
    [
        "/v2/app/blobs/uploads/1?_state=a%2Bb",
        "1?_state=a%2Bb",
        "http://HOST/v2/app/blobs/uploads/1?_state=a%2Bb",
        "//HOST/v2/app/blobs/uploads/1?_state=a%2Bb",
        "http://user:pass@HOST/v2/app/blobs/uploads/1?_state=a%2Bb#end",
        "https://HOST/v2/app/blobs/uploads/1?_state=a%2Bb",
        "http://127.0.0.1:80/v2/app/blobs/uploads/1?_state=a%2Bb",
    ],
)
def test_addresses_of_uploads(faulty: FaultyRegistry, quick: Backoff, location: str) -> None:
    """Of whatever form: the registry itself is reached as the user said, and gets the login."""
    where = {"Location": location.replace("HOST", faulty.host)}
    faulty.guard = lambda handler: handler.reply(202 if handler.command == "POST" else 201, b"", where) or True
    digest = send(faulty, quick)
    ((_method, path, _headers),) = [request for request in faulty.requests if request[0] == "PUT"]
    assert path == f"/v2/app/blobs/uploads/1?_state=a%2Bb&digest={digest.replace(':', '%3A')}"


def test_a_storage_elsewhere_gets_the_bytes_without_the_login(faulty: FaultyRegistry, quick: Backoff) -> None:
    storage = FaultyRegistry()
    storage.guard = lambda handler: handler.reply(201) or True
    place = storage.host.replace("127.0.0.1", "localhost")

    def guard(handler: Handler) -> bool:
        if not handler.headers.get("Authorization"):
            return handler.reply(401, b"", {"WWW-Authenticate": "Basic"}) or True
        return handler.reply(202, b"", {"Location": f"http://{place}/up?sig=1"}) or True

    faulty.guard = guard
    settings = RegistrySettings(faulty.host, username="user", password={"value": "secret"})
    try:
        send(faulty, quick, Registry(faulty.host, settings, quick))
        ((method, path, headers),) = storage.requests
        assert (method, path.partition("&")[0]) == ("PUT", "/up?sig=1")
        assert "Authorization" not in headers
    finally:
        storage.stop()


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("http://storage.invalid/up", "without TLS"),
        ("", "without saying where to"),
        ("https://[::1/up", "no address"),
        ("https://x:port/up", "no address"),
    ],
)
def test_addresses_that_are_refused(quick: Backoff, location: str, said: str) -> None:
    registry = Registry("registry.invalid", backoff=quick)
    with pytest.raises(RegistryError, match=said):
        session_url(registry, "app/blobs/uploads/", Answer(202, {"Location": location}, b""))


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_writes_are_redirected_with_their_bytes(
    faulty: FaultyRegistry, quick: Backoff, status: int, method: str
) -> None:
    where = {"Location": "/v2/app/blobs/uploads/1"}

    def guard(handler: Handler) -> bool:
        if handler.command == method and "moved" not in handler.path:
            there = f"{handler.path}{'&' if '?' in handler.path else '?'}moved=1"
            return handler.reply(status, b"", {"Location": there}) or True
        return handler.reply(202 if handler.command == "POST" else 201, b"", where) or True

    faulty.guard = guard
    send(faulty, quick)
    assert len(faulty.bodies[-1]) == 10
