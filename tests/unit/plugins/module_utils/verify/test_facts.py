"""How facts are told, and as files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.facts import (
    Fact,
    details,
    fails,
    holds,
    line,
    problem,
    skipped,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.files import as_junit, write

STARTED = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
GOOD = holds("nodes", "2 of 2 nodes of Linux Ready", ready=2).taking(0.25)
BAD = fails("gateway", "no answer", "refused:\n  nobody listens.", "run site.yml.", address="a:80")
LEFT = skipped("events", "Knative Eventing is not installed")


def test_a_fact_is_one_line_with_its_figure() -> None:
    assert line(GOOD, 8) == "ok      nodes     2 of 2 nodes of Linux Ready"
    assert line(BAD, 8) == "FAILED  gateway   no answer"
    assert line(LEFT, 8) == "skipped events    Knative Eventing is not installed"
    assert details(GOOD) == details(LEFT) == []
    assert details(BAD) == ["cause: refused: nobody listens", "remedy: run site.yml"]


def test_what_does_not_hold_is_one_line_with_cause_and_remedy() -> None:
    assert problem([GOOD, LEFT]) == ""
    other = fails("dns", "no name", "", "look")
    told = problem([GOOD, BAD, LEFT, other])
    assert told == (
        "2 of 4 facts do not hold: gateway: refused: nobody listens. Remedy: run site.yml | "
        "dns: no cause was found. Remedy: look"
    )
    assert problem([BAD]).startswith("1 of 1 facts does not hold")


def test_a_fact_without_a_found_cause_does_not_hold_either() -> None:
    assert not fails("x", "seen", "", "").ok


def test_files_say_the_same(tmp_path: Path) -> None:
    facts = [GOOD, BAD, LEFT]
    names = [path.name for path in write(facts, tmp_path / "new" / "reports", "arn:aws:eks/a b", "full", STARTED)]
    assert names == ["verify-arn_aws_eks_a_b.json", "verify-arn_aws_eks_a_b.xml"]
    told = json.loads((tmp_path / "new" / "reports" / names[0]).read_text())
    assert (told["context"], told["form"], told["ok"]) == ("arn:aws:eks/a b", "full", False)
    assert told["facts"][0] == {
        "name": "nodes",
        "ok": True,
        "skipped": False,
        "text": "2 of 2 nodes of Linux Ready",
        "figures": {"ready": 2},
        "cause": "",
        "remedy": "",
        "seconds": 0.25,
    }
    suite = ElementTree.parse(tmp_path / "new" / "reports" / names[1]).getroot()[0]
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "1",
    }
    cases = {case.get("name"): case for case in suite}
    assert cases["gateway"].find("failure").get("message") == "refused: nobody listens"  # type: ignore[union-attr]
    assert cases["events"].find("skipped") is not None and cases["nodes"].find("failure") is None
    assert sorted(path.name for path in (tmp_path / "new" / "reports").iterdir()) == names, "nothing half written stays"


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write([BAD] * 50, tmp_path, "c", "short", STARTED)
    write([GOOD], tmp_path, "c", "short", STARTED)
    assert len(json.loads((tmp_path / "verify-c.json").read_text())["facts"]) == 1
    assert len(ElementTree.parse(tmp_path / "verify-c.xml").getroot()[0]) == 1


def test_what_xml_cannot_hold_does_not_break_it() -> None:
    hostile = Fact("x", "\x1b[31m<a> & \ud800 \uffff 好", cause='"]]>\x00', remedy="r")
    case = ElementTree.fromstring(as_junit([hostile], "c\x07", "full", STARTED).partition("?>")[2])[0][0]
    assert case.find("system-out").text == "?[31m<a> & ? ? 好"  # type: ignore[union-attr]
    assert case.find("failure").get("message") == '"]]>?'  # type: ignore[union-attr]
