"""The Envoys that the lab's images have, as processes on this machine."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import envoy
from loopback_ports import free_port

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless", "bin")
PROGRAMS = sorted(CACHE.glob("envoy-*/*/envoy"))


class Probe:
    """A running probe on a free port."""

    def __init__(self, program: Path, directory: Path, peer: str) -> None:
        self.port = free_port()
        self.log = directory / "stdout"
        command = envoy.command(peer)
        command[0] = str(program)
        command[command.index("--config-yaml") + 1] = json.dumps(envoy.bootstrap(peer, self.port))
        with open(self.log, "wb") as stdout, open(directory / "stderr", "wb") as stderr:
            self.process = subprocess.Popen(command, stdout=stdout, stderr=stderr, cwd=directory)
        self._await(directory / "stderr")

    def ask(self, method: str, path: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=b"question" if method == "POST" else None, headers=named)
        answer = connection.getresponse()
        answer.read()
        return answer

    def _await(self, errors: Path) -> None:
        limit = time.monotonic() + 30
        while True:
            try:
                self.ask("GET", "/")
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < limit, errors.read_text()[-2000:]
                time.sleep(0.05)
