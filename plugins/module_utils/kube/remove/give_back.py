# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives an object back: takes off what is ours, and leaves no field manager of ours behind."""

from __future__ import annotations

from ..client.backoff import worth_retrying
from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ApiError
from ..objects import Document
from ..plan.plan import Step
from ..plan.present.handover import HANDOVER_MANAGER

PATCH_TYPE = "application/json-patch+json"
MOST_TRIES = 5


def send_back(cluster: Cluster, step: Step, deadline: Deadline) -> None:
    """Apply the step's document; values that stay in it become nobody's. Raises ApiError."""
    document = step.document or {}
    stored = cluster.apply(document, manager=step.manager, force=True, deadline=deadline, retry_if=_may_pass)
    leaving = {HANDOVER_MANAGER} | ({step.manager} if set(document) - {"apiVersion", "kind", "metadata"} else set())
    if leaving & {entry.get("manager") for entry in stored["metadata"].get("managedFields") or []}:
        _hand_over(cluster, stored, leaving, deadline)


def _may_pass(error: ApiError) -> bool:
    return worth_retrying(error) and not error.is_of_another_object


def _hand_over(cluster: Cluster, stored: Document, managers: set[str], deadline: Deadline) -> None:
    """Take the managers out of managedFields, so that whoever sets the fields next owns them without a conflict.

    As client-go does it (util/csaupgrade): a JSON patch that fails when the object has changed in between.
    """
    resource = cluster.resource(stored["apiVersion"], stored["kind"])
    metadata = stored["metadata"]
    path = resource.path(metadata.get("namespace"), metadata["name"])
    for attempt in range(1, MOST_TRIES + 1):
        entries = metadata.get("managedFields") or []
        left = [entry for entry in entries if entry.get("manager") not in managers]
        patch = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
            {"op": "replace", "path": "/metadata/managedFields", "value": left or [{}]},
        ]
        try:
            cluster.transport.call("PATCH", path, body=patch, content_type=PATCH_TYPE, deadline=deadline)
            return
        except ApiError as error:
            if error.status not in (409, 422) or attempt == MOST_TRIES:
                raise
        metadata = cluster.transport.call("GET", path, deadline=deadline)["metadata"]
