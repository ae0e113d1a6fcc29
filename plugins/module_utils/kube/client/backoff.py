# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which failed requests are worth another try, and when. Pure rules, no clock and no socket of their own.

An apply (PATCH), a GET, a LIST and a DELETE may be repeated safely. Source of the rules: client-go's wait and
retry packages, the API conventions on Retry-After, and the race list in the design notes.
"""

from __future__ import annotations

import random

from ...http.backoff import RETRIED_STATUS, jittered, parse_retry_after
from ..errors import ApiError

LONGEST_RETRY_AFTER = 30.0  # seconds
FIRST_PAUSE = 0.2  # seconds
LONGEST_PAUSE = 5.0  # seconds


def worth_retrying(error: ApiError) -> bool:
    """True when the same request may succeed later without anybody changing it."""
    if error.is_field_conflict or error.is_schema_mismatch or error.is_uid_mismatch:
        return False
    if error.is_namespace_terminating or error.is_of_a_starting_server:
        return True
    if error.status == 409:
        # A stale resourceVersion or a quota being recalculated; "already exists" never goes away by itself.
        return error.reason == "Conflict"
    return error.status in RETRIED_STATUS or error.is_not_from_kubernetes


def worth_rehearsing_again(error: ApiError) -> bool:
    """The same for a dry run: not where it waits for something that only the run itself brings."""
    if error.is_webhook_failure or error.is_namespace_terminating:
        return False
    return worth_retrying(error)


def pause_before(attempt: int, retry_after: float | None, rng: random.Random | None = None) -> float:
    """Seconds to wait before try number `attempt` + 1 (`attempt` counts from 1): Retry-After, else with jitter."""
    if retry_after is not None:
        return min(max(retry_after, 0.0), LONGEST_RETRY_AFTER)
    return jittered(attempt, FIRST_PAUSE, LONGEST_PAUSE, rng)


__all__ = ["parse_retry_after", "pause_before", "worth_rehearsing_again", "worth_retrying"]
