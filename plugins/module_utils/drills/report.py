# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a drill as lines to print, and as JSON and SVG files."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from .plot.figure import figure
from .result import Result


def lines(result: Result, files: list[Path]) -> list[str]:
    """The text, one entry a line."""
    width = max((len(name) for name, _text in result.lines), default=0)
    text = [result.title, ""]
    text += [f"  {name:{width}}  {words}" for name, words in result.lines]
    text += ["", *(f"  {'met    ' if check.met else 'NOT MET'}  {check.what}" for check in result.checks)]
    return [*text, "", *(f"  {file}" for file in files)]


def as_json(result: Result, drill: str, variant: str, started: datetime) -> dict[str, Any]:
    """The result as plain values; `started` is when second 0 was."""
    return {
        "drill": drill,
        "variant": variant,
        "started": started.isoformat(timespec="milliseconds"),
        "met": result.met,
        "checks": [{"what": check.what, "met": check.met} for check in result.checks],
        "figures": result.figures,
        "timeline": result.timeline.as_json(),
    }


def write(result: Result, folder: Path, drill: str, variant: str, started: datetime) -> list[Path]:
    """Write DRILL-VARIANT.svg and .json into `folder`, replacing those of an earlier run. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    description = "; ".join(f"{name} {words}".strip() for name, words in result.lines)
    contents = {
        ".svg": result.drawing or figure(result.timeline, result.title, description),
        ".json": json.dumps(as_json(result, drill, variant, started), ensure_ascii=False, indent=1) + "\n",
    }
    files = []
    for suffix, content in contents.items():
        file = folder / f"{drill}-{variant}{suffix}"
        partial = file.with_suffix(f"{suffix}.partial")
        partial.write_text(content, encoding="utf-8")
        os.replace(partial, file)
        files.append(file)
    return files
