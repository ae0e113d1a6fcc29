# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents of an action's options, with their image references as the inventory's policy says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.rendered import read_rendered
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.documents import flatten
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_policy import apply_policy, lock_path


def documents_of(
    cluster: Cluster,
    manifests: list[str],
    definitions: list[dict[str, Any]],
    args: Mapping[str, Any],
    variables: Mapping[str, Any],
    check: bool,
    tell: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Return the documents of files on the controller and of inline definitions. Raises ReleaseError and ImageError."""
    documents = []
    for path in manifests:
        documents += flatten(read_rendered(path), path)
    documents += flatten(definitions, "definitions")
    if args["images"]:
        lock = lock_path(args["images"], variables)
        patience = args["rate_limit_wait"]
        documents = apply_policy(documents, args["images"], cluster, lock, tell, args["context"], check, patience)
    return documents
