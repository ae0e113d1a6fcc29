"""The services as processes: settings, logs, signals, and all three with one command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from todo_servers import APP, free_port, wait_until


@pytest.fixture
def start(tmp_path):
    """Starts `python -m MODULE`; what is left of it is ended after the test."""
    running = []

    def run(module: str, **settings: str) -> subprocess.Popen:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(APP), "PYTHONDONTWRITEBYTECODE": "1", **settings}
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=tmp_path,
            env=environment,
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


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_all_three_with_one_command(start, tmp_path):
    port = free_port()
    process = start("todo", PORT=str(port))
    site = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(f"{site}/api/todos"), 15, "an answer of the application")
    made = httpx.post(
        f"{site}/api/todos", json={"title": "milk"}, headers={"X-Request-Id": "one-request"}, trust_env=False
    )
    assert made.status_code == 201
    assert httpx.get(f"{site}/api/user", trust_env=False).json()["version"] == "v1"
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=20)[0]
    assert process.returncode == 0, output
    assert (tmp_path / "todo.sqlite3").exists()
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    paths = {line["path"] for line in lines if line.get("request_id") == "one-request"}
    assert paths == {"/api/todos", "/todos"}


def test_a_request_under_way_is_answered_after_sigterm(start):
    port = free_port()
    process = start("todo.rule", PORT=str(port))
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), 15, "readiness")
    body = b'{"title": "late"}'
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = (
            f"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:5])
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: not answers(f"http://127.0.0.1:{port}/healthz"), 5, "the end of listening")
        connection.sendall(body[5:])
        assert b" 201 " in connection.recv(4096)
    assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("module", "settings", "message"),
    [
        ("todo.web", {"RULE_URL": "rule"}, "RULE_URL='rule' must begin with http:// or https://"),
        ("todo.user", {"PORT": "http"}, "PORT='http' is not a whole number from 1 to 65535"),
        (
            "todo.rule",
            {"PGHOST": "127.0.0.1", "PGPORT": "1", "DATABASE_CONNECT_SECONDS": "1"},
            "the database did not answer within 1 s",
        ),
    ],
)
def test_a_service_that_cannot_work_says_why_and_ends(start, module, settings, message):
    process = start(module, **{"PORT": str(free_port()), **settings})
    output = process.communicate(timeout=20)[0]
    assert process.returncode == 1
    assert message in [json.loads(line)["message"] for line in output.splitlines()]


def test_a_taken_port_ends_the_service(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start("todo.user", HOST="127.0.0.1", PORT=str(taken.getsockname()[1]))
        output = process.communicate(timeout=20)[0]
    assert process.returncode == 1
    assert "address already in use" in output
