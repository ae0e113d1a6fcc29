# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by the drills."""

from __future__ import annotations

from typing import ClassVar


class ModuleDocFragment:
    """Which application is meant."""

    VARIABLES: ClassVar = {}

    DOCUMENTATION = r"""
options:
  namespace:
    description: The namespace of the to-do application.
    type: str
    default: todo
"""
