"""The report as a document: what the journals of a run come to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from noted_runs import Host, change, planned, report, site

SCHEMA = json.loads((Path(__file__).resolve().parents[5] / "docs" / "report.schema.json").read_text())


def checked(document: dict[str, Any]) -> dict[str, Any]:
    """The document, of which the schema says that it is one."""
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(document)))
    return document


def whole_run(directory: Path, name: str = "lab") -> Host:
    """A run with all that a report can have."""
    host = Host(directory, name)
    cluster = {"version": "v1.36.3", "kind": "kubernetes", "nodes": 1}
    host.step(0, 1, "Check the cluster", role="preflight", notes={"context": name, "cluster": cluster})
    versions = {
        "name": "knative-1.23",
        "versions": {"istio": "1.31.1"},
        "upgrades": {"istio": {"from": "1.30.5", "to": "1.31.1"}},
    }
    host.step(1, 1, "Choose the releases", role="", notes={"release_set": versions})
    rows = {"rows": [planned("gcr.io/a/b:1", "m.example"), planned("gcr.io/a/c:1", "m.example")]}
    host.step(
        2, 3, "Ask for every image", role="image_prefetch", notes={"images": rows}, warnings=[["a doubt", "mend it"]]
    )
    host.step(5, 4, outcome="changed", notes={"changes": [change(create=3, keep=2)]}, warnings=[["a doubt", "mend it"]])
    host.step(9, 20, "Wait for it", waited=19.5, action="settle")
    running = [{"image": "gcr.io/a/b:1", "from": "n.example", "observed": True, "digest": "", "size": None}]
    facts = [
        {"name": "gateway", "ok": False, "text": "no answer", "figures": {"ms": 3}, "cause": "pod away", "remedy": "x"}
    ]
    host.step(29, 1, "Report", role="report", notes=site(images=running, facts=facts, context=name))
    return host


def test_a_whole_run(tmp_path: Path) -> None:
    whole_run(tmp_path)
    document = checked(report(tmp_path))
    run, [context] = document["run"], document["contexts"]
    assert (run["outcome"], run["seconds"], run["started"]) == ("complete", 30, "2026-09-21T14:13:20+00:00")
    assert run["ended"] == "2026-09-21T14:13:50+00:00" and run["written"] == "2026-09-21T14:15:00+00:00"
    assert [link["alone"] for link in run["critical_path"]] == [1, 1, 3, 4, 20, 1]
    assert context["outcome"] == "complete" and context["stopped"] is None
    assert context["cluster"]["version"] == "v1.36.3" and context["release_set"]["upgrades"]["istio"]["to"] == "1.31.1"
    assert context["counts"] == {"create": 3, "keep": 2} and context["changes"][0]["step"] == "lab/4"
    assert context["waited"] == 19.5
    assert context["addresses"]["urls"] == ["http://web.todo.example.com:30080/"]
    assert [(row["image"], row["from"], row["observed"], row["runs"], row["size"]) for row in context["images"]] == [
        ("gcr.io/a/b:1", "n.example", True, True, 42_000_000),
        ("gcr.io/a/c:1", "mirror m.example", False, False, 42_000_000),
    ]
    assert context["verification"][0]["ok"] is False and context["verification"][0]["figures"] == {"ms": 3}
    assert context["warnings"] == [{"text": "a doubt", "remedy": "mend it", "step": "lab/3", "times": 2}]


def test_a_step_that_failed_is_where_the_run_stopped(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.step(0, 1)
    host.step(1, 5, "Wait for it", "failed", error="not fulfilled after 5 s", role="knative")
    context = checked(report(tmp_path))["contexts"][0]
    assert context["outcome"] == "failed"
    assert context["stopped"] == {
        "step": "lab/2", "name": "Wait for it", "role": "knative", "at": 6, "why": "not fulfilled after 5 s",
    }  # fmt: skip


def test_a_failure_that_the_task_ignores_stops_nothing(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.step(0, 1, outcome="failed, and the run went on", error="no")
    host.step(1, 1, notes=site())
    assert checked(report(tmp_path))["contexts"][0]["outcome"] == "complete"


def test_a_failure_that_was_rescued_does_not_hide_that_the_run_came_to_its_report(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.step(0, 1, outcome="failed", error="no")
    host.step(1, 1, notes=site())
    assert report(tmp_path)["contexts"][0]["outcome"] == "complete"
    host.step(2, 1, outcome="failed", error="after the report")
    context = report(tmp_path)["contexts"][0]
    assert context["outcome"] == "failed" and context["stopped"]["why"] == "after the report"


def test_a_step_without_an_end_was_interrupted(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.step(0, 1)
    host.begin(1, "Wait for it")
    document = checked(report(tmp_path, now=50))
    context = document["contexts"][0]
    assert context["outcome"] == "stopped" and "interrupted in this step" in context["stopped"]["why"]
    assert context["steps"][1]["outcome"] == "interrupted" and document["run"]["seconds"] == 50


def test_a_run_that_goes_on_says_so(tmp_path: Path) -> None:
    Host(tmp_path).begin(1, "Wait for it")
    document = checked(report(tmp_path, now=50, over=False))
    assert document["run"]["outcome"] == "running" and document["run"]["ended"] is None
    assert document["contexts"][0]["steps"][0]["outcome"] == "running"
    assert document["contexts"][0]["stopped"] is None


def test_a_run_that_ends_before_its_report_without_a_failed_step_is_no_success(tmp_path: Path) -> None:
    """A task of Ansible's own has failed: that is not in the journal."""
    Host(tmp_path).step(0, 1, "Render it")
    context = checked(report(tmp_path))["contexts"][0]
    assert context["outcome"] == "stopped"
    assert context["stopped"]["name"] == "Render it" and "a task of another kind did" in context["stopped"]["why"]


