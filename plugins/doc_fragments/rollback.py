# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by what upgrades releases."""

from __future__ import annotations

from typing import ClassVar


class ModuleDocFragment:
    """Whether an upgrade that does not get ready goes back."""

    VARIABLES: ClassVar = {"rollback": ("serverless_upgrade_rollback",)}

    DOCUMENTATION = r"""
options:
  rollback:
    description:
      - Whether an upgrade that fails, or does not get ready in time, goes back to what stood before. The task fails all
        the same, and says so.
      - A task that does not give it takes the variable C(serverless_upgrade_rollback).
    type: bool
    default: true
"""
