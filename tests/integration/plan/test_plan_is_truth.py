"""What a run plans is what it writes, object by object; a check writes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..conftest import Site
from ..support.audit import DELETE
from ..support.runs import Lab, Run
from .changes import CHANGES, Change

NAMESPACES = ("plan-test", "plan-one", "plan-two")


@pytest.fixture(scope="module")
def scene(site: Site, lab_under_test: Lab) -> Iterator[Site]:
    """A cluster without the releases of these tests; what a failure left is removed."""
    yield site
    lab_under_test.run(*CHANGES[-1].arguments)
    site.kubectl("delete", "namespace", *NAMESPACES, "--ignore-not-found", "--timeout=60s", check=False)
    site.kubectl("delete", "clusterrole", "plan-test", "--ignore-not-found")
    site.kubectl("delete", "configmap", "release-plan-test", "-n", "kube-system", "--ignore-not-found")


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_the_plan_of_a_check_is_what_the_run_writes(scene: Site, lab_under_test: Lab, change: Change) -> None:
    check_against_run(scene, lab_under_test, change)


def check_against_run(site: Site, lab: Lab, change: Change) -> None:
    """Check, then run, and compare both with the audit log."""
    change.by_hand(site)
    checked = lab.run(*change.arguments, "--check")
    assert not checked.writes, "a check wrote"
    before = lab.listing()
    run = lab.run(*change.arguments, meanwhile=lambda: change.meanwhile(site))
    if change.refused:
        assert checked.code and run.code, "neither a check nor a run may go on"
        assert not run.writes, "refused, but only after it had written"
        return
    assert checked.code == 0, checked.end()
    assert run.code == 0, run.end()
    written = {(what, str(ref)) for what, ref in stored(lab, run, before)}
    assert checked.planned() == without_waits(checked, written)
    assert run.planned() == without_waits(run, written)
    actions = checked.actions()
    for action, wanted in change.expected:
        assert actions.get(wanted) == action, f"{wanted} was planned as {actions.get(wanted)}, not as {action}"


def stored(lab: Lab, run: Run, before: dict) -> set:
    """What the run wrote, but for what the server found unchanged: a version of the object that is still the same."""
    after = lab.listing()

    def version(listing: dict, ref: object) -> str | None:
        return listing[ref]["metadata"]["resourceVersion"] if ref in listing else None

    return {
        (what, ref)
        for what, ref in run.writes
        if what == DELETE or version(before, ref) is None or version(before, ref) != version(after, ref)
    }


def without_waits(run: Run, written: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """What was written, but for what the plan waits for: that it is made again afterwards goes without saying."""
    waited = {wanted for wanted, action in run.actions().items() if action == "wait until gone"}
    return {(what, wanted) for what, wanted in written if wanted not in waited}
