"""A real Prometheus on loopback, and what it answers."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode

import yaml
from debian_programs import debian_program
from loopback_ports import free_port


class PrometheusProcess:
    """Runs with a configuration, whose targets must be on loopback; `stop` ends it."""

    def __init__(self, directory: Path, config: dict[str, Any]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "prometheus.yml"
        file.write_text(yaml.safe_dump(config))
        self.url = f"http://127.0.0.1:{free_port()}"
        command = [
            debian_program("prometheus", "usr/bin/prometheus"),
            f"--config.file={file}", f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
        ]  # fmt: skip
        with (directory / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        until(self._is_ready, "Prometheus is ready")

    def query(self, expression: str, at: float | None = None) -> list[dict[str, Any]]:
        """The result of an expression at a time, now by default."""
        asked = {"query": expression} | ({"time": at} if at else {})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{urlencode(asked)}", timeout=20) as answer:
            return json.load(answer)["data"]["result"]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except (URLError, OSError):
            return False


def until(condition: Callable[[], Any], what: str, seconds: float = 180.0) -> Any:
    """What `condition` gives, once it is something."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.2)
    return found
