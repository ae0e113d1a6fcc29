# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the rows of a plan, as the action image_plan returns them, to the images to fetch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..copy.fetch import Wanted
from ..policy.policy import ImagePolicy
from ..reference.reference import Reference


def wanted_of(rows: Iterable[Mapping[str, Any]], policy: ImagePolicy, architectures: Sequence[str]) -> list[Wanted]:
    """Return what to fetch: each image by the digest that the plan found, from there first, then from its other places.

    `architectures` () stands for all. Raises ImageError for a row that is no row of a plan.
    """
    return [_wanted(row, policy, tuple(architectures)) for row in rows]


def _wanted(row: Mapping[str, Any], policy: ImagePolicy, architectures: tuple[str, ...]) -> Wanted:
    found = Reference.parse(str(row["from"]))
    image = Reference.parse(str(row["image"]))
    others = (candidate.reference for candidate in policy.candidates(image))
    sources = tuple(dict.fromkeys([found, *others]))
    return Wanted(str(image.exact), sources, str(row["digest"]), architectures)
