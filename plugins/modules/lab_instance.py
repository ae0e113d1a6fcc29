# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_instance
version_added: "1.0.0"
short_description: Start or stop the embedded cluster
description:
  - Starts the configured cluster in namespaces of its own and waits until its API server and
    its node are there, or stops it in order.
  - What labs that were killed have left behind on this machine is removed first; labs that run are left alone.
  - It runs on the controller, as an action.
options:
  directory:
    description: The folder of the lab, with its configuration.
    type: path
    required: true
  name:
    description: Name of its network namespace and of its control groups.
    type: str
    required: true
  server:
    description: The HTTPS address of the API server.
    type: str
    required: true
  node:
    description: Name of the node.
    type: str
    required: true
  state:
    description: What is wanted; V(killed) stops it without letting pods and processes end, V(status) only asks.
    type: str
    choices: [started, stopped, killed, status]
    default: status
  timeout:
    description: Seconds until they must be there, or seconds that pods and processes get to end.
    type: int
    default: 180
attributes:
  check_mode:
    description: Tells whether it would be started or stopped.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - "selfhosted.serverless contributors (@selfhosted)"
"""

EXAMPLES = r"""
- name: Start the lab
  selfhosted.serverless.lab_instance:
    directory: /srv/lab
    name: selfhosted-0123abcd
    server: https://127.0.0.1:6443
    node: lab
    state: started
"""

RETURN = r"""
init:
  description: Process id of its first process, 0 when it does not run.
  type: int
  returned: success
programs:
  description: The supervised programs, each with name, state, uptime in seconds, log and trouble.
  type: list
  elements: dict
  returned: success
residue:
  description: What was found of dead labs and removed.
  type: list
  elements: str
  returned: success
seconds:
  description: How long it took.
  type: float
  returned: success
"""

# The code is in plugins/action/lab_instance.py.
