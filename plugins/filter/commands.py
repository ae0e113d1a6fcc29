# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for commands that are printed for people."""

from __future__ import annotations

from typing import Any

from ansible import context
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.commands import (
    kubectl,
    limit,
    variables,
)


def as_given(command: str) -> str:
    """Return a command with the variables of this run's command line that say which place is meant."""
    return command + variables(map(str, context.CLIARGS.get("extra_vars") or ()))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"as_given": as_given, "kubectl": kubectl, "limit": limit}
