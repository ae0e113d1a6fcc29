# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by everything that asks registries."""

from __future__ import annotations

from typing import ClassVar


class ModuleDocFragment:
    """How long rate limits of registries are waited for."""

    VARIABLES: ClassVar = {"rate_limit_wait": ("serverless_rate_limit_wait",)}

    DOCUMENTATION = r"""
options:
  rate_limit_wait:
    description:
      - For how many seconds a request waits for rate limits of registries where no other place has an image; V(0) for
        not at all. A limit that ends later fails the task, with the time at which it ends.
      - A task that does not give it takes the variable C(serverless_rate_limit_wait).
    type: int
    default: 10800
    version_added: "1.1.0"
"""
