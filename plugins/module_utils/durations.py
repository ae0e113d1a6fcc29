# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans of time for people. A limit that an option has in seconds is told in seconds, as it was written."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Return how long something took: '0.04 s', '7.3 s', '42 s', '3 min 20 s', '1 h 5 min'."""
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 9.95 else elapsed(seconds)


def elapsed(seconds: float) -> str:
    """Return in whole seconds how much time has gone by: '0 s', '42 s', '3 min 20 s', '1 h 5 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = whole // 60
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
