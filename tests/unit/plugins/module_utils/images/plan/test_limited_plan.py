"""Rate limits while a plan is made: they are waited for where no other place has an image, and told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import PolicyError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan import choice
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan import plan as plan_module
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.asking import ask_all
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.choice import Answer, choose
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.lock import Lock
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.plan import make_plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.text import missing_message
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.extract import Found
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clients import Clients
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.registries import BaseNotFound, find_base
from faulty_registry import FaultyRegistry, Handler
from plays import play
from quick_clock import QuickClock
from sample_images import SampleImage

IMAGES = 40
PULLS, WINDOW = 100, 3600  # what a plan of forty asks in an hour
ASKED = 120  # manifests: of each image the index, and those of two architectures


class Hourly:
    """Lets so many manifests through in an hour of a clock, and tells the seconds that are left."""

    def __init__(self, clock: QuickClock, pulls: int = PULLS) -> None:
        self._clock = clock
        self._pulls = pulls
        self._hours: dict[int, int] = {}
        self.refused = 0

    def __call__(self, handler: Handler) -> bool:
        hour = int(self._clock.passed / WINDOW)
        self._hours[hour] = self._hours.get(hour, 0) + 1
        if self._hours[hour] <= self._pulls:
            return False
        self.refused += 1
        return handler.reply(429, b"", {"Retry-After": str(int((hour + 1) * WINDOW - self._clock.passed) + 1)}) or True


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> QuickClock:
    """The plan's own limits, on another clock."""
    made = QuickClock()
    for module in (choice, plan_module):
        monkeypatch.setattr(module, "BACKOFF", replace(choice.BACKOFF, clock=made.clock))
    return made


@pytest.fixture
def beside() -> Iterator[FaultyRegistry]:
    registry = FaultyRegistry()
    yield registry
    registry.stop()


def forty(*registries: FaultyRegistry) -> list[Found]:
    for number in range(IMAGES):
        image = SampleImage(f"layer {number}".encode() * 99, ("amd64", "arm64"))
        for registry in registries:
            registry.add(image, f"t{number}")
    return [Found(f"quay.io/app{number}:t{number}", "here") for number in range(IMAGES)]


def policy_of(*registries: FaultyRegistry, wait: int = 10800, mode: str = "runtime") -> ImagePolicy:
    mirrors = [f"{registry.host}/q" for registry in registries]
    return ImagePolicy.from_config({"mirrors": {"quay.io": mirrors}, "mode": mode}, wait)


def test_a_plan_of_forty_images_waits_an_hour_and_says_so(faulty: FaultyRegistry, quick: QuickClock) -> None:
    found = forty(faulty)
    faulty.guard = limit = Hourly(quick)
    lines: list[str] = []
    plan = make_plan(found, policy_of(faulty), ["amd64", "arm64"], report=lines.append)
    assert not plan.missing and len(plan.rows) == IMAGES
    assert WINDOW <= quick.passed < 2 * WINDOW
    assert limit.refused <= 2 * 24  # each worker once in each pass


def test_it_is_told_while_it_waits(faulty: FaultyRegistry, quick: QuickClock) -> None:
    found = forty(faulty)[:3]
    faulty.guard = Hourly(quick, 5)
    lines: list[str] = []
    policy = policy_of(faulty)
    clients = Clients(policy, plan_module.BACKOFF)

    def ask(item: Found) -> Answer:
        return choice.first_that_has(Reference.parse(item.reference), policy, clients, ["amd64"], None)

    answers = ask_all(found, ask, clients, lines.append, period=0.02)
    assert all(answer.candidate for answer in answers)
    told = [line for line in lines if "asked for again; waits until" in line]
    assert told and faulty.host in told[0]
    assert len(told) == len(set(told))


def test_another_mirror_is_taken_at_once(faulty: FaultyRegistry, beside: FaultyRegistry, quick: QuickClock) -> None:
    found = forty(faulty, beside)
    faulty.guard = Hourly(quick, 0)
    plan = make_plan(found, policy_of(faulty, beside), ["amd64"])
    assert not plan.missing and quick.passed < 60
    assert {row.source.registry for row in plan.rows if row.source} == {beside.host}


@pytest.mark.parametrize("wait", [0, 1800])
def test_who_does_not_want_to_wait_is_told_when_to_come_back(
    faulty: FaultyRegistry, quick: QuickClock, wait: int
) -> None:
    found = forty(faulty)
    faulty.guard = Hourly(quick)
    plan = make_plan(found, policy_of(faulty, wait=wait), ["amd64", "arm64"])
    assert plan.missing and quick.passed < 60
    text = missing_message(plan)
    assert "rate limit" in text and "it ends in 1 h" in text
    assert "run again after the time that is told" in text and "serverless_rate_limit_wait" in text
    with pytest.raises(PolicyError, match="serverless_rate_limit_wait"):
        choose({Reference.parse(found[0].reference): True}, policy_of(faulty, wait=wait), ["amd64"], Lock())


def test_what_stands_in_manifests_is_waited_for(faulty: FaultyRegistry, quick: QuickClock) -> None:
    found = forty(faulty)
    faulty.guard = Hourly(quick)
    wanted = {Reference.parse(item.reference): True for item in found}
    answers = choose(wanted, policy_of(faulty, mode="rewrite"), ["amd64", "arm64"], Lock())
    assert len(answers) == IMAGES and WINDOW <= quick.passed < 2 * WINDOW


def test_the_base_of_a_build(faulty: FaultyRegistry) -> None:
    forty(faulty)
    asked: list[int] = []
    # Longer than a request waits by itself, and shorter than the option
    faulty.guard = lambda handler: (
        asked.append(1) or (len(asked) == 1 and (handler.reply(429, b"", {"Retry-After": "31"}) or True))
    )
    with pytest.raises(BaseNotFound, match="serverless_rate_limit_wait"):
        find_base("quay.io/app1:t1", policy_of(faulty, wait=0))


def test_the_option_reaches_the_action(faulty: FaultyRegistry, tmp_path: Path) -> None:
    """Really waited for: 11 s are longer than a plan waits where it may not."""
    forty(faulty)
    refused: list[int] = []

    def guard(handler: Handler) -> bool:
        if len(refused) < 2:
            refused.append(1)
            return handler.reply(429, b"", {"Retry-After": "11"}) or True
        return False

    task = {
        "selfhosted.serverless.image_plan": {
            "context": "",
            "extra": ["quay.io/app1:t1"],
            "architectures": ["amd64"],
            "images": {"mirrors": {"quay.io": [f"{faulty.host}/q"]}},
        }
    }
    faulty.guard = guard
    result, output = play(tmp_path, [{**task, "vars": {"serverless_rate_limit_wait": 0}}])
    assert result["missing"] == ["quay.io/app1:t1"] and "serverless_rate_limit_wait" in output
    refused.clear()
    result, output = play(tmp_path, [{**task, "vars": {"serverless_rate_limit_wait": 60}}], "-v")
    assert result["table"][0]["digest"].startswith("sha256:")
    assert "waits until" in output and faulty.host in output
