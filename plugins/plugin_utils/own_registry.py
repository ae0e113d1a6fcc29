# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application's registry as a part of the image policy: its login is said once, by serverless_registry_*."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def with_own_registry(images: Mapping[str, Any] | None, variable: Callable[[str], Any]) -> dict[str, Any]:
    """Return the image policy with the registry of the inventory and its login.

    What the policy itself says of that registry comes first. `variable` gives the value of a variable, None where there
    is none.
    """
    policy = dict(images or {})
    host = str(variable("serverless_registry") or "").partition("/")[0]
    registries = policy.get("registries") or {}
    if not host or not isinstance(registries, Mapping):
        return policy
    said = registries.get(host) or {}
    if not isinstance(said, Mapping):  # told where the policy is checked
        return policy
    login = {"username": variable("serverless_registry_username"), "password": variable("serverless_registry_password")}
    if said.get("username") or not all(login.values()):
        login = {}
    policy["registries"] = {**registries, host: {**said, **login}}
    return policy
