"""The to-do application through Istio's gateway, served by Knative."""

from __future__ import annotations

import statistics
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from ..conftest import NAMESPACE, Site, until

NAMES = {"v1": "秦粤", "v2": "粤秦D"}
REQUESTS = 400
# 400 requests at 50/50: 42 to 58 % is 3.2 standard deviations to each side
FEWEST, MOST = 168, 232


def test_the_page_is_answered_for_its_host_alone(site: Site) -> None:
    page = site.request("/")
    assert page.status == 200
    assert b"<html" in page.body.lower()
    assert site.request("/", service="nobody").status == 404


def test_a_todo_is_created_changed_and_deleted(site: Site) -> None:
    created = site.request("/api/todos", method="POST", body={"title": "学习 Knative"})
    assert created.status == 201
    path = f"/api/todos/{created.json()['id']}"
    changed = site.request(path, method="PATCH", body={"done": True})
    assert (changed.status, changed.json()["done"], changed.json()["title"]) == (200, True, "学习 Knative")
    assert site.request(path, method="DELETE").status == 204
    assert site.request(path).status == 404


def test_a_todo_survives_its_service_and_its_database(site: Site) -> None:
    path = f"/api/todos/{site.request('/api/todos', method='POST', body={'title': 'still there'}).json()['id']}"
    site.kubectl("delete", "pods", "-n", NAMESPACE, "-l", "serving.knative.dev/service=rule", "--wait=true")
    database = [pod["metadata"]["name"] for pod in site.objects("pods", "-n", NAMESPACE) if is_database(pod)]
    assert database
    site.kubectl("delete", "pod", "-n", NAMESPACE, *database, "--wait=true")
    until("the to-do is answered again", lambda: site.request(path).status == 200, 180)
    assert site.request(path).json()["title"] == "still there"
    assert site.request(path, method="DELETE").status == 204


def is_database(pod: dict) -> bool:
    """Whether a pod runs PostgreSQL."""
    return any("postgres" in container["image"] for container in pod["spec"]["containers"])


def test_user_is_split_between_its_versions(site: Site) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: site.request("/api/user"), range(REQUESTS)))
    assert {answer.status for answer in answers} == {200}
    users = [answer.json() for answer in answers]
    assert all(user["name"] == NAMES[user["version"]] for user in users)
    counts = Counter(user["version"] for user in users)
    print(f"user: {dict(counts)} of {REQUESTS}")
    assert all(FEWEST <= counts[version] <= MOST for version in NAMES), counts


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_tagged_host_answers_with_its_version_only(client: Site, version: str) -> None:
    url = f"http://{version}-user.{NAMESPACE}.svc.cluster.local/user"
    code = f"import json,urllib.request as r\nprint(*{{json.load(r.urlopen({url!r}))['version'] for _ in range(20)}})"
    assert client.python(code).split() == [version]


@pytest.mark.parametrize("service", ["rule", "user"])
def test_rule_and_user_are_not_reached_from_outside(site: Site, service: str) -> None:
    assert site.request("/", service=service).status == 404


def test_rule_and_user_scale_to_zero_and_web_does_not(site: Site) -> None:
    site.request("/api/user")
    assert site.pods("user")

    def idle() -> bool:
        assert site.pods("web"), "web was scaled to zero"
        return not site.pods("rule") and not site.pods("user")

    until("rule and user have no pods", idle, 240)
    cold = site.request("/api/user")
    assert cold.status == 200
    warm = [site.request("/api/user") for _turn in range(20)]
    assert {answer.status for answer in warm} == {200}
    median = statistics.median(answer.seconds for answer in warm)
    print(f"user: first request from zero {cold.seconds:.2f} s, median of 20 warm ones {median * 1000:.0f} ms")
    assert cold.seconds < 30
