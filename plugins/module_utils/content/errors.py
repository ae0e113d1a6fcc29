# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of this package; its text is meant for the user."""

from __future__ import annotations


class ContentError(Exception):
    """Content is missing, is not what its checksum says, or cannot be adapted as asked."""
