# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acting as somebody else: the headers for as, as-uid, as-groups and as-user-extra (client-go, transport)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

_TOKEN_CHARACTERS = "!#$&'*+-.^_`|~"  # beside letters and digits (RFC 9110); % is escaped like the rest


def impersonation_headers(user: dict[str, Any]) -> list[tuple[str, str]]:
    """Headers, of which the same may come several times; [] without `as`."""
    if not user.get("as"):
        return []
    headers = [("Impersonate-User", user["as"])]
    if user.get("as-uid"):
        headers.append(("Impersonate-Uid", user["as-uid"]))
    headers += [("Impersonate-Group", group) for group in user.get("as-groups") or []]
    for key, values in (user.get("as-user-extra") or {}).items():
        name = "Impersonate-Extra-" + quote(str(key), safe=_TOKEN_CHARACTERS)
        headers += [(name, value) for value in values or []]
    return headers
