# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User and password of a registry: read at the moment they are sent, or hidden, and kept nowhere."""

from __future__ import annotations

from ...http.userinfo import basic
from ...secret_source import SecretSourceError, resolve
from ..errors import ImageError
from ..policy.settings import RegistrySettings


def password_of(settings: RegistrySettings) -> str:
    """Return the password of a registry, read anew. Raises ImageError."""
    try:
        return resolve(settings.password)
    except SecretSourceError as error:
        raise ImageError(f"the password for {settings.username} at {settings.host}: {error}") from None


def basic_login(settings: RegistrySettings) -> str:
    """Return the value of an Authorization header with user and password. Raises ImageError."""
    return basic(settings.username, password_of(settings))


def own_secrets(settings: RegistrySettings) -> list[str]:
    """Return what a registry may repeat and nobody is to see, [] where there is no password or it is not had now."""
    if not settings.username:
        return []
    try:
        return [password_of(settings), basic_login(settings).partition(" ")[2]]
    except ImageError:
        return []
