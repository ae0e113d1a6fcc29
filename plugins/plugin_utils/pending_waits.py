# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits that tasks of this run have put off, so that what is applied starts while the run goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ansible import constants as C

Wait = dict[str, Any]  # arguments of the settle module, of one release


class PendingWaits:
    """The waits of one context, in a file in Ansible's folder of this run: tasks are processes of their own.

    One task of a context runs at a time, so nobody else writes the file meanwhile.
    """

    def __init__(self, context: str, kubeconfig: str | None) -> None:
        name = hashlib.sha256(json.dumps([context, kubeconfig]).encode()).hexdigest()[:16]
        self._path = Path(C.DEFAULT_LOCAL_TMP, f"serverless-pending-{name}.json")

    def put_off(self, waits: list[Wait]) -> None:
        """Add waits."""
        self._write([*self._read(), *waits])

    def take(self, releases: Collection[str] | None = None) -> list[Wait]:
        """Take out and return the waits for any of these releases, all waits for None."""
        pending = self._read()
        taken = [wait for wait in pending if releases is None or _names(wait) & set(releases)]
        if taken:
            self._write([wait for wait in pending if wait not in taken])
        return taken

    def _read(self) -> list[Wait]:
        try:
            return json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []

    def _write(self, waits: list[Wait]) -> None:
        self._path.write_text(json.dumps(waits), encoding="utf-8")


def by_release(args: Wait) -> list[Wait]:
    """The wait of a settle task as one for each of its releases, if any; the first has what is of all."""
    items = args["releases"]
    first = {**args, "releases": items[:1]}
    return [first, *({**args, "releases": [item], "for": [], "figures": False} for item in items[1:])]


def _names(wait: Wait) -> set[str]:
    return {item["name"] for item in wait["releases"]}
