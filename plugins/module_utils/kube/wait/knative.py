# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a Knative revision does not get ready. Pure functions over its live object.

Source: the conditions of knative.dev/serving pkg/apis/serving/v1 (revision_lifecycle.go) and its error messages.
"""

from __future__ import annotations

import re

from ..objects import Document
from . import containers, image_pulls
from .causes import Finding
from .refusals import cause_of as refusal_of

GROUP = "serving.knative.dev/"
REVISION_LABEL = "serving.knative.dev/revision"
ABOUT_IMAGES = re.compile(r"Unable to fetch image|resolve image to digest|pull image|ImagePull", re.IGNORECASE)
# The condition's reason -> cause, where the message does not say more.
REASONS = {
    "ProgressDeadlineExceeded": "revision-late",
    "Unschedulable": "unschedulable",
}
EXIT_CODE = re.compile(r"^ExitCode\d+$")  # of a container that may start again; its pods tell more


def failed(revision: Document) -> list[Finding]:
    """What the revision's conditions say for good (status False, newest generation); [] while it is still at work."""
    metadata, status = revision["metadata"], revision.get("status") or {}
    if (status.get("observedGeneration") or 0) < (metadata.get("generation") or 0):
        return []
    conditions = {entry.get("type"): entry for entry in status.get("conditions") or []}
    subject = f"revision {metadata.get('namespace', '')}/{metadata['name']}"
    for kind in ("ContainerHealthy", "ResourcesAvailable", "Ready"):
        entry = conditions.get(kind) or {}
        if entry.get("status") == "False":
            reason, message = entry.get("reason") or "", entry.get("message") or ""
            return [Finding(_cause(reason, message), subject, f"{kind} is False: {reason} {message}".strip())]
    return []


def _cause(reason: str, message: str) -> str:
    if reason == "ContainerMissing" or reason in image_pulls.REASONS or ABOUT_IMAGES.search(message):
        return image_pulls.cause_of(reason, message)
    if reason in containers.START_REASONS:
        return containers.start_cause(message)
    if EXIT_CODE.match(reason):
        return "ends-badly"
    if "forbidden" in message or "webhook" in message:
        return refusal_of(message)
    return REASONS.get(reason, "revision-failed")
