# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true between two stages of a release."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..desired.webhooks import backing_services
from ..errors import ReleaseError
from ..objects import Document, ObjectRef
from ..wait.targets import Target
from ..wait.waiting import wait_for

PAUSE = 0.2  # seconds between looks at discovery, which cannot be watched


def await_definitions(
    cluster: Cluster, members: list[Document], are_new: bool, deadline: Deadline, progress: Callable[[str], None]
) -> None:
    """Wait until every CRD is established and its kinds are visible in discovery. Raises WaitError, ReleaseError.

    Of new ones discovery may still show what was of that name before.
    """
    definitions = [document for document in members if document["kind"] == "CustomResourceDefinition"]
    if not definitions or not (are_new or _unseen(cluster, definitions)):
        return
    targets = [
        Target(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            None,
            document["metadata"]["name"],
            condition="Established",
        )
        for document in definitions
    ]
    wait_for(cluster, targets, deadline, progress)
    while True:
        cluster.discovery.refresh(deadline)
        missing = _unseen(cluster, definitions)
        if not missing:
            return
        if deadline.passed:
            raise ReleaseError(
                f"CRDs are established, but the API server does not list their kinds yet: {', '.join(missing)}; "
                "another CRD may define the same names"
            )
        time.sleep(PAUSE)


def await_webhook_servers(
    cluster: Cluster, configurations: list[Document], deadline: Deadline, progress: Callable[[str], None]
) -> None:
    """Wait until every service behind the webhook configurations has a ready endpoint. Raises WaitError."""
    targets = [
        Target("v1", "Service", namespace, name, condition="endpoints")
        for namespace, name in sorted(backing_services(configurations))
    ]
    if targets:
        wait_for(cluster, targets, deadline, progress)


def await_authorities(
    cluster: Cluster, configurations: list[ObjectRef], deadline: Deadline, progress: Callable[[str], None]
) -> None:
    """Wait until every webhook has its server's authority: until then its calls fail. Raises WaitError.

    The servers of Istio and Knative write it, and with it the rules of what they look at, when they have started.
    """
    filled = "length(webhooks || `[]`) == length((webhooks || `[]`)[?clientConfig.caBundle])"
    targets = [Target(ref.api_version, ref.kind, None, ref.name, expression=filled) for ref in configurations]
    if targets:
        wait_for(cluster, targets, deadline, progress)


def _unseen(cluster: Cluster, definitions: list[Document]) -> list[str]:
    missing = []
    for document in definitions:
        spec = document["spec"]
        for version in spec.get("versions") or []:
            if version.get("served"):
                api_version = f"{spec['group']}/{version['name']}"
                if cluster.discovery.find(api_version, spec["names"]["kind"]) is None:
                    missing.append(f"{spec['names']['kind']} of {api_version}")
    return missing
