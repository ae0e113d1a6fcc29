# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a run's reports: one for each host of the inventory, and one over all of them, as JSON and as a page."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RUN_JSON, RUN_PAGE = "report.json", "report.html"
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_TAKEN = ("report",)


def host_file(host: str) -> str:
    """Return the name of a host's file, HOST.json; what no file can be called gets a part of its checksum."""
    if _PLAIN.fullmatch(host) and host.lower() not in _TAKEN:
        return f"{host}.json"
    checksum = hashlib.sha256(host.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', host)[:90].lstrip('.')}-{checksum}.json"


def write_reports(
    folder: Path, run: Mapping[str, Any], page: str, hosts: Mapping[str, Mapping[str, Any]]
) -> list[Path]:
    """Write the reports into a folder, made where there is none, in the place of those of an earlier run.

    `run` is the report over all `hosts`, which has `page`; they have a report each. A reader sees each file whole, the
    old or the new one. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {host_file(host): _text(report) for host, report in hosts.items()}
    texts |= {RUN_JSON: _text(run), RUN_PAGE: page}
    for name, text in texts.items():
        _replace(folder / name, text)
    return [folder / name for name in texts]


def _text(report: Mapping[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=False, indent=1) + "\n"


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
