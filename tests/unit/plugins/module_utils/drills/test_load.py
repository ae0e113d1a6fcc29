"""The load generator against a real HTTP server."""

from __future__ import annotations

import socket
import time

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.http_client import Address, Client
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.load import Load, Plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.summary import Summary
from page_server import PageServer

START = time.monotonic()


def now() -> float:
    return time.monotonic() - START


def address(page: PageServer) -> Address:
    return Address("127.0.0.1", page.port, "web.todo.example.com")


def test_an_open_loop_keeps_its_rate_and_its_bounds(page: PageServer) -> None:
    load = Load(address(page), Plan("/x", workers=8, seconds=60, requests=50, rate=100), now).start()
    shots = load.join()
    assert [shot.status for shot in shots] == [200] * 50 == [200] * len(page.requests)
    due = sorted(shot.scheduled for shot in shots)
    assert due[-1] - due[0] == pytest.approx(0.49, abs=0.001)
    assert {(path, host) for _at, path, host in page.requests} == {("/x", "web.todo.example.com")}
    assert load.overdue == 0


def test_a_stall_shows_in_the_latencies_of_all_that_were_due_meanwhile(page: PageServer) -> None:
    page.stall_until = time.monotonic() + 1.0
    # Two workers are stuck in the stall; the others of the 50 were due, and nobody could send them.
    shots = Load(address(page), Plan("/", workers=2, seconds=60, requests=50, rate=50), now).start().join()
    assert Summary.of(shots).p50 > 0.3, "half of the requests were due in the first half of the stall"
    assert sum(shot.done - shot.sent > 0.3 for shot in shots) == 2, "only those that were sent saw it themselves"


def test_requests_that_were_due_and_never_sent_are_told(page: PageServer) -> None:
    page.stall_until = time.monotonic() + 1.0
    load = Load(address(page), Plan("/", workers=2, seconds=60, requests=1000, rate=100), now).start()
    while len(page.requests) < 2 or now() - load._begin < 0.5:
        time.sleep(0.01)
    shots = load.stop()
    assert len(shots) == 2
    assert load.overdue >= 45


def test_a_closed_loop_sends_the_next_when_it_has_its_answer(page: PageServer) -> None:
    shots = Load(address(page), Plan("/", workers=4, seconds=60, requests=40), now).start().join()
    assert len(shots) == len(page.requests) == 40
    assert all(shot.sent - shot.scheduled < 0.05 for shot in shots)


def test_a_load_ends_with_its_time(page: PageServer) -> None:
    begin = now()
    shots = Load(address(page), Plan("/", workers=2, seconds=0.3, requests=10**6, pause=0.01), now).start().join()
    assert len(shots) <= 2 * 31
    assert all(shot.scheduled < begin + 0.4 for shot in shots)


def test_a_stopped_load_sends_no_more_and_returns_what_is_under_way(page: PageServer) -> None:
    with Load(address(page), Plan("/", workers=3, seconds=60, requests=10**6, rate=50), now) as load:
        while not load.shots:
            time.sleep(0.01)
        page.stall_until = time.monotonic() + 0.4
        time.sleep(0.1)
    sent = len(page.requests)
    assert len(load.shots) == sent
    time.sleep(0.1)
    assert len(page.requests) == sent


@pytest.mark.parametrize("bounds", [{"workers": 0}, {"seconds": 0}, {"requests": 0}, {"rate": 0.0}])
def test_a_plan_has_bounds(bounds: dict) -> None:
    with pytest.raises(ValueError, match="positive bounds"):
        Plan(**{"path": "/", "workers": 1, "seconds": 1, "requests": 1, **bounds})


@pytest.mark.parametrize("bounds", [{"workers": 257}, {"rate": 1001.0}])
def test_a_drill_is_no_stress_test(bounds: dict) -> None:
    with pytest.raises(ValueError, match="256 workers and 1000 requests a second at the most"):
        Plan(**{"path": "/", "workers": 1, "seconds": 1, "requests": 1, **bounds})


def test_workers_are_enough_for_requests_that_all_take_as_long_as_they_may() -> None:
    plan = Plan.at_rate("/", rate=10, seconds=300, timeout=5)
    assert (plan.workers, plan.requests, plan.rate, plan.timeout) == (51, 3001, 10, 5)
    assert Plan.at_rate("/", rate=1000, seconds=1, timeout=10).workers == 256


def test_every_answer_but_2xx_is_a_failure(page: PageServer) -> None:
    page.status = 503
    shots = Load(address(page), Plan("/", workers=1, seconds=5, requests=2), now).start().join()
    assert [(shot.status, shot.error, shot.ok) for shot in shots] == [(503, "HTTP 503", False)] * 2


def test_a_label_is_read_from_the_answer_and_must_be_there(page: PageServer) -> None:
    page.versions = ["v1", "v2"]
    plan = Plan("/", workers=1, seconds=5, requests=4, label="version")
    assert sorted(shot.label for shot in Load(address(page), plan, now).start().join()) == ["v1", "v1", "v2", "v2"]
    plan = Plan("/", workers=1, seconds=5, requests=1, label="colour")
    assert [shot.error for shot in Load(address(page), plan, now).start().join()] == ["no colour in the answer"]


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert Client(Address("127.0.0.1", port, "x"), False, 1).get("/").error == "connection refused"


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reply = Client(Address("127.0.0.1", silent.getsockname()[1], "x"), False, 0.2).get("/")
    assert (reply.status, reply.error) == (0, "timed out")


def test_a_connection_is_kept_on_request_only(page: PageServer) -> None:
    kept, anew = (Client(address(page), keep, 5) for keep in (True, False))
    assert [kept.get("/").status for _turn in range(5)] == [200] * 5
    assert page.connections == 1
    assert [anew.get("/").status for _turn in range(5)] == [200] * 5
    assert page.connections == 6
    kept.close()


def test_a_kept_connection_that_the_server_closed_is_no_failure(page: PageServer) -> None:
    page.keep_for = 2
    client = Client(address(page), True, 5)
    assert [client.get("/").error for _turn in range(6)] == [""] * 6
    assert page.connections == 3
    client.close()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.5:30080", "127.0.0.5", 30080), ("example.com", "example.com", 80), ("[::1]:8080", "::1", 8080)],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert Address.parse(text, "web") == Address(host, port, "web")


@pytest.mark.parametrize("text", ["", ":80", "host:", "host:99999", "host:http"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="is not host:port"):
        Address.parse(text, "web")
