# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by the drills."""

from __future__ import annotations


class ModuleDocFragment:
    """Which application is meant."""

    DOCUMENTATION = r"""
options:
  namespace:
    description: The namespace of the to-do application.
    type: str
    default: todo
  gateway_address:
    description:
      - host:port where the gateway's http port is reached from the controller; empty to find it out from the gateway's
        service. Requests go there and nowhere else.
    type: str
    default: ""
  node_address:
    description: The same for an application at a port of the nodes, a host alone; empty to take a node's own address.
    type: str
    default: ""
"""
