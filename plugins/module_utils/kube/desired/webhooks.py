# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services behind webhook configurations."""

from __future__ import annotations

from ..objects import Document


def backing_services(configurations: list[Document]) -> set[tuple[str, str]]:
    """(namespace, name) of every service that the given webhook configurations call."""
    found = set()
    for configuration in configurations:
        for webhook in configuration.get("webhooks") or []:
            service = (webhook.get("clientConfig") or {}).get("service")
            if service:
                found.add((service["namespace"], service["name"]))
    return found
