# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: image_diagnose
short_description: Check node settings on the way of images to pods
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Looks for what lets planned and delivered images fail later, and says what to change.
  - containerd that does not read the mirrors where they are written (C(config_path) not set, another one, or several
    directories); docker's C(registry-mirrors), which serve docker.io alone; containers with the policy Always whose image is
    brought to the nodes; disks on which the kubelet is about to remove unused images; tags that Knative's controller resolves
    itself, past the mirrors; running pods whose registry C(strict) of the image policy refuses.
  - Each is a warning. Where it is certain that containerd does not read what kubelets need to pull (mirrors without O(pull),
    registries with an authority of their own or without TLS, C(strict)), the task fails.
  - Runs on the controller and changes nothing. What it cannot ask is named, and is no failure.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.images
  - selfhosted.serverless.nodes
options:
  manifests:
    description: Files with the rendered manifests that are to be applied.
    type: list
    elements: path
    default: []
  plan:
    description: The RV(selfhosted.serverless.image_plan#module:table) of P(selfhosted.serverless.image_plan#module).
    type: list
    elements: dict
    default: []
  pull:
    description: Whether the images are brought to the nodes now.
    type: bool
    default: true
  offline:
    description: Whether they come out of a bundle, so that no node needs a mirror.
    type: bool
    default: false
attributes:
  check_mode:
    description: Changes nothing.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
"""

EXAMPLES = r"""
- name: Check the settings of a kind node
  selfhosted.serverless.image_diagnose:
    context: kind-kind
    plan: "{{ plan.table }}"
"""

RETURN = r"""
findings:
  description: What was found.
  returned: always
  type: list
  elements: dict
  contains:
    trap: {description: Its short name., type: str}
    where: {description: The file or object that it is in., type: str}
    message: {description: "What is so, and what will come of it.", type: str}
    remedy: {description: What to change., type: str}
    fatal: {description: Whether a node is certain not to read its mirrors., type: bool}
unknown:
  description: What could not be asked, with the reason.
  returned: always
  type: list
  elements: str
"""
