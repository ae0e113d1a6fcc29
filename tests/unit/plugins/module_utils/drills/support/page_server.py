"""A real HTTP server with a page, which can be told to stall, to refuse, or to answer something else."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class PageServer:
    """Answers GET on a loopback port. `status` is what it answers, `stall_until` (monotonic) holds answers back.

    `before` is called with the path and the version before each answer.
    """

    def __init__(self, port: int = 0) -> None:
        self.status = 200
        self.versions = ["v1"]
        self.stall_until = 0.0
        self.before: Callable[[str, str], None] = lambda path, version: None
        self.keep_for = 1_000_000  # requests on one connection, before it is closed without a word
        self.requests: list[tuple[float, str, str]] = []
        self.connections = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                outer.connections += 1
                self.served = 0

            def do_GET(self) -> None:
                outer.requests.append((time.monotonic(), self.path, self.headers["Host"]))
                number = len(outer.requests)
                time.sleep(max(0.0, outer.stall_until - time.monotonic()))
                version = outer.versions[number % len(outer.versions)]
                outer.before(self.path, version)
                body = json.dumps({"version": version, "revision": f"user-{version}"}).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.served += 1
                if self.served >= outer.keep_for:
                    self.close_connection = True  # told by no header, as when the server goes away

            def log_message(self, *_args: object) -> None:
                pass

        ThreadingHTTPServer.request_queue_size = 128
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
