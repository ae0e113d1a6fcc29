# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the services behind webhooks can answer."""

from __future__ import annotations

from typing import Any

SERVICE_LABEL = "kubernetes.io/service-name"


def has_ready_endpoint(slices: list[dict[str, Any]]) -> bool:
    """True when at least one address of the EndpointSlices is ready (an unset condition counts as ready)."""
    for endpoint_slice in slices:
        for endpoint in endpoint_slice.get("endpoints") or []:
            ready = (endpoint.get("conditions") or {}).get("ready")
            if endpoint.get("addresses") and ready is not False:
                return True
    return False
