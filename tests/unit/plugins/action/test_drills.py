"""The report of the drill traffic as a task."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from plays import play  # noqa: E402


def report(directory: Path, v1: int, v2: int) -> tuple[dict[str, Any], str]:
    """Run drill_report on answers that the versions are said to have given at 50/50."""
    shots = [[at / 100, at / 100, at / 100 + 0.01, 200, "", "v1" if at < v1 else "v2"] for at in range(v1 + v2)]
    counts = [{"wanted": {"v1": 50, "v2": 50}, "started": 1.7e9, "answers": {}, "shots": shots}]
    arguments = {"variant": "istio", "counts": counts, "output": str(directory)}
    return play(directory, [{"selfhosted.serverless.drill_report": arguments}], "-v")


def test_shares_as_wanted(tmp_path: Path) -> None:
    result, text = report(tmp_path, 184, 216)
    assert (result["changed"], result["met"]) == (False, True)
    assert result["figures"]["splits"] == [{"wanted": {"v1": 50, "v2": 50}, "answers": {"v1": 184, "v2": 216}}]
    assert "v1 184 (46.0 %), v2 216 (54.0 %)" in text
    assert [Path(file).exists() for file in result["files"]] == [True, True]


def test_shares_that_are_not_as_wanted_fail_with_their_figures(tmp_path: Path) -> None:
    result, text = report(tmp_path, 150, 250)
    assert "fatal: [localhost]: FAILED!" in text and result["met"] is False
    assert "50/50 within 8 points of 400" in result["msg"]
    assert "NOT MET" in text
    assert json.loads((tmp_path / "traffic-istio.json").read_text())["met"] is False
