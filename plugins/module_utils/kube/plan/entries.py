# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory that a plan leads to."""

from __future__ import annotations

from collections.abc import Iterable

from ..client.cluster import FIELD_MANAGER
from ..inventory.inventory import Entry, Inventory
from ..inventory.ownership import Origin, is_adopted, uid_of
from ..objects import ObjectRef
from .data_guards import CLAIM
from .plan import Action, Step


def entries_after(steps: Iterable[Step], inventory: Inventory | None, data: frozenset[ObjectRef]) -> list[Entry]:
    """What belongs to a release after its plan: what its documents name, and what is kept although no longer wanted.

    `data` are objects, beside volume claims, that cannot be made again. New objects have no uid yet.
    """
    old = inventory.by_identity if inventory else {}
    entries = []
    for step in steps:
        before = old.get(step.ref.identity)
        if step.document is not None and step.action is not Action.GIVE_BACK:
            entries.append(_entry(step, before, data))
        elif step.action is Action.KEEP and before is not None:
            entries.append(before)
    return entries


def _entry(step: Step, before: Entry | None, data: frozenset[ObjectRef]) -> Entry:
    origin = before.origin if before else Origin.CREATED
    if step.manager != FIELD_MANAGER:
        origin = Origin.SHARED
    elif step.action is Action.ADOPT or (step.live is not None and is_adopted(step.live)):
        origin = Origin.ADOPTED
    is_data = step.ref.kind == CLAIM or step.ref in data or bool(before and before.is_data)
    return Entry(step.ref, origin, uid_of(step.live), is_data)
