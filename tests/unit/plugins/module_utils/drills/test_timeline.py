"""Steps, and the timeline as data."""

from __future__ import annotations

import json

from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.shots import Shot
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.timeline import Event, Steps, Timeline


def test_the_same_value_again_is_no_news() -> None:
    steps = Steps("web ready")
    for seconds, value in ((0, 1), (3, 1), (5, 3), (9, 1)):
        steps.add(seconds, value)
    assert steps.points == [(0, 1), (5, 3), (9, 1)]


def test_a_timeline_lasts_until_its_last_news() -> None:
    assert Timeline("pods").end == 0
    timeline = Timeline("pods", [Steps("a", [(0, 1), (4, 2)])], [Shot(1, 1, 6.5, 200)], [Event(5, "x")])
    assert timeline.end == 6.5


def test_a_timeline_as_json() -> None:
    shots = [Shot(2, 2, 2.12345, 200, "", "v1"), Shot(1, 1, 3, 0, "timed out")]
    timeline = Timeline("pods", [Steps("web ready", [(0.00001, 1)])], shots, [Event(5, "over")])
    assert json.loads(json.dumps(timeline.as_json())) == {
        "steps": {"unit": "pods", "series": {"web ready": [[0, 1]]}},
        "events": [[5, "over"]],
        "requests": {
            "columns": ["scheduled", "sent", "done", "status", "error", "label"],
            "rows": [[1, 1, 3, 0, "timed out", ""], [2, 2, 2.1235, 200, "", "v1"]],
        },
    }
