# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: image_prepull
short_description: Make the manifests that have the kubelets pull the planned images
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - For clusters on whose nodes no command can be run. Returns a namespace and DaemonSets; nothing is applied.
  - By image volumes, the pods stay, and with them the images. By containers, which cannot start, the images are pulled,
    and the pods are to be removed then.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.images
options:
  plan:
    description: The RV(selfhosted.serverless.image_plan#module:table) of P(selfhosted.serverless.image_plan#module).
    type: list
    elements: dict
    required: true
  by:
    description: What the images are in the pods; V(auto) takes volumes if the server and the runtimes of all nodes know them.
    type: str
    choices: [auto, volumes, containers]
    default: auto
  holder:
    description: Image of the plan that holds the volumes; it must stay when it is started, as that of C(pause) does.
    type: str
    required: true
  namespace:
    description: Namespace of the pods.
    type: str
    required: true
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
  diff_mode:
    description: Changes nothing in any mode.
    support: none
"""

EXAMPLES = r"""
- name: Make the manifests
  selfhosted.serverless.image_prepull:
    context: staging
    plan: "{{ planned.table }}"
    holder: registry.k8s.io/pause:3.10.2
    namespace: image-prefetch
"""

RETURN = r"""
by:
  description: V(volumes) or V(containers).
  returned: success
  type: str
definitions:
  description: The manifests.
  returned: success
  type: list
  elements: dict
secrets:
  description: Secrets for P(selfhosted.serverless.release#module), with the sources of passwords, not the passwords.
  returned: success
  type: list
  elements: dict
wait:
  description: What P(selfhosted.serverless.wait#module) is to wait for where containers are what is pulled; else empty.
  returned: success
  type: list
  elements: dict
lacking:
  description: Images that some node does not tell among those it has; a node tells at most 50.
  returned: success
  type: list
  elements: str
"""
