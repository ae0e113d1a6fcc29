"""A site on which all is well: no false alarm, nothing left behind, and what it takes."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from pathlib import Path

import pytest

from ..conftest import until
from .conftest import Verifier

pytestmark = pytest.mark.acceptance

RUNS = int(os.environ.get("VERIFY_RUNS", "20"))
MADE = ("namespaces", "-l", "serverless.selfhosted/verify=probe")
FULL = {
    "api-server", "nodes", "clocks", "metrics", "workloads", "certificates", "injection", "gateway", "domain",
    "pull-secret", "brokers", "application", "images", "dns", "events", "split", "serving",
}  # fmt: skip


def test_no_false_alarm_in_many_runs(verifier: Verifier) -> None:
    alarms = {}
    for number in range(RUNS):
        found = verifier.verify("full")
        figures = {name: fact["figures"] for name, fact in found.facts.items()}
        serving, events = figures["serving"], figures["events"]
        print(f"\n{number}: {found.seconds:.1f} s; cold {serving.get('cold_seconds')} s, {events}", flush=True)
        if found.failed or found.run.code:
            alarms[number] = found.failed or found.run.end()
    assert not alarms


def test_every_fact_is_asked_and_has_its_figure(verifier: Verifier) -> None:
    found = verifier.verify("full")
    assert set(found.facts) == FULL
    assert not [name for name, fact in found.facts.items() if fact["skipped"]]
    figures = {name: fact["figures"] for name, fact in found.facts.items()}
    assert all(figures.values())
    assert 0 < figures["gateway"]["milliseconds"] < 1000
    assert 0 < figures["serving"]["warm_p50_milliseconds"] <= figures["serving"]["warm_p99_milliseconds"]
    assert figures["serving"]["cold_seconds"] * 1000 > figures["serving"]["warm_p50_milliseconds"]
    assert figures["serving"]["warm_requests"] == 20 and figures["split"]["requests"] == 100
    assert 0 < figures["events"]["there_milliseconds"] <= figures["events"]["back_milliseconds"]
    assert figures["images"]["node"] and figures["images"]["milliseconds"] is not None
    lines = [line for line in found.run.output.splitlines() if ": ok " in line]
    assert len(lines) == len(FULL), "one line for each"


def test_nothing_is_left_behind(verifier: Verifier) -> None:
    before = set(verifier.lab.listing())
    assert verifier.verify("full").run.code == 0
    assert {str(ref) for ref in set(verifier.lab.listing()) ^ before if ref.kind not in ("Pod", "Endpoints")} == set()
    assert verifier.site.objects(*MADE) == []


def test_the_short_form_is_answered_at_once_and_writes_nothing(verifier: Verifier) -> None:
    found = verifier.verify("short")
    assert found.run.code == 0, found.run.end()
    assert found.seconds <= 2, {name: fact["seconds"] for name, fact in found.facts.items()}
    assert not found.run.writes


def test_check_mode_asks_nothing_that_writes(verifier: Verifier) -> None:
    run = verifier.lab.run("playbooks/verify.yml", "--check")
    assert run.code == 0 and not run.writes, run.end()
    assert "would make a Knative service" in run.output


def test_options_reach_what_they_are_for(verifier: Verifier) -> None:
    found = verifier.verify(
        "full",
        verify_namespace="verify-elsewhere",
        verify_split_requests=40,
        verify_warm_requests=5,
        verify_pull=False,
        verify_user_traffic={},
        verify_domain="",
    )
    assert found.run.code == 0, found.run.end()
    assert found.facts["split"]["figures"]["requests"] == 40
    assert found.facts["serving"]["figures"]["warm_requests"] == 5
    assert found.facts["images"]["skipped"] and found.facts["domain"]["skipped"]
    assert {ref.name for _verb, ref in found.run.writes if ref.kind == "Namespace"} == {"verify-elsewhere"}


def test_what_a_killed_run_left_is_taken_away_by_the_next(verifier: Verifier) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        process = verifier.lab.start(Path(scratch), "playbooks/verify.yml")
        until("the probes are there", lambda: verifier.site.objects(*MADE), 60)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    assert verifier.site.objects(*MADE), "a killed run can take nothing away"
    found = verifier.verify("full")
    assert found.run.code == 0, found.run.end()
    assert "taking away what an earlier verification left: namespace serverless-verify" in found.run.output
    assert verifier.site.objects(*MADE) == []


def test_ctrl_c_takes_away_what_was_made(verifier: Verifier) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        process = verifier.lab.start(Path(scratch), "playbooks/verify.yml")
        until("the probes are there", lambda: verifier.site.objects(*MADE), 60)
        process.send_signal(signal.SIGINT)
        assert process.wait(150) != 0
    assert verifier.site.objects(*MADE) == []


def test_at_the_end_of_the_site(verifier: Verifier) -> None:
    run = verifier.lab.run("site.yml", "--tags", "verify")
    assert run.code == 0 and run.changed == 0, run.end()
    assert (
        ": ok      application" in run.output
        and "serving " not in run.output.partition("TASK [selfhosted.serverless.report")[0]
    )
    run = verifier.lab.run("site.yml", "--tags", "verify", "-e", json.dumps({"verify_at_end": "none"}))
    assert run.code == 0 and "api-server" not in run.output
