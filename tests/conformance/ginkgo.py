"""Reading the results of tests out of the JUnit report of Ginkgo, the framework of Kubernetes' tests."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from .results import Result

# What a JUnit name has before the text of a test
_LEAF = "[It] "


def read_report(path: Path, counted: str) -> list[Result]:
    """Return the results of the tests whose names begin with the pattern `counted`, sorted by name.

    What follows the pattern in the report are labels, no part of the name. A test that was left out by the focus is
    missing, one that skipped itself is skipped and its reason is what it said. Raises OSError or ParseError.
    """
    found = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = case.get("name", "")
        match = re.match(counted, name.removeprefix(_LEAF))
        if name.startswith(_LEAF) and match:
            found[match[0]] = _result(match[0], case)
    return [found[name] for name in sorted(found)]


def _result(name: str, case: ElementTree.Element) -> Result:
    seconds = float(case.get("time", "0"))
    for kind in ("failure", "error"):
        bad = case.find(kind)
        if bad is not None:
            return Result(name, "failed", seconds, [bad.get("message") or bad.text or ""])
    skipped = case.find("skipped")
    if skipped is None:
        return Result(name, "passed", seconds)
    message = skipped.get("message", "")
    # Ginkgo's own word for what the focus left out
    return Result(name, "missing" if message in ("", "skipped") else "skipped", seconds, [message])
