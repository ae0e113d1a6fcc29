# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by what applies and removes releases."""

from __future__ import annotations

from typing import ClassVar


class ModuleDocFragment:
    """Where releases are noted, and how long another run is waited for."""

    VARIABLES: ClassVar = {}

    DOCUMENTATION = r"""
options:
  lock_timeout:
    description: Seconds to wait for another run that is at work on the same cluster.
    type: int
    default: 600
  record_namespace:
    description: Namespace of the releases' inventories, and of the lease that says which run is at work.
    type: str
    default: kube-system
"""
