# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look whether sources of secrets give a value; documented in plugins/modules/secret_check.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.secret_source import (
    SecretSourceError,
    resolve,
)
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documented_action import DocumentedAction


class ActionModule(DocumentedAction):
    """Reads on the controller only."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Fail with every secret that has no value, after the option that says where it is."""
        problems = []
        for option, source in args["sources"].items():
            try:
                resolve(source)
            except SecretSourceError as error:
                problems.append(f"{option}: {error}")
        return {"failed": True, "msg": "; ".join(problems)} if problems else {"changed": False}
