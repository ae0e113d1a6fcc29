# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User and password: as they stand in an address, and as a header has them."""

from __future__ import annotations

import base64
from urllib.parse import SplitResult, unquote


def userinfo_of(parts: SplitResult) -> tuple[str | None, str]:
    """User (None for none) and password of an address; bytes that are no UTF-8 are kept, as basic() sends them."""
    user = None if parts.username is None else unquote(parts.username, errors="surrogateescape")
    return user, unquote(parts.password or "", errors="surrogateescape")


def basic(username: str, password: str) -> str:
    """The value of an Authorization header for a user with a password (RFC 7617), in UTF-8."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode(errors='surrogateescape')).decode()}"
