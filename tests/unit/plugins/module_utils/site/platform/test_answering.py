"""A request to a gateway, at servers on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.answering import why_not


class _Page(BaseHTTPRequestHandler):
    status, name = 404, "istio-envoy"

    def do_GET(self) -> None:
        self.send_response_only(self.status)
        if self.name:
            self.send_header("Server", self.name)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture(params=["istio-envoy", "nginx", ""])
def named(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The address of a server, and its name."""
    handler = type("_Named", (_Page,), {"name": request.param})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}", request.param
    server.shutdown()
    server.server_close()


def test_any_answer_will_do_but_where_others_may_listen(named: tuple[str, str]) -> None:
    address, name = named
    assert why_not(address) == ""
    said = {"istio-envoy": "", "nginx": "nginx answers, not Istio", "": "another program answers, not Istio"}
    assert why_not(address, strict=True) == said[name]


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    assert why_not(f"127.0.0.1:{port}") == "connection refused"


def test_one_that_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begin = time.monotonic()
        assert why_not(f"127.0.0.1:{silent.getsockname()[1]}", patience=0.2) == "no answer in time"
        assert time.monotonic() - begin < 2


def test_one_that_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def hang_up() -> None:
            connection, _address = rude.accept()
            connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        assert why_not(f"127.0.0.1:{rude.getsockname()[1]}") == "closed without an answer"


def test_a_name_without_an_address() -> None:
    assert why_not("gateway.invalid:80") == "the name has no address here"
