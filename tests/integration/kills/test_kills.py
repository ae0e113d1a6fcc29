"""Runs that are killed at random moments: the next one completes them, and the one after that changes nothing."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..conftest import Site
from ..support.neighbours import await_equal
from ..support.runs import Lab

CYCLES = 10
# The same moments again: KILL_SEED=...
SEED = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(1_000_000))
MOMENTS = random.Random(SEED)
# Seconds until the first request of a run, and the share of the usual time before which it is killed
START_UP, LATEST = 0.6, 0.9
MEASURED: dict[Subject, dict[tuple[str, ...], float]] = {}
RELEASE = str(Path(__file__).parents[1] / "faults" / "release.yml")
TAGS = ("--tags", "registry_secret,metrics_server")


@dataclass(frozen=True)
class Subject:
    """What is installed, changed and removed: the arguments of these runs."""

    install: tuple[str, ...]
    change: tuple[str, ...]
    removal: tuple[str, ...]


SMALL = Subject(
    (RELEASE,),
    (RELEASE, "-e", json.dumps({"fault_size": 2})),
    (RELEASE, "-e", json.dumps({"fault_state": "absent"})),
)
ROLES = Subject(
    ("site.yml", *TAGS),
    (
        "site.yml",
        *TAGS,
        "-e",
        json.dumps(
            {"metrics_server_requests": {"cpu": "15m", "memory": "90Mi"}, "serverless_registry_username": "other"}
        ),
    ),
    ("playbooks/uninstall.yml", *TAGS),
)


@pytest.fixture(scope="module")
def images(lab_under_test: Lab) -> Iterator[None]:
    """A node that pulls through the mirror."""
    done = lab_under_test.run("site.yml", "--tags", "image_prefetch")
    assert done.code == 0, done.end()
    yield
    lab_under_test.run("playbooks/uninstall.yml", "--tags", "image_prefetch")


def test_a_small_release_is_completed_after_kills(site: Site, lab_under_test: Lab) -> None:
    site.kubectl("create", "configmap", "theirs", "-n", "default", "--from-literal=colour=blue")
    try:
        cycle(lab_under_test, SMALL)
    finally:
        site.kubectl("delete", "configmap", "theirs", "-n", "default")


@pytest.mark.acceptance
@pytest.mark.parametrize("number", range(CYCLES))
def test_roles_are_completed_after_kills(lab_under_test: Lab, images: None, number: int) -> None:
    cycle(lab_under_test, ROLES)


def cycle(lab: Lab, subject: Subject) -> None:
    """Kill an install, a change and a removal, each at a random moment, and complete each."""
    usual = durations(lab, subject)
    before = lab.listing()
    for arguments in (subject.install, subject.change, subject.removal):
        moment = START_UP + MOMENTS.random() * LATEST * (usual[arguments] - START_UP)
        killed = lab.kill_after(moment, *arguments)
        told = f"seed {SEED}: {'killed' if killed else 'ended'} after {moment:.1f} s"
        print(told, *arguments)
        completed = lab.run(*arguments)
        assert completed.code == 0, f"{told}\n{completed.end()}"
        second = lab.run(*arguments)
        assert second.code == 0, f"{told}\n{second.end()}"
        assert second.changed == 0, f"{told}\n{second.end()}"
    await_equal(lab, before)


def durations(lab: Lab, subject: Subject) -> dict[tuple[str, ...], float]:
    """The seconds that the runs take when nobody kills them; found out once."""
    if subject not in MEASURED:
        runs = [lab.run(*arguments) for arguments in (subject.install, subject.change, subject.removal)]
        assert not any(run.code for run in runs), "\n".join(run.end() for run in runs)
        MEASURED[subject] = {run.arguments: run.seconds for run in runs}
    return MEASURED[subject]
