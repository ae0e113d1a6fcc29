# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: restart
short_description: Roll the workloads of this collection whose pods fit an expression
version_added: "1.1.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - Restarts workloads as C(kubectl rollout restart) does, one after the other, and waits until each is rolled out.
  - Only what a release of this collection made is restarted, or what a controller made of that, such as the Deployments of
    a Knative Service. Pods of others are never touched; they are returned with the reason.
attributes:
  check_mode:
    support: full
    description: Returns what would be restarted.
  diff_mode:
    support: none
    description: Nothing but a time is written.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.run_lock
options:
  pods:
    description: JMESPath that must be truthy on a pod for its workload to be restarted.
    type: str
    required: true
  how:
    description:
      - V(rolling) takes Deployments all of whose pods are there while they are rolled. V(all) takes those too that do not
        serve for a while, such as a database. V(none) restarts nothing and tells of the pods.
    type: str
    choices: [rolling, all, none]
    default: rolling
  timeout:
    description: Seconds for all of it.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Have the proxies of the new revision in the pods
  selfhosted.serverless.restart:
    pods: metadata.annotations."istio.io/rev" == 'default'
"""

RETURN = r"""
restarted:
  description: The workloads that were rolled, as C(Kind namespace/name).
  returned: success
  type: list
  elements: str
  sample: ["Deployment todo/web"]
left:
  description: The pods that stay as they are, each with the reason.
  returned: success
  type: list
  elements: str
  sample: ["Pod shop/cart-0: its StatefulSet is not ours to restart"]
"""
