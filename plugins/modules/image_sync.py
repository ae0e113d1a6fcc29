# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: image_sync
short_description: Copy planned images into a registry
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Copies the images of a plan into a registry of one's own, which keeps the source registry in the path.
  - What the registry has is skipped, at one request for each image.
  - Images go through an OCI image layout on the controller, so that an interrupted run is continued by the next.
extends_documentation_fragment:
  - selfhosted.serverless.images
  - selfhosted.serverless.rate_limits
options:
  plan:
    description: Rows of a plan, as P(selfhosted.serverless.image_plan#module) returns them in C(table).
    type: list
    elements: dict
    required: true
  layout:
    description: Directory of the OCI image layout, made where there is none. What an interrupted run left in it is used.
    type: path
    required: true
  architectures:
    description: Architectures to fetch of images that have several; empty for all. An index keeps its bytes either way.
    type: list
    elements: str
    default: []
  parallel:
    description: How many streams at a time over all.
    type: int
    default: 16
  parallel_per_host:
    description: How many streams at a time to one registry.
    type: int
    default: 12
  to:
    description: The registry, C(host) or C(host/path). Its login and authority stand in the image policy's C(registries).
    type: str
    required: true
attributes:
  check_mode:
    description: Asks the registry and copies nothing.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Copy all images into our registry
  selfhosted.serverless.image_sync:
    plan: "{{ plan.table }}"
    layout: ~/.cache/images
    to: registry.example.com/mirror
"""

RETURN = r"""
images:
  description: Where each image is now, by its name.
  returned: success
  type: dict
copied:
  description: Names of the images that were missing.
  returned: success
  type: list
  elements: str
variables:
  description: Lines of an inventory that takes these images from the registry.
  returned: success
  type: list
  elements: str
bytes:
  description: How many bytes of blobs were sent.
  returned: success
  type: int
"""
