# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks by name, for `serverless_network`: what is said of images, release files and packages where nothing else is.

All of them are public services. Sources: the README of DaoCloud's public-image-mirror; the pages of goproxy.cn and
goproxy.io; the help of TUNA's mirror of PyPI.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DIRECT = "direct"

NETWORKS: Mapping[str, Mapping[str, Any]] = {
    # Everything is had where it is released
    DIRECT: {
        "images": {},
        "content_places": [],
        "go_proxy": "https://proxy.golang.org",
        "pip_index_url": "",
    },
    # Mainland China, where registries abroad, release downloads, proxy.golang.org and pypi.org are slow or blocked
    "china": {
        "images": {"preset": "daocloud", "mode": "rewrite"},
        "content_places": ["go_module", "image", "url"],
        "go_proxy": "https://goproxy.cn|https://goproxy.io|https://proxy.golang.org",
        "pip_index_url": "https://pypi.tuna.tsinghua.edu.cn/simple",
    },
}


def of_network(name: Any, what: str) -> Any:
    """Return one of images, content_places, go_proxy and pip_index_url as a network has it.

    Another name is refused by the specs of the role serverless and by preflight; until then it is as DIRECT.
    """
    return NETWORKS.get(name, NETWORKS[DIRECT])[what]
