"""What lines of an audit log say of our requests."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.site_audit import is_stored_write, ours, read, summary

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
AGENT = "selfhosted.serverless/1.0"


def event(verb: str, resource: str = "configmaps", after: float = 1, **more: Any) -> dict[str, Any]:
    """An event as the API server logs it; `after` is seconds from START."""
    when = START + timedelta(seconds=after)
    target = {"resource": resource, "namespace": "shop", "name": "a", **more.pop("target", {})}
    return {
        "auditID": more.pop("id", f"{verb}-{resource}-{after}"),
        "stage": "ResponseComplete",
        "verb": verb,
        "userAgent": more.pop("agent", AGENT),
        "requestURI": more.pop("uri", "/api/v1/some"),
        "requestReceivedTimestamp": when.isoformat().replace("+00:00", "Z"),
        "objectRef": target,
        "responseStatus": {"code": more.pop("code", 200)},
        **more,
    }


def of(*events: dict[str, Any]) -> list[dict[str, Any]]:
    lines = [json.dumps(one) for one in events]
    return list(ours(lines, START, START + timedelta(seconds=10)))


def test_others_and_other_times_are_left_out() -> None:
    mine = event("list")
    assert of(mine, event("get", agent="kubectl/1.36"), event("get", after=-1), event("get", after=11)) == [mine]


def test_a_watch_counts_once() -> None:
    begun, ended = event("watch", id="w", stage="ResponseStarted"), event("watch", id="w")
    assert len(of(begun, ended)) == 1


def test_a_line_that_is_still_being_written_is_left_out() -> None:
    assert list(ours([json.dumps(event("get"))[:-20]], START, START + timedelta(seconds=10))) == []


@pytest.mark.parametrize(
    ("one", "stored"),
    [
        (event("patch"), True),
        (event("create", code=201), True),
        (event("patch", uri="/api/v1/some?dryRun=All&fieldManager=x"), False),
        (event("patch", code=409), False),
        (event("get"), False),
        (event("create", "selfsubjectaccessreviews", target={"apiGroup": "authorization.k8s.io"}), False),
        (event("create", "pods", target={"subresource": "exec"}), False),
    ],
)
def test_a_stored_write_is_told_from_what_has_its_form(one: dict[str, Any], stored: bool) -> None:
    assert is_stored_write(one) is stored


def test_the_summary_names_writes_and_listed_kinds() -> None:
    found = summary([event("list"), event("list"), event("list", "roles", target={"apiGroup": "rbac"}), event("patch")])
    assert found.count == 4
    assert found.writes == ("patch configmaps shop/a",)
    assert found.lists == Counter({"configmaps": 2, "roles.rbac": 1})


def test_a_request_for_no_object_counts_too(tmp_path: Path) -> None:
    discovery = event("get")
    del discovery["objectRef"]
    (tmp_path / "audit.log").write_text(json.dumps(discovery) + "\n")
    (tmp_path / "audit-2026.log").write_text(json.dumps(event("list", after=2)) + "\n")
    assert read(tmp_path, START, START + timedelta(seconds=10)).count == 2
