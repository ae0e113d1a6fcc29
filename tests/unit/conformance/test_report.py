"""The page of results."""

from __future__ import annotations

from dataclasses import replace

from conformance.report import replaced, rows, section, stale, unexplained
from conformance.results import Result
from conformance.suite import Reason, Suite

SUITE = Suite(
    name="things", title="Things", source="example.com/things@v1", tags=(), tests={}, programs={}, images=(), lab=(),
    modules={}, recipes={}, registries=(), runs=(), manifest="",
    reasons=(Reason("TestTLS|TestMTLS.*", "lab", "there is no certificate authority", skip=True),),
)  # fmt: skip
RESULTS = [
    Result("TestGood", "passed", 1.4),
    Result("TestBad", "failed", 2.0, ["x.go:1: wrong | very <wrong>"]),
    Result("TestTLS", "missing"),
    Result("TestOptional", "skipped", 0, ["    x_test.go:12: not enabled"]),
]


def test_each_test_that_did_not_pass_has_a_reason_or_is_named() -> None:
    found = rows(SUITE, RESULTS)
    assert [(row.cause, row.reason) for row in found] == [
        ("", ""),
        ("", ""),
        ("lab", "there is no certificate authority"),
        ("suite", "skips itself: not enabled"),
    ]
    assert unexplained(found) == ["TestBad"]


def test_a_reason_that_fits_no_open_test_is_named() -> None:
    assert stale(SUITE, rows(SUITE, RESULTS)) == []
    assert stale(SUITE, rows(SUITE, RESULTS[:2])) == ["TestTLS|TestMTLS.*"]


def test_the_section_counts_what_the_results_say() -> None:
    text = section(SUITE, {"one": rows(SUITE, RESULTS), "two": rows(SUITE, RESULTS[:1])})
    assert "| one | 4 | 1 | 1 | 2 | 3 |" in text
    assert "| two | 1 | 1 | 0 | 0 | 1 |" in text
    assert "| all | 5 | 2 | 1 | 2 | 5 |" in text
    assert "| TestTLS | left out | 0 | lab | there is no certificate authority |" in text
    assert "| TestBad | failed | 2 |  |  |" in text


def test_a_second_try_is_told() -> None:
    text = section(SUITE, {"one": rows(SUITE, [Result("TestFlaky", "passed", 3, tries=2)])})
    assert "| TestFlaky | passed at the second try | 3 |  |  |" in text and "| one | 1 | 1 | 0 | 0 | 3 |" in text


def test_of_a_long_run_only_what_did_not_pass_is_listed() -> None:
    many = [Result(f"Test{number}", "passed") for number in range(200)]
    text = section(SUITE, {"one": rows(SUITE, [*many, RESULTS[2]])})
    assert "| one | 201 | 200 | 0 | 1 | 0 |" in text and "| Test7 |" not in text and "| TestTLS |" in text


def test_what_a_test_says_cannot_break_the_table() -> None:
    known = replace(SUITE, reasons=(Reason("TestBad", "ours", "a | b <c>\nd"),))
    assert "| TestBad | failed | 2 | ours | a \\| b &lt;c> d |" in section(known, {"one": rows(known, RESULTS)})


def test_a_section_is_put_in_its_place() -> None:
    page = replaced(replaced("# Page\n", "a", "old"), "b", "other")
    assert replaced(page, "a", "new").splitlines() == [
        "# Page",
        "",
        "<!-- a: written by make conformance -->",
        "new",
        "<!-- end of a -->",
        "",
        "<!-- b: written by make conformance -->",
        "other",
        "<!-- end of b -->",
    ]
