# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a run without any registry: every image comes from a layout on disk, or is missing in it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from ..errors import ImageError, PolicyError, Reason
from ..layout.layout import Layout
from ..policy.policy import ImagePolicy
from ..reference.extract import Found
from ..reference.reference import Reference
from ..registry.manifests import Manifest
from .choice import Failure
from .inspection import Inspected
from .lock import Lock, Locked
from .plan import Plan, Row, Wish, wishes

_SYSTEM = "linux"


def make_plan_of_layout(
    found: Iterable[Found],
    policy: ImagePolicy,
    architectures: Collection[str],
    layout: Layout,
    place: str,
    lock: Lock | None = None,
) -> Plan:
    """Look for every image in a layout. `place` says in words what the layout was made of.

    An image that the lock has must be the same there; what the lock lacks is taken as it is.

    Raises PolicyError in mode rewrite, because manifests would then name a mirror that is not to be asked.
    """
    if policy.mode == "rewrite":
        raise PolicyError("serverless_images.mode is rewrite; images of a bundle keep their names: use mode: runtime")
    items = list(found)
    sure = {policy.mapped(Reference.parse(item.reference)) for item in items if item.certain}
    locked = lock.images if lock else {}
    rows = [_row(wish, layout, architectures, place, locked.get(str(wish.image))) for wish in wishes(items, policy)]
    rows.sort(key=lambda row: row.image)
    doubtful = tuple(row for row in rows if row.source is None and row.image not in sure)
    return Plan(tuple(row for row in rows if row not in doubtful), doubtful)


def _row(wish: Wish, layout: Layout, architectures: Collection[str], place: str, locked: Locked | None) -> Row:
    try:
        inspected = _inspect(layout, str(wish.image.exact), architectures)
    except ImageError as error:
        failure = Failure(place, str(wish.image), str(Reason.NOT_FOUND), str(error))
        return Row(wish.image, wish.where, failures=(failure,))
    if locked and inspected.digest != locked.digest:
        detail = f"it is {inspected.digest} there, the lock says {locked.digest}"
        return Row(wish.image, wish.where, failures=(Failure(place, str(wish.image), str(Reason.DIGEST), detail),))
    return Row(wish.image, wish.where, wish.image, place, inspected)


def _inspect(layout: Layout, name: str, architectures: Collection[str]) -> Inspected:
    entry = layout.named().get(name)
    if entry is None:
        raise ImageError("it is not in it")
    top = layout.manifest(entry)
    parts = _parts(layout, top)
    missing = sorted(set(architectures) - set(parts))
    if missing:
        raise ImageError(f"it is in it only for {', '.join(sorted(parts))}, not for {', '.join(missing)}")
    wanted = sorted(architectures or parts)
    blobs = {blob.digest: blob.size for part in wanted for blob in parts[part].blobs()}
    return Inspected(top.digest, tuple(wanted), sum(blobs.values()))


def _parts(layout: Layout, top: Manifest) -> dict[str, Manifest]:
    """Return the manifests for Linux whose content is there, by architecture."""
    if not top.is_index:
        config = json.loads(layout.read(top.config()))
        return {config.get("architecture", ""): top} if config.get("os") == _SYSTEM else {}
    found: dict[str, Manifest] = {}
    for child in top.children():
        architecture = child.platform.get("architecture", "")
        if child.platform.get("os") != _SYSTEM or architecture in found or not layout.has(child):
            continue
        manifest = layout.manifest(child)
        if all(layout.has(blob) for blob in manifest.blobs()):
            found[architecture] = manifest
    return found
