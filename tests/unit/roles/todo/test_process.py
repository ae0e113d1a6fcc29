"""The services as processes: settings, logs, signals, and all three with one command."""

from __future__ import annotations

import json
import signal
import socket

import httpx
import pytest
from loopback_ports import free_port
from todo_servers import answers, scrape, wait_until


def test_all_three_with_one_command(start, tmp_path):
    port = free_port(consecutive=3)
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


@pytest.mark.parametrize(("module", "path"), [("todo.rule", "/todos"), ("todo", "/api/todos")])
def test_a_request_under_way_is_answered_after_sigterm(start, module, path):
    """Also where all three run in one process: what is behind web stops after it."""
    port, metrics = free_port(consecutive=3), free_port()
    process = start(module, HOST="127.0.0.1", PORT=str(port), METRICS_PORT=str(metrics))
    wait_until(lambda: answers(f"http://127.0.0.1:{port}{path}"), 15, "an answer")
    body = b'{"title": "late"}'
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:5])
        wait_until(lambda: in_flight(metrics) == 1, 5, "the request's begin")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: not answers(f"http://127.0.0.1:{port}/healthz"), 5, "the end of listening")
        # The metrics are there as long as a request is.
        assert in_flight(metrics) == 1
        connection.sendall(body[5:])
        assert b" 201 " in connection.recv(4096)
    assert process.wait(10) == 0


def in_flight(port: int) -> float:
    """Requests that the process with these metrics is answering, all its services together."""
    samples = scrape(port)
    return sum(sample.value for sample in samples if sample.name == "http_requests_in_flight")


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
    process = start(module, **{"PORT": str(free_port(consecutive=3)), **settings})
    output = process.communicate(timeout=20)[0]
    assert process.returncode == 1
    assert message in [json.loads(line)["message"] for line in output.splitlines()]


@pytest.mark.parametrize("setting", ["PORT", "METRICS_PORT"])
def test_a_taken_port_ends_the_service_with_one_error(start, setting):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = start("todo.user", **{"HOST": "127.0.0.1", "PORT": str(free_port()), setting: port})
        output = process.communicate(timeout=20)[0]
    assert process.returncode == 1
    errors = [line["message"] for line in map(json.loads, output.splitlines()) if line["level"] == "error"]
    assert errors == [f"{setting}={port} cannot be listened on at 127.0.0.1: Address already in use; choose another"]
