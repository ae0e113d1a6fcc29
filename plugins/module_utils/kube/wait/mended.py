# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes that somebody has mended already: kubelets and controllers try again by themselves, but minutes later."""

from __future__ import annotations

import re
from dataclasses import replace

from ..errors import ApiError
from ..objects import Document
from .causes import Finding
from .evidence import FORBIDDEN, Evidence
from .quantities import number

KINDS = {
    "secret": "Secret",
    "configmap": "ConfigMap",
    "serviceaccount": "ServiceAccount",
    "persistentvolumeclaim": "PersistentVolumeClaim",
}
MISSING = re.compile(r'\b(secret|configmap|serviceaccount|persistentvolumeclaim)s? \\?"([^"\\]+)\\?" not found')
# The quota admission's words: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2
EXCEEDED = re.compile(r"exceeded quota: (\S+), requested: (\S+), used: ")
ABOUT_OBJECTS = frozenset({"object-missing", "service-account-missing", "claim-missing"})


def if_mended(finding: Finding, evidence: Evidence) -> Finding:
    """The finding, or one that passes when its cause is gone by now. Raises KubeError."""
    namespace = finding.subject.partition(" ")[2].partition("/")[0]
    if finding.cause in ABOUT_OBJECTS:
        match = MISSING.search(finding.what)
        is_mended = bool(match) and _exists(KINDS[match[1]], match[2], namespace, evidence)
    elif finding.cause == "over-quota":
        is_mended = _has_room(finding.what, namespace, evidence)
    else:
        return finding
    return replace(finding, cause="mended") if is_mended else finding


def room_for(words: str, quota: Document) -> bool:
    """Whether a quota has now what a refused pod had asked for; `words` are "cpu=1,pods=1"."""
    status = quota.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    for name, _equals, amount in (part.partition("=") for part in words.split(",")):
        if name in hard and number(used.get(name, 0)) + number(amount) > number(hard[name]):
            return False
    return True


def _exists(kind: str, name: str, namespace: str, evidence: Evidence) -> bool:
    try:
        return evidence.get("v1", kind, name, namespace) is not None
    except ApiError as error:
        if error.status not in FORBIDDEN:
            raise
        return False


def _has_room(message: str, namespace: str, evidence: Evidence) -> bool:
    match = EXCEEDED.search(message)
    if match is None:
        return False
    try:
        quotas = evidence.list("v1", "ResourceQuota", namespace)
    except ApiError as error:
        if error.status not in FORBIDDEN:
            raise
        return False
    return all(room_for(match[2], quota) for quota in quotas if quota["metadata"]["name"] == match[1])
