# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in to a registry: basic and bearer tokens, as its challenge asks.

Source: distribution's token authentication specification; RFC 7617 and RFC 6750.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from ...secret_source import SecretSourceError, resolve
from ..errors import ImageError, Reason, RegistryError
from ..policy.settings import RegistrySettings, is_loopback
from .failures import of_status
from .transport import Transport

_PARAMETER = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
# A token without a lifetime is good for this long (token specification), less a margin for clocks and transfer.
_DEFAULT_LIFETIME = 60
_MARGIN = 10


class Login:
    """The login at one registry. Thread-safe; the password is read each time it is sent, and kept nowhere."""

    def __init__(self, settings: RegistrySettings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._basic = False
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def header(self, scope: str) -> dict[str, str]:
        """Return the Authorization header for a scope, empty while the registry has not asked for one."""
        with self._lock:
            if self._basic:
                return {"Authorization": basic_login(self._settings)}
            token, expires = self._tokens.get(scope, ("", 0.0))
        return {"Authorization": f"Bearer {token}"} if time.monotonic() < expires else {}

    def answer(self, challenge: str, scope: str, sent: Mapping[str, str]) -> None:
        """Do what the WWW-Authenticate header of a 401 answer asks; `sent` is the login that was refused, if any.

        Raises RegistryError where that cannot help.
        """
        scheme, _space, rest = challenge.strip().partition(" ")
        if scheme.lower() == "bearer":
            self._fetch_token(_parameters(rest), scope)
        elif scheme.lower() != "basic":
            raise self._refused(f"it asks for a login of an unknown kind, {scheme or 'none'}")
        elif sent:
            raise self.not_accepted(b"")
        elif not self._settings.username:
            raise self._refused("it wants a user and a password; name them under serverless_images.registries")
        else:
            self._basic = True

    def not_accepted(self, said: bytes) -> RegistryError:
        """Return the error of a login that the registry does not take, with the registry's own words."""
        who = f"user {self._settings.username} with this password" if self._settings.username else "an anonymous login"
        words = of_status(self._settings.host, 401, {}, said).detail
        return self._refused(f"{who} is not accepted: {words}")

    def _fetch_token(self, challenge: Mapping[str, str], scope: str) -> None:
        realm = challenge.get("realm", "")
        parts = urlsplit(realm)
        if parts.scheme != "https" and not (parts.scheme == "http" and self._may_be_plain(parts.netloc)):
            raise self._refused(f"its token service {realm!r} is not reached over TLS")
        query = {"service": challenge.get("service", ""), "scope": scope}
        headers = {"Authorization": basic_login(self._settings)} if self._settings.username else {}
        url = f"{realm}{'&' if parts.query else '?'}{urlencode({k: v for k, v in query.items() if v})}"
        answer = self._transport.send("GET", url, headers)
        if answer.status != 200:
            error = of_status(self._settings.host, answer.status, answer.headers, answer.body)
            reason = Reason.LOGIN if answer.status in (400, 401, 403) else error.reason
            raise RegistryError(
                reason, self._settings.host, f"its token service says {error.detail}", error.retry_after
            )
        try:
            document = json.loads(answer.body)
            token = document.get("token") or document["access_token"]
            lifetime = int(document.get("expires_in") or _DEFAULT_LIFETIME)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._refused(f"its token service {realm} gives no token") from None
        with self._lock:
            self._tokens[scope] = (token, time.monotonic() + max(lifetime - _MARGIN, 1))

    def _may_be_plain(self, host: str) -> bool:
        return is_loopback(host) or (host == self._settings.host and self._settings.scheme == "http")

    def _refused(self, detail: str) -> RegistryError:
        return RegistryError(Reason.LOGIN, self._settings.host, detail)


def basic_login(settings: RegistrySettings) -> str:
    """Return the value of an Authorization header with user and password. Raises ImageError."""
    try:
        password = resolve(settings.password)
    except SecretSourceError as error:
        raise ImageError(f"the password for {settings.username} at {settings.host}: {error}") from None
    return f"Basic {base64.b64encode(f'{settings.username}:{password}'.encode()).decode()}"


def _parameters(text: str) -> dict[str, str]:
    return {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(text)}
