"""A Go module proxy: a plain HTTP server of the machine's own module cache, whose layout is that of the protocol."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build_cache import BuildCache
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.toolchain import (
    choose_toolchain,
    install_toolchain,
    parse_version,
)

OPERATOR = "knative.dev/operator@v0.49.3"
OPERATOR_NEXT = "knative.dev/operator@v0.50.0"
KNATIVE_CORE = "cmd/operator/kodata/knative-serving/1.22.1/2-serving-core.yaml"
METRICS_SERVER = "sigs.k8s.io/metrics-server@v0.9.0"


# Tests change theirs
_ENVIRONMENT = dict(os.environ)


@cache
def module_zip(module_at_version: str) -> Path:
    """The module's zip in the machine's module cache; `go` brings it there where it is missing."""
    go = go_command()
    with tempfile.TemporaryDirectory() as empty:
        command = [go, "mod", "download", "-json", module_at_version]
        done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False, env=_ENVIRONMENT)
    answer = json.loads(done.stdout)
    assert "Zip" in answer, answer.get("Error")
    return Path(answer["Zip"])


@cache
def go_command() -> Path:
    """The `go` that the lab builds with: the machine's own, else the one that the lab has fetched."""
    directory = Path(_ENVIRONMENT.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selfhosted-serverless"
    return install_toolchain(choose_toolchain(parse_version("1.21")), BuildCache(directory), print)


def unpacked(module_at_version: str, path: str) -> Path:
    """Where `go` has unpacked a file or folder of it."""
    return module_zip(module_at_version).parents[5] / module_at_version / path


def sum_of(module_at_version: str) -> str:
    """The module's h1 sum as `go` has verified it."""
    return module_zip(module_at_version).with_suffix(".ziphash").read_text()


class ModuleProxy:
    """`asked` logs the paths, `logins` what came as Authorization.

    `change` gets each file's bytes and gives what is sent; `status` refuses all.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.logins: list[str | None] = []
        self.change: Callable[[bytes], bytes] | None = None
        self.status = 0
        root = module_zip(METRICS_SERVER).parents[3]
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(root), proxy=self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args: object, proxy: ModuleProxy, **keywords: object) -> None:
        self._proxy = proxy
        super().__init__(*args, **keywords)  # type: ignore[arg-type]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self._proxy.asked.append(self.path)
        self._proxy.logins.append(self.headers["Authorization"])
        if self._proxy.status:
            self.send_error(self._proxy.status)
        elif self._proxy.change:
            body = self._proxy.change(Path(self.translate_path(self.path)).read_bytes())
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            super().do_GET()


def flip(position: int) -> Callable[[bytes], bytes]:
    """What changes one bit."""

    def change(body: bytes) -> bytes:
        changed = bytearray(body)
        changed[position] ^= 1
        return bytes(changed)

    return change
