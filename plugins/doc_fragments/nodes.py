# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by what reaches the nodes of a cluster."""

from __future__ import annotations

from typing import ClassVar


class ModuleDocFragment:
    """Which nodes are meant, and how images get to them."""

    VARIABLES: ClassVar = {}

    DOCUMENTATION = r"""
options:
  nodes:
    description: The nodes that are reached by commands.
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
            C(/var/lib/rancher/k3s/agent/etc/containerd/certs.d), for docker C(/etc/docker/certs.d), for CRI-O
            C(/etc/containers).
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
          - Default is C(/etc/containerd/config.toml), for k3s C(/var/lib/rancher/k3s/agent/etc/containerd/config.toml),
            for docker C(/etc/docker/daemon.json).
        type: str
  delivery:
    description:
      - How the images get to the nodes. V(auto) takes O(nodes) where there are some, else what the nodes of
        O(context) look like (V(kind), V(k3d), V(minikube), V(docker-desktop), V(mirror_sets) for
        OpenShift), else V(references).
      - V(references), V(prepull) and V(mirror_sets) run no commands on nodes.
    type: str
    choices: [auto, nodes, references, prepull, mirror_sets, kind, k3d, minikube, docker-desktop]
    default: auto
"""
