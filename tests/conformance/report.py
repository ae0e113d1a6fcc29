"""The page of results: a section for each suite, written from the results and the suite's reasons."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .results import Result
from .suite import Suite

_BEGIN, _END = "<!-- {name}: written by make conformance -->", "<!-- end of {name} -->"
# A section lists every test of a run up to so many; of a longer one those that did not pass
_LONGEST = 150
_WORDS = 300  # characters of what a test said that a cell of the table takes


@dataclass(frozen=True)
class Row:
    """One test as the page shows it: cause and reason are empty for one that passed, and where nobody wrote one."""

    result: Result
    cause: str
    reason: str


def rows(suite: Suite, results: Sequence[Result]) -> list[Row]:
    """Return the results with their reasons; a test that the suite skips by itself gives its own."""
    return [_row(suite, result) for result in results]


def _row(suite: Suite, result: Result) -> Row:
    if result.state == "passed":
        return Row(result, "", "")
    known = next((reason for reason in suite.reasons if reason.fits(result.name)), None)
    if known:
        return Row(result, known.cause, known.text)
    if result.state == "skipped":
        return Row(result, "suite", f"skips itself: {result.last_words[:_WORDS]}")
    return Row(result, "", "")


def unexplained(found: Sequence[Row]) -> list[str]:
    """Return the names of the tests that did not pass and for which there is no reason."""
    return [row.result.name for row in found if row.result.state != "passed" and not row.cause]


def stale(suite: Suite, found: Sequence[Row]) -> list[str]:
    """Return the patterns of reasons under which no test failed or was left out: they want to be deleted."""
    open_ones = [row.result.name for row in found if row.result.state != "passed"]
    return [reason.tests for reason in suite.reasons if not any(reason.fits(name) for name in open_ones)]


def section(suite: Suite, by_run: Mapping[str, Sequence[Row]]) -> str:
    """Return the Markdown of one suite."""
    lines = [f"## {suite.title}", "", f"`{suite.source}`", ""]
    lines += ["| run | tests | passed | failed | left out | seconds |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for name, found in by_run.items():
        lines.append(f"| {name} | {_figures(found)} |")
    everything = [row for found in by_run.values() for row in found]
    if len(by_run) > 1:
        lines.append(f"| all | {_figures(everything)} |")
    for name, found in by_run.items():
        listed = found if len(found) <= _LONGEST else [row for row in found if row.result.state != "passed"]
        if not listed:
            continue
        lines += [
            "",
            f"### {name}",
            "",
            "| test | result | seconds | whose | reason |",
            "| --- | --- | ---: | --- | --- |",
        ]
        lines += [_line(row) for row in listed]
    return "\n".join(lines)


def _figures(found: Sequence[Row]) -> str:
    states = Counter(row.result.state for row in found)
    left_out = states["skipped"] + states["missing"]
    seconds = sum(row.result.seconds for row in found)
    return f"{len(found)} | {states['passed']} | {states['failed']} | {left_out} | {seconds:.0f}"


def _line(row: Row) -> str:
    state = {"missing": "left out", "skipped": "left out"}.get(row.result.state, row.result.state)
    state += " at the second try" if row.result.tries > 1 else ""
    return f"| {_cell(row.result.name)} | {state} | {row.result.seconds:.0f} | {row.cause} | {_cell(row.reason)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def replaced(page: str, name: str, text: str) -> str:
    """Return the page with the section of that name replaced, or added at its end."""
    begin, end = _BEGIN.format(name=name), _END.format(name=name)
    block = f"{begin}\n{text}\n{end}"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if pattern.search(page):
        return pattern.sub(lambda _match: block, page)
    return f"{page.rstrip()}\n\n{block}\n"
