# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_metrics
short_description: Wait until metrics-server has figures of every node
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Reads the metrics API until every node of Linux that is Ready has a CPU and a memory figure. Nodes of Windows, virtual and KWOK nodes
    are named and not waited for.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
options:
  timeout:
    description: Seconds until the figures must be there.
    type: int
    default: 300
attributes:
  check_mode:
    description: Returns at once in check mode.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Wait for the figures
  selfhosted.serverless.node_metrics:
    context: docker-desktop
"""

RETURN = r"""
passed_over:
  description: Nodes without figures that are not waited for, each with its kind in brackets.
  returned: success
  type: list
  elements: str
seconds:
  description: How long it took.
  returned: success
  type: float
"""
