"""What is judged without a cluster: shares, the kubelet's words, addresses of Brokers."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import measure
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.events import proxy_path
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.image_pull import pull_seconds
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.reach import Reply
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.split import (
    Counted,
    counted,
    judged,
    replies_of,
)

HALF = {"v1": 50.0, "v2": 50.0}


def reply(version: str) -> Reply:
    return Reply(200, "", 0.01, json.dumps({"version": version}).encode())


def test_answers_are_counted_by_version_and_failures_by_kind() -> None:
    seen = counted([reply("v1"), reply("v2"), reply("v1"), Reply(500, "HTTP 500", 0.1), Reply(200, "", 0.1, b"[1]")])
    assert seen == Counted({"v1": 2, "v2": 1}, {"HTTP 500": 1, "no version in the answer": 1})
    assert seen.failed == 2


def test_a_split_within_chance() -> None:
    fact = judged(Counted({"v1": 41, "v2": 59}, {}), HALF, {"v1": 50, "v2": 50})
    assert fact.ok
    assert fact.text == "of 100 requests v1 41 (31 to 69 at 50 %), v2 59 (31 to 69 at 50 %)"
    assert fact.figures["bounds"] == {"v1": [31, 69], "v2": [31, 69]}


def test_a_split_beyond_chance_is_told_for_each_version() -> None:
    fact = judged(Counted({"v1": 90, "v2": 10}, {}), HALF, {})
    assert fact.cause == (
        "v1 gave 90 of 100 answers, and 31 to 69 are due at 50 %; "
        "v2 gave 10 of 100 answers, and 31 to 69 are due at 50 %"
    )


def test_shares_that_are_not_the_inventorys_are_told_though_the_answers_fit_them() -> None:
    fact = judged(Counted({"v1": 91, "v2": 9}, {}), {"v1": 90.0, "v2": 10.0}, {"v1": 50, "v2": 50})
    assert fact.cause == "the cluster shares the requests 90/10 (v1, v2), the inventory says 50/50 (v1, v2)"
    assert fact.remedy == "run site.yml --tags todo, or write todo_user_traffic: {v1: 90, v2: 10}"
    assert judged(Counted({"v1": 91, "v2": 9}, {}), {"v1": 90.0, "v2": 10.0}, {}).ok


def test_a_share_of_nothing_is_exact() -> None:
    everything = {"v1": 0.0, "v2": 100.0}
    assert judged(Counted({"v2": 100}, {}), everything, {}).ok
    assert not judged(Counted({"v1": 1, "v2": 99}, {}), everything, {}).ok


def test_failures_are_told_with_the_version_that_never_answers() -> None:
    fact = judged(Counted({"v1": 52}, {"HTTP 500": 48}), HALF, {})
    assert fact.cause == "48 of 100 requests failed: 48 times HTTP 500; no answer came from v2"
    assert fact.figures["failed"] == 48


def test_a_version_that_is_to_get_nothing() -> None:
    assert judged(Counted({"v1": 99, "v3": 1}, {}), {"v1": 100.0}, {}).cause.endswith(
        "v3 answers, and is to get nothing"
    )


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ('Successfully pulled image "a/b:1" in 85ms (85ms including waiting). Image size: 21 bytes.', 0.085),
        ('Successfully pulled image "a/b:1" in 1.204s (3s including waiting)', 1.204),
        ('Successfully pulled image "a/b:1" in 1m2.5s (1m3s including waiting)', 62.5),
        ('Container image "a/b:1" already present on machine', None),
    ],
)
def test_how_long_a_pull_took(message: str, seconds: float | None) -> None:
    assert pull_seconds(["Pulling image", message]) == (None if seconds is None else pytest.approx(seconds))


def test_a_brokers_address_as_the_api_servers_path() -> None:
    assert proxy_path("http://broker-ingress.knative-eventing.svc.cluster.local/home/x") == (
        "/api/v1/namespaces/knative-eventing/services/http:broker-ingress:80/proxy/home/x"
    )
    assert proxy_path("https://k.kafka.svc:8443/a") == "/api/v1/namespaces/kafka/services/https:k:8443/proxy/a"
    for other in ("", "http://broker.example.org/x", "ftp://a.b.svc/x"):
        with pytest.raises(ValueError, match="no address of a Service"):
            proxy_path(other)


def test_seconds_for_people() -> None:
    assert [measure.milliseconds(value) for value in (0.0034, 0.12, 1.239)] == ["3.4 ms", "120 ms", "1.24 s"]
    assert measure.age_of("no time") == 0.0


def test_requests_end_with_the_time_for_them() -> None:
    def slow() -> Reply:
        time.sleep(0.2)
        return Reply(0, "no answer", 0.2)

    begin = time.monotonic()
    replies = replies_of(slow, 1000, Deadline(1))
    assert 2 <= len(replies) <= 100 and time.monotonic() - begin < 10
    assert len(replies_of(lambda: Reply(200, "", 0.0, b"{}"), 40, Deadline(60))) == 40
