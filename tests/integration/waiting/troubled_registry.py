"""A registry that is out of order: runs on the lab's node, before its mirror. Python's standard library alone.

python3 troubled_registry.py PORT MIRROR: every path begins with what is wrong, /v2/STATUS-SECONDS/<path in the mirror>:
/v2/503-20/registry.k8s.io/pause/… answers 503 for 20 s from the first request on and is forwarded then;
/v2/403-0/… with 0 seconds never gets better.
"""

from __future__ import annotations

import http.client
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MIRROR = sys.argv[2]
FORM = re.compile(r"^/v2/(?P<status>\d{3})-(?P<seconds>\d+)/(?P<rest>.*)$")
begun: dict[str, float] = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the base class's)
        pass

    def do_GET(self) -> None:
        match = FORM.match(self.path)
        if match is None:
            return self._answer(200, b"{}", {})
        seconds = int(match["seconds"])
        first = begun.setdefault(f"{match['status']}-{seconds}", time.monotonic())
        if not seconds or time.monotonic() - first < seconds:
            return self._answer(int(match["status"]), b"", {})
        connection = http.client.HTTPConnection(MIRROR, timeout=30)
        headers = {"Accept": ", ".join(self.headers.get_all("Accept") or ["*/*"])}
        connection.request(self.command, f"/v2/{match['rest']}", headers=headers)
        response = connection.getresponse()
        body = response.read()
        wanted = ("Content-Type", "Docker-Content-Digest")
        more = {name: response.headers[name] for name in wanted if response.headers[name]}
        self._answer(response.status, body, more, response.headers.get("Content-Length"))

    do_HEAD = do_GET

    def _answer(self, status: int, body: bytes, headers: dict[str, str], length: str | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
