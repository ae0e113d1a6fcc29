# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How we say who we are: the Authorization header, from a token, a file, a password or an exec plugin."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

from ...http.tls import ClientCertificate
from ..errors import ClusterError

TOKEN_FILE_SECONDS = 50.0  # client-go reads the file anew each minute, ten seconds ahead


class Login:
    """No login of its own: anonymous, or by the client certificate of the connection.

    `asks_others` says that a program or a server is asked for the credential, so that nothing is done before it is
    needed. `whose` tells logins to one server apart and holds no credential.
    """

    asks_others = False
    whose = ""

    def authorization(self) -> str | None:
        """The value of the Authorization header. Raises ClusterError when there is no credential to be had."""
        return None

    def certificate(self) -> ClientCertificate | None:
        """A client certificate that belongs to this login. Raises like `authorization`."""
        return None

    def refresh(self) -> bool:
        """Get other credentials, because the server refused these; False when there are no others."""
        return False


class Fixed(Login):
    """One header for good."""

    def __init__(self, authorization: str) -> None:
        self._authorization = authorization

    def authorization(self) -> str | None:
        return self._authorization


class TokenFile(Login):
    """A token in a file that somebody renews. `token` counts while the file cannot be read, as in client-go."""

    def __init__(self, path: Path, token: str = "") -> None:
        self._path = path
        self._token = token
        self._read_until = 0.0
        self._lock = threading.Lock()

    def authorization(self) -> str | None:
        with self._lock:
            if time.monotonic() >= self._read_until:
                self._read()
            return bearer(self._token, f"the token in {self._path}")

    def refresh(self) -> bool:
        with self._lock:
            before = self._token
            self._read()
            return self._token != before

    def _read(self) -> None:
        try:
            token = self._path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            if not self._token:
                reason = getattr(error, "strerror", None) or "it is not text"
                raise ClusterError(f"the tokenFile {self._path} cannot be read: {reason}") from None
            return
        if token:
            self._token = token
            self._read_until = time.monotonic() + TOKEN_FILE_SECONDS
        elif not self._token:
            raise ClusterError(f"the tokenFile {self._path} is empty")


def bearer(token: str, what: str) -> str:
    """The header for a token. Raises ClusterError, in the name of `what`, for one that no header can hold."""
    if re.search(r"[\x00-\x1f\x7f]", token):
        raise ClusterError(f"{what} holds a line break or another control character")
    return f"Bearer {token}"
