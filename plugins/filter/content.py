# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small filters that roles use to describe their content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy

# Knative compares with the canonical host of Docker Hub
# (knative.dev/serving pkg/reconciler/revision/resolve.go, by go-containerregistry's name package).
_CANONICAL = {"docker.io": "index.docker.io"}


def pinned(url: str, pins: Mapping[str, str]) -> dict[str, str]:
    """Return the content item of one URL with its checksum from the inventory's pins, empty when there is none."""
    return {"url": url, "sha256": pins.get(url, "")}


def registries_of_policy(policy: Mapping[str, Any] | None) -> list[str]:
    """Return the registries of an image policy that only the nodes can reach, as Knative writes them, sorted.

    These are the mirrored source registries (those of a preset, and of a source with a path, too), the mirrors, where
    the exact map leads, and the registries with settings of their own. Raises PolicyError for what is no policy.
    """
    # The mode says how nodes learn of mirrors, not what they are; whether it can be had is judged where it is needed.
    checked = ImagePolicy.from_config({**(policy or {}), "mode": "rewrite"})
    return as_knative(checked.hosts())


def as_knative(hosts: Iterable[str]) -> list[str]:
    """Return registries as Knative writes them, sorted, each once."""
    return sorted({_CANONICAL.get(host, host) for host in hosts})


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"as_knative": as_knative, "pinned": pinned, "registries_of_policy": registries_of_policy}
