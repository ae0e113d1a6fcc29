"""From variant to variant by one variable, with to-dos in place. Each test runs in every variant in turn."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from ..conftest import NAMESPACE, Site, until
from .conftest import Application, by_name, change_to
from .objects import OF_OTHERS, OF_VARIANT, roots

TODOS = 100
REQUESTS = 400
FEWEST, MOST = 168, 232  # 42 to 58 %
NO_OTHER_WAY = ("-e", "serverless_gateway_address=", "-e", "serverless_node_address=")


@pytest.fixture(scope="module")
def todos(site: Site) -> Iterator[dict[str, bool]]:
    """The done flags of 100 to-dos by title, made before the first change and removed after the last one."""
    before = Application(site, "knative")
    titles = [f"{uuid4()} 事 {number}" for number in range(TODOS)]
    ids = before.add(titles)
    for number in ids[::3]:
        assert before.request(f"/api/todos/{number}", "PATCH", {"done": True}).status == 200
    expected = {title: index % 3 == 0 for index, title in enumerate(titles)}
    yield expected
    assert change_to(site, "knative").returncode == 0
    assert before.todos().items() >= expected.items()
    before.delete(ids)


@pytest.fixture(scope="module", params=["kubernetes", "istio", "knative", "kubernetes once more"])
def application(request: pytest.FixtureRequest, site: Site, todos: dict[str, bool]) -> Application:
    """The application in the next variant."""
    variant = request.param.split()[0]
    start = time.monotonic()
    done = change_to(site, variant)
    assert done.returncode == 0, done.stdout[-4000:]
    print(f"\nchange to {variant}: {time.monotonic() - start:.0f} s")
    return Application(site, variant, done)


def test_the_application_answers_when_the_run_ends(application: Application, todos: dict[str, bool]) -> None:
    assert application.request("/").status == 200
    assert application.request("/api/user").status == 200
    assert application.todos().items() >= todos.items()


def test_the_report_names_its_address(application: Application) -> None:
    address = application.site.address
    wanted = {"kubernetes": f"http://{address}:30081/"}.get(application.variant, "http://web.todo.example.com:30080/")
    told = application.change.stdout.partition("\nOpen:\n")[2].partition("\n\n")[0]
    assert re.findall(r"^  (http://\S+)", told, re.MULTILINE) == [wanted]


def test_nothing_of_another_variant_is_left(application: Application) -> None:
    site, wanted = application.site, OF_VARIANT[application.variant]
    # Garbage collection of what belonged to a Service may still be under way
    with suppress(pytest.fail.Exception):
        until("only what belongs to the variant is there", lambda: roots(site) - OF_OTHERS == wanted, 30)
    assert roots(site) - OF_OTHERS == wanted
    pods = site.objects("pods", "-n", NAMESPACE)
    with_sidecar = {pod["metadata"]["labels"].get("app") for pod in pods if has_sidecar(pod)}
    assert with_sidecar == ({"web", "rule", "user", "database"} if application.variant == "istio" else set())
    labels = by_name(site, "namespace", NAMESPACE)["metadata"]["labels"]
    level = "privileged" if application.variant == "istio" else "restricted"
    assert labels["pod-security.kubernetes.io/enforce"] == level
    assert ("istio-injection" in labels) == (application.variant == "istio")


def has_sidecar(pod: dict) -> bool:
    containers = pod["spec"]["containers"] + pod["spec"].get("initContainers", [])
    return any(container["name"] == "istio-proxy" for container in containers)


def test_a_second_run_changes_nothing(application: Application) -> None:
    # As from a machine that reaches neither gateway nor nodes: the answer is awaited through the API server
    again = change_to(application.site, application.variant, "-vv", *NO_OTHER_WAY)
    assert again.returncode == 0, again.stdout[-4000:]
    assert re.findall(r"^lab\s+:.*\bchanged=(\d+)", again.stdout, re.MULTILINE) == ["0"]
    service = f"{NAMESPACE}/web" if application.variant == "kubernetes" else "istio-system/istio-ingressgateway"
    assert f"Service {service} (through the API server)" in again.stdout


def test_user_is_split_between_its_versions(application: Application) -> None:
    # Chance alone puts one sample in 800 outside, and two in a row one in 600,000
    assert is_split(application) or is_split(application)


def is_split(application: Application) -> bool:
    """Whether 400 requests were answered by both versions, 42 to 58 % by each."""
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: application.request("/api/user"), range(REQUESTS)))
    assert {answer.status for answer in answers} == {200}
    counts = Counter(answer.json()["version"] for answer in answers)
    print(f"\n{application.variant}: user {dict(counts)} of {REQUESTS}")
    return set(counts) == {"v1", "v2"} and all(FEWEST <= count <= MOST for count in counts.values())


# What a client without a sidecar gets from a service, and from PostgreSQL to its request for TLS (N: not offered)
ASK_SERVICE = """
import urllib.request
try:
    print(urllib.request.urlopen('http://{name}.todo.svc.cluster.local{path}', timeout=30).status)
except OSError as error:
    print('refused', error)
"""
ASK_DATABASE = """
import socket, struct
try:
    link = socket.create_connection(('database.todo.svc.cluster.local', 5432), 10)
    link.sendall(struct.pack('!ii', 8, 80877103))
    print(link.recv(1).decode() or 'refused')
except OSError as error:
    print('refused', error)
"""


def test_only_the_mesh_refuses_a_client_without_a_certificate(application: Application, stranger: Site) -> None:
    questions = {name: ASK_SERVICE.format(name=name, path=path) for name, path in PATHS.items()}
    questions["database"] = ASK_DATABASE
    answers = {name: stranger.python(code, namespace="stranger").split()[0] for name, code in questions.items()}
    if application.variant == "istio":
        assert set(answers.values()) == {"refused"}
    else:
        assert answers == {**dict.fromkeys(PATHS, "200"), "database": "N"}


PATHS = {"web": "/", "rule": "/todos", "user": "/user"}


def test_deleted_todos_come_back_from_a_backup(
    application: Application, todos: dict[str, bool], tmp_path: Path
) -> None:
    file = tmp_path / "todo.dump"
    done = application.site.playbook("playbooks/backup.yml", "-e", f"todo_backup_file={file}")
    assert done.returncode == 0, done.stdout[-4000:]
    assert file.stat().st_mode & 0o777 == 0o600
    doomed = [item["id"] for item in application.request("/api/todos?limit=50").json()["items"]]
    application.delete(doomed)
    assert not application.todos().items() >= todos.items()

    options = ["-e", f"todo_restore_file={file}", "-e", "todo_restore_keep_former=false"]
    done = application.site.playbook("playbooks/restore.yml", *options)
    assert done.returncode == 0, done.stdout[-4000:]
    until("the application has the restored database", lambda: application.request("/api/todos").status == 200, 60)
    assert application.todos().items() >= todos.items()
