"""What is in the cluster while a suite runs: created in order, waited for, and gone again whatever happened."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from conformance import fixtures
from conformance.fixtures import provided
from conformance.lab import Lab
from conformance.suite import Fixture, Run, Suite, read_suite

# Notes its arguments and what it reads; takes no list of a kind that waits for something
KUBECTL = """#!/bin/sh
log=$(dirname "$0")/../log
shift 2
echo "$*" >>"$log"
case "$*" in
  apply*) tee -a "$log" >"$log.last"; echo >>"$log"
         if grep -q Late "$log.last" && [ ! -e "$log.late" ]; then touch "$log.late"; exit 1; fi;;
  'delete --ignore-not-found --filename=-') cat >>"$log"; echo >>"$log";;
esac
"""


class NotedLab(Lab):
    """Notes the runs of the site among the calls of kubectl."""

    def site(self, options: tuple[str, ...] = ()) -> None:
        with (self.directory / "log").open("a") as log:
            log.write(f"site {' '.join(options)}\n")

    def calls(self) -> list[str]:
        """The calls, each with the kinds of the documents that it was given."""
        found = []
        for line in (self.directory / "log").read_text().splitlines():
            if line.startswith("{"):
                found[-1] += ": " + " ".join(document["kind"] for document in json.loads(line)["items"])
            else:
                found.append(line.strip())
        return found


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NotedLab:
    monkeypatch.setattr(fixtures, "_PAUSE", 0)
    kubectl = tmp_path / "bin" / "kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    folder = tmp_path / "conformance" / "some-modules" / "one" / "folder"
    folder.mkdir(parents=True)
    (folder.parent / "first.yaml").write_text("---\nkind: Namespace\n---\nkind: Job\n---\nkind: Deployment\n")
    (folder / "b.yaml").write_text("kind: Late\n")
    (folder / "a.yaml").write_text("kind: Early\n")
    return NotedLab(tmp_path, "127.0.0.1")


def suite(*runs: Run) -> Suite:
    some = (Fixture("one/first.yaml", ("Job",), "there", ("secrets", "--all")), Fixture("one/folder"))
    return dataclasses.replace(read_suite("ingress"), name="some", runs=runs, fixtures=some)


APPLY = "apply --server-side --force-conflicts --filename=-"
DELETE = "delete --ignore-not-found --filename=-"
WAIT = "rollout status deployment --namespace=there --timeout=300s"
CREATED = [f"{APPLY}: Namespace Deployment", WAIT, f"{APPLY}: Early Late", f"{APPLY}: Early Late"]
DELETED = [f"{DELETE}: Early Late", "delete --ignore-not-found secrets --all", f"{DELETE}: Namespace Deployment"]


def test_fixtures_are_tried_again_until_they_are_taken_and_deleted_the_other_way_round(lab: NotedLab) -> None:
    with provided(suite(Run("some", "some.test")), lab):
        assert lab.calls() == CREATED
    assert lab.calls() == CREATED + DELETED


def test_the_site_has_its_own_options_again_before_fixtures_go_even_after_a_failure(lab: NotedLab) -> None:
    with pytest.raises(RuntimeError), provided(suite(Run("some", "some.test", options=("further.yml",))), lab):
        raise RuntimeError
    assert lab.calls() == [*CREATED, "site", *DELETED]


def test_a_suite_without_fixtures_touches_nothing(lab: NotedLab) -> None:
    with provided(dataclasses.replace(suite(Run("some", "some.test")), fixtures=()), lab):
        pass
    assert not (lab.directory / "log").exists()
