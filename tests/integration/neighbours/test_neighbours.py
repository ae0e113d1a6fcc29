"""Others use the cluster too: whatever we do, their things stay as they are, or we refuse before we begin."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..support.cluster_api import Ref
from ..support.neighbours import await_equal, content, unexplained
from ..support.runs import Run
from .conftest import OBJECTS, WHOLE, Scene

SCENARIO = yaml.safe_load(Path(__file__).with_name("steps.yml").read_text())
# How many things of others there are, fields in objects of ours included
NEIGHBOURS = 40


def steps(part: str) -> Any:
    """The steps of a part as parameters of a test."""
    wanted = [step for step in SCENARIO[part] if WHOLE or not step.get("long")]
    return pytest.mark.parametrize("step", wanted, ids=[step["name"] for step in wanted])


def take(scene: Scene, step: dict[str, Any]) -> None:
    """Do one step, and judge it."""
    if scene.lost:
        pytest.fail(f"an earlier step has lost things of others: {', '.join(scene.lost)}")
    variables = json.dumps({**SCENARIO["base"], **step.get("with", {})})
    run = scene.lab.run(*step["run"], "-e", variables)
    purged = scene.neighbours.forget(set(step.get("purges", [])))
    complaints = scene.neighbours.complaints()
    if complaints:
        scene.lost[step["name"]] = complaints
    assert not complaints, "\n".join(complaints)
    judge(step, run)
    for wanted in step.get("without", []):
        ref = Ref("", wanted["kind"], wanted.get("namespace", ""), wanted["name"])
        assert wanted["word"] not in json.dumps(content(scene.lab.api.get(ref) or {"metadata": {}})), (
            f"not given back: {ref}"
        )
    unnamed = [str(ref) for ref in purged if f"{ref.namespace}/{ref.name}" not in run.output]
    assert not unnamed, f"deleted without a word: {', '.join(unnamed)}"


def judge(step: dict[str, Any], run: Run) -> None:
    """Whether a run ended as it should."""
    expected = step.get("expect", "done")
    if expected == "done":
        assert run.code == 0, run.end()
    if expected == "refused":
        assert run.code != 0, f"it was not refused\n{run.end()}"
    if run.code:
        assert not run.writes, f"refused, but only after it had written {sorted(map(str, run.writes))}\n{run.end()}"
        missing = [name for name in step.get("names", []) if name not in run.output]
        assert not missing, f"not named: {', '.join(missing)}\n{run.end()}"
    if step.get("unchanged"):
        assert run.changed == 0, run.end()


@steps("install")
def test_installing_beside_others(scene: Scene, step: dict[str, Any]) -> None:
    take(scene, step)


def test_others_use_the_site(scene: Scene) -> None:
    scene.neighbours.put(OBJECTS / "on_the_site.manifest")
    scene.neighbours.add(OBJECTS / "additions.manifest")
    assert len(scene.neighbours.known) + len(scene.neighbours.additions) >= NEIGHBOURS


@steps("changes")
def test_changes_beside_others(scene: Scene, step: dict[str, Any]) -> None:
    take(scene, step)


@steps("removals")
def test_removals_beside_others(scene: Scene, step: dict[str, Any]) -> None:
    take(scene, step)


@pytest.mark.acceptance
def test_nothing_of_ours_is_left_between_things_of_others(scene: Scene) -> None:
    left: list[str] = []

    def nothing_is_left() -> bool:
        # The cluster's own controllers, such as that of addresses, need a moment.
        left[:] = unexplained(scene.lab, scene.before, set(scene.neighbours.known))
        return not left

    deadline = time.monotonic() + 60
    while not nothing_is_left() and time.monotonic() < deadline:
        time.sleep(1)
    assert not left, "\n".join(left)


@pytest.mark.acceptance
def test_the_listing_is_the_one_from_before(scene: Scene) -> None:
    scene.neighbours.remove(scene.empty)
    await_equal(scene.lab, scene.empty)
