# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: image_deliver
short_description: Deliver planned images to nodes, or take them away
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Tells the container runtime of each node the mirrors of the image policy (for containerd and k3s C(hosts.toml) files,
    for CRI-O a file in C(registries.conf.d), for docker certificate authorities alone), has it pull the planned images
    that it lacks, and proves that every name then stands for the planned digest.
  - docker pulls by digest from the mirror and names the image as wanted, since its own mirror setting serves docker.io alone.
  - Nothing falls back to an origin that is not listed among its own mirrors.
  - Where there are several nodes, all are looked at before the first is changed; those that do not answer are named together.
  - Keeps a record on the node; O(state=absent) takes away exactly what the record says. Files that were there before
    are put back as they were; images that a container uses stay.
  - Runs on the controller and reaches nodes by the commands in O(nodes), or as O(delivery) says. Without nodes nothing is done.
  - With an empty O(context) no cluster is asked what its nodes look like.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.images
  - selfhosted.serverless.rate_limits
  - selfhosted.serverless.nodes
options:
  state:
    description: Whether the images are to be on the nodes.
    type: str
    choices: [present, absent]
    default: present
  plan:
    description: The RV(selfhosted.serverless.image_plan#module:table) of P(selfhosted.serverless.image_plan#module).
    type: list
    elements: dict
    default: []
  pull:
    description: Whether nodes get the images of O(plan) now; if not, they are only told the mirrors, and pods pull them.
    type: bool
    default: true
  layout:
    description: Directory of an OCI image layout that the nodes get the images from, instead of pulling them.
    type: path
    default: ""
attributes:
  check_mode:
    description: Looks at the nodes and changes nothing.
    support: full
  diff_mode:
    description: Shows the files and the names of images that change.
    support: full
"""

EXAMPLES = r"""
- name: Deliver to a node of kind
  selfhosted.serverless.image_deliver:
    nodes:
      - name: kind-control-plane
        exec: [docker, exec, -i, kind-control-plane]
    plan: "{{ planned.table }}"
"""

RETURN = r"""
delivery:
  description: The way that was taken, one of the choices of O(delivery) but V(auto).
  returned: success
  type: str
nodes:
  description: What was done on each node, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: The node., type: str}
    files: {description: Files below certs_dir that were written or removed., type: list, elements: str}
    pulled: {description: Images that were pulled., type: list, elements: str}
    removed: {description: Images that were removed., type: list, elements: str}
passed_over:
  description: Nodes that are not reached by commands because of what they are, each with its kind in brackets.
  returned: success
  type: list
  elements: str
seconds:
  description: Seconds that it took.
  returned: success
  type: float
"""
