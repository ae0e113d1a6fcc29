"""A real PostgreSQL for backups and restores, and the pod in which its tools are run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "roles" / "todo" / "support"))

from database_pod import DatabasePod  # noqa: E402
from loopback_ports import free_port  # noqa: E402
from throwaway_pki import Pki  # noqa: E402
from todo_servers import Postgres, binaries_of_postgres, unprivileged  # noqa: E402

PASSWORD = "database-canary"


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabasePod]:
    """The pod of a server whose administrator is `todo`, as its image makes it; skipped where none is installed."""
    binaries = binaries_of_postgres()
    if binaries is None:
        pytest.skip("PostgreSQL's initdb is neither in PATH nor below /usr/lib/postgresql")
    folder = tmp_path_factory.mktemp("pod")
    # Not pytest's own folder: the user that PostgreSQL runs as could not reach it.
    with tempfile.TemporaryDirectory(prefix="todo-database-") as name:
        password = Path(name, "password")
        password.write_text(PASSWORD)
        server = Postgres(binaries, Path(name, "data"), free_port())
        if os.geteuid() == 0:
            shutil.chown(name, "postgres")
            shutil.chown(password, "postgres")
        command = [binaries / "initdb", "-D", server.data, "-U", "todo", "-A", "scram-sha-256", "--no-sync"]
        subprocess.run([*command, f"--pwfile={password}"], check=True, stdout=subprocess.DEVNULL, **unprivileged())
        server.control("start")
        try:
            with DatabasePod(folder, Pki(folder / "pki"), server, PASSWORD) as running:
                yield running
        finally:
            server.control("stop", "-m", "immediate")
