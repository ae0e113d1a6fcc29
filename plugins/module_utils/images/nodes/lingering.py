# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that only containers of removed pods still hold: the kubelet clears those away after the pod is gone.

containerd gives an image away whose containers have ended; docker and CRI-O want them removed first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..errors import InvalidReference
from ..reference.reference import Reference
from ..registry.backoff import Backoff
from .delivery import Delivered, take_away
from .node import Node

# The kubelet looks for containers of removed pods once a minute (ContainerGCPeriod in its pkg/kubelet/kubelet.go).
PATIENCE = Backoff(patience=90.0, first_pause=0.5, longest_pause=5.0)


def images_of_pods(pods: Iterable[Mapping[str, Any]]) -> set[str]:
    """The images that pods name, as full references: containers of these keep theirs.

    A name that is none, which the API server takes all the same, is of no container.
    """
    kinds = ("containers", "initContainers", "ephemeralContainers")
    written = {
        container.get("image") or ""
        for pod in pods
        for kind in kinds
        for container in (pod.get("spec") or {}).get(kind) or []
    }
    return {name for image in written if (name := _full(image))}


def take_away_lingering(
    taken: Sequence[tuple[Node, Delivered]],
    named: set[str],
    tell: Callable[[str], None],
    backoff: Backoff = PATIENCE,
) -> None:
    """Take away what `taken` has kept of images that no pod names any more, once its containers are gone.

    Each node's record of what was done is brought up to date. After `backoff.patience` seconds the rest stays kept.
    Raises NodeError.
    """
    clock, attempt = backoff.clock, 0
    start = clock.monotonic()
    while waiting := [(node, done) for node, done in taken if set(done.kept) - named]:
        if clock.monotonic() - start >= backoff.patience:
            return
        if attempt == 1:
            nodes = ", ".join(done.node for _node, done in waiting)
            tell(f"{nodes}: waiting until the containers of removed pods are gone")
        if attempt:
            clock.sleep(backoff.pause(attempt, None))
        attempt += 1
        for node, done in waiting:
            again = take_away(node, check=False, deserted=set(done.kept) - named)
            done.removed = sorted({*done.removed, *again.removed})
            done.kept = again.kept


def _full(image: str) -> str:
    try:
        return str(Reference.parse(image))
    except InvalidReference:
        return ""
