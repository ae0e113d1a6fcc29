"""What a person is told while requests are repeated for long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube import parallel, progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.apply.present import apply_release
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.parallel import for_each
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.options import PresentOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.repeats import Repeats
from fault_proxy import Fault, FaultProxy
from releases import config_map, namespace


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "30"}], ids=["backoff", "Retry-After"])
def test_the_reason_of_long_retries_is_told_soon_and_again(
    fault_proxy: FaultProxy, tmp_path: Path, name: str, headers: dict[str, str]
) -> None:
    body = b'{"kind":"Status","status":"Failure","message":"failed calling webhook \\"x\\": no endpoints","code":500}'
    fault_proxy.faults = [Fault("PATCH", "/configmaps/stuck", 500, times=999, body=body, headers=headers)]
    started, told = time.monotonic(), []
    report = Progress(lambda line: told.append((time.monotonic() - started, line)), "test")
    cluster = Cluster.connect("test", str(tmp_path / "proxied"), report.retry)
    options = PresentOptions(name, namespace=name)
    documents = [namespace(name), config_map("fine", {}), config_map("stuck", {})]
    with pytest.raises(ReleaseError, match="no endpoints"):
        apply_release(cluster, documents, options, Deadline(14 if not headers else 45), report.tell)
    reasons = [seconds for seconds, line in told if "no endpoints" in line]
    ticks = [(seconds, line) for seconds, line in told if "applied" in line]
    assert reasons[0] < 10 and len(told) <= 22
    assert ticks and all("no endpoints" in line for seconds, line in ticks if seconds < 14)


def test_a_tick_does_not_take_the_turn_of_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: clock[0])
    told: list[str] = []
    report = Progress(told.append, "lab")
    report.tell("1 of 2 applied")
    report.retry("retry 1: refused", "refused")
    assert told == ["lab: 1 of 2 applied", "lab: retry 1: refused"]
    clock[0] += 1
    report.retry("retry 2: refused", "refused")
    assert len(told) == 2
    clock[0] += 2
    report.tell("1 of 2 applied")
    assert told[-1] == "lab: 1 of 2 applied (2 s ago: retry 2: refused)"
    clock[0] += progress.FRESH
    report.tell("2 of 2 applied")
    assert told[-1] == "lab: 2 of 2 applied"


def test_the_same_message_is_told_again_after_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress, "Repeats", lambda: Repeats(lambda: clock[0]))
    told: list[str] = []
    report = Progress(told.append, "lab")
    for _tick in range(12):
        report.tell("3 of 40 applied")
        clock[0] += 4
    report.tell("4 of 40 applied")
    assert told == ["lab: 3 of 40 applied", "lab: 3 of 40 applied, for 32 s now", "lab: 4 of 40 applied"]


def test_retries_for_one_reason_are_told_every_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: clock[0])
    monkeypatch.setattr(progress, "Repeats", lambda: Repeats(lambda: clock[0]))
    told: list[str] = []
    report = Progress(told.append, "lab")

    def retries(count: int, reason: str) -> list[str]:
        told.clear()
        for number in range(1, count + 1):
            report.retry(f"retry {number}: {reason}", reason)
            clock[0] += 5
        return told

    assert retries(9, "refused") == ["lab: retry 1: refused", "lab: retry 7: refused, for 30 s now"]
    assert retries(2, "no answer") == ["lab: retry 1: no answer"], "another reason is told at once"
    clock[0] += progress.FRESH
    assert retries(1, "no answer") == ["lab: retry 1: no answer"], "in between all went well"


def test_ticks_come_though_something_is_done_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "SIGN_OF_LIFE", 0.3)
    ticks: list[tuple[int, int]] = []
    for_each(lambda number: time.sleep(0.2 * number), range(1, 7), lambda done, total: ticks.append((done, total)))
    assert 2 <= len(ticks) <= 5 and all(total == 6 for _done, total in ticks)
