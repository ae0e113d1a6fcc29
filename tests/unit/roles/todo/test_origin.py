"""Changes from pages of other sites, and names that are not the server's."""

from __future__ import annotations

import httpx
import pytest
from loopback_ports import free_port
from todo_servers import answers, wait_until

# What a browser says when another site's page makes the change, over plain http (no Sec-Fetch-Site) and over TLS
OTHERS = {
    "another host": {"Origin": "http://evil.example"},
    "a sandboxed frame or a file": {"Origin": "null"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "no port": {"Origin": "http://127.0.0.1"},
    "a subdomain": {"Host": "todo.example", "Origin": "http://evil.todo.example"},
    "the domain above": {"Host": "web.todo.example", "Origin": "http://todo.example"},
    "our name in front of theirs": {"Host": "todo.example", "Origin": "http://todo.example.evil.example"},
    "our name as their user": {"Host": "todo.example", "Origin": "http://todo.example@evil.example"},
    "our name as a user of ours": {"Host": "todo.example", "Origin": "http://evil@todo.example"},
    "our name as a path": {"Host": "todo.example", "Origin": "http://evil.example/todo.example"},
    "our name with a path": {"Host": "todo.example", "Origin": "http://todo.example/"},
    "our name after a backslash": {"Host": "todo.example", "Origin": "http://evil.example\\todo.example"},
    "another scheme": {"Host": "todo.example", "Origin": "ftp://todo.example"},
    "an extension": {"Host": "todo.example", "Origin": "chrome-extension://todo.example"},
    "no scheme": {"Host": "todo.example", "Origin": "todo.example"},
    "an origin that is none": {"Origin": "http://["},
    "an empty origin": {"Origin": ""},
    "two origins in one": {"Host": "todo.example", "Origin": "http://todo.example http://evil.example"},
    "a site that is not ours": {"Sec-Fetch-Site": "cross-site"},
    "a sibling": {"Sec-Fetch-Site": "same-site"},
    "a sibling that has our origin": {"Sec-Fetch-Site": "same-site", "Host": "a.example", "Origin": "http://a.example"},
    "a site of a kind not known": {"Sec-Fetch-Site": "new-kind"},
    "a proxy with another name": {"X-Forwarded-Host": "todo.example", "Origin": "http://evil.example"},
    "the second of the proxies' names": {"X-Forwarded-Host": "a.example, b.example", "Origin": "http://b.example"},
}


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("other", OTHERS)
def test_changes_from_other_sites_are_refused(site, other, method):
    kept = site.post("/api/todos", json={"title": "kept"}).json()
    path = "/api/todos" if method == "POST" else f"/api/todos/{kept['id']}"
    before = site.get("/api/todos").json()
    answer = site.request(method, path, json={"title": "x"}, headers=OTHERS[other])
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "other_origin")
    assert site.get("/api/todos").json() == before


@pytest.mark.parametrize("pair", [("http://evil.example", "own"), ("own", "http://evil.example")])
def test_one_good_origin_of_two_is_not_enough(site, pair):
    own = f"http://{site.base_url.netloc.decode()}"
    headers = [("Origin", own if origin == "own" else origin) for origin in pair]
    assert site.post("/api/todos", json={"title": "x"}, headers=headers).status_code == 403


# What a form or a simple fetch() of another site can send without asking first, from a browser that says no origin
SIMPLE = {
    "a form as plain text": ("text/plain", '{"title": "x", "a": "="}'),
    "a form": ("application/x-www-form-urlencoded", "title=x"),
    "a form in parts": (
        "multipart/form-data; boundary=b",
        '--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n',
    ),
    "no type": (None, '{"title": "x"}'),
}


@pytest.mark.parametrize("simple", SIMPLE)
def test_what_needs_no_preflight_changes_nothing(site, simple):
    kind, body = SIMPLE[simple]
    before = site.get("/api/todos").json()
    answer = site.post("/api/todos", content=body.encode(), headers={"Content-Type": kind} if kind else {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "not_json")
    overridden = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
    first = before["items"][0]["id"] if before["items"] else 1
    assert site.post(f"/api/todos/{first}?_method=DELETE", headers=overridden).status_code == 405
    assert site.get("/api/todos").json() == before


@pytest.mark.parametrize("path", ["/api/todos", "/api/todos/1", "/api/user", "/"])
def test_no_preflight_is_permitted(site, path):
    asked = {
        "Origin": "http://evil.example",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "content-type, x-forwarded-host",
    }
    answer = site.options(path, headers=asked)
    assert answer.status_code == 405
    read = site.get(path if path != "/api/todos/1" else "/api/todos", headers={"Origin": "http://evil.example"})
    for headers in (answer.headers, read.headers):
        assert not [name for name in headers if name.startswith("access-control-")]
        assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Host": "web.todo.example.com", "Origin": "http://WEB.todo.example.com"},
        {"Host": "[::1]:8080", "Origin": "http://[::1]:8080"},
        {"X-Forwarded-Host": "todo.example", "Origin": "https://todo.example"},
        {"X-Forwarded-Host": "todo.example, inner.example", "Origin": "https://todo.example"},
        {},
    ],
)
def test_changes_from_the_own_page_and_from_programs_are_accepted(site, headers):
    assert site.post("/api/todos", json={"title": "x"}, headers=headers).status_code == 201


def test_the_host_of_a_request_gets_into_no_answer(site):
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    for path in ("/", "/api/todos", "/api/todos/", "/api/user", "/nowhere", "/openapi.json", "/static"):
        answer = site.get(path, headers=headers)
        assert answer.status_code in (200, 404), path
        assert "evil.example" not in answer.text + str(answer.headers)
    made = site.post("/api/todos", json={"title": "x"}, headers=headers)
    assert made.headers["location"] == f"/api/todos/{made.json()['id']}"


def test_on_a_users_machine_only_loopback_names_are_answered(start):
    """Else another site's name that resolves to 127.0.0.1 would make its page this site's own (DNS rebinding)."""
    port = free_port(consecutive=3)
    start("todo", PORT=str(port))
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/api/todos"), 20, "an answer of the application")
    for service, path in enumerate(("/api/todos", "/todos", "/user")):
        url = f"http://127.0.0.1:{port + service}{path}"
        for host in ("127.0.0.1", f"localhost:{port}", "[::1]:80", "LOCALHOST"):
            assert httpx.get(url, headers={"Host": host}, trust_env=False).status_code == 200, host
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost@evil.example", ""):
            refused = httpx.get(url, headers={"Host": host}, trust_env=False)
            assert (refused.status_code, refused.json()["error"]["code"]) == (421, "unknown_host"), host
            assert refused.headers["x-content-type-options"] == "nosniff"
