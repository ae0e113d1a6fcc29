"""Waiting with a limit and a sign of life."""

from __future__ import annotations

import time

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.application import Application
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.http_client import Address
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.load import Plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.stage import Stage
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from page_server import PageServer


def stage_of(cluster: Cluster, page: PageServer, told: list[tuple[float, str]], seconds: float = 60) -> Stage:
    application = Application("knative", "todo", Address("127.0.0.1", page.port, "web"))
    return Stage(cluster, application, lambda line: told.append((time.monotonic(), line)), Deadline(seconds))


def test_a_limit_says_what_was_waited_for_and_how_it_stands(cluster: Cluster, page: PageServer) -> None:
    stage = stage_of(cluster, page, [])
    with pytest.raises(DrillError, match=r"^not within 0 s: three pods \(2 of 3 ready\)$"):
        stage.until("three pods", lambda: False, 0.3, lambda: "2 of 3 ready")


def test_the_whole_drill_has_a_limit_too(cluster: Cluster, page: PageServer) -> None:
    stage = stage_of(cluster, page, [], seconds=0.3)
    with pytest.raises(DrillError, match="three pods"):
        stage.until("three pods", lambda: False, 3600)
    assert stage.now() < 5


def test_there_is_a_sign_of_life_every_five_seconds_with_the_requests_so_far(
    cluster: Cluster, page: PageServer
) -> None:
    told: list[tuple[float, str]] = []
    stage = stage_of(cluster, page, told)
    begin = time.monotonic()
    with stage.load(Plan("/", 2, 60, 10_000, rate=20)):
        stage.go_on("looking on", 9, lambda: "all well")
    times = [begin, *(at for at, _line in told), time.monotonic()]
    assert all(later - earlier < 5 for earlier, later in zip(times, times[1:], strict=False))
    assert all("... looking on; all well; " in line and " requests, 0 failed" in line for _at, line in told)


def test_events_are_noted_and_told(cluster: Cluster, page: PageServer) -> None:
    told: list[tuple[float, str]] = []
    stage = stage_of(cluster, page, told)
    seconds = stage.event("load starts")
    assert [(event.seconds, event.label) for event in stage.events] == [(seconds, "load starts")]
    assert [line.split(" s  ")[1] for _at, line in told] == ["load starts"]
