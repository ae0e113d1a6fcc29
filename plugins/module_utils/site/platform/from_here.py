# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway as it is reached from this machine: what the report, verify and the drills go by."""

from __future__ import annotations

from .answering import why_not
from .exposure import Around, Asking, Exposure, expose
from .mapped_ports import mapped_ports


def exposure_from_here(around: Around) -> Exposure:
    """Climb the ladder with real requests, each of a few seconds at most."""
    return expose(around, Asking(why_not, mapped_ports))
