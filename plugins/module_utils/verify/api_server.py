# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the API server answers."""

from __future__ import annotations

import time

from .facts import Fact, fails, holds
from .measure import milliseconds, thousandths
from .scene import Scene

NAME = "api-server"
_PATIENCE = 5.0  # seconds


def ask(scene: Scene) -> Fact:
    """GET /readyz, timed on a connection that is open already; and the version."""
    deadline = scene.seconds(_PATIENCE)
    version = str(scene.cluster.get_path("/version", deadline=deadline)["gitVersion"])
    begin = time.monotonic()
    answer = scene.read("/readyz", _PATIENCE)
    seconds = time.monotonic() - begin
    figures = {"version": version, "milliseconds": thousandths(seconds)}
    said = answer.body.decode("utf-8", "replace").strip()
    if answer.status != 200:
        return fails(
            NAME,
            f"Kubernetes {version} answers {answer.status} to /readyz",
            f"the API server is not ready: {said[-300:]}",
            f"see which check fails: {scene.kubectl} get --raw '/readyz?verbose'",
            **figures,
        )
    return holds(NAME, f"Kubernetes {version} is ready, answered in {milliseconds(seconds)}", **figures)
