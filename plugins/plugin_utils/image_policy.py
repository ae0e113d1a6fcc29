# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents through the image policy, as far as that needs registries and the cluster's nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.choice import choose
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.lock import (
    Lock,
    extend_lock,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import (
    RATE_LIMIT_WAIT,
    ImagePolicy,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.rewrite import (
    rewrite_documents,
    undecided,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.node_kinds import architectures_of

_LOCK = "images.lock.yml"
# Of an inventory that came with the installed collection, whose folder is not the user's
_DATA = "~/.local/share/selfhosted-serverless"


def lock_path(images: Mapping[str, Any] | None, task_vars: Mapping[str, Any]) -> str:
    """Return the lock file of a policy's configuration, beside the inventory unless it says otherwise; '' for none.

    The default of image_prefetch_lock says the same, in roles/image_prefetch/vars/main.yml.
    """
    named = (images or {}).get("lock")
    if named is not None:
        return str(named)
    directory = task_vars.get("inventory_dir")
    # Hosts on the command line have no inventory of a folder, which Ansible tells as this text.
    if not directory or directory == "None":
        return ""
    installed = Path(str(directory).partition("/inventories/")[0], "MANIFEST.json").exists()
    return f"{_DATA}/{_LOCK}" if installed else str(Path(directory, _LOCK))


def apply_policy(
    documents: list[dict[str, Any]],
    images: Mapping[str, Any],
    cluster: Cluster,
    lock: str,
    tell: Callable[[str], None],
    context: str = "",
    check: bool = False,
    rate_limit_wait: float = RATE_LIMIT_WAIT,
) -> list[dict[str, Any]]:
    """Return the documents with their image references as the policy says.

    Registries and nodes are asked only in mode rewrite, and only for images with several places. What is chosen for a
    context is kept in the lock, unless `check`. Raises ImageError and KubeError.
    """
    policy = ImagePolicy.from_config(images, rate_limit_wait)
    wanted = undecided(documents, policy)
    if not wanted:
        return rewrite_documents(documents, policy)
    architectures = architectures_of(cluster.list("v1", "Node"))
    path = Path(lock).expanduser() if lock else None
    answers = choose(wanted, policy, architectures, Lock.read(path) if path else Lock(), context, tell)
    for image, answer in sorted(answers.items()):
        if answer.failures:
            others = ", ".join(f"{failure.rule}: {failure.reason}" for failure in answer.failures)
            tell(f"{image} from {answer.candidate.rule} ({others})")
    if path and not check:
        _keep(path, context, {str(image): str(answer.candidate.reference) for image, answer in answers.items()}, tell)
    return rewrite_documents(
        documents, policy, {image: answer.candidate.reference for image, answer in answers.items()}
    )


def _keep(path: Path, context: str, chosen: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Write what was chosen into the lock; a file that cannot be written is told, and stops nothing."""
    try:
        extend_lock(path, {}, context, chosen)
    except OSError as error:
        tell(f"the chosen mirrors are not kept: {path}: {error.strerror}")
