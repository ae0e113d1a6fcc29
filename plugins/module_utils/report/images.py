# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a report: what pods run and what was planned, as one list with digest, size and source."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..images.errors import ImageError
from ..images.plan.lock import Lock, Locked
from ..images.policy.policy import ImagePolicy
from ..images.reference.reference import Reference

Row = dict[str, Any]


def planned_row(row: Mapping[str, Any]) -> Row:
    """Return what a report keeps of a row of image_plan's table."""
    kept = ("image", "delivered", "from", "rule", "digest", "size", "check_only")
    return {key: row[key] for key in kept}


def image_rows(running: Iterable[Mapping[str, Any]], planned: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return all images by name, each {image, from, reference, observed, digest, size, runs}.

    `running` are the images of pods, {image, from, observed, digest, size}; what is known of digest and size without a
    plan comes from the lock. `planned` are rows of image_plan. `from` is the place in words, `reference` where it was
    found ('' where that was not looked at), `size` the bytes of config and layers or None.
    """
    by_name: dict[str, Mapping[str, Any]] = {}
    for row in planned:
        for name in (row["from"], row["delivered"], row["image"]):
            by_name[normal(name)] = row
    rows, seen = [], set()
    for item in running:
        plan = by_name.get(normal(item["image"]), {})
        seen.add(plan.get("image"))
        rows.append(
            {
                "image": item["image"],
                "from": item["from"] if item["observed"] or not plan.get("rule") else plan["rule"],
                "reference": plan.get("from", ""),
                "observed": item["observed"],
                "digest": plan.get("digest") or item["digest"],
                "size": plan.get("size") or item["size"],
                "runs": True,
            }
        )
    rows += [_not_running(row) for row in planned if row["image"] not in seen and not row["check_only"]]
    return sorted(rows, key=lambda row: row["image"])


def locked_images(lock: Lock, policy: ImagePolicy) -> dict[str, Locked]:
    """Return what the lock has, by every name under which the policy may have let pods ask for it."""
    found: dict[str, Locked] = {}
    for name, locked in lock.images.items():
        for place in [*_places(name, policy), name]:
            found[normal(place)] = locked
    return found


def digest_and_size(image: str, locked: Mapping[str, Locked], architectures: Collection[str]) -> tuple[str, int | None]:
    """Return the digest of an image's topmost manifest and its bytes for these architectures; else '' and None."""
    entry = locked.get(normal(image))
    if entry is None:
        return image.rpartition("@")[2] if "@sha256:" in image else "", None
    sizes = [part.size for name, part in entry.platforms.items() if name in architectures]
    return entry.digest, sum(sizes) if sizes else None


def normal(name: str) -> str:
    """Return an image's name as it is where all of it is written, by its digest alone if it has one."""
    try:
        return str(Reference.parse(name).exact)
    except ImageError:
        return name


def _not_running(row: Mapping[str, Any]) -> Row:
    return {
        "image": row["image"],
        "from": row["rule"],
        "reference": row["from"],
        "observed": False,
        "digest": row["digest"],
        "size": row["size"] or None,
        "runs": False,
    }


def _places(name: str, policy: ImagePolicy) -> list[str]:
    try:
        return [str(candidate.reference) for candidate in policy.candidates(Reference.parse(name))]
    except ImageError:
        return []
