"""Proxies of the environment and named ones, as Go reads them; no login in any message."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.errors import HttpSetupError
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.no_proxy import bypasses_proxy
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.proxies import environment_proxy, parse_proxy


@pytest.mark.parametrize(
    ("entry", "direct", "not_direct"),
    [
        ("*", ["example.org", "10.1.2.3"], []),
        ("example.org", ["example.org", "a.example.org", "A.Example.ORG"], ["badexample.org", "example.com"]),
        (".example.org", ["a.example.org"], ["example.org"]),
        ("*.example.org", ["a.example.org"], ["example.org"]),
        ("example.org:5000", [("example.org", 5000), ("a.example.org", 5000)], ["example.org"]),
        ("10.0.0.0/8", ["10.1.2.3"], ["11.1.2.3", "example.org"]),
        ("10.1.2.3/8", ["10.9.9.9"], ["11.1.2.3"]),
        ("fd00::/8", ["fd00::1"], ["fe00::1", "10.1.2.3"]),
        ("10.1.2.3", ["10.1.2.3", "::ffff:10.1.2.3"], ["10.1.2.33"]),
        ("10.1.2.3:5000", [("10.1.2.3", 5000)], ["10.1.2.3"]),
        ("fd00::1", ["fd00::1", "fd00:0:0::1"], ["fd00::2"]),
        ("[fd00::1]:443", ["fd00::1"], [("fd00::1", 80)]),
        ("a.org , ,B.org", ["a.org", "b.org"], ["c.org"]),
        ("https://example.org", [], ["example.org"]),
        ("10.0.0.0/99,:443,", [], ["10.1.2.3", "example.org"]),
        ("", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "LOCALHOST"], ["localhost.example.org", "10.0.0.1"]),
    ],
)
def test_what_goes_direct(entry: str, direct: list, not_direct: list) -> None:
    for expected, hosts in ((True, direct), (False, not_direct)):
        for host in hosts:
            name, port = host if isinstance(host, tuple) else (host, 443)
            assert bypasses_proxy(name, port, entry) is expected, (entry, host)


@pytest.mark.parametrize(
    ("text", "shown", "login"),
    [
        ("http://proxy:3128", "http://proxy:3128", None),
        ("proxy:3128", "http://proxy:3128", None),
        ("127.0.0.1:7890", "http://127.0.0.1:7890", None),
        ("me:secret@proxy:3128", "http://proxy:3128", "Basic bWU6c2VjcmV0"),
        ("http://me:s%40c%2Fret@proxy", "http://proxy:80", "Basic bWU6c0BjL3JldA=="),
        ("http://me@proxy", "http://proxy:80", "Basic bWU6"),
        ("http://me:%C3%A9%E2%82%AC@proxy", "http://proxy:80", "Basic bWU6w6nigqw="),
        ("http://me:%E9@proxy", "http://proxy:80", "Basic bWU66Q=="),
        ("https://proxy", "https://proxy:443", None),
        ("socks5://me:secret@[fd00::1]", "socks5://[fd00::1]:1080", "Basic bWU6c2VjcmV0"),
        ("socks5h://proxy:9050", "socks5://proxy:9050", None),
        ("HTTP://proxy:1/", "http://proxy:1", None),
    ],
)
def test_addresses_of_proxies(text: str, shown: str, login: str | None) -> None:
    proxy = parse_proxy(text, "HTTPS_PROXY")
    assert str(proxy) == shown and proxy.authorization == login
    assert "secret" not in repr(proxy) and "secret" not in str(proxy)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://me:secret@proxy",
        "http://me:secret@",
        "http://me:sec/secret@proxy",
        "http://me:secret@proxy:port",
        "://secret",
        "http://me:secret@[fd00::1",
        "http://pro xy:secret",
        "socks4://secret",
    ],
)
def test_what_is_no_proxy_is_told_without_its_login(text: str) -> None:
    with pytest.raises(HttpSetupError, match="the environment variable HTTPS_PROXY") as caught:
        environment_proxy("https://example.org", {"HTTPS_PROXY": text})
    assert "secret" not in str(caught.value)


def test_the_environment_by_scheme_and_case() -> None:
    environ = {"HTTPS_PROXY": "one:1", "https_proxy": "two:2", "http_proxy": "three:3", "no_proxy": "direct.org"}
    assert str(environment_proxy("https://example.org", environ)) == "http://one:1"
    assert str(environment_proxy("http://example.org", environ)) == "http://three:3"
    for url in ("https://direct.org", "http://localhost:80", "https://[::1]:6443", "https://127.0.0.1"):
        assert environment_proxy(url, environ) is None
    assert environment_proxy("https://example.org", {"HTTPS_PROXY": " "}) is None
    assert environment_proxy("https://example.org:5000", {"HTTPS_PROXY": "p:1", "NO_PROXY": "example.org:443"})


def test_a_named_proxy_may_have_to_say_its_scheme() -> None:
    with pytest.raises(HttpSetupError, match="proxy-url names a proxy without a scheme"):
        parse_proxy("proxy:3128", "proxy-url", strict=True)
    with pytest.raises(HttpSetupError, match="unknown kind"):
        parse_proxy("socks5h://proxy:3128", "proxy-url", strict=True)
