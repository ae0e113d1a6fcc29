# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drill_report
short_description: Tell what the drill traffic found
version_added: "1.0.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - Prints the counts of each split and writes them as JSON and as a plot (SVG).
  - Fails when a request failed, or when a share is more than 8 percent points from what was wanted; 0 and 100 are exact.
attributes:
  check_mode:
    support: full
    description: Does the same.
  diff_mode:
    support: none
    description: Nothing is changed.
options:
  variant:
    description: The application's variant.
    type: str
    required: true
  counts:
    description: What M(selfhosted.serverless.drill_count) returned, in the order of time.
    type: list
    elements: dict
    required: true
  output:
    description: Folder on the controller for traffic-VARIANT.json and .svg; it is made if it is missing.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Tell what was found
  selfhosted.serverless.drill_report:
    variant: knative
    counts: ["{{ fifty.count }}"]
    output: ~/drills
"""

RETURN = r"""
variant:
  description: As given.
  returned: always
  type: str
met:
  description: Whether every version had its share and no request failed.
  returned: always
  type: bool
figures:
  description: Counts and latencies; latencies are in seconds.
  returned: always
  type: dict
files:
  description: The files written.
  returned: always
  type: list
  elements: str
"""
