# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the steps of what leaves, in the order in which nothing is left hanging."""

from __future__ import annotations

from collections.abc import Callable

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..plan.plan import Step


def carry_out(
    cluster: Cluster, release: str, steps: list[Step], deadline: Deadline, progress: Callable[[str], None]
) -> None:
    """Delete and give back, each part of the order gone before the next. Raises ReleaseError naming what holds.

    Steps of other actions than delete, give back and wait until gone are left out.
    """
    raise NotImplementedError
