"""What the probes run, with the Envoys that the lab's images have: real processes and real requests."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import envoy
from envoys import CACHE, PROGRAMS, Probe

IDS = [path.parents[1].name for path in PROGRAMS]


def test_the_labs_envoys_are_there() -> None:
    assert PROGRAMS, f"there is no Envoy below {CACHE}; build it with: make lab"


@pytest.fixture(params=PROGRAMS, ids=IDS)
def probe(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Probe]:
    running = Probe(request.param, tmp_path, "no-such-name.invalid")
    yield running
    running.process.kill()
    running.process.wait(10)


def test_it_starts_without_a_name_that_resolves_and_tells_so(probe: Probe) -> None:
    assert probe.ask("GET", "/any").status == 200
    assert probe.ask("GET", envoy.PEER).status == 503, "no host, no answer"


def test_an_event_is_answered_by_an_event_and_both_are_in_the_log(probe: Probe) -> None:
    asked = {"ce_specversion": "1.0", "ce_type": envoy.ASK_TYPE, "ce_source": "/t", "ce_id": "17"}
    answer = probe.ask("POST", envoy.ASK, **asked)
    assert answer.status == 200
    told = {name: answer.headers[name] for name in ("ce-specversion", "ce-type", "ce-source", "ce-id")}
    assert told == {"ce-specversion": "1.0", "ce-type": envoy.ANSWER_TYPE, "ce-source": envoy.SOURCE, "ce-id": "17"}
    assert probe.ask("POST", envoy.ANSWER, **{**asked, "ce_type": envoy.ANSWER_TYPE}).status == 202
    limit = time.monotonic() + 5
    while len(envoy.events_in(probe.log.read_text())) < 2 and time.monotonic() < limit:
        time.sleep(0.05)
    assert envoy.events_in(probe.log.read_text()) == {(envoy.ASK_TYPE, "17"): 1, (envoy.ANSWER_TYPE, "17"): 1}


@pytest.mark.parametrize("program", PROGRAMS, ids=IDS)
def test_a_request_is_passed_on_by_a_name(program: Path, tmp_path: Path) -> None:
    """Whatever port 80 of localhost says, it is not that the name leads nowhere."""
    running = Probe(program, tmp_path, "localhost")
    try:
        limit, said = time.monotonic() + 10, ""
        while said in ("", "no healthy upstream") and time.monotonic() < limit:
            connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=5)
            connection.request("GET", envoy.PEER)
            said = connection.getresponse().read().decode()
            time.sleep(0.2)
        assert said not in ("", "no healthy upstream")
    finally:
        running.process.kill()
        running.process.wait(10)
