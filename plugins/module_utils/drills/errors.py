# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill says when it cannot go on."""

from __future__ import annotations


class DrillError(Exception):
    """A precondition is not met or the drill went wrong; str() is a message meant for the user."""


class Interrupted(DrillError):
    """The user wants the drill to end."""
