# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an upgrade does that going back does not undo, named before it is done."""

from __future__ import annotations

from ...inventory.inventory import Inventory
from ..plan import Action, Plan
from .options import PresentOptions
from .stored_versions import DEFINITION, storage_version


def irreversible(plan: Plan, inventory: Inventory | None, options: PresentOptions) -> list[str]:
    """In words, for the plan of an upgrade; [] for any other plan, and for an upgrade that can go back whole."""
    before = (inventory.before or inventory.version) if inventory else ""
    if not options.upgrade or before in ("", options.version):
        return []
    found = []
    for step in plan.steps:
        if step.ref.kind == DEFINITION and step.live and step.document:
            written = storage_version(step.document)
            if written not in {version["name"] for version in step.live["spec"].get("versions") or []}:
                found.append(f"{step.ref} writes its objects as {written}, which {before} does not know, and stays new")
        elif step.ref.kind == "Secret" and step.action is Action.DELETE:
            found.append(f"{step.ref} goes, and its values are not kept")
    if not found:
        return []
    return [f"where {options.version} does not get ready, it goes back to {before}, all but this: {'; '.join(found)}"]
