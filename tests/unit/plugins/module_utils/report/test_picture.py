"""The picture of a run: what can be told without eyes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.gantt import (
    NARROW,
    WIDE,
    Layout,
    fitting,
    gantt,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.rows import (
    MOST_ROWS,
    Row,
    rows_of_context,
    rows_of_run,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.words import (
    named_figures,
    share,
    size,
)
from noted_runs import Host, report, site_run


def rows(directory: Path) -> list[Row]:
    document = report(directory)
    critical = {link["step"] for link in document["run"]["critical_path"]}
    return rows_of_context(document["contexts"][0]["steps"], critical)


def test_each_role_has_a_row_and_its_longer_steps_have_rows_below_it(tmp_path: Path) -> None:
    site_run(tmp_path)
    found = rows(tmp_path)
    labels = [row.label for row in found if not row.inner]
    assert labels == [
        "preflight", "playbook", "registry_secret", "todo", "image_prefetch", "registry_secret", "metrics_server",
        "istio", "knative", "todo", "report",
    ]  # fmt: skip
    below = [row.label for row in found[labels.index("image_prefetch") + 1 :] if row.inner]
    assert below[0] == "Render the manifests of Istio", "what is shorter than half a second has no row"
    [delivered] = [row for row in found if row.label == "Deliver the images to the nodes"]
    assert delivered.words == "58 s" and delivered.bars[0].css == "work"
    [waited] = [row for row in found if row.label.startswith("Wait until Knative")]
    assert waited.bars[0].css == "wait"


def test_a_run_of_many_steps_has_a_picture_that_can_be_seen_whole(tmp_path: Path) -> None:
    host = Host(tmp_path)
    for number in range(300):
        host.step(number, 0.6 + number % 7 / 10, f"step {number}", role=f"role{number // 30}")
    host.step(300, 0.01, "broken", "failed", role="role9", error="no")
    found = rows(tmp_path)
    assert len(found) <= MOST_ROWS and [row.label for row in found if row.bars[0].css == "bad"] == ["broken"]


def test_what_did_not_hold_up_the_end_is_paler(tmp_path: Path) -> None:
    for name, seconds in (("slow", 9), ("quick", 2)):
        Host(tmp_path, name).step(0, seconds)
    document = report(tmp_path)
    critical = {link["step"] for link in document["run"]["critical_path"]}
    assert {row.label: row.bars[0].css for row in rows_of_run(document["contexts"], critical)} == {
        "slow": "work",
        "quick": "work aside",
    }


@pytest.mark.parametrize("layout", [WIDE, NARROW])
def test_everything_is_on_the_paper_and_bars_are_where_their_time_is(tmp_path: Path, layout: Layout) -> None:
    site_run(tmp_path)
    document = report(tmp_path)
    found = rows(tmp_path)
    seconds = document["run"]["seconds"]
    svg = gantt(found, seconds, layout, "x-", "The run")
    width, height = (float(part) for part in svg.get("viewBox", "").split()[2:])
    bars = [rect for rect in svg.iter("rect") if rect.get("class") != "paper"]
    assert len(bars) == sum(len(row.bars) for row in found)
    for rect in bars:
        assert (
            layout.left <= float(rect.get("x", "")) <= float(rect.get("x", "")) + float(rect.get("width", "")) <= width
        )
        assert 0 <= float(rect.get("y", "")) <= height
    for text in svg.iter("text"):
        assert 0 <= float(text.get("x", "")) <= width and 0 <= float(text.get("y", "")) <= height
    [_of_the_role, delivered] = [rect for rect in bars if rect[0].text.startswith("Deliver")]
    share_of_time = float(delivered.get("width", "")) / (layout.right - layout.left)
    assert share_of_time == pytest.approx(58 / seconds, abs=0.01) and len(bars) > 20


def test_ids_begin_with_the_name_and_no_style_leaks_into_the_page() -> None:
    svg = gantt([], 0, WIDE, "c1-", "The run")
    assert svg.get("aria-labelledby") == "c1-title c1-description"
    assert {element.get("id") for element in svg.iter() if element.get("id")} == {"c1-title", "c1-description"}
    assert svg.find("style") is None
    assert ElementTree.tostring(svg)


def test_labels_are_cut_where_they_would_run_into_the_bars() -> None:
    assert fitting("short", 100) == "short"
    assert fitting("x" * 100, 64) == "x" * 9 + "\u2026"


def test_figures_in_words() -> None:
    assert [size(value) for value in (None, 0, 42_100_000, 2_500_000_000)] == ["", "0.0 MB", "42.1 MB", "2.50 GB"]
    assert [share(1, 4), share(0, 0)] == ["25 %", "0 %"]


def test_named_figures_in_words() -> None:
    told = {"ready": 2, "not_ready": 0, "missing": ["one", "two"], "stale": [], "at": {"a": 0.3, "b": 4}, "over": {}}
    assert named_figures(told) == "ready 2; not ready 0; missing one, two; at a 0.3, b 4"
    assert named_figures({}) == ""
