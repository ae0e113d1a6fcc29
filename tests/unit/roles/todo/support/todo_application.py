"""The whole application as one process, with a SQLite file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from headless_browser import HOST
from loopback_ports import free_port
from todo_servers import APP, answers, wait_until

REVISION = "user-00007"


@dataclass(frozen=True)
class Application:
    """The running application: its process, its port, its address in the browser, a client of it, and its database."""

    process: subprocess.Popen[bytes]
    port: int
    address: str
    api: httpx.Client
    database: Path

    def store(self, todos: Iterable[tuple[str, bool]]) -> None:
        """Put to-dos (title, done) into the database, the last on top: quicker than by requests."""
        self._execute(lambda database: database.executemany("INSERT INTO todos (title, done) VALUES (?, ?)", todos))

    def clear(self) -> None:
        """Delete all to-dos."""
        self._execute(lambda database: database.execute("DELETE FROM todos"))

    def _execute(self, work: Callable[[sqlite3.Connection], object]) -> None:
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as database:
            work(database)
            database.commit()


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Application]:
    """All three services in one process, with a database in `folder`."""
    process, port = _start(folder)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as api:
            yield Application(process, port, f"http://{HOST}:{port}", api, folder / "todo.sqlite3")
    finally:
        process.kill()
        process.wait()


def _start(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The process, which answers, and its port. It listens on three ports in a row: where one is taken, on others."""
    log = folder / "log"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(APP), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {
        "METRICS_PORT": "0",
        "K_REVISION": REVISION,
        "LOG_LEVEL": "WARNING",
        "ALLOWED_HOSTS": f"{HOST},127.0.0.1",
    }
    port = free_port(consecutive=3)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "todo"],
            cwd=folder,
            env=environment | {"PORT": str(port)},
            stdout=output,
            stderr=output,
        )
    todos = f"http://127.0.0.1:{port}/api/todos"
    wait_until(lambda: process.poll() is not None or answers(todos), 30, "the application's start")
    assert process.poll() is None, log.read_text()
    return process, port
