"""A proxy before the lab's API server that misbehaves as told: TLS ends there, so it sees every request."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import yaml

# /api/v1/namespaces/NS/KIND/NAME, /apis/GROUP/VERSION/KIND and all between; a namespace itself is .../namespaces/NAME
OBJECT = re.compile(
    r"^/(?:api/[^/]+|apis/[^/]+/[^/]+)(?:/namespaces/[^/]+(?=/[^/]+))?/(?P<kind>[^/]+)(?:/(?P<name>[^/]+))?$"
)
STALL = 10.0
STATUS = (
    b'{"kind":"Status","apiVersion":"v1","status":"Failure","message":"injected","reason":"InternalError","code":%d}'
)
ELSEWHERE = {"Location": "/elsewhere"}


def class_of(method: str, target: str) -> str | None:
    """GET, LIST, WATCH, PATCH or DELETE of objects; None for discovery and the like, and for rehearsed deletions."""
    url = urlsplit(target)
    found = OBJECT.match(url.path)
    if not found:
        return None
    if method == "DELETE" and "dryRun" in parse_qs(url.query):
        return None
    if method in ("PATCH", "DELETE"):
        return method
    if method != "GET":
        return None
    if parse_qs(url.query).get("watch", ["false"])[0] in ("true", "1"):
        return "WATCH"
    return "GET" if found["name"] else "LIST"


@dataclass(frozen=True)
class Fault:
    """An answer of its own, or what happens to the answer of the server."""

    name: str
    status: int = 0
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    forwarded: bool = False


def refusal(name: str, status: int, **headers: str) -> Fault:
    """An answer as the API server or a load balancer before it gives."""
    return Fault(name, status, STATUS % status, {key.replace("_", "-"): value for key, value in headers.items()})


FAULTS = (
    refusal("429 with Retry-After", 429, Retry_After="1"),
    refusal("429", 429),
    *(refusal(str(status), status) for status in (500, 502, 503, 504)),
    Fault("3xx with a body", 307, b"<html>elsewhere</html>", ELSEWHERE),
    Fault("3xx without a body", 307, b"", ELSEWHERE),
    Fault("empty 2xx", 200),
    Fault("null", 200, b"null"),
    Fault("reset before"),
    Fault("reset after send", forwarded=True),
    Fault("cut body", forwarded=True),
    Fault("garbage body", forwarded=True),
    Fault("stall"),
)


class FaultProxy:
    """Serves on `url`. The first request for each path of the class `target` meets `fault`; `hits` are their paths.

    A stall of 10 s meets only the first request: as many as there are paths would be one after the other.
    """

    def __init__(self, directory: Path, address: str) -> None:
        pki = directory / "pki"
        self._address = address
        self._client = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self._client.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self.target, self.fault = "", FAULTS[0]
        self.hits: list[str] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._server.daemon_threads = True
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(pki / "kube-apiserver.crt", pki / "kube-apiserver.key")
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def kubeconfig(self, original: Path, path: Path) -> Path:
        """Write a kubeconfig like the lab's that leads through the proxy."""
        config = yaml.safe_load(original.read_text())
        for cluster in config["clusters"]:
            cluster["cluster"]["server"] = self.url
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config))
        return path

    def inject(self, target: str, fault: Fault) -> None:
        """From now on misbehave like this, and forget the hits of before."""
        with self._lock:
            self.target, self.fault, self.hits = target, fault, []

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fault_for(self, method: str, target: str) -> Fault | None:
        """The fault that this request is to meet."""
        path = urlsplit(target).path
        with self._lock:
            if class_of(method, target) != self.target or path in self.hits:
                return None
            if self.fault.name == "stall" and self.hits:
                return None
            self.hits.append(path)
            return self.fault

    def forward(
        self, handler: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[http.client.HTTPResponse, http.client.HTTPSConnection]:
        """Ask the API server itself."""
        connection = http.client.HTTPSConnection(self._address, 6443, context=self._client, timeout=600)
        headers = {key: value for key, value in handler.headers.items() if key.lower() not in ("host", "connection")}
        connection.request(handler.command, handler.path, body or None, headers)
        return connection.getresponse(), connection


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FaultProxy

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the base class's)
        pass

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.owner.fault_for(self.command, self.path)
        misbehave: dict[str, Callable[[bytes], None]] = {
            "reset before": lambda body: self._reset(),
            "reset after send": self._lose,
            "cut body": self._cut,
            "garbage body": self._garble,
            "stall": self._stall,
        }
        if fault is None:
            self._relay(body)
        elif fault.name in misbehave:
            misbehave[fault.name](body)
        else:
            self._answer(fault.status, fault.body, fault.headers)

    do_GET = do_PATCH = do_POST = do_PUT = do_DELETE = _handle

    def _lose(self, body: bytes) -> None:
        response, connection = self.owner.forward(self, body)
        response.read1()
        connection.close()
        self._reset()

    def _cut(self, body: bytes) -> None:
        response, connection = self.owner.forward(self, body)
        data = response.read1(65536)
        connection.close()
        self._head(response.status, {"Content-Length": str(len(data) + 1000), "Content-Type": "application/json"})
        self.wfile.write(data[: len(data) // 2])
        self.wfile.flush()
        self._reset()

    def _garble(self, body: bytes) -> None:
        response, connection = self.owner.forward(self, body)
        response.read1()
        connection.close()
        self._answer(response.status, b"<html>not json</html>", {})

    def _stall(self, body: bytes) -> None:
        time.sleep(STALL)
        self._relay(body)

    def _relay(self, body: bytes) -> None:
        response, connection = self.owner.forward(self, body)
        try:
            headers = {name: response.headers[name] for name in ("Content-Type", "Retry-After", "Warning")}
            length = response.headers.get("Content-Length")
            self._head(
                response.status,
                headers | ({"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": length}),
            )
            if length is not None:
                self.wfile.write(response.read())
                return
            while chunk := response.read1(65536):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self._head(status, {**headers, "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str | None]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()

    def _reset(self) -> None:
        """Close with RST, as a dying server or a middlebox does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
