"""A relay on loopback that can lose answers: what comes between a browser and a server in a bad network."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from types import TracebackType


class Relay(socketserver.ThreadingTCPServer):
    """Passes connections on to a port. While `answers` is false, an answer ends the connection instead of arriving."""

    daemon_threads = True

    def __init__(self, target: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.target = target
        self.answers = True
        self.port: int = self.server_address[1]

    def __enter__(self) -> Relay:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()


class _Connection(socketserver.BaseRequestHandler):
    server: Relay
    request: socket.socket

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.target)) as upstream, contextlib.suppress(OSError):
            threading.Thread(target=self._send, args=(upstream,), daemon=True).start()
            while data := upstream.recv(65536):
                if not self.server.answers:
                    return
                self.request.sendall(data)

    def _send(self, upstream: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := self.request.recv(65536):
                upstream.sendall(data)
            upstream.shutdown(socket.SHUT_WR)
