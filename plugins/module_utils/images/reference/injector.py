# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidecar image in the ConfigMap of Istio's injector.

Source: istio.io/istio pkg/kube/inject, ProxyImage and imageURL: the image is global.proxy.image where that holds a
slash, else global.hub/global.proxy.image:global.tag, with global.variant after a dash.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def injector_place(data: dict[str, Any]) -> tuple[str, Callable[[str], None]] | None:
    """Return the reference in an injector's `values` and how to put another one; None for other ConfigMaps."""
    try:
        values = json.loads(data["values"])
        settings = values["global"]
        hub, tag = settings["hub"], settings["tag"]
    except (ValueError, KeyError, TypeError):
        return None
    proxy = settings.get("proxy") or {}
    image = proxy.get("image") or "proxyv2"
    reference = image if "/" in image else f"{hub}/{image}:{tag}" + _variant(settings, str(tag))

    def put(wanted: str) -> None:
        settings["proxy"] = {**proxy, "image": wanted}
        data["values"] = json.dumps(values, indent=2)

    return reference, put


def _variant(settings: dict[str, Any], tag: str) -> str:
    variant = settings.get("variant") or ""
    return "" if variant in ("", "default") or tag.endswith(f"-{variant}") else f"-{variant}"
