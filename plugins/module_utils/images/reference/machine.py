# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machine types by the names that images have for them, which are Go's (GOARCH)."""

from __future__ import annotations

import platform

_GO_NAMES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}


def architecture_of(machine: str = "") -> str:
    """Return how images name what a system calls `machine`, by default this one; a name not known here stays."""
    machine = machine or platform.machine()
    return _GO_NAMES.get(machine, machine)
