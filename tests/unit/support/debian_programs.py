"""Programs of Debian packages for tests, unpacked beside the lab's cache: nothing is installed, no service starts."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path


def debian_program(package: str, path: str) -> Path:
    """The file at a path of a package, such as usr/bin/prometheus. The package is fetched once a machine by apt-get."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless", "test-programs")
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / package
    with (cache / f"{package}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / path).exists():
            _unpack(package, folder)
    return folder / path


def _unpack(package: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        # As root apt-get hands downloads to a user of its own, who may not write here
        command = ["apt-get", "-o", "APT::Sandbox::User=root", "download", package]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
        if done.returncode:
            subprocess.run(["apt-get", "update"], capture_output=True, check=True)
            subprocess.run(command, cwd=scratch, capture_output=True, check=True)
        [file] = Path(scratch).glob("*.deb")
        unpacked = Path(scratch, "unpacked")
        subprocess.run(["dpkg-deb", "--extract", str(file), str(unpacked)], check=True)
        os.replace(unpacked, folder)
