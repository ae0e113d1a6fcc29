"""Users of the API server who may not do all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from api_server import ApiServer


def limited(cluster: Cluster, api_server: ApiServer, tmp_path: Path, user: str, *rules: dict[str, Any]) -> Cluster:
    """A client whose user has these rights alone, of a ClusterRole."""
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": user},
        "rules": list(rules),
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    for document in (role, binding):
        cluster.apply(document)
    config = yaml.safe_load(api_server.kubeconfig.read_text(encoding="utf-8"))
    config["users"][0]["user"]["as"] = user
    (tmp_path / user).write_text(yaml.safe_dump(config), encoding="utf-8")
    return Cluster.connect("test", str(tmp_path / user))
