# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A webhook that lets every request wait for its timeout must not be waited for once an object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeVar

from ..client.cluster import Cluster
from ..errors import ApiError

HANGING_SECONDS = 3.0  # a webhook without any server fails at once; timeouts are 10 s where nothing else is said

Answer = TypeVar("Answer")


@dataclass
class HangingWebhooks:
    """The rehearsals of one plan. Thread-safe: at worst a few more are asked."""

    cluster: Cluster
    _found: list[ApiError] = field(default_factory=list)

    def ask(self, rehearsal: Callable[[], Answer]) -> Answer:
        """Do a rehearsal, or raise what an earlier one met. Raises ApiError."""
        if self._found:
            raise self._found[0]
        started = monotonic()
        try:
            return rehearsal()
        except ApiError as error:
            if error.is_webhook_failure and monotonic() - started >= HANGING_SECONDS:
                self._found.append(error)
                self.cluster.transport.tell(f"the rest is not rehearsed, because a webhook hangs: {error.message}")
            raise
