"""Five contexts in one run: the others come to their end, and the table says why one does not."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from ..conftest import ROOT, Site
from ..support.labs import OwnLab
from .five import ARN, ARN_HOST, GONE, KWOK, LAB, Five, ends, five_contexts
from .kwok_cluster import kubectl

pytestmark = pytest.mark.acceptance

SECOND = OwnLab(ROOT / ".lab-b", "127.0.0.5")


@pytest.fixture(scope="module")
def five(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Five]:
    SECOND.bring("started")
    try:
        first = OwnLab(site.directory, site.address)
        with five_contexts(tmp_path_factory.mktemp("five"), first, SECOND) as five:
            yield five
    finally:
        SECOND.bring("absent")


def run(five: Five, *arguments: str, playbook: str = "site.yml") -> subprocess.CompletedProcess[str]:
    """Run a playbook; what it printed is shown where a test fails."""
    done = five.run(*arguments, playbook=playbook)
    print(done.stdout, done.stderr)
    return done


def test_one_that_does_not_answer_holds_up_nobody(five: Five) -> None:
    done = run(five)
    found = ends(done)
    assert set(found) == {LAB, ARN_HOST, *KWOK, GONE}
    assert {name: end.state for name, end in found.items() if name != GONE} == dict.fromkeys(
        set(found) - {GONE}, "changed"
    )
    assert done.returncode == 2 and found[GONE].state == "failed"
    assert re.search(r"does not answer|no answer|timed out", found[GONE].why), found[GONE].why
    assert "5 contexts in " in done.stdout and ", 1 failed." in done.stdout
    # None is held up by a slower one
    assert max(found[name].seconds for name in five.without_machines) < found[LAB].seconds
    for server in five.without_machines.values():
        assert "user-v2" in kubectl(server, "-n", "todo", "get", "deployments", "-o", "name")


def test_a_second_run_changes_nothing(five: Five) -> None:
    found = ends(run(five))
    assert {end.state for name, end in found.items() if name != GONE} == {"unchanged"}


def test_the_name_of_a_host_is_what_limit_takes(five: Five) -> None:
    done = run(five, "--limit", ARN_HOST)
    assert done.returncode == 0 and "unchanged after" in done.stdout
    assert ARN in done.stdout


def test_batches_come_to_the_same_end(five: Five) -> None:
    found = ends(run(five, "-e", "serverless_batch=2"))
    assert len(found) == 5 and [name for name, end in found.items() if end.state == "failed"] == [GONE]


def test_all_is_removed(five: Five) -> None:
    done = run(five, "--limit", f"!{GONE}", playbook="playbooks/uninstall.yml")
    assert {end.state for end in ends(done).values()} == {"changed"}
    assert len(ends(done)) == 4
