"""Running a suite's program: which tests there are is asked in the environment that they run in."""

from __future__ import annotations

from pathlib import Path

import pytest
from conformance.execute import execute
from conformance.lab import Lab
from conformance.suite import Run, Suite

# Lists nothing without a kubeconfig, as Knative's reconciler tests
PROGRAM = """#!/bin/sh
[ -n "$KUBECONFIG" ] || { echo "no configuration has been provided"; exit 1; }
case "$1" in
  -test.list=.) printf 'TestOne\\nTestTwo\\nPASS\\n';;
  *) printf '\\026=== RUN   TestOne\\n\\026--- PASS: TestOne (0.10s)\\n';;
esac
"""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A lab whose node is this machine."""
    files = {"bin/lab-node": '#!/bin/sh\nexec "$@"\n', "conformance/some/some.test": PROGRAM}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "conformance" / "some-images.json").write_text("[]")
    return Lab(tmp_path, "127.0.0.1")


def test_a_test_that_is_listed_and_never_ran_is_missing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    run = Run("some", "some.test", environment={"KUBECONFIG": "$kubeconfig"})
    results = execute(suite(run), run, lab)
    assert [(result.name, result.state) for result in results] == [("TestOne", "passed"), ("TestTwo", "missing")]


def test_a_program_that_lists_nothing_is_no_suite_without_tests(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    run = Run("some", "some.test")
    with pytest.raises(RuntimeError, match=r"some\.test lists no test: no configuration has been provided"):
        execute(suite(run), run, lab)


def suite(run: Run) -> Suite:
    return Suite("some", "Some", "nowhere", (), {}, {}, (), (), {}, {}, (), (run,), (), "")
