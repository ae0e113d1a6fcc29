"""Waiting for the application's answer, at a server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import WaitError
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.gateway import http_node_port
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.answer import (
    PATHS,
    ROUNDS,
    WayIn,
    await_answer,
)

HOST = "web.todo.example.com"


@contextmanager
def server(failures: int) -> Iterator[SimpleNamespace]:
    """Answers 503 to the first requests for the to-dos, and 404 to another host; remembers what was asked."""
    seen: list[tuple[str, str]] = []
    left = [failures]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.headers["Host"], self.path))
            status = 200 if self.headers["Host"] == HOST else 404
            if self.path.startswith("/api/todos") and left[0]:
                left[0] -= 1
                status = 503
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    try:
        yield SimpleNamespace(seen=seen, address=f"127.0.0.1:{listener.server_port}")
    finally:
        listener.shutdown()
        listener.server_close()


def wait(way: WayIn, seconds: float = 10, cluster: Any = None) -> str:
    return await_answer(cluster, way, Deadline(seconds), lambda message: None)


def test_it_asks_for_all_three_services_until_they_answer_steadily() -> None:
    with server(failures=2) as one:
        where = wait(WayIn("istio-system", "gateway", HOST, one.address))
        assert where == f"http://{HOST}/ at {one.address}"
        assert [path for host, path in one.seen[-len(PATHS) * ROUNDS :]] == list(PATHS) * ROUNDS
        assert len(one.seen) == len(PATHS) * (ROUNDS + 2)


def test_the_failure_tells_what_was_answered_instead() -> None:
    with server(failures=0) as one, pytest.raises(WaitError, match=r"after 1 s: /: status 404"):
        wait(WayIn("istio-system", "gateway", "other.example.com", one.address), seconds=1)


def test_nobody_there_is_told_as_well() -> None:
    with server(failures=0) as one:
        address = one.address
    with pytest.raises(WaitError, match="refused"):
        wait(WayIn("istio-system", "gateway", HOST, address), seconds=1)


def test_a_node_without_a_port_takes_the_one_of_the_service() -> None:
    with server(failures=0) as one:
        port = int(one.address.rpartition(":")[2])
        service = {"spec": {"ports": [{"port": 443, "nodePort": 1}, {"port": 80, "nodePort": port}]}}
        cluster = SimpleNamespace(get=lambda *names: service)
        with pytest.raises(WaitError, match="status 404"):  # the server knows only HOST
            wait(WayIn("todo", "web", "", "127.0.0.1"), seconds=0.5, cluster=cluster)
        assert one.seen[0][0] == one.address


def test_a_service_without_a_node_port() -> None:
    assert http_node_port({}) is None
    assert http_node_port({"spec": {"ports": [{"port": 80}]}}) is None
