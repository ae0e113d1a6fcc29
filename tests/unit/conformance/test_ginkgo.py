"""Reading Ginkgo's report; the report is one of its own, shortened to some tests of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from conformance.ginkgo import read_report

REPORT = Path(__file__).with_name("ginkgo.xml")


def states(counted: str) -> dict[str, str]:
    return {result.name: result.state for result in read_report(REPORT, counted)}


def test_the_tests_that_count_are_read_without_their_labels() -> None:
    assert states(r"\[sig-network\].*\[Conformance\]") == {
        "[sig-network] DNS should provide DNS for services [Conformance]": "passed",
        "[sig-network] Ingress API should support creating Ingress API operations [Conformance]": "passed",
    }


def test_what_the_focus_left_out_is_missing() -> None:
    name = "[sig-apps] ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision [Conformance]"
    assert states(r".*\[Serial\].*\[Conformance\]") == {name: "missing"}


@pytest.mark.parametrize(
    ("inside", "state", "words"),
    [
        ('<failure message="it broke">stack</failure>', "failed", "it broke"),
        ('<error message="it panicked"></error>', "failed", "it panicked"),
        ('<skipped message="skipped - needs 2 nodes"></skipped>', "skipped", "skipped - needs 2 nodes"),
    ],
)
def test_what_a_test_says_of_itself_is_kept(tmp_path: Path, inside: str, state: str, words: str) -> None:
    report = tmp_path / "report.xml"
    case = f'<testcase name="[It] [sig-a] b [C] [l]" time="1.5">{inside}</testcase>'
    report.write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")
    (result,) = read_report(report, r".*\[C\]")
    assert (result.name, result.state, result.seconds, result.last_words) == ("[sig-a] b [C]", state, 1.5, words)
