# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: image_fetch
short_description: Fetch planned images into an OCI layout
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Fetches the images of a plan into an OCI image layout on the controller, each blob once, many at a time.
  - Every manifest and blob is verified by its digest. An interrupted run is continued by the next.
  - What the layout has already costs no request. Progress is printed every five seconds.
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
attributes:
  check_mode:
    description: Tells what would be fetched.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Fetch what the plan found
  selfhosted.serverless.image_fetch:
    plan: "{{ plan.table }}"
    layout: ~/.cache/images
"""

RETURN = r"""
layout:
  description: The directory of the layout.
  returned: success
  type: str
images:
  description: The names that all of them have in the layout, which are those that manifests have without a mirror.
  returned: success
  type: list
  elements: str
fetched:
  description: Names of the images that were missing.
  returned: success
  type: list
  elements: str
bytes:
  description: How many bytes of blobs came.
  returned: success
  type: int
"""
