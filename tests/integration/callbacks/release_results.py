"""Callback of the tests: what tasks that apply or remove releases returned, one JSON line each, in RELEASE_RESULTS."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: release_results
type: aggregate
short_description: Keeps the results of tasks on releases
description: For the tests, which compare the plans of runs with what was written.
"""

ACTIONS = ("selfhosted.serverless.release", "selfhosted.serverless.removal")
KEPT = ("plan", "changed", "msg", "failed")


class CallbackModule(CallbackBase):
    """Writes what these tasks returned."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "release_results"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        self._keep(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._keep(result)

    def _keep(self, result: Any) -> None:
        path = os.environ.get("RELEASE_RESULTS")
        if not path or result._task.action not in ACTIONS:
            return
        kept = {key: result._result[key] for key in KEPT if key in result._result}
        kept.update(task=result._task.get_name(), host=result._host.get_name())
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(kept, default=str) + "\n")
