# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files with certificate authorities that users name."""

from __future__ import annotations

from pathlib import Path

from .errors import HttpSetupError
from .tls import tls_context


def read_authorities(path: str) -> bytes:
    """The content of a PEM file with at least one certificate; `~` is the user's home.

    Raises HttpSetupError, whose text goes on after the name of the file: what is wrong with it.
    """
    try:
        data = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise HttpSetupError(f"cannot be read: {error.strerror}") from None
    if not data.strip():
        raise HttpSetupError("is empty; certificates in PEM form are wanted")
    try:
        tls_context(data, system_authorities=False)
    except HttpSetupError:
        raise HttpSetupError("holds no certificate in PEM form, or one that is cut off") from None
    return data
