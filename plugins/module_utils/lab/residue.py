# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab that was killed leaves behind, this one or one of another clone: namespaces, control groups, processes.

Mounts, links, packet filter rules and listening sockets belong to the namespaces and end with them.
"""

from __future__ import annotations

import os
import signal
import time

from ..lab import control_groups, namespaces
from .errors import LabStartError


def clear(timeout: float = 15) -> list[str]:
    """Remove the rests of every lab that no longer runs, and say what they were; labs that run are left alone."""
    found = []
    for name in sorted(namespaces.labs() | control_groups.labs()):
        if namespaces.find_init(name) is None:
            found += clear_lab(name, timeout)
    return found


def clear_lab(name: str, timeout: float = 15) -> list[str]:
    """Remove the rests of one lab that no longer runs."""
    found = []
    killed = _kill(name, timeout)
    if killed:
        found.append(f"{killed} processes of {name}")
    if namespaces.remove(name):
        found.append(f"network namespace {name}")
    if control_groups.remove(name):
        found.append(f"control groups {name}")
    return found


def _kill(name: str, timeout: float) -> int:
    """Kill what still runs in the control groups of a dead lab; return how many processes that were."""
    deadline = time.monotonic() + timeout
    victims: set[int] = set()
    while remaining := control_groups.processes(name) - {os.getpid()}:
        victims |= remaining
        for process in remaining:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            raise LabStartError(f"Processes of the dead lab {name} cannot be killed: {sorted(remaining)}")
        time.sleep(0.05)
    return len(victims)
