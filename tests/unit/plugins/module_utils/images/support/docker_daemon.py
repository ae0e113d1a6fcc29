"""A real docker daemon in a folder of its own, without networks but those that a test makes."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

START_SECONDS = 60


class DockerDaemon:
    """`client` are the words that run docker against it, `address` is what DOCKER_HOST names."""

    def __init__(self, directory: Path, *options: str) -> None:
        program = shutil.which("dockerd")
        assert program, "the tests of docker as a node's runtime need dockerd; install Debian's docker.io"
        self._directory = directory
        directory.mkdir(parents=True)
        self.address = f"unix://{directory}/docker.sock"
        self.client = ["docker", "--host", self.address]
        self._log = directory / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    "--bridge=none",
                    "--iptables=false",
                    f"--data-root={directory}/data",
                    f"--exec-root={directory}/exec",
                    f"--pidfile={directory}/pid",
                    f"--host={self.address}",
                    *options,
                ],
                stdout=log,
                stderr=log,
            )
        self._wait()

    @property
    def version(self) -> str:
        """The daemon's version."""
        words = [*self.client, "version", "--format", "{{.Server.Version}}"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    def stop(self) -> None:
        """End the daemon and take away the mounts that it leaves."""
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
        for mount in sorted((mount for mount in mounts if mount.startswith(f"{self._directory}/")), reverse=True):
            subprocess.run(["umount", mount], check=False)

    def _wait(self) -> None:
        limit = time.monotonic() + START_SECONDS
        while subprocess.run([*self.client, "version"], capture_output=True, check=False).returncode:
            ended = self._process.poll() is not None or time.monotonic() > limit
            assert not ended, f"dockerd does not start:\n{self._log.read_text()[-2000:]}"
            time.sleep(0.1)
