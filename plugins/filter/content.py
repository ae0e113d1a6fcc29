# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small filters that roles use to describe their content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Knative compares with the canonical host of Docker Hub
# (knative.dev/serving pkg/reconciler/revision/resolve.go, by go-containerregistry's name package).
_CANONICAL = {"docker.io": "index.docker.io"}


def pinned(url: str, pins: Mapping[str, str]) -> dict[str, str]:
    """Return the content item of one URL with its checksum from the inventory's pins, empty when there is none."""
    return {"url": url, "sha256": pins.get(url, "")}


def registries_of_policy(policy: Mapping[str, Any]) -> list[str]:
    """Return the registries of an image policy that only the nodes can reach, as Knative writes them, sorted.

    These are the mirrored source registries, the mirrors themselves and the registries with settings of their own.
    """
    hosts = set(policy.get("registries") or {})
    for source, mirrors in (policy.get("mirrors") or {}).items():
        hosts.add(source)
        for mirror in mirrors:
            hosts.add((mirror if isinstance(mirror, str) else mirror["host"]).split("/", 1)[0])
    return sorted(_CANONICAL.get(host, host) for host in hosts)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"pinned": pinned, "registries_of_policy": registries_of_policy}
