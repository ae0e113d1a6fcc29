"""Counting which version answers."""

from __future__ import annotations

import json

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.application import Application
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.http_client import Address
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.settings import Settings
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.shots import Shot
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.stage import Stage
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.traffic import Count, count, summarize
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from page_server import PageServer


def answers(v1: int, v2: int, failed: int = 0) -> list[Shot]:
    good = [Shot(0, 0, 0.01, 200, "", version) for version, times in (("v1", v1), ("v2", v2)) for _turn in range(times)]
    return good + [Shot(0, 0, 0.01, 503, "HTTP 503")] * failed


@pytest.mark.parametrize(
    ("wanted", "v1", "v2", "met"),
    [
        ((50, 50), 168, 232, True),
        ((50, 50), 167, 233, False),
        ((90, 10), 392, 8, True),
        ((90, 10), 393, 7, False),
        ((0, 100), 0, 400, True),
        ((0, 100), 1, 399, False),
        ((50, 50), 0, 0, False),
    ],
)
def test_shares(wanted: tuple[int, int], v1: int, v2: int, met: bool) -> None:
    assert Count({"v1": wanted[0], "v2": wanted[1]}, 0.0, answers(v1, v2)).met is met


def test_a_count_survives_json() -> None:
    found = Count({"v1": 50, "v2": 50}, 12.5, answers(3, 4, 1))
    assert Count.from_json(json.loads(json.dumps(found.as_json()))) == found


def test_counts_are_put_on_one_clock_and_a_failed_request_is_not_forgiven() -> None:
    counts = [
        Count({"v1": 90, "v2": 10}, 100.0, answers(90, 10)),
        Count({"v1": 0, "v2": 100}, 130.0, answers(0, 100, failed=1)),
    ]
    result = summarize(counts, "istio")
    assert [(event.seconds, event.label) for event in result.timeline.events] == [(0, "90/10"), (30, "0/100")]
    assert [steps.points for steps in result.timeline.steps] == [[(0, 90), (30, 0)], [(0, 10), (30, 100)]]
    assert [check.what for check in result.checks if not check.met] == ["no failed request of 201"]


def test_requests_are_made_and_counted(cluster: Cluster, page: PageServer) -> None:
    page.versions = ["v1", "v2", "v2", "v2"]
    told: list[str] = []
    application = Application("knative", "todo", Address("127.0.0.1", page.port, "web.todo.example.com"))
    stage = Stage(cluster, application, told.append, Deadline(60))
    found = count(stage, Settings(requests=100), {"v1": 25, "v2": 75})
    assert found.answers == {"v1": 25, "v2": 75} and found.met
    assert {path for _at, path, _host in page.requests} == {"/api/user"}
    assert told == ["at 25/75: v1 25, v2 75"]
