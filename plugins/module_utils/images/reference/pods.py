# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that a pod runs, as its specification names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KINDS = ("initContainers", "containers", "ephemeralContainers")


def images_of_pod(pod: Mapping[str, Any]) -> list[str]:
    """Return the references of a pod of the API, each once: of containers of all kinds, and of image volumes."""
    spec = pod["spec"]
    containers = [container for kind in _KINDS for container in spec.get(kind) or []]
    volumes = [volume["image"].get("reference") for volume in spec.get("volumes") or [] if volume.get("image")]
    found = [container.get("image") for container in containers] + volumes
    return list(dict.fromkeys(filter(None, found)))


def pod_name(pod: Mapping[str, Any]) -> str:
    """Return namespace and name."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
