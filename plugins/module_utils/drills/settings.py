# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How hard and how long a drill works; the defaults are those of the role's options."""

from __future__ import annotations

from dataclasses import dataclass

OUT_SECONDS, BACK_SECONDS = 180.0, 360.0  # what scale_out must keep to


@dataclass(frozen=True)
class Settings:
    """What each of these stands for:

    `rate` requests a second where the rate is fixed, `load_workers` how many callers drive web out, `keep_alive`
    whether callers keep their connections (a Service spreads connections and not requests, so kept ones stay with
    their pod), `cold_rounds` how often cold_start lets all pods go, `warm_requests` how many warm answers it takes each
    time, `hold_seconds` how long bad_version looks on, `requests` how many answers traffic counts at each step.
    """

    rate: float = 10.0
    load_workers: int = 8
    keep_alive: bool = False
    cold_rounds: int = 3
    warm_requests: int = 30
    hold_seconds: float = 20.0
    requests: int = 400
