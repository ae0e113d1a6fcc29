"""Stands between a client and a registry, and writes down every request and what it was answered."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_OF_ONE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "proxy-connection"})
BROKEN = 0  # in place of a status: the connection ended without an answer


@dataclass(frozen=True)
class Exchange:
    """A request as the client sent it, and the answer as it got it; names of headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer: dict[str, str]

    @property
    def path(self) -> str:
        """The address without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The query, each name with its values."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)


class RecordingProxy:
    """Serves at `host` what `upstream` (host:port) does, which never sees the difference; `exchanges` is the record."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.exchanges: list[Exchange] = []
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.proxy = self  # type: ignore[attr-defined]
        self.port = self._server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Pass a request of any method on."""
        proxy: RecordingProxy = self.server.proxy  # type: ignore[attr-defined]
        body = self._body()
        connection = http.client.HTTPConnection(proxy.upstream, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _OF_ONE_CONNECTION:
                    connection.putheader(name, value)
            if "Transfer-Encoding" in self.headers:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            data, status = response.read(), response.status
            # Registries that name themselves by their own address name this one.
            own = proxy.upstream.rpartition(":")[2]
            headers = [(name, value.replace(f":{own}", f":{proxy.port}")) for name, value in response.getheaders()]
        except (OSError, http.client.HTTPException):
            data, status, headers = b"", BROKEN, []
        finally:
            connection.close()
        sent = {name.lower(): value for name, value in self.headers.items()}
        answer = {name.lower(): value for name, value in headers}
        with proxy.lock:
            proxy.exchanges.append(Exchange(self.command, self.path, sent, body, status, answer))
        if status == BROKEN:
            self.close_connection = True
            return
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _OF_ONE_CONNECTION | {"content-length"}:
                self.send_header(name, value)
        length = answer.get("content-length", "0") if self.command == "HEAD" else str(len(data))
        if status >= 200 and status != 204:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_GET

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        data = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # what may follow the last chunk
        return data

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
