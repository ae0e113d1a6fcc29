# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of cluster a context leads to, as far as a kubeconfig tells: by what each program writes there.

site/cluster_kind.py tells it of a cluster's nodes, by the same words, and has the last word in a run. Sources: Docker
Desktop (context docker-desktop), minikube pkg/minikube/kubeconfig (extension with the provider), kind
pkg/cluster/internal/kubeconfig (kind-NAME), k3d pkg/client/kubeconfig.go (k3d-NAME), Rancher Desktop, microk8s config,
`aws eks update-kubeconfig` (ARN), `gcloud container clusters get-credentials` (gke_PROJECT_PLACE_NAME), AKS
(azmk8s.io), `oc login` (PROJECT/SERVER:PORT/USER).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

UNKNOWN = ""
_NAMES = (
    (r"docker-(desktop|for-desktop)", "docker-desktop"),
    (r"rancher-desktop", "rancher-desktop"),
    (r"kind-.+", "kind"),
    (r"k3d-.+", "k3d"),
    (r"microk8s(-cluster)?", "microk8s"),
    (r"minikube", "minikube"),
    (r"arn:aws[a-z-]*:eks:.+", "eks"),
    (r"gke_[^_]+_[^_]+_.+", "gke"),
    (r"[^/]*/[^/]+:\d+/[^/]+", "openshift"),
)
_SERVERS = (
    (".eks.amazonaws.com", "eks"),
    (".eks.amazonaws.com.cn", "eks"),
    (".azmk8s.io", "aks"),
    (".azmk8s.cn", "aks"),
    (".gke.goog", "gke"),
)
# By the provider that an extension of the cluster names
LAB = "selfhosted.serverless"
LAB_KIND = "lab"
_PROVIDERS = {"minikube.sigs.k8s.io": "minikube", LAB: LAB_KIND}


def kind_hint(context: str, cluster_name: str, cluster: Mapping[str, Any]) -> str:
    """Return the kind by what is said of a context and its cluster, '' where nothing tells it."""
    for provider, kind in _PROVIDERS.items():
        if extension_of(cluster, provider):
            return kind
    host = urlsplit(str(cluster.get("server") or "")).hostname or ""
    by_server = next((kind for end, kind in _SERVERS if host.endswith(end)), UNKNOWN)
    if by_server:
        return by_server
    return next(
        (kind for pattern, kind in _NAMES for name in (context, cluster_name) if re.fullmatch(pattern, name)), UNKNOWN
    )


def extension_of(cluster: Mapping[str, Any], provider: str) -> Mapping[str, Any]:
    """Return what a provider has written of a cluster into the kubeconfig, {} where it has not."""
    inner = (one.get("extension") for one in cluster.get("extensions") or [] if isinstance(one, Mapping))
    return next((one for one in inner if isinstance(one, Mapping) and one.get("provider") == provider), {})
