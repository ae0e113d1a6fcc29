# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: todo_answer
short_description: Wait until the todo application answers
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Asks for the page, the current user and the to-dos until all of them are answered with 200, three times in a row.
  - The way is an address that is reached from the controller, or else the API server's proxy to the service.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
options:
  namespace:
    description: Namespace of the service.
    type: str
    required: true
  service:
    description: The service that is asked, of the application itself or of the gateway before it. Its port is 80.
    type: str
    required: true
  host:
    description: The Host header, by which a gateway knows the application. Empty for none of its own.
    type: str
    default: ""
  address:
    description:
      - Where the service is reached from the controller, as host:port, or as host alone for the service's node port.
      - Empty, the API server passes the requests on.
    type: str
    default: ""
  timeout:
    description: Seconds.
    type: int
    default: 300
attributes:
  check_mode:
    description: Asks nothing.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Wait until the application answers through the gateway
  selfhosted.serverless.todo_answer:
    context: docker-desktop
    namespace: istio-system
    service: istio-ingressgateway
    host: web.todo.example.com
"""

RETURN = r"""
where:
  description: Where the application answered.
  returned: success
  type: str
seconds:
  description: How long it took.
  returned: success
  type: float
"""
