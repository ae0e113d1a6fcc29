"""What Prometheus reads of the services, as processes."""

from __future__ import annotations

import httpx
import pytest
from loopback_ports import free_port
from todo_servers import answers, scrape, wait_until


@pytest.fixture
def running(start):
    """Starts a service and waits until it answers; returns a client of it and the port of its metrics."""

    def run(module: str, ready: str = "/healthz", **settings: str) -> tuple[httpx.Client, int]:
        port, metrics = free_port(consecutive=3), free_port()
        start(module, **{"HOST": "127.0.0.1", "PORT": str(port), "METRICS_PORT": str(metrics), **settings})
        wait_until(lambda: answers(f"http://127.0.0.1:{port}{ready}"), 15, f"an answer of {module}")
        return httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False), metrics

    return run


def value(port: int, name: str, **labels: str) -> float:
    """The sum of the samples of that name which have these labels."""
    found = [sample for sample in scrape(port) if sample.name == name and labels.items() <= sample.labels.items()]
    return sum(sample.value for sample in found)


def test_requests_are_counted_by_route_method_and_status(running):
    client, metrics = running("todo.rule", "/readyz")
    made = client.post("/todos", json={"title": "milk"}).json()["id"]
    for todo_id in (made, made, made + 1):
        client.get(f"/todos/{todo_id}")
    client.post("/todos", content="x")
    client.put("/todos")
    common = {"service": "rule", "method": "GET", "route": "/todos/{id}"}
    assert value(metrics, "http_requests_total", **common, status="200") == 2
    assert value(metrics, "http_requests_total", **common, status="404") == 1
    assert value(metrics, "http_requests_total", method="POST", route="/todos", status="201") == 1
    assert value(metrics, "http_requests_total", method="POST", route="/todos", status="415") == 1
    assert value(metrics, "http_requests_total", method="PUT", route="/todos", status="405") == 1
    assert value(metrics, "http_request_duration_seconds_count", **common) == 3
    assert value(metrics, "http_request_duration_seconds_bucket", **common, le="60.0") == 3
    assert 0 < value(metrics, "http_request_duration_seconds_sum", **common) < 60
    assert value(metrics, "http_requests_in_flight", service="rule") == 0


def test_no_caller_can_make_new_series(running):
    client, metrics = running("todo.user")
    client.get("/a")
    client.request("LOCK", "/a")
    before = {(sample.name, *sample.labels.items()) for sample in scrape(metrics)}
    for number in range(50):
        client.get(f"/{number}/x?{number}", headers={"Host": f"{number}.example", "X-Request-Id": str(number)})
        client.request(("MKCOL", "PROPFIND", "SEARCH")[number % 3], "/")
    after = {(sample.name, *sample.labels.items()) for sample in scrape(metrics)}
    assert after == before
    assert value(metrics, "http_requests_total", route="none", method="GET", status="404") == 51


def test_all_services_of_one_process_are_told_apart(running):
    client, metrics = running("todo", "/api/todos")
    client.get("/api/user")
    for service, route in (("web", "/api/user"), ("user", "/user"), ("web", "/api/todos"), ("rule", "/todos")):
        assert value(metrics, "http_requests_total", service=service, route=route, status="200") >= 1, service


def test_what_runs_is_told(running):
    _client, metrics = running("todo.user", K_REVISION="user-v1-1a2b3c4d")
    assert value(metrics, "todo_build_info", revision="user-v1-1a2b3c4d", version="1.0.0") == 1
    assert value(metrics, "process_resident_memory_bytes") > 0


def test_failures_of_the_database_are_counted(running):
    nowhere = {"PGHOST": "127.0.0.1", "PGPORT": str(free_port())}
    client, metrics = running("todo.rule", **nowhere)
    assert client.get("/todos").status_code == 503
    assert client.get("/readyz").status_code == 503
    assert value(metrics, "todo_store_errors_total", operation="list_todos") == 1
    assert value(metrics, "todo_store_errors_total", operation="check") == 1
    assert value(metrics, "todo_store_errors_total", operation="connect") >= 1


def test_the_metrics_are_off_the_serving_port_and_can_be_left_out(running):
    client, unused = running("todo.user", METRICS_PORT="0")
    assert client.get("/metrics").status_code == 404
    assert not answers(f"http://127.0.0.1:{unused}/metrics")


def test_the_format_is_the_one_asked_for(running):
    _client, metrics = running("todo.user")
    plain = httpx.get(f"http://127.0.0.1:{metrics}/metrics", trust_env=False)
    assert plain.headers["content-type"].startswith("text/plain; version=")
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    modern = httpx.get(f"http://127.0.0.1:{metrics}/metrics", trust_env=False, headers=accept)
    assert modern.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert modern.text.endswith("# EOF\n")
    assert httpx.get(f"http://127.0.0.1:{metrics}/user", trust_env=False).json()["error"]["code"] == "not_found"
