# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter for what a network's name stands for."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.options.networks import of_network


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"network": of_network}
