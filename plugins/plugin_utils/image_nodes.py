# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes in the arguments of actions on images, and the way of delivery that follows from them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.detection import (
    Delivery,
    choose_delivery,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import RUNTIMES
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster

# What is left out is the runtime's own default.
NODE = {
    "name": {"type": "str", "required": True},
    "exec": {"type": "list", "elements": "str", "required": True},
    "remote_shell": {"type": "bool", "default": False},
    "runtime": {"type": "str", "choices": list(RUNTIMES), "default": "containerd"},
    "certs_dir": {"type": "str"},
    "address": {"type": "str"},
    "namespace": {"type": "str"},
    "ctr": {"type": "list", "elements": "str"},
    "docker": {"type": "list", "elements": "str"},
    "crictl": {"type": "list", "elements": "str"},
    "config": {"type": "str"},
}


def find_delivery(args: dict[str, Any]) -> Delivery:
    """Return how images get to the nodes, by the arguments delivery, nodes, context and kubeconfig.

    Raises ImageError for a way that cannot be gone, KubeError where the cluster does not answer.
    """
    asked = args["delivery"] not in ("references", "prepull") and not args["nodes"] and args["context"]
    nodes = Cluster.connect(args["context"], args["kubeconfig"] or None).list("v1", "Node") if asked else []
    certs = str(Path("~/.docker/certs.d").expanduser())
    return choose_delivery(args["delivery"], args["nodes"], nodes, lambda name: bool(shutil.which(name)), certs)
