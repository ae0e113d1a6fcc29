# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes in the arguments of actions on images, and the way of delivery that follows from them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.detection import (
    Delivery,
    choose_delivery,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster


def find_delivery(args: dict[str, Any], cluster: Callable[[], Cluster]) -> Delivery:
    """Return how images get to the nodes, by the options `delivery`, `nodes` and `context`.

    `cluster` connects to the context; it is called only where the cluster must be asked. Raises ImageError for a way
    that cannot be gone, KubeError where the cluster does not answer.
    """
    asked = args["delivery"] not in ("references", "prepull") and not args["nodes"] and args["context"]
    return delivery_to(args["delivery"], args["nodes"], cluster().list("v1", "Node") if asked else [])


def delivery_to(delivery: str, configured: list[dict[str, Any]], nodes: list[dict[str, Any]]) -> Delivery:
    """Return how images get to these Node objects, by the options of the same names. Raises ImageError."""
    certs = str(Path("~/.docker/certs.d").expanduser())
    return choose_delivery(delivery, configured, nodes, lambda name: bool(shutil.which(name)), certs)
