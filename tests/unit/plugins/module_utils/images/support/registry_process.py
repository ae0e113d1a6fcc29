"""A real `distribution` registry, by default on a free loopback port, plain or with TLS and a password."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

import yaml
from loopback_ports import free_port

START_SECONDS = 20
USERNAME = "todo"
PASSWORD = "test-only-password"


def find_registry() -> Path:
    """The registry binary: below SERVERLESS_TEST_BINARIES, else the newest in the lab's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless", "bin", "registry")
    named = os.environ.get("SERVERLESS_TEST_BINARIES")
    roots = [Path(named), Path(named, "registry")] if named else list(cache.glob("*"))
    found = [root / "registry" for root in roots if (root / "registry").is_file()]
    assert found, "the tests of the image library need a registry binary; build it with: make lab"
    return max(found, key=lambda path: path.stat().st_mtime)


class RegistryProcess:
    """`host` is host:port; with `certificate` and `key` it speaks TLS and wants USERNAME and PASSWORD."""

    def __init__(
        self, directory: Path, certificate: Path | None = None, key: Path | None = None, host: str = ""
    ) -> None:
        self.host = host or f"127.0.0.1:{free_port()}"
        directory.mkdir(parents=True)
        config = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(directory / "data")}, "delete": {"enabled": True}},
            "http": {"addr": self.host},
        }
        if certificate and key:
            passwords = directory / "htpasswd"
            command = ["htpasswd", "-iBc", str(passwords), USERNAME]
            subprocess.run(command, input=PASSWORD.encode(), check=True, capture_output=True)
            config["http"]["tls"] = {"certificate": str(certificate), "key": str(key)}
            config["auth"] = {"htpasswd": {"realm": "test", "path": str(passwords)}}
        file = directory / "config.yml"
        file.write_text(yaml.safe_dump(config))
        # OTEL: the registry would look for a collector of traces
        self._process = subprocess.Popen(
            [str(find_registry()), "serve", str(file)],
            env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(10)

    def _wait(self) -> None:
        host, _colon, port = self.host.partition(":")
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit:
            assert self._process.poll() is None, "the registry ended at once"
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"the registry does not listen within {START_SECONDS} s")
