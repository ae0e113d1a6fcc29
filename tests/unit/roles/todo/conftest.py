"""Real servers for the tests of the todo application: uvicorn on loopback, and a PostgreSQL where there is one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from loopback_ports import free_port

sys.path.insert(0, str(Path(__file__).parent / "support"))

from todo_servers import (  # noqa: E402
    APP,
    Postgres,
    application_environment,
    binaries_of_postgres,
    unprivileged,
    wait_until,
)

sys.path.insert(0, str(APP))
sys.dont_write_bytecode = True

from todo.common.server import config as server_config  # noqa: E402
from todo.rule import app as rule  # noqa: E402
from todo.rule.postgres_store import PostgresStore  # noqa: E402
from todo.rule.sqlite_store import SqliteStore  # noqa: E402
from todo.user import app as user  # noqa: E402
from todo_web import in_front_of  # noqa: E402


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[object], httpx.Client]]:
    """Serves ASGI applications on loopback; a call returns a client of the new server."""
    with contextlib.ExitStack() as stack:

        def start(app: object) -> httpx.Client:
            config = server_config(app, host="127.0.0.1", port=free_port())
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, daemon=True)
            thread.start()

            def stop() -> None:
                server.should_exit = True
                thread.join(10)

            stack.callback(stop)
            wait_until(lambda: server.started, 10, "the server's start")
            return stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{config.port}", trust_env=False))

        yield start


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL with a password; the tests that want one are skipped where none is installed."""
    binaries = binaries_of_postgres()
    if binaries is None:
        pytest.skip("PostgreSQL's initdb is neither in PATH nor below /usr/lib/postgresql")
    # Not pytest's own folder: the user that PostgreSQL runs as could not reach it.
    with tempfile.TemporaryDirectory(prefix="todo-postgres-") as name:
        folder = Path(name)
        password = folder / "password"
        password.write_text("canary")
        server = Postgres(binaries, folder / "data", free_port())
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            shutil.chown(password, "postgres")
        command = [binaries / "initdb", "-D", server.data, "-U", "postgres", "-A", "scram-sha-256"]
        command += [f"--pwfile={password}", "--no-sync"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **unprivileged())
        server.control("start")
        yield server
        server.control("stop", "-m", "immediate")


@pytest.fixture
def start(tmp_path):
    """Starts `python -m MODULE`; what is left of it is ended after the test."""
    running = []

    def run(module: str, **settings: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=tmp_path,
            env=application_environment(**settings),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def rule_service(request, serve, tmp_path_factory):
    """A client of the rule service, on either database."""
    if request.param == "sqlite":
        store = SqliteStore(tmp_path_factory.mktemp("rule") / "new" / "todo.sqlite3")
    else:
        store = PostgresStore({"dsn": request.getfixturevalue("postgres").url})
    client = serve(rule.build_on(store, 10))
    wait_until(lambda: client.get("/readyz").status_code == 200, 10, "readiness")
    return client


@pytest.fixture
def client(rule_service):
    """The same with an empty database."""
    while items := rule_service.get("/todos", params={"limit": 100}).json()["items"]:
        for item in items:
            rule_service.delete(f"/todos/{item['id']}")
    return rule_service


@pytest.fixture(scope="module")
def site(serve, tmp_path_factory):
    """A client of web in front of real rule and user services."""
    behind = serve(rule.build_on(SqliteStore(tmp_path_factory.mktemp("web") / "todo.sqlite3"), 5))
    wait_until(lambda: behind.get("/readyz").status_code == 200, 5, "readiness of rule")
    return serve(in_front_of(behind, serve(user.build())))
