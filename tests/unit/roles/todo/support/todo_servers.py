"""What the tests of the todo application share: ports, waiting, and a PostgreSQL of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from loopback_ports import free_port
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

APP = Path(__file__).resolve().parents[5] / "roles" / "todo" / "files" / "app"


def application_environment(**settings: str) -> dict[str, str]:
    """The environment of a process of the application: its modules, metrics on a free port, and `settings`."""
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(APP), "PYTHONDONTWRITEBYTECODE": "1"}
    return own | {"METRICS_PORT": str(free_port()), **settings}


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Return when `condition` holds; fail the test when it does not within the limit."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def answers(url: str) -> bool:
    """Whether a GET of it is answered with 200."""
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def scrape(port: int) -> list[Sample]:
    """The samples of a process whose metrics are at this port of loopback."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).raise_for_status().text
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


@dataclass
class Postgres:
    """A PostgreSQL of the tests' own. `url` is what DATABASE_URL takes."""

    binaries: Path
    data: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://postgres:canary@127.0.0.1:{self.port}/postgres"

    def control(self, *words: str) -> None:
        """Run pg_ctl as a user that PostgreSQL accepts: it refuses to run as root."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        command = [self.binaries / "pg_ctl", "-D", self.data, "-w", "-l", self.data / "log", "-o", options, *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **unprivileged())


def unprivileged() -> dict[str, str]:
    """Arguments for subprocess that make it a user which PostgreSQL accepts."""
    return {"user": "postgres", "cwd": "/"} if os.geteuid() == 0 else {}


def binaries_of_postgres() -> Path | None:
    """The folder of initdb and pg_ctl, None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "/nowhere")]
    return found[-1].resolve().parent if found[-1].exists() else None
