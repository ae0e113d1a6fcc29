"""A real containerd in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

START_SECONDS = 60


def find_containerd() -> Path:
    """The folder with containerd and ctr: below SERVERLESS_TEST_BINARIES, else the newest in the lab's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless/bin/containerd")
    named = os.environ.get("SERVERLESS_TEST_BINARIES")
    roots = [Path(named), Path(named, "containerd")] if named else list(cache.glob("*"))
    found = [root for root in roots if (root / "containerd").is_file()]
    assert found, "the tests of containerd's settings need it; build it with: make lab"
    return max(found, key=lambda path: path.stat().st_mtime)


class ContainerdProcess:
    """`address` is its socket, `exec` are words that run a command with its programs at hand."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        programs = find_containerd()
        # A socket's path must be short.
        self._short = tempfile.TemporaryDirectory(prefix="ctd-")
        self.address = f"{self._short.name}/socket"
        self.exec = ["env", f"PATH={programs}:{os.environ['PATH']}"]
        self.config = directory / "config.toml"
        self.config.write_text(
            f"version = 3\nroot = '{directory}/root'\nstate = '{self._short.name}/state'\n"
            f"disabled_plugins = ['io.containerd.grpc.v1.cri', 'io.containerd.nri.v1.nri']\n"
            f"[grpc]\n  address = '{self.address}'\n"
        )
        self._log = directory / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(programs / "containerd"), "--config", str(self.config)], stdout=log, stderr=log
            )
        self._wait()

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)
        self._short.cleanup()

    def _wait(self) -> None:
        limit = time.monotonic() + START_SECONDS
        command = [*self.exec, "ctr", "--address", self.address, "version"]
        while subprocess.run(command, capture_output=True, check=False).returncode:
            ended = self._process.poll() is not None or time.monotonic() > limit
            assert not ended, f"containerd does not start:\n{self._log.read_text()[-2000:]}"
            time.sleep(0.1)
