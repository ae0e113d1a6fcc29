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
  - Tells the containerd of each node the mirrors of the image gate (C(hosts.toml) files with certificate authorities),
    has it pull the planned images that it lacks, and proves that every name then stands for the planned digest.
  - Nothing falls back to an origin that is not listed among its own mirrors.
  - Keeps a record on the node; O(state=absent) takes away exactly what the record says. Files that were there before
    are put back as they were; images that a container uses stay.
  - Runs on the controller and reaches nodes by the commands in O(nodes). Without nodes nothing is done.
options:
  state:
    description: Whether the images are to be on the nodes.
    type: str
    choices: [present, absent]
    default: present
  nodes:
    description: The nodes.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the node, for messages.
        type: str
        required: true
      exec:
        description: Words that run a command on the node, such as C([docker, exec, -i, kind-control-plane]).
        type: list
        elements: str
        required: true
      certs_dir:
        description: Directory on the node that is containerd's C(config_path) for registries.
        type: str
        default: /etc/containerd/certs.d
      address:
        description: containerd's socket on the node.
        type: str
        default: /run/containerd/containerd.sock
      namespace:
        description: containerd's namespace of Kubernetes.
        type: str
        default: k8s.io
      ctr:
        description: Words that run C(ctr) on the node, such as C([k3s, ctr]).
        type: list
        elements: str
        default: [ctr]
  images:
    description: The image gate, as in the inventory's C(serverless_images).
    type: dict
    default: {}
  plan:
    description: The RV(selfhosted.serverless.image_plan#module:table) of P(selfhosted.serverless.image_plan#module).
    type: list
    elements: dict
    default: []
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
    images: "{{ serverless_images }}"
    plan: "{{ planned.table }}"
"""

RETURN = r"""
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
seconds:
  description: Seconds that it took.
  returned: success
  type: float
"""
