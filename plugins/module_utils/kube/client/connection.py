# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How one API server is reached, and as whom: what requests, watches and commands in pods go by."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...http.errors import HttpSetupError
from ...http.pools import Pools
from ...http.redaction import conceal_text, secrets_of
from ...http.tls import ClientCertificate
from ..errors import ClusterError
from .logins import Login


class Connection:
    """How one API server is reached, and as whom. Thread-safe; nothing is sent before a request.

    `server` has neither a login nor a slash at its end. `warnings` are for the user. `identity` tells connections
    apart (which server, as whom) and holds no credential.
    """

    def __init__(
        self,
        server: str,
        login: Login,
        certificate: ClientCertificate | None,
        make_pools: Callable[[ClientCertificate | None], Pools],
        *,
        headers: list[tuple[str, str]],
        warnings: list[str],
        identity: str,
    ) -> None:
        self.server = server
        self.warnings = warnings
        self.identity = identity
        self._login = login
        self._certificate = certificate
        self._headers = headers
        self._make_pools = make_pools
        self._made: tuple[ClientCertificate | None, Pools] | None = None
        self._sent: set[str] = set()  # more than one, for credentials change while requests are under way
        self._lock = threading.Lock()

    def headers(self) -> list[tuple[str, str]]:
        """Login and impersonation, as headers that Latin-1 can hold; the same name may come several times.

        Raises ClusterError when a credential is not to be had.
        """
        authorization = self._login.authorization()
        if authorization:
            self._sent.add(authorization)
        found = [("Authorization", authorization)] if authorization else []
        # Go sends the bytes of UTF-8; http.client takes text as Latin-1, which keeps bytes.
        return [(name, value.encode().decode("latin-1")) for name, value in found + self._headers]

    def pools(self) -> Pools:
        """The pools to send by, made anew when a plugin gave another client certificate. Raises ClusterError."""
        certificate = self._certificate or self._login.certificate()
        with self._lock:
            if self._made is None or self._made[0] != certificate:
                try:
                    self._made = (certificate, self._make_pools(certificate))
                except HttpSetupError as error:
                    raise ClusterError(str(error)) from None
            return self._made[1]

    def refresh(self) -> bool:
        """Get other credentials after a 401; False when there are none."""
        return self._login.refresh()

    def redacted(self, text: str) -> str:
        """`text` without the credentials that were sent, should an answer of the server or a proxy repeat them."""
        sent = [secret for header in self._sent.copy() for secret in secrets_of({"Authorization": header})]
        proxy = self._made[1].secrets(self.server) if self._made else []
        return conceal_text(text, [*sent, *proxy])
