"""A proxy before an API server that misbehaves as told: TLS is ended and begun anew, so it sees every request."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from watch_fault import WatchFault


@dataclass
class Fault:
    """Hits the next `times` requests of `method` whose path matches `path`.

    `action` is a status code, or one of: reset (before forwarding), lost-reply (forwarded, then reset), truncate,
    garbage (no JSON), stall (forwarded after `seconds`).
    """

    method: str
    path: str
    action: int | str
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"kind":"Status","status":"Failure","message":"injected"}'
    seconds: float = 0.0


@dataclass(frozen=True)
class Upstream:
    """The API server behind the proxy, and the files with which the proxy plays it and is its administrator.

    Without `admin` the proxy is nobody, and what it passes on counts by the token that it bears.
    """

    host: str
    port: int
    authority: Path
    server: tuple[Path, Path]  # certificate and key
    admin: tuple[Path, Path] | None


class FaultProxy:
    """Serves on `url` in threads of its own; `requests` is the log of (method, path)."""

    def __init__(self, upstream: Upstream, handler: type[ProxyHandler] | None = None) -> None:
        self.upstream = upstream
        self.faults: list[Fault | WatchFault] = []
        self.requests: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        proxy = self

        class Handler(handler or ProxyHandler):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*upstream.server)
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that changed something, or tried to; what only asks for a user's rights is none."""
        asking = ("dryRun=All", "/apis/authorization.k8s.io/")
        return [
            (method, path) for method, path in self.requests if method != "GET" and not any(it in path for it in asking)
        ]

    def next_fault(self, method: str, path: str) -> Fault | WatchFault | None:
        with self._lock:
            self.requests.append((method, path))
            for fault in self.faults:
                if fault.times and fault.method == method and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return None

    def forward(
        self, handler: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[http.client.HTTPResponse, http.client.HTTPSConnection]:
        upstream = self.upstream
        tls = ssl.create_default_context(cafile=str(upstream.authority))
        if upstream.admin:
            tls.load_cert_chain(*upstream.admin)
        connection = http.client.HTTPSConnection(upstream.host, upstream.port, context=tls, timeout=600)
        headers = {key: value for key, value in handler.headers.items() if key.lower() not in ("host", "connection")}
        connection.request(handler.command, handler.path, body or None, headers)
        return connection.getresponse(), connection


class ProxyHandler(BaseHTTPRequestHandler):
    """A client's connection; a subclass may answer some of its requests itself."""

    protocol_version = "HTTP/1.1"
    owner: FaultProxy

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the base class's)
        pass

    def do_GET(self) -> None:
        self.handle_request(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_PATCH = do_POST = do_PUT = do_DELETE = do_GET

    def handle_request(self, body: bytes) -> None:
        fault = self.owner.next_fault(self.command, self.path)
        if fault is None:
            return self._relay(body)
        if isinstance(fault, WatchFault):
            return fault.serve(self)
        if isinstance(fault.action, int):
            return self.answer(fault.action, fault.body, fault.headers)
        if fault.action == "reset":
            return self._reset()
        if fault.action == "stall":
            time.sleep(fault.seconds)
            return self._relay(body)
        response, connection = self.owner.forward(self, body)
        data = response.read1(65536)  # the beginning: a watch has no end
        connection.close()
        if fault.action == "lost-reply":
            return self._reset()
        if fault.action == "truncate":
            self.send_response(response.status)
            self.send_header("Content-Length", str(len(data) + 1000))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            return self._reset()
        return self.answer(response.status, b"<html>not json</html>", {})

    def _relay(self, body: bytes) -> None:
        response, connection = self.owner.forward(self, body)
        try:
            self.send_response(response.status)
            length = response.headers.get("Content-Length")
            for name in ("Content-Type", "Retry-After", "Warning"):
                if response.headers.get(name):
                    self.send_header(name, response.headers[name])
            if length is not None:
                self.send_header("Content-Length", length)
                self.end_headers()
                self.wfile.write(response.read())
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while chunk := response.read1(65536):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True
        finally:
            connection.close()

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        """Close with RST, as a dying server or a middlebox does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
