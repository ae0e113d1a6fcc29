# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What verification says when it cannot go on."""

from __future__ import annotations


class VerifyError(Exception):
    """Verification cannot be made; str() is a message meant for the user."""


class Interrupted(VerifyError):
    """The user wants it to end."""
