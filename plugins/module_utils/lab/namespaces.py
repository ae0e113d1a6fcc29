# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's namespaces: a named network namespace, and in it an init whose death ends every process and mount.

Rule: the init of a lab is the process that is number 1 of a process namespace directly below ours, and whose network
namespace is the named one. Pods have a process namespace below the lab's, so they are never taken for it.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

NAMES = Path("/run/netns")
PREFIX = "selfhosted-"


def labs() -> set[str]:
    """Names of the labs that have a network namespace, running or not."""
    return {path.name for path in NAMES.glob(f"{PREFIX}*")}


def find_init(name: str) -> int | None:
    """Process id of the init of a lab, or None when the lab does not run."""
    network = _inode(NAMES / name)
    if network is None:
        return None
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _inode(entry / "ns/net") == network and _is_init(entry):
            return int(entry.name)
    return None


def create(name: str) -> None:
    """Make an empty network namespace with this name."""
    _ip("netns", "add", name)


def remove(name: str) -> bool:
    """Remove the name, and with its last process the links and packet filter rules; False if there was none."""
    if not (NAMES / name).exists():
        return False
    _ip("netns", "delete", name)
    return True


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def _inode(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:  # no such name or process, or it went away
        return None


def _is_init(process: Path) -> bool:
    try:
        lines = (process / "status").read_text().splitlines()
    except OSError:
        return False
    if any(line.startswith("State:") and line.split()[1] in "ZX" for line in lines):
        return False
    ids = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return len(ids) == 2 and ids[1] == "1"
