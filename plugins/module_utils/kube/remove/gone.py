# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until deleted objects are gone, and says what holds them."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ReleaseError
from ..inventory.owners import is_owned_by, owner_references
from ..inventory.ownership import is_terminating, uid_of
from ..objects import Document, ObjectRef
from ..parallel import SIGN_OF_LIFE, for_each
from ..plan.leaving.holding import instances_of, what_holds
from ..plan.plan import Action, Step

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  # seconds between two looks at what is being deleted
MOST_NAMED = 8


def await_gone(
    cluster: Cluster,
    release: str,
    steps: list[Step],
    deadline: Deadline,
    progress: Callable[[str], None],
) -> None:
    """Look until every object that is deleted or waited for is gone. Raises ReleaseError naming what holds the rest."""
    left = [step for step in steps if step.action in (Action.DELETE, Action.WAIT_GONE)]

    def look() -> list[Document]:
        nonlocal left
        found, errors = for_each(lambda step: (step, _still_there(cluster, step, deadline)), left)
        if errors:
            raise errors[0]
        left = [step for step, live in found if live]
        return [live for _step, live in found if live]

    _until_none(cluster, release, look, deadline, progress)


def await_instances_gone(
    cluster: Cluster,
    release: str,
    definitions: list[Step],
    later: set[str],
    deadline: Deadline,
    progress: Callable[[str], None],
) -> None:
    """Look until the CRDs have no objects left, but those that an object of uid in `later` owns.

    Raises ReleaseError for one that holds, and at once for one that somebody has made since the plan.
    """
    looked_at = [step.live for step in definitions if step.live]

    def look() -> list[Document]:
        lists, errors = for_each(lambda definition: instances_of(cluster, definition, deadline), looked_at)
        if errors:
            raise errors[0]
        items = [item for found in lists for item in found if not is_owned_by(item, later)]
        _stop_on_new(release, items)
        return items

    _until_none(cluster, release, look, deadline, progress)


def _until_none(
    cluster: Cluster,
    release: str,
    look: Callable[[], list[Document]],
    deadline: Deadline,
    progress: Callable[[str], None],
) -> None:
    told, pause = deadline.elapsed, FIRST_PAUSE
    while still := look():
        if deadline.passed:
            held = "\n".join(what_holds(cluster, live, Deadline(SIGN_OF_LIFE)) for live in still[:MOST_NAMED])
            raise ReleaseError(f"removing release '{release}': not gone after {deadline.seconds:.0f} s:\n{held}")
        if deadline.elapsed - told >= SIGN_OF_LIFE:
            told = deadline.elapsed
            progress(f"{release}: {len(still)} object(s) to go; {what_holds(cluster, still[0], deadline)}")
        time.sleep(min(pause, max(0.0, deadline.remaining)))
        pause = min(LONGEST_PAUSE, pause * 1.5)


def _still_there(cluster: Cluster, step: Step, deadline: Deadline) -> Document | None:
    ref = step.ref
    live = cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace, deadline)
    return live if live and uid_of(live) == uid_of(step.live) else None


def _stop_on_new(release: str, items: list[Document]) -> None:
    """What nobody deletes and nobody owns came after the plan: the controllers that serve it must not go."""
    new = [ObjectRef.of(item) for item in items if not is_terminating(item) and not owner_references(item)]
    if new:
        raise ReleaseError(
            f"removing release '{release}': {', '.join(str(ref) for ref in new[:MOST_NAMED])} was made while it ran; "
            "its controllers are left in place. Run the removal again, which decides about it"
        )
