"""A registry over real HTTP that does what a test tells it: serves images, and misbehaves on the wire."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sample_images import SampleImage

Fault = Callable[["Handler"], None]


class FaultyRegistry:
    """Serves `manifests` and `blobs` of every repository. `faults` are used up, one by each request to their path.

    `requests` lists method, path and headers of what came in, `bodies` how what was sent with them begins; `guard` may
    answer before anything else (True: it did).
    """

    def __init__(self, certificate: Path | None = None, key: Path | None = None) -> None:
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.blobs: dict[str, bytes] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self.guard: Callable[[Handler], bool] = lambda handler: False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.registry = self  # type: ignore[attr-defined]
        self.scheme = "http"
        if certificate and key:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.scheme = "https"
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def add(self, image: SampleImage, tag: str = "1") -> None:
        """Serve an image under a tag."""
        for manifest in image.manifests:
            self.manifests[manifest.digest] = (manifest.media_type, manifest.raw)
        self.manifests[tag] = (image.index.media_type, image.index.raw)
        self.blobs.update(image.blobs)

    def asked(self, method: str, part: str) -> list[dict[str, str]]:
        """The headers of all requests of a method whose path holds a text."""
        return [headers for verb, path, headers in self.requests if verb == method and part in path]

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    body = b""

    @property
    def registry(self) -> FaultyRegistry:
        return self.server.registry  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        """Answer a request, or misbehave."""
        self.registry.requests.append((self.command, self.path, dict(self.headers)))
        for part, faults in self.registry.faults.items():
            if part in self.path and faults:
                faults.pop(0)(self)
                return
        if not self.registry.guard(self):
            self.serve()

    do_HEAD = do_GET

    def do_PUT(self) -> None:
        """The same for a request with a body."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.registry.bodies.append(self.body[:4096])
        self.do_GET()

    do_POST = do_PATCH = do_PUT

    def serve(self) -> None:
        """Answer as a registry should."""
        kind, _slash, key = self.path.partition("?")[0].rpartition("/")
        if kind.endswith("/manifests") and key in self.registry.manifests:
            self.reply(200, self.registry.manifests[key][1], {"Content-Type": self.registry.manifests[key][0]})
        elif kind.endswith("/blobs") and key in self.registry.blobs:
            self.serve_blob(self.registry.blobs[key])
        else:
            self.reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')

    def serve_blob(self, data: bytes) -> None:
        """Answer with a blob, or the part of it that is asked for."""
        asked = self.headers.get("Range")
        if not asked:
            self.reply(200, data)
            return
        first, _dash, last = asked.removeprefix("bytes=").partition("-")
        part = data[int(first) : int(last) + 1 if last else None]
        self.reply(206, part, {"Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"})

    def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Send a whole answer."""
        self.begin(status, len(body), headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, status: int, length: int, headers: dict[str, str] | None = None) -> None:
        """Send status and headers."""
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def hang(handler: Handler) -> None:
    """Say nothing until the client has closed the connection."""
    handler.connection.settimeout(60)
    handler.connection.recv(1)
    handler.close_connection = True
