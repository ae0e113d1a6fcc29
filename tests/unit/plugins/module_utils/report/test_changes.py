"""What a run did to objects, kept short, and in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import UNCHANGED, Action
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.changes import (
    DONE,
    MOST_OBJECTS,
    changes_of,
    counts_text,
    together,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.journal import Journal
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.steps import steps_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.this_run import told
from noted_runs import ZERO, change, site_run


def step(action: str, number: int = 0, reason: str = "so it is") -> dict[str, str]:
    return {"action": action, "object": f"ConfigMap a/{number}", "reason": reason}


def test_what_is_as_it_should_be_is_counted_alone() -> None:
    plan = [step("create"), step("keep", reason=UNCHANGED), step("keep", reason="others need it"), step("delete")]
    made = changes_of("istio", "1.30.5", plan, False)
    assert made["counts"] == {"create": 1, "keep": 2, "delete": 1}
    assert [item["action"] for item in made["objects"]] == ["create", "keep", "delete"] and made["more"] == 0


def test_a_huge_release_is_cut_but_counted() -> None:
    made = changes_of("x", "", [step("create", number) for number in range(MOST_OBJECTS + 7)], False)
    assert (len(made["objects"]), made["more"], made["counts"]) == (MOST_OBJECTS, 7, {"create": MOST_OBJECTS + 7})


def test_every_action_of_a_plan_has_its_word() -> None:
    assert set(DONE) == {action.value for action in Action}


@pytest.mark.parametrize(
    ("counts", "check", "words"),
    [
        ({}, False, "nothing changed"),
        ({"keep": 9, "wait until gone": 1}, False, "nothing changed"),
        ({"keep": 9}, True, "nothing would change"),
        ({"delete": 1, "create": 3, "give back": 2}, False, "3 created, 2 given back, 1 deleted"),
        ({"create": 3, "keep": 1}, True, "would be: 3 created"),
    ],
)
def test_counts_in_words(counts: dict[str, int], check: bool, words: str) -> None:
    assert counts_text(counts, check) == words


def test_counts_of_several_releases() -> None:
    assert together([change(create=1, keep=2), change(create=2, delete=1)]) == {"create": 3, "delete": 1, "keep": 2}
    assert together([]) == {}


def test_a_run_in_one_line(tmp_path: Path) -> None:
    site_run(tmp_path, "lab")
    steps = steps_of(Journal(tmp_path, "lab").read(), ZERO, ZERO + 300, False)
    objects = "203 created, 1 adopted, 2 changed, 1 given back, 1 deleted"
    times = "in 3 min 27 s, 1 min 40 s of it waiting for the cluster"
    assert told(steps, check=False) == f"{objects} {times}; 1 warning"
    assert told(steps, check=True).startswith("would be: 203 created")
    assert told([], check=False) == ""
