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
  - Keeps a record on the node; O(state=absent) takes away exactly what the record says. Files that were there before
    are put back as they were; images that a container uses stay.
  - Runs on the controller and reaches nodes by the commands in O(nodes), or as O(delivery) says. Without nodes nothing is done.
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
      remote_shell:
        description: Whether O(nodes[].exec) hands the command to a shell on the node, as ssh does.
        type: bool
        default: false
      runtime:
        description: The container runtime of the node.
        type: str
        choices: [containerd, k3s, docker, cri-o]
        default: containerd
      certs_dir:
        description:
          - Directory on the node with the runtime's settings of registries.
          - Default is containerd's C(config_path) C(/etc/containerd/certs.d), for k3s
            C(/var/lib/rancher/k3s/agent/etc/containerd/certs.d), for docker C(/etc/docker/certs.d), for CRI-O C(/etc/containers).
        type: str
      address:
        description: containerd's socket on the node. Default is C(/run/containerd/containerd.sock), k3s has its own.
        type: str
      namespace:
        description: containerd's namespace of Kubernetes. Default is C(k8s.io).
        type: str
      ctr:
        description: Words that run C(ctr) on the node. Default is C([ctr]), for k3s C([k3s, ctr]).
        type: list
        elements: str
      docker:
        description: Words that run C(docker) on the node. Default is C([docker]).
        type: list
        elements: str
      crictl:
        description: Words that run C(crictl) on the node. Default is C([crictl]).
        type: list
        elements: str
      config:
        description:
          - The runtime's configuration on the node, for P(selfhosted.serverless.image_diagnose#module).
          - Default is C(/etc/containerd/config.toml), for k3s C(/var/lib/rancher/k3s/agent/etc/containerd/config.toml), for docker
            C(/etc/docker/daemon.json).
        type: str
  delivery:
    description:
      - How the images get to the nodes. V(auto) takes O(nodes) where there are some, else what the nodes of
        O(context) look like (V(kind), V(k3d), V(minikube), V(docker-desktop)), else V(references).
      - V(references) and V(prepull) run no commands on nodes.
    type: str
    choices: [auto, nodes, references, prepull, kind, k3d, minikube, docker-desktop]
    default: auto
  context:
    description: Context whose nodes are asked for, if O(nodes) is empty.
    type: str
    default: ""
  kubeconfig:
    description: File with the context. Default is C(KUBECONFIG), else C(~/.kube/config).
    type: path
    default: ""
  images:
    description: The image policy, as in the inventory's C(serverless_images).
    type: dict
    default: {}
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
    images: "{{ serverless_images }}"
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
seconds:
  description: Seconds that it took.
  returned: success
  type: float
"""
