# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C as an error, so that what a task made for a while is put back or taken away."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ending_by(error: type[Exception], consequence: str) -> Iterator[None]:
    """Let Ctrl-C, which Ansible hands to its worker, end the block as this error, which tells the consequence."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)  # putting back must not be interrupted
        raise error(f"interrupted by {signal.Signals(number).name}; {consequence}")

    former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
