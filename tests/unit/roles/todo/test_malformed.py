"""Requests that are not as they should be: each gets a clear error in the one form, and nothing is stored."""

from __future__ import annotations

import json
import socket

import pytest
from malformed import BODIES, RAW, TYPES
from todo.common import bodies

JSON = {"Content-Type": "application/json"}


def judge(client, status, headers, body, expected):
    """The answer is the expected error in the one form, and the service goes on with an empty table."""
    error = json.loads(body)["error"]
    assert (status, error["code"]) == expected, body
    assert set(error) - {"field"} == {"code", "message", "request_id"}
    assert error["message"] and error["request_id"] == headers["x-request-id"]
    assert headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff"
    assert client.get("/todos").json()["counts"] == {"open": 0, "done": 0}


@pytest.mark.parametrize(("body", "status", "code"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
def test_a_malformed_body(client, body, status, code):
    answer = client.post("/todos", content=body, headers=JSON)
    judge(client, answer.status_code, answer.headers, answer.text, (status, code))


@pytest.mark.parametrize("case", TYPES, ids=[case[0] for case in TYPES])
def test_a_body_of_another_type(client, case):
    _name, kinds, more, status, code = case
    headers = [("Content-Type", kind) for kind in kinds] + list(more.items())
    answer = client.post("/todos", content=b'{"title": "x"}', headers=headers)
    judge(client, answer.status_code, answer.headers, answer.text, (status, code))


@pytest.mark.parametrize("kind", ["application/json", "APPLICATION/JSON", 'application/json; charset="UTF-8"'])
def test_a_good_type(client, kind):
    content = '{"title": "你好"}'.encode().ljust(16 * 1024)  # as large as may be
    answer = client.post("/todos", content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["title"]) == (201, "你好")


@pytest.mark.parametrize("case", RAW, ids=[case[0] for case in RAW])
def test_what_is_hardly_http(client, case):
    _name, sent, status, code = case
    if b"1000\r\n" in sent:
        head, chunk = sent.split(b"\r\n\r\n")
        sent = head + b"\r\n\r\n" + chunk * 10 + b"0\r\n\r\n"
    host = client.base_url.netloc
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as connection:
        connection.sendall(sent.replace(b"HOST", b"Host: " + host))
        head, _end, body = receive(connection).partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = dict(field.lower().split(": ", 1) for field in fields)
    judge(client, int(line.split()[1]), headers, body, (status, code))


def test_a_body_without_end_is_cut_off(client):
    """After a megabyte nobody listens any more; until the connection ends, the caller may have sent a little more."""
    host = client.base_url.netloc
    head = b"POST /todos HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n" % host
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    sent = 0
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < 1000:
                connection.sendall(chunk)
                sent += 1
        except ConnectionError:
            pass
    assert 16 <= sent < 1000
    assert client.get("/todos").json()["counts"] == {"open": 0, "done": 0}


def test_a_body_that_does_not_come_is_not_waited_for(client, monkeypatch):
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.2)
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as connection:
        connection.sendall(b"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        connection.sendall(b"Content-Length: 100\r\n\r\n{")
        answer = receive(connection)
    assert answer.startswith(b"HTTP/1.1 408 ") and b'"too_slow"' in answer


def test_a_field_after_the_chunks_is_no_header(site):
    """It comes after the headers were judged: so it may not replace one."""
    with socket.create_connection((site.base_url.host, site.base_url.port), timeout=10) as connection:
        connection.sendall(
            b"POST /api/todos HTTP/1.1\r\nHost: todo.example\r\nOrigin: http://evil.example\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            b'e\r\n{"title": "x"}\r\n0\r\nX-Forwarded-Host: evil.example\r\nSec-Fetch-Site: same-origin\r\n\r\n'
        )
        assert receive(connection).startswith(b"HTTP/1.1 403 ")


def test_a_service_outlives_a_caller_that_goes_in_the_midst(client):
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as connection:
        connection.sendall(b"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        connection.sendall(b"Content-Length: 100\r\n\r\n{")
    assert client.get("/todos").json()["counts"] == {"open": 0, "done": 0}


def receive(connection):
    """All that comes until the server closes, or one whole answer."""
    received = b""
    while True:
        part = connection.recv(65536)
        received += part
        head, end, body = received.partition(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if not part or (end and length and len(body) >= int(length[0].split(b":")[1])):
            return received


@pytest.mark.parametrize("query", ["limit=1&limit=2", "status=all&status=open", "before=1&before=2"])
def test_a_parameter_twice(client, query):
    answer = client.get(f"/todos?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_query")


@pytest.mark.parametrize("path", ["/todos", "/todos/1", "/healthz", "/openapi.json"])
def test_a_method_that_the_path_lacks(client, path):
    answer = client.put(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    allowed = {"/todos": "GET, HEAD, POST", "/todos/1": "DELETE, GET, HEAD, PATCH"}.get(path, "GET, HEAD")
    assert answer.headers["allow"] == allowed
