# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by everything that the image policy concerns."""

from __future__ import annotations

from typing import ClassVar


class ModuleDocFragment:
    """Which image policy is meant."""

    VARIABLES: ClassVar = {"images": ("serverless_images",)}

    DOCUMENTATION = r"""
options:
  images:
    description:
      - The image policy. It names mirrors, exact images and registries, and says how references are rewritten.
      - A task that does not give it takes the variable C(serverless_images), and the registry C(serverless_registry)
        with its login. Without either images come from their origins.
    type: dict
    default: {}
"""
