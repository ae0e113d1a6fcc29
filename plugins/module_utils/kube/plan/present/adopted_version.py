# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of an installation of somebody else that is to be adopted: that is an upgrade of it, by one step only."""

from __future__ import annotations

import re

from ....versions import Version, one_step
from ...inventory.inventory import Inventory
from ...objects import Document, ObjectRef
from ..plan import Action, Blocker, Plan
from .existing import ADOPT
from .options import PresentOptions

LABEL = "app.kubernetes.io/version"
UNTOLD = "1.0.0"  # what charts say that nobody gave a version
_TAG = re.compile(r":v?(\d+\.\d+[\w.-]*)(?:@|$)")


def version_of(workload: Document) -> str:
    """The version that a workload's label tells, else its first image's tag; '' where neither does."""
    label = (workload["metadata"].get("labels") or {}).get(LABEL, "").removeprefix("v")
    containers = (((workload.get("spec") or {}).get("template") or {}).get("spec") or {}).get("containers") or [{}]
    tag = _TAG.search(containers[0].get("image") or "")
    for text in ("" if label == UNTOLD else label, tag[1] if tag else ""):
        try:
            return Version.parse(text).text
        except ValueError:
            continue
    return ""


def too_far(plan: Plan, inventory: Inventory | None, options: PresentOptions) -> list[Blocker]:
    """What forbids to adopt workloads whose version is not one step before the release's."""
    if not options.minor_steps or options.existing.policy != ADOPT or (inventory and inventory.version):
        return []
    found = []
    for step in plan.of(Action.ADOPT):
        version = version_of(step.live) if step.live and step.ref.kind == "Deployment" else ""
        try:
            why = one_step(version, options.version) if version else ""
        except ValueError:
            why = ""
        if why:
            what = f"it is of version {version}, and {options.version} cannot take its place: {why}"
            remedy = f"Bring it nearer as it was installed, set {options.role}_existing: leave, or choose its version"
            found.append(Blocker(str(ObjectRef.of(step.live or {})), what, remedy))
    return found
