# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token services of registries: a token for some scopes, by GET and, where that is not taken, by POST.

Source: distribution's specifications "Token Authentication" (GET, which all services know) and "Oauth2 Token
Authentication" (POST). ACR gives its refresh tokens to be used as the password of a user of zeros
(Azure/acr, docs/AAD-OAuth.md), docker writes that user as "<token>".
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlencode, urlsplit

from ...http.pools import USER_AGENT
from ..errors import Reason, RegistryError
from ..policy.settings import RegistrySettings, is_loopback
from .challenges import Challenge
from .credentials import basic_login, own_secrets, password_of
from .failures import of_status, without_secrets
from .transport import Answer, Transport

# A token without a lifetime is good for this long (token specification), less a margin for clocks and transfer.
_DEFAULT_LIFETIME = 60
_MARGIN = 10
_REFUSED = frozenset({400, 401, 403})
_NO_GET = frozenset({404, 405})
# Users whose password is a refresh token
_IDENTITY_USERS = frozenset({"00000000-0000-0000-0000-000000000000", "<token>"})


@dataclass(frozen=True)
class Token:
    """A token, and until when it may be sent, on the clock of time.monotonic()."""

    text: str = field(repr=False)
    expires: float

    @property
    def header(self) -> dict[str, str]:
        """The Authorization header that holds it."""
        return {"Authorization": f"Bearer {self.text}"}

    @property
    def is_good(self) -> bool:
        """Whether it has not run out."""
        return time.monotonic() < self.expires


def fetch_token(settings: RegistrySettings, transport: Transport, challenge: Challenge, scopes: Sequence[str]) -> Token:
    """Ask the service that a challenge names for a token. Each scope is a parameter of its own.

    Raises RegistryError, reason LOGIN where another way to log in may help; ImageError for a password that is not had.
    """
    realm = challenge.parameters.get("realm", "")
    parts = _split(settings, realm)
    service = challenge.parameters.get("service", "")
    query = [("service", service)] if service else []
    query += [("scope", scope) for scope in scopes]
    headers = {}
    if settings.username:
        headers["Authorization"] = basic_login(settings)
    answer = transport.send("GET", f"{realm}{'&' if parts.query else '?'}{urlencode(query)}", headers)
    grant = _grant(settings, answer.status)
    if grant:
        answer = _posted(settings, transport, realm, [*grant, ("service", service), ("scope", " ".join(scopes))])
    if not 200 <= answer.status < 300:
        error = of_status(settings.host, answer.status, answer.headers, answer.body)
        reason = Reason.LOGIN if answer.status in _REFUSED | _NO_GET else error.reason
        raise RegistryError(reason, settings.host, f"its token service says {error.detail}", error.retry_after)
    return _token(settings, realm, answer)


def _grant(settings: RegistrySettings, status: int) -> list[tuple[str, str]]:
    """Return what a second request, by POST, is to show; [] where it could not help."""
    if not settings.username:
        return []
    if settings.username in _IDENTITY_USERS and status in _REFUSED | _NO_GET:
        return [("grant_type", "refresh_token"), ("refresh_token", "")]
    if status in _NO_GET:
        return [("grant_type", "password"), ("username", settings.username), ("password", "")]
    return []


def _posted(settings: RegistrySettings, transport: Transport, realm: str, fields: Sequence[tuple[str, str]]) -> Answer:
    secret = password_of(settings)
    form = [(name, secret if name in ("refresh_token", "password") else value) for name, value in fields]
    body = urlencode([*form, ("client_id", USER_AGENT)]).encode()
    return transport.send("POST", realm, {"Content-Type": "application/x-www-form-urlencoded"}, body)


def _token(settings: RegistrySettings, realm: str, answer: Answer) -> Token:
    try:
        document = json.loads(answer.body)
        text = document.get("token") or document["access_token"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise refused(settings, f"its token service {realm} gives no token") from None
    try:
        lifetime = float(document.get("expires_in") or _DEFAULT_LIFETIME)
    except (ValueError, TypeError, OverflowError):  # the token is good all the same
        lifetime = math.nan
    if not math.isfinite(lifetime):
        lifetime = _DEFAULT_LIFETIME
    # Nothing else can stand in a header, and what sends headers would repeat it in its error.
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or " " in text:
        raise refused(settings, f"its token service {realm} gives a token that no header can hold")
    return Token(text, time.monotonic() + max(lifetime - _MARGIN, 1.0))


def _split(settings: RegistrySettings, realm: str) -> SplitResult:
    try:
        parts = urlsplit(realm)
        host = parts.netloc.rpartition("@")[2]
        plain = is_loopback(host) or (host == settings.host and settings.scheme == "http")
        _port = parts.port  # raises for what is none
    except ValueError:
        raise refused(settings, "it names a token service that is no address") from None
    if not host:
        raise refused(settings, "it names no token service")
    if parts.scheme != "https" and not (parts.scheme == "http" and plain):
        raise refused(settings, f"its token service {realm!r} is not reached over TLS")
    return parts


def refused(settings: RegistrySettings, detail: str) -> RegistryError:
    """Return the error of a login that does not come about."""
    return without_secrets(RegistryError(Reason.LOGIN, settings.host, detail), own_secrets(settings))
