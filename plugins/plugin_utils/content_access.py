# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the content of an action's options may be had: the inventory's words made into one thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.access import (
    Access,
    checked_mirrors,
    checked_places,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.go_proxies import users_list
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.image_file import ImageAccess
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.store import Store
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.transfers import Transfers
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_policy import lock_path


def content_access(
    args: Mapping[str, Any], variables: Mapping[str, Any], check: bool, tell: Callable[[str], None]
) -> Access:
    """Return it for the options of the fragments content and images. In check mode the lock is not written.

    Raises ContentError and ImageError.
    """
    lock = lock_path(args["images"], variables)
    directory = args["content_directory"]
    return Access(
        Store(others=[Path(directory)] if directory else []),
        checked_places(args["content_places"]),
        checked_mirrors(args["content_mirrors"]),
        args["pins"],
        users_list(args["go_proxy"]),
        ImageAccess(
            ImagePolicy.from_config(args["images"], args["rate_limit_wait"]),
            Path(lock).expanduser() if lock else None,
            not check,
        ),
        Transfers(tell),
    )
