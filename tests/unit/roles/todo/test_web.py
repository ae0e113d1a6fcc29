"""The web service: the page, and what it passes on to the services behind it."""

from __future__ import annotations

import asyncio
import http.server
import re
import ssl
import subprocess
import threading

from loopback_ports import free_port
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from todo.web import app
from todo.web.upstream import Upstream
from todo_servers import APP
from todo_web import in_front_of

STATIC = APP / "todo" / "web" / "static"


def test_the_page_and_its_files(site):
    page = site.get("/", headers={"Host": "web.todo.example.com"})
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    for path in re.findall(r'(?:href|src)="([^"]+)"', page.text):
        answer = site.get(path)
        assert answer.status_code == 200, path
        again = site.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert site.get("/static/../app.py").status_code == 404


def test_the_page_needs_no_other_host_and_nothing_inline():
    markup = (STATIC / "index.html").read_text()
    assert "<style" not in markup and "style=" not in markup and not re.search(r"\son\w+=", markup)
    for file in STATIC.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text and "https:" not in text and "innerHTML" not in text, file.name


def test_every_text_is_there_in_both_languages():
    script = (STATIC / "texts.js").read_text()
    english, chinese = script.split("  zh: {")
    names = [
        re.findall(r"(?:^|[\s,{])(\w+): [\"({]", part.split("\n};")[0])
        for part in (english.split("  en: {")[1], chinese)
    ]
    assert names[0] == names[1] and len(names[0]) > 20
    markup = (STATIC / "index.html").read_text()
    assert set(re.findall(r'data-(?:text|label)="(\w+)"', markup)) <= set(names[0])


def test_todos_and_user_through_the_api(site):
    made = site.post("/api/todos", json={"title": "买牛奶"}, headers={"Origin": str(site.base_url)})
    assert made.status_code == 201
    address = f"/api/todos/{made.json()['id']}"
    assert site.patch(address, json={"done": True}).json()["done"] is True
    assert site.get(address).json()["title"] == "买牛奶"
    assert site.get("/api/todos", params={"status": "done"}).json()["counts"] == {"open": 0, "done": 1}
    assert site.delete(address).status_code == 204
    assert site.get(address).json()["error"]["code"] == "no_such_todo"
    assert site.get("/api/user").json()["name"] == "秦粤"


def test_refusals_of_rule_come_through(site):
    answer = site.post("/api/todos", json={"title": ""})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_title")
    assert site.post("/api/todos", json={"title": "x" * 20000}).status_code == 413
    assert site.post("/api/todos", content="x").status_code == 415
    assert site.get("/api/todos/..%2fhealthz").status_code == 404


def test_ids_and_trace_headers_reach_the_service(serve):
    async def echo(request: Request) -> JSONResponse:
        return JSONResponse(dict(request.headers))

    behind = serve(Starlette(routes=[Route("/user", echo)]))
    client = serve(in_front_of(behind, behind))
    seen = client.get("/api/user", headers={"X-Request-Id": "r-1", "traceparent": "00-1", "Cookie": "c=1"}).json()
    assert (seen["x-request-id"], seen["traceparent"]) == ("r-1", "00-1")
    assert "cookie" not in seen


def test_a_service_that_is_away_slow_or_odd_is_named(serve):
    async def slow(_request: Request) -> JSONResponse:
        await asyncio.sleep(2)
        return JSONResponse({})

    async def odd(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("<h1>proxy</h1>")

    behind = serve(Starlette(routes=[Route("/user", slow), Route("/todos", odd)]))
    client = serve(in_front_of(behind, behind, seconds=0.3))
    late = client.get("/api/user")
    assert (late.status_code, late.json()["error"]["code"]) == (504, "user_timeout")
    strange = client.get("/api/todos")
    assert (strange.status_code, strange.json()["error"]["code"]) == (502, "rule_unusable")

    nobody = f"http://127.0.0.1:{free_port()}"
    away = serve(app.build_on(Upstream("rule", nobody, 1), Upstream("user", nobody, 1))).get("/api/todos")
    assert (away.status_code, away.json()["error"]["code"]) == (502, "rule_unreachable")


def test_a_service_over_tls_must_have_a_certificate_that_is_trusted(serve, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
        + ["-subj", "/CN=localhost", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "certificate.pem"],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        upstream = Upstream("user", f"https://localhost:{server.server_port}", 5)
        answer = serve(app.build_on(upstream, upstream)).get("/api/user")
        server.shutdown()
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "user_unreachable")


def test_a_read_is_tried_again_when_the_gateway_has_no_pod(serve):
    seen = []

    async def flaky(request: Request) -> Response:
        seen.append(request.method)
        if len(seen) % 2:
            return PlainTextResponse("no healthy upstream", 503)
        return JSONResponse({"items": []})

    behind = serve(Starlette(routes=[Route("/todos", flaky, methods=["GET", "POST"])]))
    client = serve(in_front_of(behind, behind))
    assert client.get("/api/todos").status_code == 200
    assert seen == ["GET", "GET"]
    # A change might have been made: it is not repeated, and the caller hears of it.
    refused = client.post("/api/todos", json={"title": "x"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (502, "rule_unreachable")
    assert seen == ["GET", "GET", "POST"]
