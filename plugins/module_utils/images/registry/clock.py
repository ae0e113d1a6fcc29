# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time by which registries are waited for; a limit of hours is tried out with another one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """`monotonic` and `now` return seconds, as monotonic and time of the module time do; `sleep` passes some."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def after(self, seconds: float) -> str:
        """Return the time of day so many seconds from now, here, with the day where that is another one."""
        then = time.localtime(self.now() + seconds)
        today = time.localtime(self.now())
        return time.strftime("%H:%M:%S" if then[:3] == today[:3] else "%Y-%m-%d %H:%M:%S", then)


SYSTEM = Clock()
