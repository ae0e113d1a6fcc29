"""The results of tests, and reading them out of what Go's testing package prints with -test.v=test2json."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

# The testing package marks its own lines with this character in that mode, so that no output of a test is taken for one
MARK = "\x16"
_STARTED = re.compile(r"=== (RUN|CONT|NAME|PAUSE)\s+(\S*)")
_ENDED = re.compile(r"\s*--- (PASS|FAIL|SKIP): (\S+) \(([0-9.]+)s\)")
_STATES = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}
# A line of t.Log and its like: the file and the line number
_LOGGED = re.compile(r"^\s*(?:\S+\.go:\d+: )?(.*)$")


@dataclass
class Result:
    """What became of one test: state is passed, failed, skipped or missing; said is what it printed.

    tries is 2 for one that failed beside the others and passed alone.
    """

    name: str
    state: str = "missing"
    seconds: float = 0.0
    said: list[str] = field(default_factory=list)
    tries: int = 1

    @property
    def last_words(self) -> str:
        """The last line that the test printed, without the place in its source."""
        for line in reversed(self.said):
            match = _LOGGED.match(line)
            if match and match[1].strip():
                return match[1].strip()
        return ""


class Reader:
    """Takes the lines of a run one after the other; results has what is known so far, by the name of the test."""

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}
        self._current = ""

    def take(self, line: str) -> Result | None:
        """Read one line; return the result of the test that ended with it, if one did."""
        before, mark, text = line.rstrip("\n").rpartition(MARK)
        if mark:
            self._say(before)
            started, ended = _STARTED.fullmatch(text), _ENDED.fullmatch(text)
            if started:
                self._current = started[2] if started[1] != "PAUSE" else ""
                if self._current:
                    self._result(self._current)
                return None
            if ended:
                result = self._result(ended[2])
                result.state, result.seconds = _STATES[ended[1]], float(ended[3])
                self._current = ended[2]
                return result
        self._say(text)
        return None

    def _say(self, text: str) -> None:
        if self._current and text.strip():
            self._result(self._current).said.append(text)

    def _result(self, name: str) -> Result:
        return self.results.setdefault(name, Result(name))


def of_expected(results: dict[str, Result], expected: Iterable[str]) -> list[Result]:
    """Return the results of the expected tests, in that order; one that never ended is missing."""
    return [results.get(name, Result(name)) for name in expected]
