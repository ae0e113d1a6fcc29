"""The OpenAPI documents against the routes and the answers of the services as they run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from loopback_ports import free_port
from openapi_spec_validator import validate
from starlette.routing import Route
from todo.rule import app as rule
from todo.rule import openapi as rule_openapi
from todo.rule.sqlite_store import SqliteStore
from todo.user import app as user
from todo.user import openapi as user_openapi
from todo.web import app as web
from todo.web import assets
from todo.web import openapi as web_openapi
from todo_servers import answers, application_environment, wait_until

METHODS = {"get", "post", "put", "patch", "delete"}
# With each service on its own port of one process, all real, on SQLite
SERVICES = {"web": 0, "rule": 1, "user": 2}


def applications(folder: Path):
    """Each service's application and the document that it should serve."""
    yield rule.build_on(SqliteStore(folder / "todo.sqlite3"), 5), rule_openapi.document()
    yield user.build(), user_openapi.document()
    yield web.build(), web_openapi.document()


def test_the_documents_are_valid_and_tell_the_routes(tmp_path):
    page = {route.path for route in assets.routes()}
    for app, document in applications(tmp_path):
        validate(document)
        routes = {
            (route.path, method.lower())
            for route in app.routes
            if isinstance(route, Route) and route.path not in page
            for method in route.methods - {"HEAD"}
        }
        told = {(path, method) for path, item in document["paths"].items() for method in item if method in METHODS}
        assert told == routes, document["info"]["title"]


@pytest.fixture(scope="module")
def base_port(tmp_path_factory):
    """All services in one process; the port of web, with rule and user on the next two."""
    port = free_port(consecutive=3)
    environment = application_environment(PORT=str(port))
    folder = tmp_path_factory.mktemp("openapi")
    process = subprocess.Popen([sys.executable, "-m", "todo"], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/api/todos"), 20, "an answer of the application")
        yield port
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_serves_its_document(base_port, service):
    documents = {"web": web_openapi, "rule": rule_openapi, "user": user_openapi}
    answer = httpx.get(f"http://127.0.0.1:{base_port + SERVICES[service]}/openapi.json", trust_env=False)
    assert answer.json() == documents[service].document()


@pytest.mark.parametrize("service", SERVICES)
def test_the_answers_are_as_described(base_port, service, tmp_path):
    """Schemathesis makes requests, valid and not, from the document, and judges each answer by it."""
    command = [Path(sys.executable).with_name("st"), "run", "--seed=1", "--max-examples=10"]
    command += ["--checks=all", "--phases=coverage,fuzzing,stateful", "--no-color"]
    command.append(f"http://127.0.0.1:{base_port + SERVICES[service]}/openapi.json")
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout
