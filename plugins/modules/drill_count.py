# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drill_count
short_description: Count the answers of each version of user
version_added: "1.0.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - Makes requests to C(user) through C(web), and counts which version answered. It changes nothing.
attributes:
  check_mode:
    support: full
    description: Makes no requests but one for the page.
  diff_mode:
    support: none
    description: Nothing is changed.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.drill
  - selfhosted.serverless.gateway
options:
  wanted:
    description: Percent of the requests that each version is to get, as the application has it.
    type: dict
    required: true
  requests:
    description: How many requests are made.
    type: int
    default: 400
"""

EXAMPLES = r"""
- name: Count answers
  selfhosted.serverless.drill_count:
    context: docker-desktop
    wanted: {v1: 50, v2: 50}
  register: fifty
"""

RETURN = r"""
count:
  description: The counts and every request, for M(selfhosted.serverless.drill_report).
  returned: success
  type: dict
  contains:
    wanted:
      description: As given.
      type: dict
    answers:
      description: Number of answers of each version.
      type: dict
      sample: {v1: 203, v2: 197}
    started:
      description: When the clock of the requests began, in seconds since the epoch.
      type: float
    shots:
      description: Each request as scheduled, sent and done (seconds), status, error, version.
      type: list
      elements: list
"""
