# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by what sends requests to the cluster, or tells where it is reached."""

from __future__ import annotations

from typing import ClassVar


class ModuleDocFragment:
    """Where the cluster is reached from the controller."""

    VARIABLES: ClassVar = {
        "gateway": ("serverless_gateway",),
        "gateway_address": ("serverless_gateway_address",),
        "node_address": ("serverless_node_address",),
    }

    DOCUMENTATION = r"""
options:
  gateway:
    description:
      - Istio's ingress gateway. A task that does not give it takes the variable C(serverless_gateway).
    type: dict
    default: {}
    suboptions:
      namespace:
        description: Namespace of its service.
        type: str
        default: istio-system
      name:
        description: Name of its service.
        type: str
        default: istio-ingressgateway
      selector:
        description: Labels of its pods.
        type: dict
        default: {istio: ingressgateway}
  gateway_address:
    description:
      - Where the gateway's http port is reached from the controller, as host:port. Empty, it is found out from the
        gateway's service.
      - A task that does not give it takes the variable C(serverless_gateway_address).
    type: str
    default: ""
  node_address:
    description:
      - Name or address at which nodes are reached from the controller, a host alone. Empty, it is read from the nodes.
      - A task that does not give it takes the variable C(serverless_node_address).
    type: str
    default: ""
"""
