# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until deleted objects are gone."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ReleaseError
from ..objects import Document, ObjectRef
from ..parallel import SIGN_OF_LIFE, for_each
from ..plan.dependents import what_holds

LOOK_PAUSE = 0.5  # seconds between two looks at what is being deleted


def await_gone(
    cluster: Cluster,
    release: str,
    refs: list[ObjectRef],
    found: dict[ObjectRef, Document],
    deadline: Deadline,
    progress: Callable[[str], None],
) -> None:
    """Look until every object is gone. Raises ReleaseError naming what holds those that stay."""
    left = list(refs)
    told = deadline.elapsed
    while left:
        lives, errors = for_each(
            lambda ref: (ref, cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace, deadline)), left
        )
        if errors:
            raise errors[0]
        still = [
            (ref, live) for ref, live in lives if live and live["metadata"]["uid"] == found[ref]["metadata"]["uid"]
        ]
        left = [ref for ref, live in still]
        if left and deadline.passed:
            held = "\n".join(what_holds(ref, live) for ref, live in still[:8])
            raise ReleaseError(f"removing release '{release}': not gone after {deadline.seconds:.0f} s:\n{held}")
        if left and deadline.elapsed - told >= SIGN_OF_LIFE:
            told = deadline.elapsed
            progress(f"{release}: waiting for {len(left)} object(s) to go, such as {left[0]}")
        if left:
            time.sleep(LOOK_PAUSE)
