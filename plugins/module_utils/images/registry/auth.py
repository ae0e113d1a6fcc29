# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in to a registry: by tokens and by a password, whichever of its challenges can be met.

Source: distribution's token authentication specification; RFC 7617 and RFC 6750.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ..errors import Reason, RegistryError
from ..policy.settings import RegistrySettings
from .challenges import Challenge, parse_challenges
from .credentials import basic_login
from .failures import of_status
from .tokens import Token, fetch_token, refused
from .transport import Transport

Scopes = tuple[str, ...]
_DENIALS = frozenset({403, 404})


def scope_of(repository: str, push: bool = False) -> str:
    """Return the scope of a token for one repository."""
    return f"repository:{repository}:pull{',push' if push else ''}"


class Login:
    """The login at one registry. Thread-safe; the password is read each time it is sent, and kept nowhere."""

    def __init__(self, settings: RegistrySettings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._basic = False
        self._challenge: Challenge | None = None  # of the token service, once it has given a token for what was asked
        self._whole: list[Challenge] = []
        self._pinging = threading.Lock()
        self._tokens: dict[Scopes, Token] = {}
        self._lock = threading.Lock()
        self._fetching: defaultdict[Scopes, threading.Lock] = defaultdict(threading.Lock)

    def header(self, scopes: Scopes) -> dict[str, str]:
        """Return the Authorization header for scopes, empty while the registry has not asked for a login.

        Once its token service is known, tokens for further scopes are asked for without a refusal before.
        """
        with self._lock:
            basic, token, challenge = self._basic, self._tokens.get(scopes), self._challenge
        if basic:
            return {"Authorization": basic_login(self._settings)}
        if token and token.is_good:
            return token.header
        if challenge:
            try:
                return self._token(challenge, scopes, scopes, set()).header
            except RegistryError as error:
                if error.reason != Reason.LOGIN:
                    raise
        return {}

    def is_denied(self, status: int, sent: Mapping[str, str]) -> bool:
        """Whether an answer without a challenge may be another one after a login.

        Some registries hide from strangers what is private instead of asking who they are (containerd#3291: 404 at
        GitHub; zot#1727: 403).
        """
        return status in _DENIALS and not sent and bool(self._settings.username)

    def ping(self) -> list[Challenge]:
        """Return the challenges of the registry as a whole; if it has none, the one for a password. Asks once."""
        with self._pinging:
            if not self._whole:
                answer = self._transport.send("GET", f"{self._settings.url}/v2/")
                asked = parse_challenges(answer.headers.get("WWW-Authenticate", "")) if answer.status == 401 else []
                self._whole = [_without_scope(challenge) for challenge in asked] or [Challenge("basic")]
            return self._whole

    def ways(
        self, challenges: Sequence[Challenge], scopes: Scopes, sent: Mapping[str, str], reasons: list[RegistryError]
    ) -> Iterator[dict[str, str]]:
        """Yield one Authorization header after the other that may meet one of the challenges; take no more if one does.

        `sent` was refused. Why something cannot be tried is added to `reasons`.
        """
        tried = {sent.get("Authorization", "")}
        for challenge in challenges:
            if challenge.scheme == "bearer":
                yield from self._by_token(challenge, scopes, tried, reasons)
            elif challenge.scheme != "basic":
                reasons.append(refused(self._settings, f"it asks for a login of an unknown kind, {challenge.scheme}"))
            elif not self._settings.username:
                words = "it wants a user and a password; name them under serverless_images.registries"
                reasons.append(refused(self._settings, words))
            elif (login := basic_login(self._settings)) not in tried:
                tried.add(login)
                self._basic = True
                yield {"Authorization": login}
                self._basic = False

    def failed(self, reasons: Sequence[RegistryError], tried: bool, said: bytes) -> RegistryError:
        """Return the error of a login that the registry does not take, with its own words, or what passes by itself."""
        for passing in (error for error in reasons if error.reason != Reason.LOGIN):
            return passing
        details = [error.detail for error in reasons]
        if not tried:
            return refused(self._settings, "; ".join(details) or "it asks for a login of an unknown kind, none")
        who = f"user {self._settings.username} with this password" if self._settings.username else "an anonymous login"
        words = of_status(self._settings.host, 401, {}, said).detail
        return refused(self._settings, "; ".join([f"{who} is not accepted: {words}", *details]))

    def _by_token(
        self, challenge: Challenge, scopes: Scopes, tried: set[str], reasons: list[RegistryError]
    ) -> Iterator[dict[str, str]]:
        # A registry behind a path names repositories otherwise than we do (containerd#6339), so what it names is asked
        # for too, but first: GitLab has looked at the last scope alone (manifest-tool#53).
        named = tuple(item for item in challenge.parameters.get("scope", "").split() if not _is_within(item, scopes))
        for asked in dict.fromkeys([(*named, *scopes), scopes]):
            try:
                header = self._token(challenge, scopes, asked, tried).header
            except RegistryError as error:
                reasons.append(error)
                if error.reason != Reason.LOGIN:
                    break
                continue
            if header["Authorization"] not in tried:
                tried.add(header["Authorization"])
                self._basic = False
                yield header
        with self._lock:
            self._tokens.pop(scopes, None)

    def _token(self, challenge: Challenge, scopes: Scopes, asked: Scopes, tried: set[str]) -> Token:
        """Return a token, kept for `scopes`; a good one that another thread has just had and that was not refused."""
        with self._fetching_for(scopes):
            with self._lock:
                token = self._tokens.get(scopes)
            if token and token.is_good and token.header["Authorization"] not in tried:
                return token
            token = fetch_token(self._settings, self._transport, challenge, asked)
            with self._lock:
                self._tokens[scopes] = token
                if asked == scopes:
                    self._challenge = challenge
            return token

    def _fetching_for(self, scopes: Scopes) -> threading.Lock:
        with self._lock:
            return self._fetching[scopes]


def _is_within(scope: str, scopes: Scopes) -> bool:
    """Whether scopes hold one, whatever the order of its actions."""
    resource, _colon, actions = scope.rpartition(":")
    return any(
        own.rpartition(":")[0] == resource and set(actions.split(",")) <= set(own.rpartition(":")[2].split(","))
        for own in scopes
    )


def _without_scope(challenge: Challenge) -> Challenge:
    """That of ghcr.io names an example, which nobody may pull."""
    kept = {name: value for name, value in challenge.parameters.items() if name != "scope"}
    return Challenge(challenge.scheme, kept)
