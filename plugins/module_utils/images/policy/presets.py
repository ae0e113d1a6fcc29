# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public mirrors by name, for `serverless_images.preset`.

Sources: the README of DaoCloud's public-image-mirror (prefix form, an allow-list of images), and minikube's table for
Aliyun's google_containers (Kubernetes' own images alone, flattened).
"""

from __future__ import annotations

from typing import Any

_DAOCLOUD = (
    "docker.elastic.co",
    "docker.io",
    "gcr.io",
    "ghcr.io",
    "k8s.gcr.io",
    "mcr.microsoft.com",
    "nvcr.io",
    "quay.io",
    "registry.k8s.io",
)

PRESETS: dict[str, dict[str, list[Any]]] = {
    "none": {},
    "daocloud": {host: [f"m.daocloud.io/{host}"] for host in _DAOCLOUD},
    "aliyun": {"registry.k8s.io": [{"flat": "registry.cn-hangzhou.aliyuncs.com/google_containers"}]},
}
