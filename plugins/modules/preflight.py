# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check the inventory and the cluster before anything changes
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Names every inventory variable that begins like an option of this collection's roles but is none.
  - Connects to the context and compares the server's version with the oldest that the chosen releases run on.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
options:
  minimum_kubernetes:
    description: The oldest Kubernetes to go on with, as major.minor; empty for any.
    type: str
    default: ""
  check_names:
    description: Whether names of variables are checked.
    type: bool
    default: true
  check_values:
    description:
      - Whether the values of variables are checked by the argument specs of all roles, and all that is wrong is told at once.
        A value that is made of what is not known yet is left to the role.
    type: bool
    default: false
    version_added: "1.1.0"
  timeout:
    description: Seconds to wait for the API server and for a node that is Ready.
    type: int
    default: 90
    version_added: "1.1.0"
attributes:
  check_mode:
    description: Changes nothing, so it does the same in check mode.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Check the cluster
  selfhosted.serverless.preflight:
    context: docker-desktop
    minimum_kubernetes: "1.34"
"""

RETURN = r"""
version:
  description: The server's version.
  returned: success
  type: str
  sample: v1.36.3
kind:
  description: Kind of cluster, C(kubernetes) when no tool's mark is seen. Whether it is OpenShift or MicroShift is told by its API.
  returned: success
  type: str
  sample: kind
architectures:
  description: Architectures of the nodes.
  returned: success
  type: list
  elements: str
  sample: [amd64]
runtimes:
  description: Container runtimes of the nodes with their versions.
  returned: success
  type: list
  elements: str
nodes:
  description: How many nodes there are.
  returned: success
  type: int
openshift:
  description: The version of OpenShift or MicroShift; empty elsewhere, and where the user may not read it.
  returned: success
  type: str
  sample: 4.20.3
platform:
  description: What its version and its nodes say, and how images will be delivered; each with how it is known.
  returned: success
  type: list
  elements: dict
  sample: [{fact: cluster, value: kind, how: node kind-worker has the provider ID kind://docker/kind/kind-worker}]
ready:
  description: How many of them are Ready and of Linux; in a cluster without any node of Linux, how many are Ready.
  returned: success
  type: int
"""
