"""Running a suite's program: which tests there are is asked in the environment that they run in."""

from __future__ import annotations

from pathlib import Path

import pytest
from conformance.execute import execute
from conformance.lab import Lab
from conformance.suite import Reason, Run, Suite

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


def test_what_fails_beside_the_others_gets_a_second_try_alone(lab: Lab) -> None:
    (lab.work / "some" / "some.test").write_text("""#!/bin/sh
case "$*" in
  -test.list=.) printf 'TestOne\\nTestTwo\\n';;
  *'-test.run=^(TestTwo)$') printf '\\026=== RUN   TestTwo\\n\\026--- PASS: TestTwo (0.10s)\\n';;
  *) printf '\\026=== RUN   TestOne\\n\\026--- PASS: TestOne (0.10s)\\n'
     printf '\\026=== RUN   TestTwo\\n\\026--- FAIL: TestTwo (0.10s)\\n';;
esac
""")
    run = Run("some", "some.test", ("-test.run=.",))
    results = execute(suite(run), run, lab)
    assert [(result.name, result.state, result.tries) for result in results] == [
        ("TestOne", "passed", 1),
        ("TestTwo", "passed", 2),
    ]


def test_so_many_tests_are_called_at_a_time(lab: Lab) -> None:
    program = lab.work / "some" / "some.test"
    program.write_text("""#!/bin/sh
case "$1" in
  -test.list=.) printf 'TestA\\nTestB\\nTestC\\nTestD\\n'; exit;;
esac
for word; do case "$word" in -test.run=*) run=${word#-test.run=};; esac; done
echo "$run" >> calls
for test in TestA TestB TestC TestD; do
  echo "$test" | grep -qE "$run" || continue
  printf '\\026=== RUN   %s\\n\\026--- PASS: %s (0.10s)\\n' "$test" "$test"
done
""")
    run = Run("some", "some.test", at_once=2)
    results = execute(suite(run, Reason("TestB", "choice", "not wanted", skip=True)), run, lab)
    assert [(result.name, result.state) for result in results] == [
        ("TestA", "passed"),
        ("TestB", "missing"),
        ("TestC", "passed"),
        ("TestD", "passed"),
    ]
    assert (lab.work / "calls").read_text().split() == ["^(TestA|TestC)$", "^(TestD)$"]


def suite(run: Run, *reasons: Reason) -> Suite:
    return Suite("some", "Some", "nowhere", (), {}, {}, (), (), {}, {}, (), (run,), reasons, "")
