"""Requests through real proxies on loopback, to a real HTTP server."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import urllib3
from ansible_collections.selfhosted.serverless.plugins.module_utils.content import download
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.transfers import Transfer
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.errors import HttpSetupError
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.failures import FailureKind, describe
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.pools import Pools
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.proxies import parse_proxy
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.tls import ClientCertificate, tls_context
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import Reason, RegistryError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import RegistrySettings
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.transport import Transport
from forward_proxies import SocksProxy, serving


class Plain(BaseHTTPRequestHandler):
    """Answers every GET, also one that a proxy gets, with the login for proxies that came along."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        body = f"{self.path} {self.headers.get('Proxy-Authorization')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Plain)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def get(url: str, proxy: str | None) -> str:
    made = parse_proxy(proxy, "proxy") if proxy else None
    pools = Pools(tls_context(), 1, proxy_for=lambda url: made)
    return pools.request("GET", url, connect=5, read=5).data.decode()


def test_a_login_goes_to_the_proxy_alone(port: int) -> None:
    assert get(f"http://127.0.0.1:{port}/x", None) == "/x None"
    found = get("http://elsewhere.invalid/x", f"http://me:secret@127.0.0.1:{port}")
    assert found == "http://elsewhere.invalid/x Basic bWU6c2VjcmV0"


def test_socks_leaves_the_name_to_the_proxy(port: int) -> None:
    with serving(SocksProxy(("127.0.0.1", port), "me:secret")) as proxy:
        assert get("http://elsewhere.invalid/x", f"socks5://me:secret@127.0.0.1:{proxy.port}") == "/x None"
    assert proxy.asked == ["elsewhere.invalid:80"]


def test_without_pysocks_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socks", None)
    with pytest.raises(HttpSetupError, match=r"socks5://127.0.0.1:9 needs .* pip install PySocks") as caught:
        get("http://elsewhere.invalid/x", "socks5://me:secret@127.0.0.1:9")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["ftp://me:secret@proxy", "http://me:secret@proxy:port"])
def test_a_bad_proxy_is_an_error_of_the_library_in_question(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    registry = Transport(RegistrySettings("registry.invalid"), Backoff(attempts=1))
    with pytest.raises(RegistryError, match="HTTPS_PROXY") as refused:
        registry.send("GET", "https://registry.invalid/v2/")
    assert refused.value.reason is Reason.PROXY
    with pytest.raises(ContentError, match="HTTPS_PROXY") as content:
        download.download("https://site.invalid/x", tmp_path / "x", download.ONLY_SOURCE, Transfer("x", "y"))
    assert "secret" not in f"{refused.value} {content.value}"


def test_failures_are_told_without_noise() -> None:
    found = {}
    for url in ("https://nowhere.invalid", "http://127.0.0.1:1"):
        with pytest.raises(urllib3.exceptions.HTTPError) as caught:
            get(url, None)
        found[url] = describe(caught.value)
    assert found["https://nowhere.invalid"].kind in (FailureKind.NAME, FailureKind.NAME_SERVER)
    assert found["http://127.0.0.1:1"].text == "Connection refused"
    with pytest.raises(urllib3.exceptions.HTTPError) as caught:
        get("https://elsewhere.invalid", "http://me:secret@127.0.0.1:1")
    failure = describe(caught.value)
    assert failure.kind is FailureKind.PROXY and failure.text == "the proxy cannot be used: Connection refused"
    cut = urllib3.exceptions.IncompleteRead(5, 7)
    assert describe(cut).text == "the answer ended 7 bytes too early"


def test_bad_certificates_are_told(tmp_path: object) -> None:
    with pytest.raises(HttpSetupError, match="holds no certificate"):
        tls_context(b"x")
    with pytest.raises(HttpSetupError, match="client certificate"):
        tls_context(client=ClientCertificate(b"-----BEGIN CERTIFICATE-----", b"secret"))


@pytest.mark.parametrize(
    ("login", "kind", "said"),
    [
        ("me:canary", FailureKind.PROXY_REFUSES, "the proxy refuses: SOCKS5 authentication failed"),
        ("", FailureKind.PROXY_REFUSES, "the proxy refuses: All offered SOCKS5 authentication methods were rejected"),
        (None, FailureKind.PROXY, "the proxy cannot be used: Connection refused"),
    ],
    ids=["another login", "no login", "nobody listens"],
)
def test_a_socks_proxy_that_fails_is_told_as_the_proxy(
    port: int, login: str | None, kind: FailureKind, said: str
) -> None:
    with serving(SocksProxy(("127.0.0.1", port), "me:secret")) as proxy:
        place = "127.0.0.1:1" if login is None else f"{login}@127.0.0.1:{proxy.port}".removeprefix("@")
        with pytest.raises(urllib3.exceptions.HTTPError) as caught:
            get("http://elsewhere.invalid/x", f"socks5://{place}")
    failure = describe(caught.value)
    assert failure.kind is kind and failure.text.startswith(said)
    assert "canary" not in failure.text