def test_a_report_with_no_log_is_one(tmp_path: Path) -> None:
    Host(tmp_path).step(0, 1, action="site_report")
    assert checked(report(tmp_path))["contexts"][0]["outcome"] == "complete"


def test_a_run_of_several_plays_has_the_name_of_the_one_with_the_report(tmp_path: Path) -> None:
    host = Host(tmp_path, play="Prepare")
    host.step(0, 1)
    host.journal.append({"event": "play", "at": 5002.0, "wall": 0, "host": "lab", "play": "Install", "directory": "/r"})
    host.step(3, 1, notes=site())
    host.journal.append({"event": "play", "at": 5004.0, "wall": 0, "host": "lab", "play": "After it", "check": True})
    run = checked(report(tmp_path))["run"]
    assert (run["play"], run["seconds"], run["started"], run["check"]) == (
        "Install",
        4,
        "2026-09-21T14:13:20+00:00",
        True,
    )


def test_no_step_at_all_makes_a_report_too(tmp_path: Path) -> None:
    Host(tmp_path)
    document = checked(report(tmp_path))
    assert document["run"]["seconds"] == 0 and document["contexts"][0]["outcome"] == "stopped"


@pytest.mark.parametrize(
    ("outcomes", "whole"),
    [
        (["complete", "complete"], "complete"),
        (["complete", "failed"], "failed"),
        (["stopped", "complete"], "stopped"),
        (["stopped", "failed"], "failed"),
    ],
)
def test_contexts_are_told_together_and_the_worst_counts(tmp_path: Path, outcomes: list[str], whole: str) -> None:
    for number, outcome in enumerate(outcomes):
        host = Host(tmp_path, f"context-{number}")
        if outcome == "failed":
            host.step(0, 1, outcome="failed", error="no")
        else:
            host.step(0, 1, notes=site() if outcome == "complete" else {})
    document = checked(report(tmp_path))
    assert {context["host"]: context["outcome"] for context in document["contexts"]} == {
        f"context-{number}": outcome for number, outcome in enumerate(outcomes)
    }
    assert document["run"]["outcome"] == whole
    assert len({step["step"] for context in document["contexts"] for step in context["steps"]}) == 2


def test_times_of_all_contexts_count_from_the_first_begin(tmp_path: Path) -> None:
    Host(tmp_path, "a").step(0, 1)
    late = Host(tmp_path, "b", at=5007.0, wall=1_790_000_007.0)
    late.step(7, 2)
    document = report(tmp_path)
    assert [context["steps"][0]["start"] for context in document["contexts"]] == [0, 7]
    assert document["run"]["started"] == "2026-09-21T14:13:20+00:00"


def test_no_credential_comes_into_it(tmp_path: Path) -> None:
    secret = "https://user:s3cr3t-canary@registry.example/v2/?token=s3cr3t-canary"
    host = Host(tmp_path)
    facts = [
        {"name": secret, "ok": None, "text": secret, "figures": {secret: secret}, "cause": secret, "remedy": secret}
    ]
    host.step(0, 1, secret, warnings=[[secret, secret]], notes=site(facts=facts))
    host.step(1, 1, outcome="failed", error=secret)
    assert "s3cr3t" not in json.dumps(checked(report(tmp_path)))


@pytest.mark.parametrize("fact", [{}, {"name": "a", "ok": "yes", "figures": [1]}, {"name": 7, "more": 1}])
def test_facts_of_another_form_are_brought_into_the_form(tmp_path: Path, fact: dict[str, Any]) -> None:
    Host(tmp_path).step(0, 1, notes=site(facts=[fact]))
    assert checked(report(tmp_path))["contexts"][0]["verification"][0]["ok"] is None


def test_the_schema_refuses_what_is_none(tmp_path: Path) -> None:
    whole_run(tmp_path)
    document = report(tmp_path)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for spoilt in ({"form": 2}, {"contexts": []}, {"more": 1}, {"run": {**document["run"], "outcome": "well"}}):
        with pytest.raises(jsonschema.ValidationError):
            checked({**document, **spoilt})
