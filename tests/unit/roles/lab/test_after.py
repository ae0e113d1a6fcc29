"""libexec/after.py of the lab: it becomes the command as soon as all conditions hold, and not before."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

AFTER = Path(__file__).resolve().parents[4] / "roles/lab/files/after.py"


def test_it_becomes_the_command_when_the_conditions_hold(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(path))
        local.listen()
        conditions = [f"tcp://127.0.0.1:{server.getsockname()[1]}", f"unix://{path}"]
        command = [sys.executable, str(AFTER), *conditions, "--", "sh", "-c", "echo $$"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            output, _errors = process.communicate(timeout=20)
            assert output == f"{process.pid}\n"


def test_it_waits_for_what_is_not_there(tmp_path: Path) -> None:
    command = [sys.executable, str(AFTER), f"unix://{tmp_path}/none", "--", "true"]
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(command, timeout=1, check=False)
