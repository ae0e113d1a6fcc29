"""The plot as a document: what can be told without eyes."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.plot.events import place
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.plot.figure import figure
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.plot.panels import series_styles
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.plot.scales import (
    Linear,
    Logarithmic,
    count_ticks,
    decades,
    duration,
    time_ticks,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.plot.style import LETTER
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.shots import Shot
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.timeline import Event, Steps, Timeline

SVG = "{http://www.w3.org/2000/svg}"


def timeline(failed: int = 2) -> Timeline:
    shots = [Shot(at / 10, at / 10, at / 10 + 0.01 + at % 7 / 100, 200) for at in range(600)]
    shots += [Shot(at, at, at + 5.0, 503, "HTTP 503") for at in range(failed)]
    steps = [Steps("web ready", [(0, 1), (20, 2), (25, 3)]), Steps("web present", [(0, 1), (15, 3)])]
    return Timeline("pods", steps, shots, [Event(10, "load starts"), Event(25, "3 pods <ready> & well")])


def elements(svg: str, tag: str, css: str) -> list[ElementTree.Element]:
    return [found for found in ElementTree.fromstring(svg).iter(SVG + tag) if css in found.get("class", "").split()]


def words(svg: str) -> list[str]:
    return [found.text or "" for found in ElementTree.fromstring(svg).iter(SVG + "text")]


def test_it_names_what_it_shows() -> None:
    svg = figure(timeline(), "scale_out & back", "out <after> 25 s")
    root = ElementTree.fromstring(svg)
    assert (root.find(SVG + "title").text, root.find(SVG + "desc").text) == ("scale_out & back", "out <after> 25 s")
    assert {"pods", "latency", "seconds since the start of the drill", "3 pods <ready> & well"} <= set(words(svg))
    assert {"10 ms", "100 ms", "1 s", "10 s"} <= set(words(svg))
    assert {"web ready", "web present", "answer (600)", "failed (2)"} <= set(words(svg))


def test_steps_go_up_and_last_until_the_end() -> None:
    [path] = elements(figure(timeline(), "t", "d"), "path", "steps")
    corners = re.fullmatch(r"M(\S+) (\S+)H(\S+)V(\S+)H(\S+)V(\S+)H(\S+)", path.get("d"))
    assert corners
    x0, y1, x2, y2, x3, y3, end = map(float, corners.groups())
    assert x0 < x2 < x3 < end
    assert y1 > y2 > y3, "more pods are higher on the paper, where y is smaller"
    assert y1 - y2 == pytest.approx(y2 - y3, abs=0.11)


@pytest.mark.parametrize("failed", [0, 1, 3])
def test_every_failure_has_a_cross(failed: int) -> None:
    *paths, _legend = elements(figure(timeline(failed), "t", "d"), "path", "bad")
    assert sum(path.get("d").count("M") for path in paths) == 2 * failed


def test_everything_is_on_the_paper() -> None:
    svg = figure(timeline(), "t", "d")
    width, height = (float(size) for size in ElementTree.fromstring(svg).get("viewBox").split()[2:])
    for line in ElementTree.fromstring(svg).iter(SVG + "line"):
        assert 0 <= float(line.get("x1")) <= width and 0 <= float(line.get("x2")) <= width
        assert 0 <= float(line.get("y1")) <= height and 0 <= float(line.get("y2")) <= height
    for text in ElementTree.fromstring(svg).iter(SVG + "text"):
        assert 0 <= float(text.get("x")) <= width and 0 <= float(text.get("y")) <= height


def test_no_request_and_no_event_make_a_plot_as_well() -> None:
    svg = figure(Timeline("pods", [Steps("web ready", [(0, 0)])]), "t", "d")
    assert "answer (0)" in words(svg)
    assert figure(Timeline("pods"), "t", "d")


def test_it_has_colours_for_light_and_dark_and_no_font_of_its_own() -> None:
    svg = figure(timeline(), "t", "d")
    assert "@media(prefers-color-scheme:dark)" in svg
    assert set(re.findall(r"font-family:([^;}]+)", svg)) == {"system-ui,sans-serif"}
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_a_present_series_has_the_colour_of_its_ready_one() -> None:
    series = [Steps(name) for name in ("user ready", "user present", "rule ready", "rule present")]
    assert series_styles(series) == ["steps s0", "present s0", "steps s1", "present s1"]


def test_labels_of_events_do_not_meet() -> None:
    events = [Event(at, f"event number {at}") for at in (0, 1, 2, 50, 51, 98, 99, 100)]
    scale = Linear(0, 100, 80, 900)
    spans: dict[int, list[tuple[float, float]]] = {}
    for label in place(events, scale):
        width = len(label.words) * LETTER
        left = label.x - width if label.before else label.x
        assert left >= 0 and left + width <= 900
        spans.setdefault(label.row, []).append((left, left + width))
    for row in spans.values():
        ordered = sorted(row)
        assert all(first[1] < second[0] for first, second in zip(ordered, ordered[1:], strict=False))


@pytest.mark.parametrize(
    ("seconds", "ticks"), [(8, list(range(9))), (100, list(range(0, 101, 10))), (350, list(range(0, 331, 30)))]
)
def test_time_ticks(seconds: float, ticks: list[int]) -> None:
    assert time_ticks(seconds) == ticks


@pytest.mark.parametrize("seconds", [0.2, 1, 11.9, 12, 59, 600, 3599, 100_000])
def test_time_ticks_are_few_and_within(seconds: float) -> None:
    ticks = time_ticks(seconds)
    assert 1 <= len(ticks) <= 13 and ticks[-1] <= seconds


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [(0, [0, 1]), (1, [0, 1]), (3, [0, 1, 2, 3]), (7, [0, 2, 4, 6, 8]), (100, list(range(0, 101, 20)))],
)
def test_count_ticks(highest: float, ticks: list[float]) -> None:
    assert count_ticks(highest) == ticks


def test_logarithmic_scale() -> None:
    scale = Logarithmic(0.001, 1.0, 300, 0)
    assert [round(scale(value)) for value in (0.001, 0.01, 0.1, 1.0, 5.0, 1e-9)] == [300, 200, 100, 0, 0, 300]
    assert decades(0.02, 0.5) == pytest.approx([0.01, 0.1, 1.0])
    assert decades(0.01, 0.01) == pytest.approx([0.01, 0.1])
    assert [duration(value) for value in (0.0001, 0.01, 1, 10)] == ["0.1 ms", "10 ms", "1 s", "10 s"]
