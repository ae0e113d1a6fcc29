# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's control groups: <root>/selfhosted-<id> in the unified hierarchy, or in every hierarchy of version 1.

Below it are system (the lab's own processes) and what the kubelet makes for pods.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import LabStartError

ROOT = Path("/sys/fs/cgroup")
NAME_PATTERN = "selfhosted-*"
NEEDED_CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
USEFUL_CONTROLLERS = ("io", "hugetlb")


def is_unified(root: Path = ROOT) -> bool:
    """Whether the machine has cgroup version 2 alone."""
    return (root / "cgroup.controllers").exists()


def hierarchies(root: Path = ROOT) -> list[Path]:
    """The mounted hierarchies: one in version 2, one for each set of controllers in version 1."""
    if is_unified(root):
        return [root]
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if not path.is_symlink() and (path / "cgroup.procs").exists())


def create(name: str, root: Path = ROOT) -> None:
    """Make the control groups of a lab, and hand its controllers down where that has to be said."""
    for hierarchy in hierarchies(root):
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        if is_unified(root):
            _delegate(hierarchy)
            _delegate(group)
        else:
            _copy_cpuset(hierarchy, group)
        (group / "system").mkdir(exist_ok=True)
        if not is_unified(root):
            _copy_cpuset(group, group / "system")


def _delegate(group: Path) -> None:
    available = set((group / "cgroup.controllers").read_text().split())
    control = group / "cgroup.subtree_control"
    for controller in NEEDED_CONTROLLERS + USEFUL_CONTROLLERS:
        if controller not in available or controller in control.read_text().split():
            continue
        try:
            control.write_text(f"+{controller}")
        except OSError as error:
            if controller in NEEDED_CONTROLLERS:
                raise LabStartError(
                    f"The cgroup controller {controller} cannot be handed down by {control}: {error.strerror}. In a "
                    "container, start it with the host's cgroup namespace (docker run --cgroupns=host --privileged)."
                ) from error


def _copy_cpuset(parent: Path, group: Path) -> None:
    """A cpuset group of version 1 takes no process until it has processors and memory nodes."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (group / name).exists() and not (group / name).read_text().strip():
            (group / name).write_text((parent / name).read_text())


def labs(root: Path = ROOT) -> set[str]:
    """Names of the labs that have control groups."""
    return {path.name for hierarchy in hierarchies(root) for path in hierarchy.glob(NAME_PATTERN)}


def processes(name: str, below: str = ".", root: Path = ROOT) -> set[int]:
    """Ids of all processes in a lab's control groups, or in those below one of them."""
    found: set[int] = set()
    for hierarchy in hierarchies(root):
        for group in _groups(hierarchy / name / below):
            try:
                found.update(int(line) for line in (group / "cgroup.procs").read_text().split())
            except OSError:  # the group went away while we looked
                continue
    return found - {0}


def remove(name: str, timeout: float = 10, root: Path = ROOT) -> bool:
    """Remove a lab's control groups; False if there were none. The kernel needs a moment after the last process."""
    deadline = time.monotonic() + timeout
    removed = False
    for hierarchy in hierarchies(root):
        while (hierarchy / name).is_dir():
            removed = True
            _remove_empty(hierarchy / name)
            if (hierarchy / name).is_dir():
                if time.monotonic() > deadline:
                    raise LabStartError(
                        f"The control group {hierarchy / name} cannot be removed; processes in it: "
                        f"{sorted(processes(name, root=root)) or 'none'}"
                    )
                time.sleep(0.05)
    return removed


def _groups(top: Path) -> Iterator[Path]:
    for directory, _subdirectories, _files in os.walk(top):
        yield Path(directory)


def _remove_empty(top: Path) -> None:
    for group in sorted(_groups(top), key=lambda path: len(path.parts), reverse=True):
        try:
            group.rmdir()
        except OSError:  # still busy; the caller tries again
            return
