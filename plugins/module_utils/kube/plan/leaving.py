# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the objects that a release no longer wants: deleted, given back, kept, or waited for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..inventory.inventory import Entry, Inventory
from .plan import Plan


@dataclass(frozen=True)
class LeavingPolicy:
    """How a release leaves; the meanings are those of the release module's options.

    `keep` are matchers of objects that stay. `residue` and `dependents` are rules, see residue.py and dependents.py.
    `purge` deletes what others have of the release's kinds. Releases named in `without` count as removed already.
    `whole`: the whole release goes; otherwise some of its objects are no longer wanted. `data_hint` tells how data is
    kept, for the warning that names what is lost.
    """

    keep: list[dict[str, Any]] = field(default_factory=list)
    residue: list[dict[str, Any]] = field(default_factory=list)
    dependents: list[dict[str, Any]] = field(default_factory=list)
    purge: bool = False
    without: frozenset[str] = frozenset()
    whole: bool = True
    data_hint: str = ""


def plan_leaving(
    cluster: Cluster,
    own: Inventory,
    others: list[Inventory],
    leaving: Iterable[Entry],
    policy: LeavingPolicy,
    deadline: Deadline,
) -> Plan:
    """The steps for the entries of `own` that leave, with what forbids them. Reads and rehearses; writes nothing.

    `others` are the inventories of all other releases. A step KEEP stays in the inventory; an entry without a step is
    not there any more, or not ours (a warning names it), and is forgotten.
    """
    raise NotImplementedError
