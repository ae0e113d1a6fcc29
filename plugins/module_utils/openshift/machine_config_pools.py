# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MachineConfigPools: whether the nodes have what the Machine Config Operator was told.

Sources: openshift/api machineconfiguration/v1 types.go; openshift/machine-config-operator docs/MachineConfigController:
a change makes a new rendered configuration, `spec.configuration.name`, and `status.configuration.name` follows when
all nodes of the pool have it. A pool that is paused gets none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

API_VERSION, KIND = "machineconfiguration.openshift.io/v1", "MachineConfigPool"
_UPDATED = (
    "status.configuration.name == spec.configuration.name"
    " && length(not_null(status.conditions, `[]`)[?type == 'Updated' && status == 'True']) > `0`"
)


def updated_waits(pools: Iterable[Mapping[str, Any]], changed: bool) -> list[dict[str, Any]]:
    """Return what to wait for, as the wait action takes it, until all pools that are not paused are Updated.

    `changed` says that a new configuration is to come: that which a pool has now is no answer then.
    """
    waits = []
    for pool in pools:
        name, current = pool["metadata"]["name"], _configuration(pool)
        if not is_paused(pool):
            is_new = f"spec.configuration.name != '{current}' && " if changed else ""
            waits.append({"api_version": API_VERSION, "kind": KIND, "name": name, "expression": f"{is_new}{_UPDATED}"})
    return waits


def is_paused(pool: Mapping[str, Any]) -> bool:
    """Return whether a pool is kept from changes."""
    return bool((pool.get("spec") or {}).get("paused"))


def degraded(pools: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the pools that cannot be updated as they are, each with the operator's own words."""
    found = []
    for pool in pools:
        for condition in (pool.get("status") or {}).get("conditions") or []:
            if condition.get("type") == "Degraded" and condition.get("status") == "True":
                words = condition.get("message") or condition.get("reason") or "it does not say why"
                found.append(f"{KIND} {pool['metadata']['name']} is Degraded: {words}")
    return found


def _configuration(pool: Mapping[str, Any]) -> str:
    return str(((pool.get("spec") or {}).get("configuration") or {}).get("name") or "")
