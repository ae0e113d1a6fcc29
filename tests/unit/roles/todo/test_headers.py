"""The headers that protect the page, on every answer, and what the log has of odd requests."""

from __future__ import annotations

import json
import re
import signal
import socket

import pytest
from loopback_ports import free_port
from malformed import BODIES, RAW
from todo_servers import answers, wait_until

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
REQUESTS = {
    "the page": ("GET", "/", {}),
    "a script": ("GET", "/static/todo.js", {}),
    "a list": ("GET", "/api/todos", {}),
    "an answer to HEAD": ("HEAD", "/api/todos", {}),
    "health": ("GET", "/healthz", {}),
    "the document": ("GET", "/openapi.json", {}),
    "not found": ("GET", "/nowhere", {}),
    "not allowed": ("DELETE", "/", {}),
    "no to-do": ("DELETE", "/api/todos/1000000", {}),
    "another site": ("POST", "/api/todos", {"Origin": "null"}),
    "no JSON": ("POST", "/api/todos", {}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_every_answer_is_protected(site, name):
    method, path, headers = REQUESTS[name]
    judge(site.request(method, path, headers=headers).headers)


def test_an_unchanged_file_is_protected_too(site):
    etag = site.get("/").headers["etag"]
    answer = site.get("/", headers={"If-None-Match": etag})
    assert answer.status_code == 304
    judge(answer.headers)


def judge(headers):
    for name, value in ALWAYS.items():
        assert headers[name] == value
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy.pop("default-src") == policy.pop("frame-ancestors") == policy.pop("base-uri") == "'none'"
    assert set(policy.values()) == {"'self'"}
    assert re.fullmatch(r"([a-z-]+=\(\)(, |$))+", headers["permissions-policy"])
    assert headers["x-request-id"]
    assert "server" not in headers
    # Over plain http a browser would only complain about it.
    assert "cross-origin-opener-policy" not in headers


def test_over_tls_other_windows_are_kept_apart(site):
    headers = site.get("/", headers={"X-Forwarded-Proto": "https"}).headers
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_odd_requests_make_no_error_in_the_log(start):
    """Errors in the log are faults of ours; what callers do wrong is told with its status, on a line of JSON."""
    port = free_port()
    process = start("todo.rule", HOST="127.0.0.1", PORT=str(port))
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), 20, "readiness")
    head = b"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    sent = [head % len(body) + body for _name, body, _status, _code in BODIES]
    sent += [raw.replace(b"HOST", b"Host: x") for _name, raw, _status, _code in RAW]
    for request in sent:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    # One that leaves in the midst of its body
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head % 100)
    assert answers(f"http://127.0.0.1:{port}/todos")
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 0
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line for line in lines if line["level"] == "error"] == []
    statuses = {line.get("status") for line in lines}
    assert {400, 413, 422, 431, 499} <= statuses
